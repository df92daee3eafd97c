package procedure

import (
	"errors"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

func with(ds *dicom.DataSet, attributes map[dicom.Tag]string) *dicom.DataSet {
	for t, v := range attributes {
		ds.SetStrings(t, t.VR(), v)
	}
	return ds
}

func order() (ds, step *dicom.DataSet) {
	step = with(&dicom.DataSet{}, map[dicom.Tag]string{dicom.ScheduledStationAETitle: "CT1", dicom.Modality: "CT",
		dicom.ScheduledProcedureStepStartDate: "20300102", dicom.ScheduledProcedureStepStartTime: "0930", dicom.ScheduledProcedureStepDescription: "Head"})
	ds = with(&dicom.DataSet{}, map[dicom.Tag]string{dicom.PatientName: "DOE^JANE", dicom.PatientID: "P1"})
	ds.SetItems(dicom.ScheduledProcedureStepSequence, step)
	return ds, step
}

// TestSchedule: each attribute that Table K.6-1 returns with type 1 is required or made up, each of type 2 is there; what was given is not changed.
func TestSchedule(t *testing.T) {
	ds, step := order()
	before := ds.Len() + step.Len()
	s, err := Schedule(ds, Name{})
	if err != nil {
		t.Fatal(err)
	}
	if ds.Len()+step.Len() != before {
		t.Error("what was given has changed")
	}
	answer := Project(match.Query{}, s)
	for _, tags := range [][]dicom.Tag{required, empty, {dicom.StudyInstanceUID, dicom.RequestedProcedureID, dicom.RequestedProcedureDescription}} {
		for _, tag := range tags {
			if !answer.Has(tag) {
				t.Errorf("%s is not in the answer", tag.Keyword())
			}
		}
	}
	for _, tags := range [][]dicom.Tag{ofStep, emptyOfStep, {dicom.ScheduledProcedureStepID}} {
		for _, tag := range tags {
			if !answer.Items(dicom.ScheduledProcedureStepSequence)[0].Has(tag) {
				t.Errorf("%s is not in the step", tag.Keyword())
			}
		}
	}
	if n := s.Name(); !n.Study.Valid() || len(n.Step) != 16 {
		t.Errorf("made up: %+v", n)
	}
	for _, tag := range append(append([]dicom.Tag{}, required...), ofStep...) {
		ds, step := order()
		ds.Delete(tag)
		step.Delete(tag)
		if _, err := Schedule(ds, Name{}); !errors.Is(err, ErrInvalid) {
			t.Errorf("without %s: %v", tag.Keyword(), err)
		}
	}
}

// TestShown: the status that follows from performed steps covers that of the order, in the answer alone.
func TestShown(t *testing.T) {
	ds, step := order()
	step.SetStrings(dicom.ScheduledProcedureStepStatus, dicom.CS, "ARRIVED")
	s, err := Schedule(ds, Name{})
	if err != nil {
		t.Fatal(err)
	}
	status := func(ds *dicom.DataSet) string {
		return ds.Items(dicom.ScheduledProcedureStepSequence)[0].String(dicom.ScheduledProcedureStepStatus)
	}
	if got := status(s.Shown()); got != "ARRIVED" {
		t.Errorf("nothing performed: %s", got)
	}
	s.Performed = Started
	if got := status(s.Shown()); got != Started || status(s.DataSet) != "ARRIVED" {
		t.Errorf("%s, kept %s", got, status(s.DataSet))
	}
}
