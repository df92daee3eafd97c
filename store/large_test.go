package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// largeHeader is an instance whose data set takes some 20 MB of memory.
func largeHeader(t *testing.T, name string) []byte {
	t.Helper()
	in := dicomtest.Image{Study: "large", Name: name}.Instance()
	items := make([]*dicom.DataSet, 60_000)
	for i := range items {
		items[i] = &dicom.DataSet{}
		items[i].SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, "1.2.3")
		items[i].SetStrings(dicom.ReferencedSOPClassUID, dicom.UI, "1.2.4")
	}
	in.DataSet.SetItems(dicom.ReferencedImageSequence, items...)
	file, err := in.File()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// Two uploads with large headers that stand still, one of them beyond the budget, keep a third out, and small ones go on.
func TestLargeHeadersTakeTurns(t *testing.T) {
	s := memstore.New(store.Options{Limits: part10.Limits{}})
	file := largeHeader(t, "one")
	ctx, cancel := context.WithCancel(t.Context())
	var standing sync.WaitGroup
	for range 2 {
		half := &stopsHalfway{rest: file[:len(file)-1000], arrived: make(chan struct{}), ctx: ctx}
		standing.Go(func() { s.Ingest(ctx, half, "") })
		<-half.arrived
	}
	if _, err := s.Ingest(t.Context(), bytes.NewReader(dicomtest.Image{Study: "small"}.File()), ""); err != nil {
		t.Errorf("a small instance: %v", err)
	}
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if _, err := s.Ingest(short, bytes.NewReader(file), ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a third large instance: %v; want it to wait", err)
	}
	cancel()
	standing.Wait()
	if _, err := s.Ingest(t.Context(), bytes.NewReader(file), ""); err != nil {
		t.Errorf("a large instance when the others have gone: %v", err)
	}
}

// stopsHalfway reads as an upload that stands still near its end.
type stopsHalfway struct {
	rest    []byte
	arrived chan struct{}
	ctx     context.Context
}

func (r *stopsHalfway) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		close(r.arrived)
		<-r.ctx.Done()
		return 0, r.ctx.Err()
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// fewLong is an index that tells of transactions with more than one long data set.
type fewLong struct {
	store.Index
	t *testing.T
}

func (x fewLong) Insert(ctx context.Context, entries []*store.Entry) ([]store.Inserted, error) {
	long := 0
	for _, e := range entries {
		if len(e.Metadata) > 1<<20 {
			long++
		}
	}
	if long > 1 {
		x.t.Errorf("%d long data sets are in memory at once", long)
	}
	return x.Index.Insert(ctx, entries)
}

// TestLongDataSetsOneAtATime: who makes the index anew, or takes out of the recycle bin, has one long data set at a time, and takes what was stored
// under other limits.
func TestLongDataSetsOneAtATime(t *testing.T) {
	index, blobs := memstore.NewIndex(), memstore.NewBlobs()
	s := store.New(index, blobs, store.Options{})
	study := dicom.Ref{}
	for i := range 5 {
		for _, file := range [][]byte{largeHeader(t, fmt.Sprint("long", i)), dicomtest.Image{Study: "large", Name: fmt.Sprint("short", i)}.File()} {
			r, err := s.Ingest(t.Context(), bytes.NewReader(file), "")
			if err != nil {
				t.Fatal(err)
			}
			study.Study = r.Ref.Study
		}
	}
	fresh := memstore.NewIndex()
	strict := store.Options{Limits: part10.Limits{Header: 1 << 20}}
	if report, err := store.New(index, blobs, strict).Reindex(t.Context(), fewLong{fresh, t}, nil); err != nil || report.Indexed != 10 {
		t.Errorf("%d of 10 are indexed (%v), %v", report.Indexed, report.Failed, err)
	}
	if difference, err := store.Compare(t.Context(), index, fresh); err != nil || difference != "" {
		t.Errorf("made anew: %s, %v", difference, err)
	}
	if n, err := s.Delete(t.Context(), study); err != nil || n != 10 {
		t.Fatalf("%d deleted, %v", n, err)
	}
	again, err := store.New(fewLong{index, t}, blobs, store.Options{}).Restore(t.Context(), store.RemovedQuery{Ref: study}, false)
	if err != nil || again.Restored != 10 {
		t.Errorf("%+v, %v", again, err)
	}
	if difference, err := store.Compare(t.Context(), index, fresh); err != nil || difference != "" {
		t.Errorf("restored: %s, %v", difference, err)
	}
}
