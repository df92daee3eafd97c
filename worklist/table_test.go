package worklist_test

import (
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/worklist"
	"github.com/noctis-dicom/noctis/worklist/memlist"
	"github.com/noctis-dicom/noctis/worklist/worklisttest"
)

// upsTable is PS3.4 Table CC.2.5-3 at its top level: attribute; type for the SCP at N-CREATE, "E" where it is created empty, "-" where the client
// may not give it; "-" where N-SET may not change it; Return Key Type. Of the attributes of type 3 some stand for all.
const upsTable = `
TransactionUID                                 E - -
SOPInstanceUID                                 1 - 1
ScheduledProcedureStepPriority                 1 3 1
ScheduledProcedureStepModificationDateTime     - - 3
ProcedureStepLabel                             1 3 1
WorklistLabel                                  1 3 1
ScheduledProcessingParametersSequence          2 3 2
ScheduledStationNameCodeSequence               2 3 2
ScheduledStationClassCodeSequence              2 3 2
ScheduledStationGeographicLocationCodeSequence 2 3 2
ScheduledHumanPerformersSequence               2 3 2
ScheduledProcedureStepStartDateTime            1 3 1
ExpectedCompletionDateTime                     3 3 3
ScheduledProcedureStepExpirationDateTime       3 3 3
ScheduledWorkitemCodeSequence                  2 3 2
CommentsOnTheScheduledProcedureStep            2 3 3
InputReadinessState                            1 3 1
InputInformationSequence                       2 3 2
StudyInstanceUID                               2 3 2
OutputDestinationSequence                      3 3 3
PatientName                                    2 - 2
PatientID                                      2 - 2
IssuerOfPatientID                              2 - 2
IssuerOfPatientIDQualifiersSequence            2 - 2
OtherPatientIDsSequence                        2 3 2
PatientBirthDate                               2 - 2
PatientSex                                     2 - 2
AdmissionID                                    2 - 2
IssuerOfAdmissionIDSequence                    2 - 2
AdmittingDiagnosesDescription                  2 - 2
AdmittingDiagnosesCodeSequence                 2 - 2
ReferencedRequestSequence                      2 - 2
ReplacedProcedureStepSequence                  3 - 3
MedicalAlerts                                  2 3 2
PregnancyStatus                                2 3 2
SpecialNeeds                                   2 3 2
ProcedureStepState                             1 - 1
ProcedureStepProgressInformationSequence       E 3 2
UnifiedProcedureStepPerformedProcedureSequence E 3 -
`

// other is a value that an attribute does not have in worklisttest.Item.
func other(a dicom.Attribute) *dicom.DataSet {
	ds := &dicom.DataSet{}
	switch a.VR() {
	case dicom.SQ:
		ds.SetItems(a.Tag, anyItem())
	case dicom.US:
		ds.SetInts(a.Tag, dicom.US, 4)
	default:
		value := map[dicom.Tag]string{dicom.ScheduledProcedureStepPriority: "LOW", dicom.InputReadinessState: "INCOMPLETE"}[a.Tag]
		if value == "" {
			value = map[dicom.VR]string{dicom.DT: "20310102", dicom.DA: "20310102", dicom.UI: "1.9.9", dicom.CS: "O"}[a.VR()]
		}
		if value == "" {
			value = "other"
		}
		ds.SetStrings(a.Tag, a.VR(), value)
	}
	return ds
}

// anyItem is an item that every sequence of the table can have.
func anyItem() *dicom.DataSet {
	coded := worklisttest.Coded("X", "99TEST", "Any")
	item := coded.Clone()
	for tag, value := range map[dicom.Tag]string{dicom.ValueType: "TEXT", dicom.TextValue: "x", dicom.HumanPerformerName: "READER", dicom.HumanPerformerOrganization: "North",
		dicom.TypeOfInstances: "DICOM", dicom.PatientID: "P", dicom.IssuerOfPatientID: ""} {
		item.SetStrings(tag, tag.VR(), value)
	}
	item.SetItems(dicom.ConceptNameCodeSequence, coded)
	item.SetItems(dicom.HumanPerformerCodeSequence, coded)
	item.SetItems(dicom.ReferencedSOPSequence)
	ae := &dicom.DataSet{}
	ae.SetStrings(dicom.DestinationAE, dicom.AE, "PACS")
	item.SetItems(dicom.DICOMStorageSequence, ae)
	return item
}

// TestTable: what is of type 2 is there after the creation, if only empty; what is not allowed is left as it is, and told; return keys come unasked.
func TestTable(t *testing.T) {
	for line := range strings.Lines(strings.TrimSpace(upsTable)) {
		f := strings.Fields(line)
		a, found := dicom.LookupKeyword(f[0])
		if !found {
			t.Fatal(f[0])
		}
		bare := worklisttest.Item(nil)
		bare.Delete(a.Tag)
		w, _, err := worklist.Create(bare, "1.2", time.Now())
		if f[1] == "1" && a.Tag != dicom.WorklistLabel && a.Tag != dicom.SOPInstanceUID {
			if err == nil {
				t.Errorf("%s is of type 1, and may be missing", f[0])
			}
			w, _, _ = worklist.Create(worklisttest.Item(nil), "1.2", time.Now())
		} else if err != nil {
			t.Errorf("without %s: %v", f[0], err)
			continue
		}
		e, there := w.DataSet.Get(a.Tag)
		switch f[1] {
		case "2":
			if !there || e.HasValue() {
				t.Errorf("%s is of type 2: %t %v", f[0], there, e)
			}
		case "E", "-":
			given := worklisttest.Item(nil)
			v, _ := other(a).Get(a.Tag)
			given.Set(v)
			created, code, err := worklist.Create(given, "1.2", time.Now())
			if kept, _ := created.DataSet.Get(a.Tag); err != nil || code != worklist.CreatedModified || kept.Equal(v) {
				t.Errorf("%s given at the creation: %04X, %v, %v", f[0], uint16(code), err, kept)
			}
			w = created
		}
		if a.Tag != dicom.TransactionUID && a.Tag != dicom.ProcedureStepState && a.Tag != dicom.SOPInstanceUID { // the client's key, another request, the address
			set(t, a, f[2] != "-")
		}
		if projected := worklist.Project(match.Query{}, w); strings.ContainsAny(f[3], "12") && !projected.Has(a.Tag) {
			t.Errorf("%s is not in a search result", f[0])
		}
	}
}

func set(t *testing.T, a dicom.Attribute, allowed bool) {
	t.Helper()
	l := worklist.New(memlist.New())
	w, _, err := l.Create(t.Context(), worklisttest.Item(nil), "1.2")
	if err != nil {
		t.Fatal(err)
	}
	change := other(a)
	code, err := l.Update(t.Context(), w.UID(), change, "")
	if err != nil {
		t.Errorf("%s: %v", a.Keyword, err)
		return
	}
	w, err = l.Workitem(t.Context(), "1.2")
	if err != nil {
		t.Fatal(err)
	}
	want, _ := change.Get(a.Tag)
	if got, _ := w.DataSet.Get(a.Tag); got.Equal(want) != allowed || (code == worklist.Success) != allowed {
		t.Errorf("%s is set: %04X, %v", a.Keyword, uint16(code), got)
	}
}
