package store_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/corpus"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// TestCorpus stores every real file: what is taken comes back byte for byte, frame by frame and value by value, and an index
// rebuilt from the files equals the live one and the reference.
func TestCorpus(t *testing.T) {
	index, blobs := onDisk(t, t.TempDir())
	conflicts := storeCorpus(t, index, blobs, corpus.Files(t))
	for len(conflicts) > 0 { // up to 19 files share a UID, and a store keeps one of them
		left := storeCorpus(t, memstore.NewIndex(), memstore.NewBlobs(), conflicts)
		if len(left) >= len(conflicts) {
			t.Fatalf("%d files conflict with nothing", len(left))
		}
		conflicts = left
	}
}

// storeCorpus stores the files in one batch and checks what is kept. It returns those whose UID another one of them has.
func storeCorpus(t *testing.T, index store.Index, blobs store.Blobs, files []corpus.File) (conflicts []corpus.File) {
	s := store.New(index, blobs, store.Options{})
	kept := map[dicom.UID]corpus.File{}
	batch := s.Batch("")
	defer batch.Cancel()
	for _, f := range files {
		if err := batch.Add(t.Context(), bytes.NewReader(f.Bytes(t))); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
	}
	outcomes, err := batch.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		switch {
		case o.Failure == nil:
			kept[o.Ref.Instance] = files[i]
		case o.Failure.Reason == store.ReasonDuplicateInstance:
			conflicts = append(conflicts, files[i])
		default:
			t.Logf("%04X %s: %v (%s)", o.Failure.Reason, files[i].Name, o.Failure, files[i].Row["odd"])
		}
	}
	n := 0
	for e, err := range s.Entries(t.Context(), dicom.Ref{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		checkInstance(t, s, e, kept[e.Ref.Instance])
	}
	if n != len(kept) {
		t.Errorf("%d entries, %d files were kept", n, len(kept))
	}
	rebuilt := memstore.NewIndex()
	report, err := s.Reindex(t.Context(), rebuilt, nil)
	if err != nil || len(report.Failed) > 0 || report.Indexed != len(kept) {
		t.Errorf("reindexed %+v, %v", report, err)
	}
	if difference, err := store.Compare(t.Context(), index, rebuilt); difference != "" || err != nil {
		t.Errorf("the indices differ: %s %v", difference, err)
	}
	compareSearches(t, index, rebuilt)
	return conflicts
}

func checkInstance(t *testing.T, s *store.Store, e *store.Entry, f corpus.File) {
	in, err := s.Open(t.Context(), e)
	if err != nil {
		t.Errorf("%s: %v", f.Name, err)
		return
	}
	defer in.Close()
	if got, err := io.ReadAll(in.File()); err != nil || !bytes.Equal(got, f.Bytes(t)) {
		t.Errorf("%s comes back as %d other bytes (%v)", f.Name, len(got), err)
	}
	if p := e.Layout.Pixel; p != nil {
		for n := range p.NumberOfFrames {
			r, err := in.Frame(n + 1)
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			if err != nil {
				t.Errorf("%s: frame %d: %v", f.Name, n+1, err)
			}
		}
		if _, err := in.Frame(p.NumberOfFrames + 1); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: a frame too many: %v", f.Name, err)
		}
	}
	for _, v := range e.Layout.Bulk {
		r, _, err := in.Bulk(v.Path)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err != nil {
			t.Errorf("%s: bulk value %s: %v", f.Name, v.Path, err)
		}
	}
	if ds, err := in.DataSet(t.Context()); err != nil || ds.Ref() != e.Ref {
		t.Errorf("%s: data set: %v", f.Name, err)
	}
}

// compareSearches asks both indices for every value that the keys of the standard have in the corpus (PS3.18 Table 10.6.1-5).
func compareSearches(t *testing.T, live, reference store.Index) {
	for level := match.Study; level <= match.Instance; level++ {
		q := match.Query{Level: level, Limit: -1}
		for of := match.Study; of <= level; of++ {
			for _, path := range match.Required(of) {
				if len(path) > 1 {
					continue
				}
				for _, value := range valuesOf(t, reference, level, path[0]) {
					key, err := match.ParseKey(path, value, match.ParseOptions{})
					if err != nil {
						continue
					}
					q.Keys = []match.Key{key}
					want, got := found(t, reference, q), found(t, live, q)
					if !slices.Equal(got, want) || len(want) == 0 {
						t.Errorf("%v by %v: %d results, want %d", level, path, len(got), len(want))
					}
				}
			}
		}
	}
}

// valuesOf returns the first value that each entity has of the attribute.
func valuesOf(t *testing.T, x store.Index, level match.Level, tag dicom.Tag) []string {
	var values []string
	for ds, err := range x.Search(t.Context(), match.Query{Level: level, Limit: -1}) {
		if err != nil {
			t.Fatal(err)
		}
		if v := ds.String(tag); v != "" && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values[:min(len(values), 12)]
}

func found(t *testing.T, x store.Index, q match.Query) []dicom.Ref {
	var refs []dicom.Ref
	for ds, err := range x.Search(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ds.Ref())
	}
	return refs
}
