package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// faultyIndex fails where a field says so.
type faultyIndex struct {
	store.Index
	insert func() ([]store.Inserted, error)
	names  error
}

func (x *faultyIndex) Insert(ctx context.Context, entries []*store.Entry) ([]store.Inserted, error) {
	if x.insert != nil {
		return x.insert()
	}
	return x.Index.Insert(ctx, entries)
}

func (x *faultyIndex) Names(ctx context.Context, id store.BlobID) (bool, error) {
	if x.names != nil {
		return false, x.names
	}
	return x.Index.Names(ctx, id)
}

// faultyBlobs fails from a commit on.
type faultyBlobs struct {
	store.Blobs
	good int // commits that succeed
	err  error
}

func (b *faultyBlobs) Commit(ctx context.Context, writers ...store.BlobWriter) ([]store.BlobInfo, error) {
	if b.good--; b.good < 0 && b.err != nil {
		return nil, b.err
	}
	return b.Blobs.Commit(ctx, writers...)
}

func fileOf(t testing.TB, uid string) []byte {
	t.Helper()
	ds, _ := image(3, 3, 8, 1, dicom.OW)
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, uid)
	var b bytes.Buffer
	if err := part10.Write(&b, ds, part10.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func countBlobs(t *testing.T, b store.Blobs) (n int) {
	t.Helper()
	for _, err := range b.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// TestIndexFails checks what becomes of blobs that were committed in vain.
func TestIndexFails(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		insert func() ([]store.Inserted, error)
		names  error
		blobs  int
		reason uint16 // 0: the error is that of the call
	}{
		"error":                   {func() ([]store.Inserted, error) { return nil, broken }, nil, 0, 0},
		"error, and nobody knows": {func() ([]store.Inserted, error) { return nil, broken }, broken, 1, 0},
		"another process was quicker": {
			func() ([]store.Inserted, error) { return []store.Inserted{store.InsertedConflict}, nil }, nil, 0, store.ReasonDuplicateInstance,
		},
	} {
		blobs := memstore.NewBlobs()
		s := store.New(&faultyIndex{memstore.NewIndex(), c.insert, c.names}, blobs, store.Options{})
		_, err := s.Ingest(t.Context(), bytes.NewReader(fileOf(t, "1.2.3.4")), "")
		var f *store.Failure
		switch failed := errors.As(err, &f); {
		case c.reason == 0 && !errors.Is(err, broken), c.reason != 0 && (!failed || f.Reason != c.reason):
			t.Errorf("%s: %v", name, err)
		}
		if n := countBlobs(t, blobs); n != c.blobs {
			t.Errorf("%s: %d blobs stay, want %d", name, n, c.blobs)
		}
	}
}

// TestDiskFull fills the disk in the middle of a large batch: what was committed before stays stored, what was staged has a
// failure, and later parts are tried again.
func TestDiskFull(t *testing.T) {
	blobs := &faultyBlobs{Blobs: memstore.NewBlobs(), good: 1, err: fmt.Errorf("blob: %w", store.ErrNoSpace)}
	s := store.New(memstore.NewIndex(), blobs, store.Options{})
	b := s.Batch("")
	defer b.Cancel()
	failed := 0
	for i := range 150 {
		if err := b.Add(t.Context(), bytes.NewReader(fileOf(t, fmt.Sprintf("1.2.3.%d", i)))); err != nil {
			if !errors.Is(err, store.ErrNoSpace) {
				t.Fatal(err)
			}
			failed = i
			blobs.err = nil // somebody makes room
		}
	}
	outcomes, err := b.Commit(t.Context())
	if err != nil || len(outcomes) != 150 || failed != 127 {
		t.Fatalf("%d outcomes, failed at %d: %v", len(outcomes), failed, err)
	}
	for i, o := range outcomes {
		if full := i >= 64 && i < 128; full != (o.Failure != nil) || full && o.Failure.Reason != store.ReasonOutOfResources {
			t.Errorf("outcome %d: %v", i, o.Failure)
		}
	}
	if n := countBlobs(t, blobs); n != 86 {
		t.Errorf("%d blobs, want 86", n)
	}
}

// TestRepetitionOfAFailure stores the same file twice in a batch that cannot be committed: no success may be told.
func TestRepetitionOfAFailure(t *testing.T) {
	blobs := &faultyBlobs{Blobs: memstore.NewBlobs(), err: errors.New("broken")}
	b := store.New(memstore.NewIndex(), blobs, store.Options{}).Batch("")
	defer b.Cancel()
	for range 2 {
		if err := b.Add(t.Context(), bytes.NewReader(fileOf(t, "1.2.3.4"))); err != nil {
			t.Fatal(err)
		}
	}
	outcomes, err := b.Commit(t.Context())
	if err == nil {
		t.Error("no error")
	}
	for i, o := range outcomes {
		if o.Failure == nil || o.Failure.Reason != store.ReasonProcessingFailure {
			t.Errorf("outcome %d: %+v", i, o)
		}
	}
}
