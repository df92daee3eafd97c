package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// rotten are blobs of which one reads as other bytes than were stored.
type rotten struct {
	store.Blobs
	bad store.BlobID
}

type rottenBlob struct{ store.Blob }

func (b rottenBlob) ReadAt(p []byte, off int64) (int, error) {
	n, err := b.Blob.ReadAt(p, off)
	if n > 0 {
		p[n-1] ^= 1
	}
	return n, err
}

func (r *rotten) Open(ctx context.Context, id store.BlobID) (store.Blob, error) {
	blob, err := r.Blobs.Open(ctx, id)
	if err == nil && id == r.bad {
		blob = rottenBlob{blob}
	}
	return blob, err
}

// TestScrub lets a file rot: it is found, and its instance is not served any more, until the file is good again or was stored again.
func TestScrub(t *testing.T) {
	blobs := &rotten{Blobs: memstore.NewBlobs()}
	s := store.New(memstore.NewIndex(), blobs, store.Options{})
	good, bad := fileOf(t, "1.2.3.1"), fileOf(t, "1.2.3.2")
	receipts := map[string]store.Receipt{}
	for name, file := range map[string][]byte{"good": good, "bad": bad} {
		receipt, err := s.Ingest(t.Context(), bytes.NewReader(file), "")
		if err != nil {
			t.Fatal(err)
		}
		receipts[name] = receipt
	}
	open := func(name string) error {
		for e, err := range s.Entries(t.Context(), dicom.Ref{Instance: receipts[name].Ref.Instance}) {
			if err != nil {
				t.Fatal(err)
			}
			in, err := s.Open(t.Context(), e)
			if err == nil {
				in.Close()
			}
			return err
		}
		return io.EOF
	}
	var read int64
	changed, faults := 0, 0
	s.WatchDamage(func(store.BlobID, error) { changed++ })
	scrub := func() {
		t.Helper()
		read, faults = 0, 0
		err := s.Scrub(t.Context(), store.Scrubber{
			Pause:   func(_ context.Context, n int64) error { read += n; return nil },
			Checked: func(_ store.BlobID, err error) { faults += map[bool]int{true: 1}[err != nil] },
		})
		if err != nil || read != int64(len(good)+len(bad)) {
			t.Errorf("scrub: %v, %d bytes read", err, read)
		}
	}
	check := func(when string, wantFaults, wantChanged int, wantErr error) {
		t.Helper()
		if faults != wantFaults || changed != wantChanged || len(s.Damaged()) != wantFaults {
			t.Errorf("%s: %d faults, %d changes, %d damaged", when, faults, changed, len(s.Damaged()))
		}
		if err := open("bad"); !errors.Is(err, wantErr) {
			t.Errorf("%s: %v, want %v", when, err, wantErr)
		}
		if err := open("good"); err != nil {
			t.Errorf("%s: the good one: %v", when, err)
		}
	}
	scrub()
	check("all good", 0, 0, nil)
	blobs.bad = receipts["bad"].Digest
	scrub()
	check("rotten", 1, 1, store.ErrBlobDamaged)
	scrub()
	check("still rotten", 1, 1, store.ErrBlobDamaged)
	blobs.bad = store.BlobID{}
	if receipt, err := s.Ingest(t.Context(), bytes.NewReader(bad), ""); err != nil || !receipt.Duplicate {
		t.Fatalf("stored again: %v", err)
	}
	faults = 0
	check("stored again", 0, 2, nil)
	s.MarkDamaged(receipts["bad"].Digest)
	if err := open("bad"); !errors.Is(err, store.ErrBlobDamaged) {
		t.Errorf("marked: %v", err)
	}
	scrub()
	check("found good", 0, 3, nil)
	ended := errors.New("ended")
	err := s.Scrub(t.Context(), store.Scrubber{Pause: func(context.Context, int64) error { return ended }, Checked: func(_ store.BlobID, err error) {
		t.Errorf("checked: %v", err)
	}})
	if !errors.Is(err, ended) || len(s.Damaged()) > 0 {
		t.Errorf("ended by Pause: %v, %d damaged", err, len(s.Damaged()))
	}
}
