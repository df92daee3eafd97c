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
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// TestFollow follows the feed from its beginning while instances are stored and deleted: nothing is missed, whenever it waits.
func TestFollow(t *testing.T) {
	const instances = 100
	s := memstore.New(store.Options{})
	var follower sync.WaitGroup
	for range 3 {
		follower.Go(func() {
			var at store.Cursor
			stored, deleted := 0, 0
			for stored < instances || deleted < instances {
				if err := s.Wait(t.Context(), at); err != nil {
					t.Error(err)
					return
				}
				for c, err := range s.Changes(t.Context(), at) {
					if err != nil || c.Cursor.Number != at.Number+1 {
						t.Errorf("%+v behind %v: %v", c, at, err)
						return
					}
					switch at = c.Cursor; c.Kind {
					case store.Deleted:
						deleted++
					case store.Stored:
						stored++
					}
				}
			}
		})
	}
	var writers sync.WaitGroup
	for n := range 4 {
		writers.Go(func() {
			for i := n; i < instances; i += 4 {
				r, err := s.Ingest(t.Context(), bytes.NewReader(fileOf(t, fmt.Sprint("1.2.3.", i))), "")
				if err == nil {
					_, err = s.Delete(t.Context(), dicom.Ref{Instance: r.Ref.Instance})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	follower.Wait()
	latest, err := s.LatestChange(t.Context())
	if err != nil || latest.Number <= 2*instances {
		t.Errorf("latest %v, %v", latest, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Wait(ctx, latest); !errors.Is(err, context.Canceled) {
		t.Errorf("nothing to come, and cancelled: %v", err)
	}
	for _, stale := range []store.Cursor{{Epoch: "another", Number: 3}, {Epoch: latest.Epoch, Number: 1000}} {
		if err := s.Wait(t.Context(), stale); err != nil { // Changes says that it is stale
			t.Errorf("behind %v: %v", stale, err)
		}
	}
}

// unsettling fails the first time.
type unsettling struct {
	*memstore.Index
	failed bool
}

func (x *unsettling) Settle(ctx context.Context, before time.Time, limit int) (time.Time, error) {
	if !x.failed {
		x.failed = true
		return time.Time{}, errors.New("not now")
	}
	return x.Index.Settle(ctx, before, limit)
}

// TestSettle: studies settle by themselves, also what comes later, and after a failure.
func TestSettle(t *testing.T) {
	s := store.New(&unsettling{Index: memstore.NewIndex()}, memstore.NewBlobs(), store.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	failures := make(chan error, 10)
	var settling sync.WaitGroup
	settling.Go(func() { s.Settle(ctx, time.Millisecond, func(err error) { failures <- err }) })
	var at store.Cursor
	for _, uid := range []dicom.UID{"1.2.3.1", "1.2.3.2"} {
		r, err := s.Ingest(t.Context(), bytes.NewReader(fileOf(t, string(uid))), "")
		if err != nil {
			t.Fatal(err)
		}
		for settled := false; !settled; {
			if err := s.Wait(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			for c, err := range s.Changes(t.Context(), at) {
				if err != nil {
					t.Fatal(err)
				}
				at = c.Cursor
				settled = settled || c.Kind == store.StudySettled && c.Ref == (dicom.Ref{Study: r.Ref.Study})
			}
		}
	}
	cancel()
	settling.Wait()
	if len(failures) != 1 {
		t.Errorf("%d failures", len(failures))
	}
}

func FuzzParseCursor(f *testing.F) {
	for _, s := range []string{"", "a1b2-7", "-7", "a-", "a--7", "a-+7", "a-7-8", "a-99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := store.ParseCursor(s)
		if err != nil {
			return
		}
		if again, err := store.ParseCursor(c.String()); err != nil || again != c {
			t.Errorf("%q is read as %+v, and %q as %+v, %v", s, c, c.String(), again, err)
		}
	})
}
