// Package committest is the suite that every implementation of commitment.Repository passes: each guarantee in the comments of the
// interface is a test here.
package committest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/commitment"
	"github.com/noctis-dicom/noctis/dicom"
)

// Open opens a repository, the same each time it is called. What is durable is there again.
type Open func(t *testing.T) commitment.Repository

// Repository tests an implementation. fresh returns a way to open a new, empty one.
func Repository(t *testing.T, fresh func(t *testing.T) Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"Life": testLife, "Order": testOrder, "Busy": testBusy, "Race": testRace, "Work": testWork,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// dataSet is a request for an instance, or whatever is to be told from others.
func dataSet(instance dicom.UID) *dicom.DataSet {
	ds, item := &dicom.DataSet{}, &dicom.DataSet{}
	item.SetStrings(dicom.ReferencedSOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.2")
	item.SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, string(instance))
	ds.SetItems(dicom.ReferencedSOPSequence, item)
	return ds
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// expect asks for a result: of an instance, "" while there is none; or an error.
func expect(t *testing.T, r commitment.Repository, uid, instance dicom.UID, want error) {
	t.Helper()
	got, err := r.Result(t.Context(), uid)
	if !errors.Is(err, want) || (got == nil) != (instance == "") || got != nil && !got.Equal(dataSet(instance)) {
		t.Errorf("%s: %v, %v; want that of %q, %v", uid, got, err, instance, want)
	}
}

// testLife follows requests from the first to the last that is known of them, over restarts.
func testLife(t *testing.T, o Open) {
	r, ctx := o(t), t.Context()
	expect(t, r, "1.1", "", commitment.ErrUnknown)
	try(t, r.Add(ctx, "1.1", dataSet("1.1.1"), dataSet("1.1.2"), noon))
	try(t, r.Add(ctx, "1.2", dataSet("1.2.1"), nil, noon))
	try(t, r.Add(ctx, "1.3", dataSet("1.3.1"), nil, noon))
	r = o(t)
	expect(t, r, "1.1", "1.1.2", nil)
	expect(t, r, "1.2", "", nil)
	if ds, err := r.Request(ctx, "1.2"); err != nil || !ds.Equal(dataSet("1.2.1")) {
		t.Errorf("%v, %v", ds, err)
	}
	for _, uid := range []dicom.UID{"1.1", "1.9"} {
		if _, err := r.Request(ctx, uid); !errors.Is(err, commitment.ErrUnknown) {
			t.Errorf("%s does not wait: %v", uid, err)
		}
	}
	later := noon.Add(time.Hour)
	try(t, r.Finish(ctx, "1.2", dataSet("1.2.2"), later))
	try(t, r.Finish(ctx, "1.3", nil, later))
	try(t, r.Finish(ctx, "1.2", dataSet("1.2.3"), later)) // it does not wait any more
	try(t, r.Finish(ctx, "1.1", dataSet("1.1.3"), later))
	try(t, r.Expire(ctx, noon))
	r = o(t)
	expect(t, r, "1.1", "1.1.2", nil)
	expect(t, r, "1.2", "1.2.2", nil)
	expect(t, r, "1.3", "", commitment.ErrGone)
	try(t, r.Add(ctx, "1.4", dataSet("1.4.1"), nil, noon))
	try(t, r.Expire(ctx, noon.Add(time.Minute)))
	r = o(t)
	expect(t, r, "1.1", "", commitment.ErrGone)
	expect(t, r, "1.2", "1.2.2", nil) // its time began with the result
	expect(t, r, "1.4", "", nil)      // what waits does not expire
	for _, uid := range []dicom.UID{"1.1", "1.2", "1.3", "1.4"} {
		for _, result := range []*dicom.DataSet{nil, dataSet("1")} {
			if err := r.Add(ctx, uid, dataSet("1"), result, later); !errors.Is(err, commitment.ErrDuplicate) {
				t.Errorf("%s a second time: %v", uid, err)
			}
		}
	}
}

func testOrder(t *testing.T, o Open) {
	r, ctx := o(t), t.Context()
	var want []dicom.UID
	for n := range 20 {
		uid := dicom.UID(fmt.Sprint("1.", 99-n))
		try(t, r.Add(ctx, uid, dataSet(uid), nil, noon)) // all in one second
		want = append(want, uid)
	}
	try(t, r.Finish(ctx, want[3], dataSet("1"), noon))
	want = slices.Delete(want, 3, 4)
	if got, err := o(t).Waiting(ctx); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

// testBusy: only so many may wait; what has its result at once does not count.
func testBusy(t *testing.T, o Open) {
	r, ctx := o(t), t.Context()
	for n := range commitment.MaxWaiting {
		try(t, r.Add(ctx, dicom.UID(fmt.Sprint("1.", n)), dataSet("1"), nil, noon))
	}
	if err := r.Add(ctx, "2.1", dataSet("1"), nil, noon); !errors.Is(err, commitment.ErrBusy) {
		t.Errorf("one too many: %v", err)
	}
	expect(t, r, "2.1", "", commitment.ErrUnknown)
	try(t, r.Add(ctx, "2.2", dataSet("1"), dataSet("1"), noon))
	try(t, r.Finish(ctx, "1.0", nil, noon))
	try(t, r.Add(ctx, "2.1", dataSet("1"), nil, noon))
}

// testRace: of those who come with the same UID at the same moment one is first.
func testRace(t *testing.T, o Open) {
	r := o(t)
	for n := range 20 {
		uid := dicom.UID(fmt.Sprint("1.", n))
		var first atomic.Int32
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				switch err := r.Add(t.Context(), uid, dataSet(uid), nil, noon); {
				case err == nil:
					first.Add(1)
				case !errors.Is(err, commitment.ErrDuplicate):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if first.Load() != 1 {
			t.Errorf("%s: %d were first", uid, first.Load())
		}
	}
}

// vault is a store of which nothing can be said of one instance.
type vault struct{ silent dicom.UID }

var errSilent = errors.New("nothing can be said of it")

// Size implements commitment.Store.
func (vault) Size(context.Context, commitment.Reference) (int64, error) { return 1 << 40, nil }

// Verify implements commitment.Store.
func (v vault) Verify(_ context.Context, r commitment.Reference) (commitment.Reason, error) {
	if r.Ref.Instance == v.silent {
		return 0, errSilent
	}
	return commitment.NoSuchInstance, nil
}

// testWork: a request that cannot be read, and one of which nothing can be said now, do not hold up those behind them.
func testWork(t *testing.T, o Open) {
	r, ctx := o(t), t.Context()
	try(t, r.Add(ctx, "1.1", &dicom.DataSet{}, nil, noon)) // no request at all
	try(t, r.Add(ctx, "1.2", dataSet("1.2.1"), nil, noon))
	try(t, r.Add(ctx, "1.3", dataSet("1.3.1"), nil, noon))
	s := commitment.New(r, vault{"1.2.1"}, time.Hour)
	if err := s.Work(ctx); !errors.Is(err, commitment.ErrDamaged) || !errors.Is(err, errSilent) {
		t.Errorf("%v", err)
	}
	expect(t, r, "1.1", "", commitment.ErrGone)
	expect(t, r, "1.2", "", nil)
	if got, err := r.Result(ctx, "1.3"); err != nil || got == nil {
		t.Errorf("what is behind them: %v, %v", got, err)
	}
	s.Store = vault{}
	if err := s.Work(ctx); err != nil {
		t.Error(err)
	}
	if got, err := r.Result(ctx, "1.2"); err != nil || got == nil {
		t.Errorf("what had to wait: %v, %v", got, err)
	}
}
