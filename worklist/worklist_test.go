package worklist_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/worklist"
	"github.com/noctis-dicom/noctis/worklist/memlist"
	"github.com/noctis-dicom/noctis/worklist/worklisttest"
)

func codeOf(code worklist.Code, err error) worklist.Code {
	var r *worklist.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return code
}

func TestCreate(t *testing.T) {
	for _, c := range []struct {
		name    string
		keyword string
		value   string // "-": the attribute is left out
		uid     dicom.UID
		want    worklist.Code
	}{
		{"as it is", "PatientID", "P2", "1.2", worklist.Success},
		{"no UID at all", "PatientID", "P2", "", worklist.Success},
		{"no state", "ProcedureStepState", "-", "1.2", worklist.NotCreatedScheduled},
		{"another state", "ProcedureStepState", "IN PROGRESS", "1.2", worklist.NotCreatedScheduled},
		{"no priority", "ScheduledProcedureStepPriority", "-", "1.2", worklist.MissingAttribute},
		{"empty priority", "ScheduledProcedureStepPriority", "", "1.2", worklist.MissingAttribute},
		{"no such priority", "ScheduledProcedureStepPriority", "URGENT", "1.2", worklist.InvalidValue},
		{"no label", "ProcedureStepLabel", "-", "1.2", worklist.MissingAttribute},
		{"no worklist label", "WorklistLabel", "-", "1.2", worklist.CreatedModified},
		{"no start", "ScheduledProcedureStepStartDateTime", "-", "1.2", worklist.MissingAttribute},
		{"no such start", "ScheduledProcedureStepStartDateTime", "tomorrow", "1.2", worklist.InvalidValue},
		{"no readiness", "InputReadinessState", "-", "1.2", worklist.MissingAttribute},
		{"no such readiness", "InputReadinessState", "SOON", "1.2", worklist.InvalidValue},
		{"a Transaction UID", "TransactionUID", "1.2.3", "1.2", worklist.CreatedModified},
		{"an empty Transaction UID", "TransactionUID", "", "1.2", worklist.Success},
		{"two UIDs", "SOPInstanceUID", "1.3", "1.2", worklist.InvalidValue},
		{"the UID of the worklist", "PatientID", "P", worklist.Global, worklist.InvalidValue},
		{"no UID", "PatientID", "P", "../1", worklist.InvalidValue},
	} {
		ds := worklisttest.Item(nil)
		a, _ := dicom.LookupKeyword(c.keyword)
		if c.value == "-" {
			ds.Delete(a.Tag)
		} else {
			ds.SetStrings(a.Tag, a.VR(), c.value)
		}
		w, code, err := worklist.Create(ds, c.uid, time.Now())
		if got := codeOf(code, err); got != c.want {
			t.Errorf("%s: %04X, %v; want %04X", c.name, uint16(got), err, uint16(c.want))
		}
		if err != nil {
			continue
		}
		for _, tag := range []dicom.Tag{dicom.PatientBirthDate, dicom.ReferencedRequestSequence, dicom.UnifiedProcedureStepPerformedProcedureSequence} {
			if !w.DataSet.Has(tag) { // of type 2
				t.Errorf("%s: %s is missing", c.name, tag.Keyword())
			}
		}
		if w.DataSet.Has(dicom.TransactionUID) || !w.UID().Valid() || w.State() != worklist.Scheduled {
			t.Errorf("%s: %v", c.name, w.DataSet)
		}
	}
}

func TestUpdate(t *testing.T) {
	for _, c := range []struct {
		name, keyword, value string
		claimed              bool
		lock                 dicom.UID
		want                 worklist.Code
	}{
		{"while SCHEDULED", "ScheduledProcedureStepPriority", "HIGH", false, "", worklist.Success},
		{"a Transaction UID while SCHEDULED", "ScheduledProcedureStepPriority", "HIGH", false, "1.2.3", worklist.NotInProgress},
		{"the performer", "ScheduledProcedureStepPriority", "HIGH", true, "1.2.3", worklist.Success},
		{"without the lock", "ScheduledProcedureStepPriority", "HIGH", true, "", worklist.WrongTransaction},
		{"another's lock", "ScheduledProcedureStepPriority", "HIGH", true, "1.2.4", worklist.WrongTransaction},
		{"the state", "ProcedureStepState", "COMPLETED", true, "1.2.3", worklist.InvalidValue},
		{"the state as it is", "ProcedureStepState", "IN PROGRESS", true, "1.2.3", worklist.Success},
		{"no such priority", "ScheduledProcedureStepPriority", "NOW", false, "", worklist.InvalidValue},
		{"an empty label", "ProcedureStepLabel", "", false, "", worklist.MissingAttribute},
		{"what may not be set", "PatientName", "OTHER", false, "", worklist.UpdatedModified},
		{"the same again", "PatientName", "DOE^JANE", false, "", worklist.Success},
		{"what nobody requires", "ExpectedCompletionDateTime", "20240103", false, "", worklist.Success},
	} {
		l := worklist.New(memlist.New())
		if _, _, err := l.Create(t.Context(), worklisttest.Item(nil), "1.2"); err != nil {
			t.Fatal(err)
		}
		if c.claimed {
			if _, err := l.ChangeState(t.Context(), "1.2", worklist.InProgress, "1.2.3"); err != nil {
				t.Fatal(err)
			}
		}
		a, _ := dicom.LookupKeyword(c.keyword)
		ds := &dicom.DataSet{}
		ds.SetStrings(a.Tag, a.VR(), c.value)
		code, err := l.Update(t.Context(), "1.2", ds, c.lock)
		if got := codeOf(code, err); got != c.want {
			t.Errorf("%s: %04X, %v; want %04X", c.name, uint16(got), err, uint16(c.want))
		}
		w, err := l.Workitem(t.Context(), "1.2")
		if err != nil || w.DataSet.Has(dicom.TransactionUID) {
			t.Errorf("%s: %v, %v", c.name, w, err)
		}
		if set := w.DataSet.String(a.Tag) == c.value; set != (c.want == worklist.Success) {
			t.Errorf("%s: %s is %q", c.name, c.keyword, w.DataSet.String(a.Tag))
		}
	}
}

// TestCancellationIsExplained: who cancels need not say why, but the workitem does (PS3.4 CC.2.5.1.1, final state code X).
func TestCancellationIsExplained(t *testing.T) {
	l := worklist.New(memlist.New())
	for _, uid := range []dicom.UID{"1.2", "1.3"} {
		if _, _, err := l.Create(t.Context(), worklisttest.Item(nil), uid); err != nil {
			t.Fatal(err)
		}
	}
	reason := &dicom.DataSet{}
	reason.SetStrings(dicom.ReasonForCancellation, dicom.LT, "wrong patient")
	if _, err := l.RequestCancel(t.Context(), "1.2", reason); err != nil {
		t.Fatal(err)
	}
	for _, state := range []worklist.State{worklist.InProgress, worklist.Canceled} {
		if _, err := l.ChangeState(t.Context(), "1.3", state, "1.2.3"); err != nil {
			t.Fatal(err)
		}
	}
	for uid, want := range map[dicom.UID]string{"1.2": "wrong patient", "1.3": ""} {
		w, err := l.Workitem(t.Context(), uid)
		if err != nil {
			t.Fatal(err)
		}
		items := w.DataSet.Items(dicom.ProcedureStepProgressInformationSequence)
		if len(items) != 1 || items[0].String(dicom.ProcedureStepCancellationDateTime) == "" ||
			len(items[0].Items(dicom.ProcedureStepDiscontinuationReasonCodeSequence)) != 1 || items[0].String(dicom.ReasonForCancellation) != want {
			t.Errorf("%s: %v", uid, items)
		}
	}
}

func TestParseFilter(t *testing.T) {
	for filter, want := range map[string]int{
		"WorklistLabel=CT": 1, "WorklistLabel=CT,ScheduledProcedureStepPriority=HIGH": 2, "00741202=CT": 1,
		"StudyInstanceUID=1.2,1.3": 1, "ReferencedRequestSequence.AccessionNumber=A, PatientID=P": 2,
		"": -1, "CT": -1, "NoSuchAttribute=1": -1, "ScheduledProcedureStepStartDateTime=soon": -1,
	} {
		keys, err := worklist.ParseFilter(filter)
		if want < 0 && err == nil || want >= 0 && (err != nil || len(keys) != want) {
			t.Errorf("%q: %d keys, %v; want %d", filter, len(keys), err, want)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{"WorklistLabel=CT", "a=b,c=d", "StudyInstanceUID=1.2,1.3", strings.Repeat(",", 20), "=="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		keys, err := worklist.ParseFilter(s)
		if err == nil && len(keys) == 0 {
			t.Error("no keys and no error")
		}
	})
}

// TestReading: a reading workitem needs nothing of the study but its UID.
func TestReading(t *testing.T) {
	bare := &dicom.DataSet{}
	bare.SetStrings(dicom.StudyInstanceUID, dicom.UI, "1.2.3")
	w := worklist.Reading(bare, "", time.Now())
	if _, _, err := worklist.Create(w.DataSet, w.UID(), time.Now()); err != nil {
		t.Errorf("it does not meet the requirements of PS3.4 CC.2.5.3: %v", err)
	}
	if w.Study != "1.2.3" || w.DataSet.String(dicom.InstitutionName) != "" {
		t.Errorf("%v", w)
	}
	full := bare.Clone()
	full.SetStrings(dicom.PatientName, dicom.PN, "DOE^JANE")
	full.SetStrings(dicom.ModalitiesInStudy, dicom.CS, "CT", "SR")
	if !w.Refresh(full, "North") || w.Refresh(full, "") {
		t.Error("a refresh changes what is new, and only that")
	}
	if w.DataSet.String(dicom.PatientName) != "DOE^JANE" || w.DataSet.String(dicom.InstitutionName) != "North" {
		t.Errorf("%v", w.DataSet)
	}
	w.Read, w.Instances = 3, 5
	if w.Late() != 0 {
		t.Error("late before it is read")
	}
	w.DataSet.SetStrings(dicom.ProcedureStepState, dicom.CS, string(worklist.Completed))
	if w.Late() != 2 || w.Shown().String(worklist.LateInstances) != "2" {
		t.Errorf("%d late: %v", w.Late(), w.Shown())
	}
}
