package worklist_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/worklist"
	"github.com/noctis-dicom/noctis/worklist/memlist"
)

// limitedList has workitems of two patients, and reading workitems of two studies, of which only 1.2.1 is seen.
func limitedList(t *testing.T) (*worklist.List, map[string]dicom.UID) {
	t.Helper()
	list := worklist.New(worklist.Limited{Repository: memlist.New(), Seen: func(ctx context.Context, study dicom.UID) (bool, error) {
		return match.LimitsOf(ctx).Everything() || study == "1.2.1", nil
	}})
	uids := map[string]dicom.UID{}
	for _, name := range []string{"P1", "P2", "1.2.1", "1.2.2"} {
		study := &dicom.DataSet{}
		study.SetStrings(dicom.StudyInstanceUID, dicom.UI, name)
		study.SetStrings(dicom.PatientID, dicom.LO, name)
		w := worklist.Reading(study, "", list.Now())
		if name[0] == 'P' {
			w.Study = ""
		}
		if err := list.Add(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		uids[name] = w.UID()
	}
	return list, uids
}

func refusal(err error) (worklist.Code, bool) {
	var r *worklist.Refusal
	if errors.As(err, &r) {
		return r.Code, r.Gone
	}
	return 0, false
}

func TestWorklistKeepsToLimits(t *testing.T) {
	list, uids := limitedList(t)
	ctx := match.Within(t.Context(), match.Limits{Patients: []string{"P1", "1.2.1", "1.2.2"}})
	var seen []dicom.UID
	for w, err := range list.Search(ctx, match.Query{Limit: -1}) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, w.UID())
	}
	if len(seen) != 2 || !slices.Contains(seen, uids["P1"]) || !slices.Contains(seen, uids["1.2.1"]) {
		t.Errorf("seen %v of %v", seen, uids)
	}
	for most, want := range map[int]int{-1: 2, 0: 1, 5: 2} {
		if n, err := list.Count(ctx, match.Query{}, most); err != nil || n != want {
			t.Errorf("at most %d: %d, %v", most, n, err)
		}
	}
	for range list.Search(ctx, match.Query{Offset: 2, Limit: 5}) {
		t.Error("there is a third")
	}
	for name, there := range map[string]bool{"P1": true, "P2": false, "1.2.1": true, "1.2.2": false} {
		_, read := list.Workitem(ctx, uids[name])
		_, changed := list.ChangeState(ctx, uids[name], worklist.InProgress, "1.2.3.4")
		subscribed := list.Subscribe(ctx, worklist.Subscription{AE: "HERE", Resource: uids[name]})
		left := list.Unsubscribe(ctx, "HERE", uids[name])
		for _, err := range []error{read, changed, subscribed, left} {
			if code, gone := refusal(err); there && err != nil || !there && (code != worklist.NoSuchWorkitem || gone) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestWorkitemsAreMadeWithinLimits(t *testing.T) {
	list, uids := limitedList(t)
	ctx := match.Within(t.Context(), match.Limits{Patients: []string{"P1"}})
	for _, c := range []struct {
		patient string
		uid     dicom.UID
		want    worklist.Code
	}{
		{"P1", "1.9.1", 0}, {"P1", "1.9.1", worklist.DuplicateInstance}, {"P2", "1.9.2", 0x0124}, {"", "1.9.2", 0x0124},
		{"P2", uids["P2"], 0x0124}, {"P1", uids["P2"], 0x0124},
	} {
		ds := &dicom.DataSet{}
		ds.SetStrings(dicom.PatientID, dicom.LO, c.patient)
		ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, string(c.uid))
		err := list.Add(ctx, &worklist.Workitem{DataSet: ds})
		if code, _ := refusal(err); code != c.want {
			t.Errorf("%s of %s: %v", c.uid, c.patient, err)
		}
	}
}

func TestListenersHearWithinLimits(t *testing.T) {
	list, uids := limitedList(t)
	if err := list.Subscribe(t.Context(), worklist.Subscription{AE: "HERE", Resource: worklist.Global}); err != nil {
		t.Fatal(err)
	}
	for _, uid := range uids {
		if _, err := list.ChangeState(t.Context(), uid, worklist.InProgress, "1.2.3.4"); err != nil {
			t.Fatal(err)
		}
	}
	ctx := match.Within(t.Context(), match.Limits{Patients: []string{"P1"}})
	heard := func(ctx context.Context) (of []dicom.UID) {
		t.Helper()
		for after := int64(0); ; {
			reports, err := list.Pending(ctx, "HERE", after, 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(reports) == 0 {
				return of
			}
			of = append(of, reports[0].DataSet.UID(0x00001000))
			after = reports[0].ID
		}
	}
	if of := heard(ctx); len(of) != 2 || !slices.Contains(of, uids["P1"]) || !slices.Contains(of, uids["1.2.1"]) {
		t.Errorf("heard of %v", of)
	}
	if of := heard(t.Context()); len(of) != 4 {
		t.Errorf("who has no limits heard of %v", of)
	}
}
