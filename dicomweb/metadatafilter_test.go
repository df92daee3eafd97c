package dicomweb

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/match/matchtest"
	"github.com/noctis-dicom/noctis/internal/corpus"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// filteredByElement is the filter as it reads: on a data set, element by element.
func filteredByElement(f *metadataFilter, ds *dicom.DataSet, at match.Path, including bool) *dicom.DataSet {
	out := &dicom.DataSet{}
	for e := range ds.All() {
		path := append(at[:len(at):len(at)], e.Tag)
		kept, whole := f.keeps(path, including)
		if !kept {
			continue
		}
		if items, ok := e.Value.(dicom.Items); ok {
			left := make(dicom.Items, len(items))
			for i, item := range items {
				left[i] = filteredByElement(f, item, path, !whole)
			}
			e.Value = left
		}
		out.Set(e)
	}
	return out
}

// pathsOf are those of all attributes of a data set.
func pathsOf(ds *dicom.DataSet, at match.Path) (all []match.Path) {
	for e := range ds.All() {
		path := append(at[:len(at):len(at)], e.Tag)
		all = append(all, path)
		if items, ok := e.Value.(dicom.Items); ok {
			for _, item := range items {
				all = append(all, pathsOf(item, path)...)
			}
		}
	}
	return all
}

// TestFilteringOfText compares the filter on the text with that on the data set, for random data sets and filters.
func TestFilteringOfText(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 27))
	g := matchtest.New(5)
	shortened, deep := 0, 0
	for range 2000 {
		ds := g.Instance()
		ds.SetStrings(dicom.PatientComments, dicom.LT, `"}]},{"00080005":{"vr":"SQ","Value":[\`)
		ds.SetItems(dicom.ReferencedStudySequence)
		nested := g.Instance()
		nested.SetItems(dicom.ReferencedSeriesSequence, g.Instance(), &dicom.DataSet{})
		ds.SetItems(dicom.RequestAttributesSequence, nested, g.Instance())
		text, err := ds.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		f := metadataFilter{includes: random.IntN(2) == 0, excludePrivate: random.IntN(2) == 0}
		paths := pathsOf(ds, nil)
		for range random.IntN(4) {
			f.include = append(f.include, paths[random.IntN(len(paths))])
			f.exclude = append(f.exclude, paths[random.IntN(len(paths))])
		}
		want, err := filteredByElement(&f, ds, nil, f.includes).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.json(store.Metadata{JSON: text})
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%+v: %v\n%s\nwant\n%s", f, err, got, want)
		}
		if len(got) < len(text) {
			shortened++
		}
		if bytes.Contains(got, []byte(`{"vr":"SQ","Value":[{"`)) {
			deep++
		}
	}
	if shortened < 1000 || deep < 200 {
		t.Errorf("%d were shortened, %d have items", shortened, deep)
	}
}

// FuzzFilteringOfText: whatever is damaged is refused or filtered, and never read beyond its end.
func FuzzFilteringOfText(f *testing.F) {
	for _, text := range []string{"", "{}", "{}x", `{"00080018":{"vr":"UI","Value":["1.2"]}}`, `{"00081032":{"vr":"SQ","Value":[{"00080100":{"vr":"SH"}},{}]}}`,
		`{"00081032":{"vr":"SQ","Value":[{}`, `{"00100010":{"vr":"PN","Value":["\"}`, `{"0010001`, `{,}`} {
		f.Add([]byte(text))
	}
	filter := metadataFilter{includes: true, include: []match.Path{{dicom.ProcedureCodeSequence, dicom.CodeValue}}}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := filter.json(store.Metadata{JSON: text})
		if err != nil {
			return
		}
		again, err := filter.json(store.Metadata{JSON: got})
		if err != nil || !bytes.Equal(got, again) {
			t.Errorf("%q is filtered to %q, and that to %q, %v", text, got, again, err)
		}
	})
}

// TestFilteringOfCorpus: the metadata of real files is text that the filter understands.
func TestFilteringOfCorpus(t *testing.T) {
	for _, file := range corpus.Files(t) {
		st := memstore.New(store.Options{})
		receipt, err := st.Ingest(t.Context(), bytes.NewReader(file.Bytes(t)), "")
		if err != nil {
			continue // it does not store
		}
		for m, err := range st.Metadata(t.Context(), receipt.Ref) {
			if err != nil {
				t.Fatal(err)
			}
			ds := &dicom.DataSet{}
			if err := ds.UnmarshalJSON(m.JSON); err != nil {
				t.Fatal(err)
			}
			for _, f := range []metadataFilter{{excludePrivate: true}, {exclude: pathsOf(ds, nil)[:1]}, {includes: true, include: pathsOf(ds, nil)[:5]}} {
				want, err := filteredByElement(&f, ds, nil, f.includes).MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				if got, err := f.json(m); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %+v: %v", file.Name, f, err)
				}
			}
		}
	}
}
