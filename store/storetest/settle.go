package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// imageIn is an entry of a study, in its one series.
func imageIn(t testing.TB, study, instance dicom.UID) *store.Entry {
	t.Helper()
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.2")
	ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, string(study))
	ds.SetStrings(dicom.SeriesInstanceUID, dicom.UI, string(study)+".1")
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, string(instance))
	return entryOf(t, ds, "")
}

// ofStudies are the changes of a kind, as UIDs of studies.
func ofStudies(t testing.TB, x store.Index, kind store.ChangeKind) (uids []dicom.UID) {
	t.Helper()
	for _, c := range collect(t, x.Changes(t.Context(), store.Cursor{})) {
		if c.Kind == kind {
			uids = append(uids, c.Ref.Study)
		}
	}
	return uids
}

// testStudyStored: a study is told of once, unless it went and came again.
func testStudyStored(t *testing.T, o OpenIndex) {
	x := open(t, o)
	a, b, c := imageIn(t, "1.1", "1.1.1.1"), imageIn(t, "1.1", "1.1.1.2"), imageIn(t, "1.2", "1.2.1.1")
	insert(t, x, a, b)
	insert(t, x, a, c)
	other := entryOf(t, c.DataSet, "other bytes")
	other.Replace = true
	insert(t, x, other) // the only instance of its study
	if got := ofStudies(t, x, store.StudyStored); !slices.Equal(got, []dicom.UID{"1.1", "1.2"}) {
		t.Errorf("%v", got)
	}
	remove(t, x, noon, a)
	insert(t, x, a)
	if got := ofStudies(t, x, store.StudyStored); len(got) != 2 {
		t.Errorf("of a study that was there: %v", got)
	}
	remove(t, x, noon, a, b)
	insert(t, x, a)
	if got := ofStudies(t, x, store.StudyStored); !slices.Equal(got, []dicom.UID{"1.1", "1.2", "1.1"}) {
		t.Errorf("of a study that came again: %v", got)
	}
}

// settle settles what came before now, or before the moment, and expects which studies have settled by then.
func settle(t *testing.T, x store.Index, before time.Time, want ...dicom.UID) time.Time {
	t.Helper()
	next, err := x.Settle(t.Context(), before, 1000)
	if got := ofStudies(t, x, store.StudySettled); err != nil || !slices.Equal(got, want) {
		t.Errorf("settled: %v, %v; want %v", got, err, want)
	}
	return next
}

func testSettle(t *testing.T, o OpenIndex) {
	x := open(t, o)
	later := time.Now().Add(time.Hour)
	if next := settle(t, x, later); !next.IsZero() {
		t.Errorf("an empty feed goes on at %v", next)
	}
	insert(t, x, imageIn(t, "1.1", "1.1.1.1"), imageIn(t, "1.2", "1.2.1.1"))
	insert(t, x, imageIn(t, "1.1", "1.1.1.2"))
	first := collect(t, x.Changes(t.Context(), store.Cursor{}))[0].Time
	if next := settle(t, x, first); !next.Equal(first) {
		t.Errorf("nothing is old enough: goes on at %v, want %v", next, first)
	}
	settle(t, x, later, "1.2", "1.1") // in the order in which their last instances came
	if next := settle(t, x, later, "1.2", "1.1"); !next.IsZero() {
		t.Errorf("goes on at %v", next)
	}

	late, gone, kept := imageIn(t, "1.1", "1.1.1.3"), imageIn(t, "1.3", "1.3.1.1"), imageIn(t, "1.4", "1.4.1.1")
	insert(t, x, gone, kept, imageIn(t, "1.4", "1.4.1.2"), late)
	remove(t, x, noon, gone, kept)
	for range 20 { // one change at a time
		if _, err := x.Settle(t.Context(), later, 1); err != nil {
			t.Fatal(err)
		}
	}
	settle(t, x, later, "1.2", "1.1", "1.4", "1.1") // what is gone does not settle, what comes late settles again

	back := *gone
	back.Kind = store.Restored
	insert(t, x, &back)
	settle(t, x, later, "1.2", "1.1", "1.4", "1.1", "1.3")
	remove(t, x, noon, gone)
	settle(t, x, later, "1.2", "1.1", "1.4", "1.1", "1.3")
}

// testSettleReopen: what had not settled when the process ended does so afterwards, and nothing does twice.
func testSettleReopen(t *testing.T, o OpenIndex) {
	x, err := o()
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	insert(t, x, imageIn(t, "1.1", "1.1.1.1"))
	settle(t, x, later, "1.1")
	insert(t, x, imageIn(t, "1.2", "1.2.1.1"))
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	settle(t, open(t, o), later, "1.1", "1.2")
}

// testChanged: who waits is woken by what comes.
func testChanged(t *testing.T, o OpenIndex) {
	x := open(t, o)
	e := imageIn(t, "1.1", "1.1.1.1")
	for _, commit := range []func(){
		func() { insert(t, x, e) },
		func() { settle(t, x, time.Now().Add(time.Hour), "1.1") },
		func() { remove(t, x, noon, e) },
	} {
		changed := x.Changed()
		commit()
		<-changed
	}
}
