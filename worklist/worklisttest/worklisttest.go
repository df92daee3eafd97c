// Package worklisttest is the suite that every implementation of worklist.Repository passes: each guarantee in the comments of the
// interface is a test here.
package worklisttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/worklist"
)

// Open opens a repository, the same each time it is called. What is durable is there again.
type Open func(t *testing.T) worklist.Repository

// Repository tests an implementation. fresh returns a way to open a new, empty one.
func Repository(t *testing.T, fresh func(t *testing.T) Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"States":        testStates,
		"Add":           testAdd,
		"Refusal":       testRefusal,
		"Claim":         testClaim,
		"Release":       testRelease,
		"Search":        testSearch,
		"Order":         testOrder,
		"Many":          testMany,
		"Subscribe":     testSubscribe,
		"SubscribeList": testSubscribeList,
		"Filter":        testFilter,
		"Locks":         testLocks,
		"Events":        testEvents,
		"Resume":        testResume,
		"Hub":           testHub,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

// Item makes what a client sends to create a workitem; attributes are given by keyword.
func Item(attributes map[string]string) *dicom.DataSet {
	ds := &dicom.DataSet{}
	set := func(keyword, value string) {
		a, _ := dicom.LookupKeyword(keyword)
		ds.SetStrings(a.Tag, a.VR(), value)
	}
	for keyword, value := range map[string]string{
		"ProcedureStepState": "SCHEDULED", "ScheduledProcedureStepPriority": "MEDIUM", "ProcedureStepLabel": "Reading", "WorklistLabel": "CT",
		"ScheduledProcedureStepStartDateTime": "20240102101530", "InputReadinessState": "READY", "PatientName": "DOE^JANE", "PatientID": "P1",
	} {
		set(keyword, value)
	}
	for keyword, value := range attributes {
		set(keyword, value)
	}
	return ds
}

func service(t *testing.T, o Open) *worklist.List { return worklist.New(o(t)) }

func create(t *testing.T, l *worklist.List, uid dicom.UID, attributes map[string]string) {
	t.Helper()
	if _, _, err := l.Create(t.Context(), Item(attributes), uid); err != nil {
		t.Fatal(err)
	}
}

// Coded is the item of a code sequence.
func Coded(value, scheme, meaning string) *dicom.DataSet {
	item := &dicom.DataSet{}
	item.SetStrings(dicom.CodeValue, dicom.SH, value)
	item.SetStrings(dicom.CodingSchemeDesignator, dicom.SH, scheme)
	item.SetStrings(dicom.CodeMeaning, dicom.LO, meaning)
	return item
}

// performed is an update that meets the requirements of COMPLETED.
func performed() *dicom.DataSet {
	coded := Coded("110005", "DCM", "Interpretation")
	human := &dicom.DataSet{}
	human.SetStrings(dicom.HumanPerformerName, dicom.PN, "READER^RITA")
	item := &dicom.DataSet{}
	item.SetItems(dicom.PerformedStationNameCodeSequence, coded)
	item.SetItems(dicom.PerformedWorkitemCodeSequence, coded)
	item.SetItems(dicom.OutputInformationSequence)
	item.SetItems(dicom.ActualHumanPerformersSequence, human)
	item.SetStrings(dicom.PerformedProcedureStepStartDateTime, dicom.DT, "20240102110000")
	item.SetStrings(dicom.PerformedProcedureStepEndDateTime, dicom.DT, "20240102111000")
	ds := &dicom.DataSet{}
	ds.SetItems(dicom.UnifiedProcedureStepPerformedProcedureSequence, item)
	return ds
}

// to brings a new workitem into a state, "" for none. Its lock is 1.2.3.
func to(t *testing.T, l *worklist.List, uid dicom.UID, state worklist.State) {
	t.Helper()
	if state == "" {
		return
	}
	create(t, l, uid, nil)
	var errs []error
	step := func(_ worklist.Code, err error) { errs = append(errs, err) }
	if state != worklist.Scheduled {
		step(l.ChangeState(t.Context(), uid, worklist.InProgress, "1.2.3"))
	}
	if state == worklist.Completed {
		step(l.Update(t.Context(), uid, performed(), "1.2.3"))
	}
	if state.Final() {
		step(l.ChangeState(t.Context(), uid, state, "1.2.3"))
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// testStates is PS3.4 Table CC.1.1-2, typed in once more: a code, or the state that is reached.
func testStates(t *testing.T, o Open) {
	l := service(t, o)
	states := []worklist.State{"", worklist.Scheduled, worklist.InProgress, worklist.Completed, worklist.Canceled}
	change := func(state worklist.State, lock dicom.UID) func(dicom.UID) (worklist.Code, error) {
		return func(uid dicom.UID) (worklist.Code, error) { return l.ChangeState(t.Context(), uid, state, lock) }
	}
	for row, event := range []struct {
		name string
		do   func(uid dicom.UID) (worklist.Code, error)
		want [5]string
	}{
		{"N-CREATE", func(uid dicom.UID) (worklist.Code, error) {
			_, code, err := l.Create(t.Context(), Item(nil), uid)
			return code, err
		}, [5]string{"SCHEDULED", "0111", "0111", "0111", "0111"}},
		{"IN PROGRESS, correct", change("IN PROGRESS", "1.2.3"), [5]string{"C307", "IN PROGRESS", "C302", "C300", "C300"}},
		{"IN PROGRESS, wrong", change("IN PROGRESS", ""), [5]string{"C307", "C301", "C301", "C301", "C301"}},
		{"SCHEDULED", change("SCHEDULED", "1.2.3"), [5]string{"C307", "C303", "C303", "C303", "C303"}},
		{"COMPLETED, correct", func(uid dicom.UID) (worklist.Code, error) {
			_, _ = l.Update(t.Context(), uid, performed(), "1.2.3")
			return l.ChangeState(t.Context(), uid, "COMPLETED", "1.2.3")
		}, [5]string{"C307", "C310", "COMPLETED", "B306", "C300"}},
		{"COMPLETED, requirements not met", change("COMPLETED", "1.2.3"), [5]string{"C307", "C310", "C304", "B306", "C300"}},
		{"COMPLETED, wrong", change("COMPLETED", ""), [5]string{"C307", "C301", "C301", "C301", "C301"}},
		{"Request Cancel", func(uid dicom.UID) (worklist.Code, error) {
			_ = l.Subscribe(t.Context(), worklist.Subscription{AE: "PERFORMER", Resource: uid})
			return l.RequestCancel(t.Context(), uid, nil)
		}, [5]string{"C307", "CANCELED", "IN PROGRESS", "C311", "B304"}},
		{"Request Cancel, nobody hears", func(uid dicom.UID) (worklist.Code, error) { return l.RequestCancel(t.Context(), uid, nil) },
			[5]string{"C307", "CANCELED", "C312", "C311", "B304"}},
		{"CANCELED, correct", change("CANCELED", "1.2.3"), [5]string{"C307", "C310", "CANCELED", "C300", "B304"}},
		{"CANCELED, wrong", change("CANCELED", ""), [5]string{"C307", "C301", "C301", "C301", "C301"}},
		{"COMPLETED, another's", change("COMPLETED", "1.2.4"), [5]string{"C307", "C310", "C301", "C301", "C301"}},
		{"IN PROGRESS, another's", change("IN PROGRESS", "1.2.4"), [5]string{"C307", "IN PROGRESS", "C301", "C301", "C301"}},
	} {
		for column, state := range states {
			uid := dicom.UID(fmt.Sprintf("1.9.%d.%d", row+1, column+1))
			to(t, l, uid, state)
			code, err := event.do(uid)
			got := fmt.Sprintf("%04X", uint16(code))
			var refused *worklist.Refusal
			if errors.As(err, &refused) {
				got = fmt.Sprintf("%04X", uint16(refused.Code))
			} else if err != nil {
				t.Fatal(err)
			}
			after := state
			if w, err := l.Workitem(t.Context(), uid); err == nil {
				after = w.State()
			}
			if code == worklist.Success && err == nil {
				got = string(after)
			} else if after != state {
				t.Errorf("%s in state %q: %s, and the state is %q now", event.name, state, got, after)
			}
			if got != event.want[column] {
				t.Errorf("%s in state %q: %s, want %s", event.name, state, got, event.want[column])
			}
		}
	}
}

func testAdd(t *testing.T, o Open) {
	l := service(t, o)
	w, _, err := l.Create(t.Context(), Item(nil), "1.2")
	if err != nil {
		t.Fatal(err)
	}
	l = service(t, o)
	got, err := l.Workitem(t.Context(), "1.2")
	if err != nil || !got.DataSet.Equal(w.DataSet) || got.Lock != "" {
		t.Errorf("%v, %v; want %v", got, err, w)
	}
	if _, _, err := l.Create(t.Context(), Item(nil), "1.2"); !refusedWith(err, worklist.DuplicateInstance) {
		t.Error(err)
	}
}

func refusedWith(err error, code worklist.Code) bool {
	var r *worklist.Refusal
	return errors.As(err, &r) && r.Code == code
}

// testRefusal: the error of a change is that of the call, and nothing is kept.
func testRefusal(t *testing.T, o Open) {
	l := service(t, o)
	create(t, l, "1.2", nil)
	boom := errors.New("boom")
	err := l.Change(t.Context(), "1.2", func(w *worklist.Workitem, _ bool) (worklist.Change, error) {
		w.DataSet = w.DataSet.Clone()
		w.DataSet.SetStrings(dicom.ProcedureStepLabel, dicom.LO, "changed")
		return worklist.Change{}, boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("%v", err)
	}
	if w, err := l.Workitem(t.Context(), "1.2"); err != nil || w.DataSet.String(dicom.ProcedureStepLabel) != "Reading" {
		t.Errorf("%v, %v", w, err)
	}
	if err := l.Change(t.Context(), "1.3", nil); !refusedWith(err, worklist.NoSuchWorkitem) {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := l.Create(ended, Item(nil), "1.4"); err == nil {
		t.Error("a context that has ended")
	}
}

// testClaim: of two who claim a workitem at the same moment exactly one gets it, a thousand times (PS3.4 CC.2.1.2, Note 2).
func testClaim(t *testing.T, o Open) {
	l := service(t, o)
	rounds := 1000
	if testing.Short() {
		rounds = 50
	}
	for i := range rounds {
		uid := dicom.UID(fmt.Sprintf("1.2.%d", i))
		create(t, l, uid, nil)
		var won [2]bool
		var both sync.WaitGroup
		start := make(chan struct{})
		for j := range won {
			both.Go(func() {
				<-start
				_, err := l.ChangeState(t.Context(), uid, worklist.InProgress, dicom.UID(fmt.Sprintf("1.3.%d", j)))
				won[j] = err == nil
				if err != nil && !refusedWith(err, worklist.WrongTransaction) {
					t.Error(err)
				}
			})
		}
		close(start)
		both.Wait()
		w, err := l.Workitem(t.Context(), uid)
		if err != nil || won[0] == won[1] || won[0] != (w.Lock == "1.3.0") {
			t.Fatalf("round %d: %v, the lock is %v, %v", i, won, w, err)
		}
	}
}

func testRelease(t *testing.T, o Open) {
	l := service(t, o)
	to(t, l, "1.2", worklist.InProgress)
	if _, err := l.Release(t.Context(), "1.2", "1.2.4"); !refusedWith(err, worklist.WrongTransaction) {
		t.Error(err)
	}
	next, err := l.Release(t.Context(), "1.2", "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	w, err := l.Workitem(t.Context(), next)
	if err != nil || w.State() != worklist.Scheduled || w.Lock != "" {
		t.Errorf("%v, %v", w, err)
	}
	if replaced := w.DataSet.Items(dicom.ReplacedProcedureStepSequence); len(replaced) != 1 || replaced[0].UID(dicom.ReferencedSOPInstanceUID) != "1.2" {
		t.Errorf("replaced: %v", replaced)
	}
	var r *worklist.Refusal
	if _, err := l.Workitem(t.Context(), "1.2"); !errors.As(err, &r) || !r.Gone {
		t.Errorf("the one before: %v", err)
	}
	if _, _, err := l.Create(t.Context(), Item(nil), "1.2"); !refusedWith(err, worklist.DuplicateInstance) {
		t.Errorf("a UID is used again: %v", err)
	}
}

// random makes workitems of few different values, so that searches find some and not all.
func random(r *rand.Rand, i int) *dicom.DataSet {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	ds := Item(map[string]string{
		"ScheduledProcedureStepPriority": pick("HIGH", "MEDIUM", "LOW"), "WorklistLabel": pick("CT", "MR", "ct", "Head"),
		"ScheduledProcedureStepStartDateTime": pick("20240101", "20240102101530", "20240102101530+0100", "202402", "20240301080000.123"),
		"PatientName":                         pick("DOE^JANE", "doe^john", "MÜLLER^JÖRG", "YAMADA^TAROU=山田^太郎", ""), "PatientID": pick("P1", "P2", "X 3", ""),
		"AccessionNumber": pick("A1", "A2", ""), "StudyDate": pick("20240101", "20240215", ""), "InstitutionName": pick("North", "South clinic", ""),
	})
	ds.SetStrings(dicom.ModalitiesInStudy, dicom.CS, [][]string{{"CT"}, {"CT", "SR"}, {"MR"}, nil}[r.IntN(4)]...)
	request := &dicom.DataSet{}
	request.SetStrings(dicom.AccessionNumber, dicom.SH, pick("A1", "A2"))
	request.SetStrings(dicom.StudyInstanceUID, dicom.UI, fmt.Sprintf("1.2.3.%d", i%7))
	ds.SetItems(dicom.ReferencedRequestSequence, request)
	return ds
}

func now() time.Time { return time.Date(2024, 1, 2, 12, 0, 0, 0, time.UTC) }

func keysOf(t *testing.T, pairs ...string) []match.Key {
	t.Helper()
	var keys []match.Key
	for i := 0; i < len(pairs); i += 2 {
		path, err := match.ParsePath(pairs[i])
		if err != nil {
			t.Fatal(err)
		}
		k, err := match.ParseKey(path, pairs[i+1], match.ParseOptions{})
		if err != nil {
			t.Fatal(pairs[i], err)
		}
		keys = append(keys, k)
	}
	return match.Combine(keys)
}
