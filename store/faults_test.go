package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

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

// countedBlobs counts what is begun.
type countedBlobs struct {
	store.Blobs
	begun int
}

func (b *countedBlobs) Create(ctx context.Context) (store.BlobWriter, error) {
	b.begun++
	return b.Blobs.Create(ctx)
}

func TestWhatIsRefusedAtOnceCostsNoFile(t *testing.T) {
	blobs := &countedBlobs{Blobs: memstore.NewBlobs()}
	s := store.New(memstore.NewIndex(), blobs, store.Options{})
	for _, text := range []string{"", "1", "no file at all"} {
		if _, err := s.Ingest(t.Context(), strings.NewReader(text), ""); !errors.As(err, new(*store.Failure)) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if blobs.begun != 0 {
		t.Errorf("%d files were begun", blobs.begun)
	}
	if _, err := s.Ingest(t.Context(), bytes.NewReader(fileOf(t, "1.2.3")), ""); err != nil || blobs.begun != 1 {
		t.Errorf("%v, and %d files were begun for one", err, blobs.begun)
	}
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

// agedBlobs were stored long ago, those in late a day later.
type agedBlobs struct {
	store.Blobs
	late map[store.BlobID]bool
}

func (b agedBlobs) List(ctx context.Context) iter.Seq2[store.BlobInfo, error] {
	return func(yield func(store.BlobInfo, error) bool) {
		for info, err := range b.Blobs.List(ctx) {
			if info.Stored = time.Unix(1e9, 0).UTC(); b.late[info.ID] {
				info.Stored = info.Stored.Add(24 * time.Hour)
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

// TestReindexTakesTheLater rebuilds the index over pairs of files with one UID, as a crash leaves them whose sender comes again
// with other bytes: the later one was acknowledged.
func TestReindexTakesTheLater(t *testing.T) {
	blobs := agedBlobs{memstore.NewBlobs(), map[store.BlobID]bool{}}
	commit := func(file []byte) store.BlobID {
		w, err := blobs.Create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(file); err != nil {
			t.Fatal(err)
		}
		infos, err := blobs.Commit(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		return infos[0].ID
	}
	for i := range 20 {
		file := fileOf(t, fmt.Sprintf("1.2.3.%d", i))
		commit(file)
		file[0]++ // of the preamble
		blobs.late[commit(file)] = true
	}
	index := memstore.NewIndex()
	s := store.New(index, blobs, store.Options{})
	report, err := s.Reindex(t.Context(), index, nil)
	if err != nil || report.Indexed != 20 || len(report.Failed) != 20 {
		t.Errorf("%d indexed, %d failed, %v", report.Indexed, len(report.Failed), err)
	}
	for e, err := range s.Entries(t.Context(), dicom.Ref{}) {
		if err != nil || !blobs.late[e.Blob] {
			t.Errorf("instance %s is the earlier file (%v)", e.Ref.Instance, err)
		}
	}
}

// TestReindexFindsDamage flips a bit of a stored file, in its pixels and in its data set.
func TestReindexFindsDamage(t *testing.T) {
	for _, at := range []int64{-1, 200} {
		index, blobs := memstore.NewIndex(), memstore.NewBlobs()
		s := store.New(index, blobs, store.Options{})
		file := fileOf(t, "1.2.3.4")
		r, err := s.Ingest(t.Context(), bytes.NewReader(file), "")
		if err != nil {
			t.Fatal(err)
		}
		damaged := bytes.Clone(file)
		damaged[(int64(len(file))+at)%int64(len(file))] ^= 1
		damagedBlobs := replacedBlobs{blobs, r.Digest, damaged}
		report, err := store.New(index, damagedBlobs, store.Options{}).Reindex(t.Context(), memstore.NewIndex(), nil)
		if err != nil || report.Indexed != 0 || len(report.Failed) != 1 || !errors.Is(report.Failed[0].Err, store.ErrBlobDamaged) {
			t.Errorf("a bit at %d: %+v, %v", at, report, err)
		}
	}
}

// replacedBlobs answers with other bytes for one blob.
type replacedBlobs struct {
	store.Blobs
	id   store.BlobID
	data []byte
}

type memoryBlob struct{ *bytes.Reader }

func (memoryBlob) Close() error { return nil }

func (memoryBlob) Stored() time.Time { return time.Time{} }

func (memoryBlob) State() uint64 { return 1 }

func (b replacedBlobs) Open(ctx context.Context, id store.BlobID) (store.Blob, error) {
	if id == b.id {
		return memoryBlob{bytes.NewReader(b.data)}, nil
	}
	return b.Blobs.Open(ctx, id)
}
