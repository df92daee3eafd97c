package worklisttest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/worklist"
)

// pending lists what waits for an entity: "TYPE UID STATE".
func pending(t *testing.T, l *worklist.List, ae string) (all []string) {
	t.Helper()
	reports, err := l.Pending(t.Context(), ae, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range reports {
		if i > 0 && r.ID <= reports[i-1].ID {
			t.Errorf("ids do not ascend: %d after %d", r.ID, reports[i-1].ID)
		}
		e, _ := r.DataSet.Get(0x00001002)
		all = append(all, strings.TrimSpace(fmt.Sprint(e.Value.(dicom.Ints)[0], " ", r.DataSet.UID(0x00001000), " ", r.DataSet.String(dicom.ProcedureStepState))))
	}
	if len(reports) > 0 {
		if err := l.Acknowledge(t.Context(), ae, reports[len(reports)-1].ID); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func subscribe(t *testing.T, l *worklist.List, ae string, resource dicom.UID, lock bool, filter string) {
	t.Helper()
	if err := l.Subscribe(t.Context(), worklist.Subscription{AE: ae, Resource: resource, Lock: lock, Filter: filter}); err != nil {
		t.Fatal(err)
	}
}

// testSubscribe: the rows of PS3.4 Table CC.2.3-2 for one workitem.
func testSubscribe(t *testing.T, o Open) {
	l := service(t, o)
	create(t, l, "1.2", nil)
	if err := l.Subscribe(t.Context(), worklist.Subscription{AE: "A", Resource: "1.3"}); !refusedWith(err, worklist.NoSuchWorkitem) {
		t.Error(err)
	}
	if _, err := l.Pending(t.Context(), "A", 0, 10); !refusedWith(err, worklist.NoSuchWorkitem) {
		t.Errorf("who never subscribed: %v", err)
	}
	subscribe(t, l, "A", "1.2", true, "")
	expect(t, "initial", pending(t, l, "A"), "1 1.2 SCHEDULED")
	subscribe(t, l, "A", "1.2", false, "")
	expect(t, "initial again", pending(t, l, "A"), "1 1.2 SCHEDULED")
	if _, err := l.ChangeState(t.Context(), "1.2", worklist.InProgress, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	expect(t, "state", pending(t, l, "A"), "1 1.2 IN PROGRESS")
	if err := l.Unsubscribe(t.Context(), "A", "1.2"); err != nil {
		t.Fatal(err)
	}
	if err := l.Unsubscribe(t.Context(), "A", "1.2"); !refusedWith(err, worklist.NoSuchWorkitem) {
		t.Error(err)
	}
	if _, err := l.ChangeState(t.Context(), "1.2", worklist.Canceled, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	expect(t, "unsubscribed", pending(t, l, "A"))
}

// testSubscribeList: its rows for the global subscription.
func testSubscribeList(t *testing.T, o Open) {
	l := service(t, o)
	create(t, l, "1.1", nil)
	subscribe(t, l, "A", worklist.Global, false, "")
	subscribe(t, l, "B", worklist.Global, true, "")
	expect(t, "without lock nothing is said of what is there", pending(t, l, "A"))
	expect(t, "with lock", pending(t, l, "B"), "1 1.1 SCHEDULED")
	create(t, l, "1.2", nil)
	expect(t, "created", pending(t, l, "A"), "1 1.2 SCHEDULED")
	if err := l.Suspend(t.Context(), "A", worklist.Global); err != nil {
		t.Fatal(err)
	}
	if err := l.Suspend(t.Context(), "A", worklist.Global); !refusedWith(err, worklist.NoSuchWorkitem) {
		t.Error(err)
	}
	create(t, l, "1.3", nil)
	for _, uid := range []dicom.UID{"1.1", "1.2", "1.3"} {
		if _, err := l.ChangeState(t.Context(), uid, worklist.InProgress, "1.2.3"); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, "suspended: what was there stays subscribed", pending(t, l, "A"), "1 1.1 IN PROGRESS", "1 1.2 IN PROGRESS")
	if err := l.Unsubscribe(t.Context(), "A", worklist.Global); err != nil {
		t.Fatal(err)
	}
	create(t, l, "1.4", nil)
	if _, err := l.ChangeState(t.Context(), "1.1", worklist.Canceled, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	expect(t, "unsubscribed", pending(t, l, "A"))
	if err := l.Unsubscribe(t.Context(), "A", worklist.Global); !refusedWith(err, worklist.NoSuchWorkitem) {
		t.Error(err)
	}
}

// testFilter: once a workitem has matched, its subscriber hears of it whatever becomes of it (PS3.4 CC.2.3.3.1).
func testFilter(t *testing.T, o Open) {
	l := service(t, o)
	create(t, l, "1.1", map[string]string{"WorklistLabel": "CT"})
	create(t, l, "1.2", map[string]string{"WorklistLabel": "MR"})
	subscribe(t, l, "A", worklist.Filtered, true, "WorklistLabel=CT,ProcedureStepState=SCHEDULED")
	expect(t, "existing", pending(t, l, "A"), "1 1.1 SCHEDULED")
	create(t, l, "1.3", map[string]string{"WorklistLabel": "CT"})
	create(t, l, "1.4", map[string]string{"WorklistLabel": "US"})
	for _, uid := range []dicom.UID{"1.1", "1.2", "1.3"} {
		if _, err := l.ChangeState(t.Context(), uid, worklist.InProgress, "1.2.3"); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, "filtered", pending(t, l, "A"), "1 1.3 SCHEDULED", "1 1.1 IN PROGRESS", "1 1.3 IN PROGRESS")
	if err := l.Suspend(t.Context(), "A", worklist.Filtered); err != nil {
		t.Fatal(err)
	}
}

// testLocks: what was released stays as long as a deletion lock holds it.
func testLocks(t *testing.T, o Open) {
	l := service(t, o)
	for i, free := range []func(uid dicom.UID) error{
		func(uid dicom.UID) error { return l.Unsubscribe(t.Context(), "A", uid) },
		func(uid dicom.UID) error {
			return l.Subscribe(t.Context(), worklist.Subscription{AE: "A", Resource: uid})
		},
		func(dicom.UID) error { return l.Unsubscribe(t.Context(), "A", worklist.Global) },
	} {
		uid := dicom.UID(fmt.Sprintf("1.5.%d", i))
		to(t, l, uid, worklist.InProgress)
		subscribe(t, l, "A", uid, true, "")
		if _, err := l.Release(t.Context(), uid, "1.2.3"); err != nil {
			t.Fatal(err)
		}
		if w, err := l.Workitem(t.Context(), uid); err != nil || w.State() != worklist.Canceled {
			t.Fatalf("%d: locked: %v, %v", i, w, err)
		}
		if err := free(uid); err != nil {
			t.Fatal(i, err)
		}
		var r *worklist.Refusal
		if _, err := l.Workitem(t.Context(), uid); !errors.As(err, &r) || !r.Gone {
			t.Errorf("%d: unlocked: %v", i, err)
		}
	}
}

// testEvents: which updates are reported, and that what is not acknowledged is there again after a restart.
func testEvents(t *testing.T, o Open) {
	l := service(t, o)
	create(t, l, "1.2", nil)
	subscribe(t, l, "A", "1.2", false, "")
	pending(t, l, "A")
	item := Coded("ROOM1", "99ROOMS", "Room 1")
	ready, station, progress, label := &dicom.DataSet{}, &dicom.DataSet{}, &dicom.DataSet{}, &dicom.DataSet{}
	ready.SetStrings(dicom.InputReadinessState, dicom.CS, "INCOMPLETE")
	station.SetItems(dicom.ScheduledStationNameCodeSequence, item)
	done := &dicom.DataSet{}
	done.SetStrings(dicom.ProcedureStepProgress, dicom.DS, "50")
	progress.SetItems(dicom.ProcedureStepProgressInformationSequence, done)
	label.SetStrings(dicom.ProcedureStepLabel, dicom.LO, "another")
	for _, ds := range []*dicom.DataSet{ready, station, progress, label, ready} {
		if code, err := l.Update(t.Context(), "1.2", ds, ""); err != nil || code != worklist.Success {
			t.Fatal(code, err)
		}
	}
	reports, err := l.Pending(t.Context(), "A", 0, 1000)
	if err != nil || len(reports) != 3 {
		t.Fatalf("%d reports, %v", len(reports), err)
	}
	if got := reports[1].DataSet.Items(dicom.ScheduledStationNameCodeSequence); len(got) != 1 {
		t.Errorf("assigned: %v", reports[1].DataSet)
	}
	if err := l.Acknowledge(t.Context(), "A", reports[0].ID); err != nil {
		t.Fatal(err)
	}
	if next, err := l.Pending(t.Context(), "A", reports[1].ID, 1000); err != nil || len(next) != 1 || next[0].ID != reports[2].ID {
		t.Errorf("%v, %v", next, err)
	}
	expect(t, "acknowledged", pending(t, service(t, o), "A"), "5 1.2", "3 1.2")
}

// testResume: nothing that happens while nobody listens is lost.
func testResume(t *testing.T, o Open) {
	l := service(t, o)
	subscribe(t, l, "A", worklist.Global, false, "")
	var want []string
	for i := range 20 {
		create(t, l, dicom.UID(fmt.Sprintf("1.2.%d", i)), nil)
		want = append(want, fmt.Sprintf("1 1.2.%d SCHEDULED", i))
	}
	again := service(t, o)
	expect(t, "after a restart", pending(t, again, "A"), want...)
	expect(t, "once", pending(t, again, "A"))
	if err := again.Send(t.Context(), worklist.Restarted(true)); err != nil {
		t.Fatal(err)
	}
	expect(t, "restarted", pending(t, again, "A"), "4 "+string(worklist.Global))
}

func testHub(t *testing.T, o Open) {
	l := service(t, o)
	one := l.Hub().Watch("A")
	defer one.Close()
	create(t, l, "1.2", nil)
	select {
	case <-one.C:
		t.Error("woken without an event")
	default:
	}
	subscribe(t, l, "A", "1.2", false, "")
	<-one.C
	expect(t, "woken", pending(t, l, "A"), "1 1.2 SCHEDULED")
}
