package procedure

import (
	"errors"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/usage"
)

// stepTable is PS3.4 Table F.7.2-1: attribute; type for the SCP at N-CREATE and at N-SET, "-" where that is not allowed, and "1" where the final
// state wants a value. Each ">" is a sequence deeper; what is in items has one type at all times.
// Of what is required unless another attribute is there (1C), one stands for all, with 1.
const stepTable = `
ScheduledStepAttributesSequence                  1 -
>StudyInstanceUID                                1
>ReferencedStudySequence                         2
>>ReferencedSOPClassUID                          1
>>ReferencedSOPInstanceUID                       1
>AccessionNumber                                 2
>IssuerOfAccessionNumberSequence                 3
>>LocalNamespaceEntityID                         1
>OrderPlacerIdentifierSequence                   3
>>LocalNamespaceEntityID                         1
>OrderFillerIdentifierSequence                   3
>>LocalNamespaceEntityID                         1
>RequestedProcedureID                            2
>RequestedProcedureCodeSequence                  3
>>CodeValue                                      1
>>CodingSchemeDesignator                         1
>>CodeMeaning                                    1
>RequestedProcedureDescription                   2
>ScheduledProcedureStepID                        2
>ScheduledProcedureStepDescription               2
>ScheduledProtocolCodeSequence                   2
>>CodeValue                                      1
>>CodingSchemeDesignator                         1
>>CodeMeaning                                    1
PatientName                                      2 -
PatientID                                        2 -
IssuerOfPatientID                                3 -
IssuerOfPatientIDQualifiersSequence              3 -
>UniversalEntityIDType                           1
>UniversalEntityID                               3
OtherPatientIDsSequence                          3 -
PatientBirthDate                                 2 -
PatientSex                                       2 -
ReferencedPatientSequence                        2 -
>ReferencedSOPClassUID                           1
>ReferencedSOPInstanceUID                        1
AdmissionID                                      3 -
IssuerOfAdmissionIDSequence                      3 -
>LocalNamespaceEntityID                          1
ServiceEpisodeID                                 3 -
IssuerOfServiceEpisodeIDSequence                 3 -
>LocalNamespaceEntityID                          1
ServiceEpisodeDescription                        3 -
PerformedProcedureStepID                         1 -
PerformedStationAETitle                          1 -
PerformedStationName                             2 -
PerformedLocation                                2 -
PerformedProcedureStepStartDate                  1 -
PerformedProcedureStepStartTime                  1 -
PerformedProcedureStepStatus                     1 3
PerformedProcedureStepDescription                2 3
CommentsOnThePerformedProcedureStep              3 3
PerformedProcedureTypeDescription                2 3
ProcedureCodeSequence                            2 3
>CodeValue                                       1
>CodingSchemeDesignator                          1
>CodeMeaning                                     3
ReasonForPerformedProcedureCodeSequence          3 3
>CodeValue                                       1
>CodingSchemeDesignator                          1
>CodeMeaning                                     1
PerformedProcedureStepEndDate                    2 3 1
PerformedProcedureStepEndTime                    2 3 1
PerformedProcedureStepDiscontinuationReasonCodeSequence 3 3
>CodeValue                                       1
>CodingSchemeDesignator                          1
>CodeMeaning                                     1
Modality                                         1 -
StudyID                                          2 -
PerformedProtocolCodeSequence                    2 3
>CodeValue                                       1
>CodingSchemeDesignator                          1
>CodeMeaning                                     3
PerformedSeriesSequence                          2 3 1
>PerformingPhysicianName                         2
>ProtocolName                                    1
>OperatorsName                                   2
>SeriesInstanceUID                               1
>SeriesDescription                               2
>RetrieveAETitle                                 2
>ArchiveRequested                                3
>ReferencedImageSequence                         2
>>ReferencedSOPClassUID                          1
>>ReferencedSOPInstanceUID                       1
>>SpecimenDescriptionSequence                    3
>>>SpecimenIdentifier                            1
>>>SpecimenUID                                   1
>ReferencedNonImageCompositeSOPInstanceSequence  2
>>ReferencedSOPClassUID                          1
>>ReferencedSOPInstanceUID                       1
`

// place is a row, with the sequences that lead to it.
type place struct {
	path  []dicom.Tag
	types []string
}

func (p place) tag() dicom.Tag { return p.path[len(p.path)-1] }

func places(t *testing.T) (all []place) {
	t.Helper()
	var path []dicom.Tag
	for line := range strings.Lines(strings.TrimSpace(stepTable)) {
		depth := strings.Count(line, ">")
		path = append(path[:depth:depth], rowsOf(t, line)[0].tag)
		all = append(all, place{path, strings.Fields(line)[1:]})
	}
	return all
}

// performedWithout makes a data set of all rows but one.
func performedWithout(rows []place, left int) *dicom.DataSet {
	ds := &dicom.DataSet{}
	var fill func(to *dicom.DataSet, within []dicom.Tag)
	fill = func(to *dicom.DataSet, within []dicom.Tag) {
		for i, r := range rows {
			if i == left || len(r.path) != len(within)+1 || !startsWith(r.path, within) {
				continue
			}
			if r.tag().VR() == dicom.SQ {
				item := &dicom.DataSet{}
				fill(item, r.path)
				to.SetItems(r.tag(), item)
				continue
			}
			set(to, r.tag(), sample[r.tag().VR()][0])
		}
	}
	fill(ds, nil)
	if ds.Has(dicom.PerformedProcedureStepStatus) {
		ds.SetStrings(dicom.PerformedProcedureStepStatus, dicom.CS, InProgress)
	}
	return ds
}

func startsWith(path, within []dicom.Tag) bool {
	for i, t := range within {
		if path[i] != t {
			return false
		}
	}
	return true
}

// at is the data set that has the attribute of a row, if it is there.
func (p place) at(ds *dicom.DataSet) *dicom.DataSet {
	for _, t := range p.path[:len(p.path)-1] {
		ds = ds.Items(t)[0]
	}
	return ds
}

// TestCreateTable: what is of type 1 is required, what is of type 2 is there afterwards.
func TestCreateTable(t *testing.T) {
	rows := places(t)
	if _, err := Begin(performedWithout(rows, -1), "1.5.1"); err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		p, err := Begin(performedWithout(rows, i), "1.5.1")
		switch {
		case r.types[0] == "1" && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), r.tag().Keyword())):
			t.Errorf("without %v, of type 1: %v", r.path, err)
		case r.types[0] != "1" && err != nil:
			t.Errorf("without %v: %v", r.path, err)
		case r.types[0] == "2" && (!r.at(p.DataSet).Has(r.tag()) || usage.HasValue(r.at(p.DataSet), r.tag())):
			t.Errorf("without %v, of type 2: it is not there afterwards, and empty", r.path)
		}
	}
}

// TestUpdateTable: what is not allowed is refused where it differs, and passes where it does not; items are complete at an update too; the final
// state wants what it wants.
func TestUpdateTable(t *testing.T) {
	rows := places(t)
	for i, r := range rows {
		p, err := Begin(performedWithout(rows, -1), "1.5.1")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Update(performedWithout(rows, -1)); err != nil {
			t.Fatalf("what is there already: %v", err)
		}
		change := &dicom.DataSet{}
		switch {
		case len(r.path) == 1 && r.tag().VR() == dicom.SQ:
			change.SetItems(r.tag())
		case len(r.path) == 1:
			set(change, r.tag(), sample[r.tag().VR()][1])
		default:
			part := performedWithout(rows, i)
			e, _ := part.Get(r.path[0])
			change.Set(e)
		}
		err = p.Update(change)
		switch {
		case len(r.path) == 1 && r.types[1] == "-":
			if !errors.Is(err, ErrConflict) {
				t.Errorf("%v may not be updated: %v", r.path, err)
			}
		case len(r.path) == 1 && r.tag() == dicom.PerformedProcedureStepStatus, len(r.path) > 1 && r.types[0] == "1":
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("%v: %v", r.path, err)
			}
		case len(r.path) == 1 && err != nil:
			t.Errorf("%v may be updated: %v", r.path, err)
		}
		if len(r.path) == 1 {
			end(t, rows, i, r)
		}
	}
}

// TestUpdateOfCreated: only what there was at the creation can be set, if only empty (Table F.7.2-1 Note 5). What is of type 2 is always there.
func TestUpdateOfCreated(t *testing.T) {
	rows := places(t)
	for i, r := range rows {
		if len(r.path) > 1 || r.types[0] == "1" || r.types[1] == "-" {
			continue
		}
		given := performedWithout(rows, i)
		p, err := Begin(given, "1.5.1")
		if err != nil {
			t.Fatal(err)
		}
		e, _ := performedWithout(rows, -1).Get(r.tag())
		change, empty := &dicom.DataSet{}, &dicom.DataSet{}
		change.Set(e)
		empty.Set(dicom.Element{Tag: e.Tag, VR: e.VR})
		if err := p.Update(empty); err != nil || p.DataSet.Has(r.tag()) != (r.types[0] == "2") {
			t.Errorf("%v is set without a value: %v, %v", r.path, err, p.DataSet)
		}
		if err := p.Update(change); errors.Is(err, ErrConflict) != (r.types[0] == "3") {
			t.Errorf("%v of type %s was not created, and is set: %v", r.path, r.types[0], err)
		}
		given.Set(dicom.Element{Tag: e.Tag, VR: e.VR})
		if p, err = Begin(given, "1.5.1"); err != nil {
			t.Fatal(err)
		}
		if err := p.Update(change); err != nil {
			t.Errorf("%v was created empty, and is set: %v", r.path, err)
		}
	}
}

// end completes a step that was never told one of the attributes.
func end(t *testing.T, rows []place, left int, r place) {
	if r.types[0] == "1" {
		return
	}
	p, err := Begin(performedWithout(rows, left), "1.5.1")
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []string{Completed, Discontinued} {
		p := &Performed{p.DataSet.Clone()}
		err := p.Update(with(&dicom.DataSet{}, map[dicom.Tag]string{dicom.PerformedProcedureStepStatus: status}))
		if wanted := len(r.types) > 2; errors.Is(err, ErrConflict) != wanted || !wanted && err != nil {
			t.Errorf("%s without %v: %v", status, r.path, err)
		}
	}
}
