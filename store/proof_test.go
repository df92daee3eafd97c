package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// aging are blobs that rot, with or without a trace in the state of their files.
type aging struct {
	store.Blobs
	rotten bool
	state  uint64
	opened int
}

type agingBlob struct {
	store.Blob
	of *aging
}

func (b *agingBlob) State() uint64 { return b.of.state }

func (a *aging) Open(ctx context.Context, id store.BlobID) (store.Blob, error) {
	blob, err := a.Blobs.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	a.opened++
	if a.rotten {
		blob = rottenBlob{blob}
	}
	return &agingBlob{blob, a}, nil
}

// proving is a store with one instance.
func proving(t *testing.T, file []byte) (*aging, *store.Store, *store.Entry) {
	blobs := &aging{Blobs: memstore.NewBlobs(), state: 1}
	s := store.New(memstore.NewIndex(), blobs, store.Options{Trust: time.Hour})
	if _, err := s.Ingest(t.Context(), bytes.NewReader(file), ""); err != nil {
		t.Fatal(err)
	}
	for e, err := range s.Entries(t.Context(), dicom.Ref{}) {
		if err != nil {
			t.Fatal(err)
		}
		return blobs, s, e
	}
	t.Fatal("nothing is stored")
	return nil, nil, nil
}

func readAll(ctx context.Context, s *store.Store, e *store.Entry) (int64, error) {
	in, err := s.Open(ctx, e)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	return io.Copy(io.Discard, in.File())
}

func TestWhatIsServedIsProven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := fileOf(t, "1.2.3")
		blobs, s, e := proving(t, file)
		var news []error
		s.WatchDamage(func(_ store.BlobID, err error) { news = append(news, err) })
		check := func(when string, want error, wantNews int) {
			t.Helper()
			if n, err := readAll(t.Context(), s, e); !errors.Is(err, want) || err == nil && n != int64(len(file)) {
				t.Errorf("%s: %d bytes, %v; want %v", when, n, err, want)
			}
			if len(news) != wantNews || len(news) > 0 && !errors.Is(news[len(news)-1], want) {
				t.Errorf("%s: news: %v, want %d", when, news, wantNews)
			}
		}
		check("good", nil, 0)
		blobs.opened = 0
		check("good and proven", nil, 0)
		if blobs.opened != 1 {
			t.Errorf("a file that is trusted is read again: opened %d times", blobs.opened)
		}
		blobs.rotten = true
		check("rotten without a trace", nil, 0)
		time.Sleep(time.Hour)
		check("its time of trust is over", store.ErrBlobDamaged, 1)
		check("known", store.ErrBlobDamaged, 1)
		blobs.rotten = false
		check("what is known is not read again", store.ErrBlobDamaged, 1)
		blobs.state++
		check("replaced", nil, 2)
		blobs.rotten = true
		blobs.state++
		check("written to", store.ErrBlobDamaged, 3)
		if err := s.Openable(t.Context(), e); !errors.Is(err, store.ErrBlobDamaged) {
			t.Errorf("Openable: %v", err)
		}
		blobs.rotten = false
		if receipt, err := s.Ingest(t.Context(), bytes.NewReader(file), ""); err != nil || !receipt.Duplicate {
			t.Errorf("stored again: %v", err)
		}
		check("stored again", nil, 4)
		time.Sleep(time.Hour)
		s.MarkDamaged(e.Blob)
		if check("an earlier process found it damaged, and it is not", nil, 5); len(s.Damaged()) > 0 {
			t.Error("it is still said to be damaged")
		}
	})
}

// TestNobodyGetsAllOfALongFileThatIsDamaged reads one that is longer than what is proven before.
func TestNobodyGetsAllOfALongFileThatIsDamaged(t *testing.T) {
	ds, _ := image(3, 3, 8, 1, dicom.OW)
	ds.Set(dicom.Element{Tag: dicom.EncapsulatedDocument, VR: dicom.OB, Value: dicom.Bytes(make([]byte, 33<<20))})
	var b bytes.Buffer
	if err := part10.Write(&b, ds, part10.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	blobs, s, e := proving(t, b.Bytes())
	blobs.rotten = true
	if n, err := readAll(t.Context(), s, e); !errors.Is(err, store.ErrBlobDamaged) || n >= e.Size {
		t.Errorf("%d of %d bytes, %v", n, e.Size, err)
	}
	if in, err := s.Open(t.Context(), e); !errors.Is(err, store.ErrBlobDamaged) {
		in.Close()
		t.Errorf("it is opened again: %v", err)
	}
	blobs.rotten = false
	blobs.state++
	if n, err := readAll(t.Context(), s, e); err != nil || n != e.Size {
		t.Errorf("replaced: %d of %d bytes, %v", n, e.Size, err)
	}
}
