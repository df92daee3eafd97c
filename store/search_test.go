package store_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/match/matchtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// generated is a store of random instances in memory, and one in a folder.
func generated(t *testing.T, n int) []*store.Store {
	t.Helper()
	g := matchtest.New(21)
	var entries []*store.Entry
	for range n {
		ds := g.Instance()
		metadata, err := ds.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, &store.Entry{Ref: ds.Ref(), SOPClass: ds.UID(dicom.SOPClassUID), TransferSyntax: "1.2.840.10008.1.2.1",
			Blob: sha256.Sum256(metadata), DataSet: ds, Metadata: metadata})
	}
	index, blobs := onDisk(t, t.TempDir())
	memory := memstore.NewIndex()
	for _, x := range []store.Index{index, memory} {
		if _, err := x.Insert(t.Context(), entries); err != nil {
			t.Fatal(err)
		}
	}
	return []*store.Store{store.New(index, blobs, store.Options{}), store.New(memory, memstore.NewBlobs(), store.Options{})}
}

func results(t *testing.T, s *store.Store, q match.Query) []*dicom.DataSet {
	t.Helper()
	var all []*dicom.DataSet
	for ds, err := range s.Search(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ds)
	}
	return all
}

func keys(t *testing.T, pairs ...string) []match.Key {
	t.Helper()
	var keys []match.Key
	for i := 0; i < len(pairs); i += 2 {
		path, err := match.ParsePath(pairs[i])
		if err != nil {
			t.Fatal(err)
		}
		k, err := match.ParseKey(path, pairs[i+1], match.ParseOptions{})
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return match.Combine(keys)
}

func positions(l match.Level, sets []*dicom.DataSet) []match.Position {
	var all []match.Position
	for _, ds := range sets {
		all = append(all, store.PositionOf(l, ds))
	}
	return all
}

// TestSearchOrdered: all results, in the order asked for, and pages of them.
func TestSearchOrdered(t *testing.T) {
	for i, s := range generated(t, 120) {
		for level := match.Study; level <= match.Instance; level++ {
			for _, order := range [][]match.Order{
				{{Tag: dicom.PatientName}}, {{Tag: dicom.StudyDate, Descending: true}, {Tag: dicom.PatientID}},
				{{Tag: dicom.NumberOfStudyRelatedInstances, Descending: true}},
			} {
				t.Run(fmt.Sprint(i, level, order), func(t *testing.T) {
					q := match.Query{Level: level, Limit: -1, Keys: keys(t, "PatientName", "*")}
					unordered := positions(level, results(t, s, q))
					q.Order = order
					all := results(t, s, q)
					if !slices.IsSortedFunc(all, func(a, b *dicom.DataSet) int { return q.Compare(q.SortKey(a), q.SortKey(b)) }) {
						t.Error("not in order")
					}
					want := positions(level, all)
					sorted := slices.SortedFunc(slices.Values(want), match.Position.Compare)
					if !slices.Equal(sorted, unordered) {
						t.Errorf("%d results; without an order %d", len(sorted), len(unordered))
					}
					var pages []match.Position
					for q.Offset = 0; q.Offset < len(want); q.Offset += 7 {
						q.Limit = 7
						pages = append(pages, positions(level, results(t, s, q))...)
					}
					if !slices.Equal(pages, want) {
						t.Error("the pages are not the whole")
					}
				})
			}
		}
	}
}

// TestSearchByParts: a study or series is found by an attribute of one of its parts, private ones of its instances among them; what is
// asked for together is in one part.
func TestSearchByParts(t *testing.T) {
	for i, s := range generated(t, 120) {
		for _, asked := range [][]match.Key{
			keys(t, "00230010", "NOCTIS TEST", "00231001", "*A*"), keys(t, "SelectorLOValue", "*A*"), keys(t, "BodyPartExamined", "*"),
			keys(t, "Modality", "CT,MR", "InstanceNumber", "1"), keys(t, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.2"),
			keys(t, "Modality", "CT", "StudyDate", "2006-"), keys(t, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.2", "PatientName", "*"),
		} {
			searchByParts(t, i, s, asked)
		}
	}
}

func searchByParts(t *testing.T, i int, s *store.Store, asked []match.Key) {
	t.Helper()
	parts := results(t, s, match.Query{Level: match.Instance, Keys: asked, Limit: -1})
	if len(parts) == 0 {
		t.Fatalf("no instance matches %v: the test shows nothing", asked)
	}
	for level := match.Study; level <= match.Series; level++ {
		var want []match.Position
		for _, p := range positions(level, parts) {
			if !slices.Contains(want, p) {
				want = append(want, p)
			}
		}
		q := match.Query{Level: level, Keys: asked, Limit: -1}
		found := results(t, s, q)
		if got := positions(level, found); !slices.Equal(got, want) {
			t.Errorf("store %d, %v by %v: got %v, want %v", i, level, asked, got, want)
		}
		for _, ds := range found {
			if asked[0].Path[0].IsPrivate() && !q.Match(ds) {
				t.Errorf("store %d, %v: a result without the private attribute", i, level)
			}
			if ds.Has(dicom.SOPInstanceUID) {
				t.Errorf("store %d, %v by %v: an instance is the result", i, level, asked)
			}
		}
		if n, err := s.Count(t.Context(), q); err != nil || n != len(want) {
			t.Errorf("store %d, %v by %v: Count %d, %v; want %d", i, level, asked, n, err, len(want))
		}
		second := want[1:min(2, len(want))]
		q.Offset, q.Limit = 1, 1
		if got := positions(level, results(t, s, q)); !slices.Equal(got, second) {
			t.Errorf("store %d, %v by %v: second result %v, want %v", i, level, asked, got, second)
		}
		q.Offset, q.After = 0, &want[0]
		if got := positions(level, results(t, s, q)); !slices.Equal(got, second) {
			t.Errorf("store %d, %v by %v: behind the first %v, want %v", i, level, asked, got, second)
		}
		if n, err := s.Count(t.Context(), q); err != nil || n != len(want)-1 {
			t.Errorf("store %d, %v by %v: Count behind the first %d, %v; want %d", i, level, asked, n, err, len(want)-1)
		}
	}
}
