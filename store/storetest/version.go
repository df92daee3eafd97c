package storetest

import (
	"errors"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// testVersion asks for versions of an instance that is replaced, deleted and purged after they were found.
func testVersion(t *testing.T, p *parts) {
	p = p.with(t, store.Options{Conflict: store.Replace})
	var found []*store.Entry
	check := func() {
		t.Helper()
		for i, e := range found {
			whole, err := p.Whole(t.Context(), e)
			if err != nil || whole.Blob != e.Blob || whole.Layout.Pixel == nil || whole.TransferSyntax != e.TransferSyntax {
				t.Errorf("version %d: %+v, %v", i, whole, err)
			}
			var h store.Holding
			m, err := p.HeldVersion(t.Context(), &h, e, 1)
			if err != nil {
				t.Fatal(err)
			}
			ds, err := dicom.ReadJSON(m.JSON)
			if want := []string{"first", "second"}[i]; err != nil || m.Blob != e.Blob || ds.String(dicom.ImageComments) != want {
				t.Errorf("version %d says %q, %v", i, ds.String(dicom.ImageComments), err)
			}
			h.Release()
			in, err := p.Open(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			if ds, err := in.DataSet(t.Context()); err != nil || ds.String(dicom.ImageComments) != []string{"first", "second"}[i] {
				t.Errorf("version %d is opened as another, %v", i, err)
			}
			in.Close()
		}
	}
	ref := dicom.Ref{Study: "1.2.1", Series: "1.2.1.1", Instance: "1.2.1.1.1"}
	for _, comment := range []string{"first", "second"} {
		p.ingest(t, fileOf(t, instance("1.2.1", "1.2.1.1", "1.2.1.1.1", comment)))
		found = append(found, collect(t, p.Entries(t.Context(), ref))...)
		check()
	}
	p.wantDeleted(t, dicom.Ref{Study: "1.2.1"}, 1)
	check()
	if n, _, err := p.Purge(t.Context(), store.RemovedQuery{}, -1); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	for _, e := range found {
		if _, err := p.Whole(t.Context(), e); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
		if _, err := p.HeldVersion(t.Context(), &store.Holding{}, e, 1); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
	}
}
