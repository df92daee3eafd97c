package dicomweb

import (
	"bytes"
	"context"
	"iter"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// listedThen is an index that has something done once, when it has listed what lies below a study or series.
type listedThen struct {
	store.Index
	do func()
}

func (x *listedThen) Entries(ctx context.Context, r dicom.Ref) iter.Seq2[*store.Entry, error] {
	return func(yield func(*store.Entry, error) bool) {
		for e, err := range x.Index.Entries(ctx, r) {
			if !yield(e, err) {
				return
			}
		}
		if do := x.do; do != nil && r.Instance == "" {
			x.do = nil
			do()
		}
	}
}

// What is retrieved of a study is what it had when it was listed, though instances are deleted and replaced before their turn comes.
func TestChangedMeanwhile(t *testing.T) {
	image := func(number int, comment string) []byte {
		return dicomtest.Image{Study: "s", Series: "a", Number: number, With: []any{dicom.ImageComments, comment}}.File()
	}
	for _, test := range []struct{ path, accept string }{
		{"", `multipart/related; type="application/dicom"; transfer-syntax=*`},
		{"", `multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.80`},
		{"", "application/zip"},
		{"/bulkdata", `multipart/related; type="application/octet-stream"`},
		{"/pixeldata", `multipart/related; type="image/jls"`},
		{"/rendered", `multipart/related; type="image/png"`},
	} {
		answer := func(meanwhile bool) []byte {
			index := &listedThen{Index: memstore.NewIndex()}
			st := store.New(index, memstore.NewBlobs(), store.Options{Conflict: store.Replace})
			s, err := New(st, Options{PublicURL: "http://pacs.example"})
			if err != nil {
				t.Fatal(err)
			}
			defer s.background.Wait()
			var refs []dicom.Ref
			ingest := func(file []byte) {
				receipt, err := st.Ingest(t.Context(), bytes.NewReader(file), "")
				if err != nil {
					t.Fatal(err)
				}
				refs = append(refs, receipt.Ref)
			}
			for number := range 3 {
				ingest(image(number+1, "as listed"))
			}
			index.do = func() {
				if !meanwhile {
					return
				}
				ingest(image(2, "another"))
				if _, err := st.Delete(t.Context(), refs[2]); err != nil {
					t.Fatal(err)
				}
			}
			ref := refs[0]
			ref.Instance, ref.Series = "", ""
			w := (&archive{t: t, server: s}).get(ref, test.path, test.accept)
			checkStatus(t, w, 200)
			if index.do != nil {
				t.Fatal("nothing was listed")
			}
			return w.Body.Bytes()
		}
		if quiet, changed := answer(false), answer(true); len(quiet) == 0 || len(quiet) != len(changed) ||
			bytes.Contains(changed, []byte("another")) || bytes.Contains(quiet, []byte("as listed")) != bytes.Contains(changed, []byte("as listed")) {
			t.Errorf("%s %s: %d bytes, and %d when it changes meanwhile", test.path, test.accept, len(quiet), len(changed))
		}
	}
}
