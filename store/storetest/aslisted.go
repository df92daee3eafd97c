package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

// testAsListed reads a study while every fourth of its instances is removed, another fourth is replaced, and others come: a reader of
// Entries and Metadata sees what there was when it began, and a search leaves out no instance that is there all the time.
func testAsListed(t *testing.T, o OpenIndex) {
	x := open(t, o)
	const n = 300
	round := 0
	version := func(i int) *store.Entry {
		comment := fmt.Sprint("round ", round)
		if i%50 == 1 || i%50 == 2 { // too long to be read together with others
			comment = fmt.Sprintf("%x", random(150_000, uint64(i+1000*round)))
		}
		ds := instance("1.2.1", fmt.Sprintf("1.2.1.%d", i%2), fmt.Sprintf("1.2.1.%d.%d", i%2, i), comment)
		ds.Delete(dicom.PixelData)
		ds.SetStrings(dicom.InstanceNumber, dicom.IS, fmt.Sprint(i))
		return entryOf(t, ds, "")
	}
	there := map[int]*store.Entry{}
	for i := range n {
		there[i] = version(i)
		insert(t, x, there[i])
	}
	study := dicom.Ref{Study: "1.2.1"}
	change := func() {
		round++
		var gone, come []*store.Entry
		for i := range n {
			switch (i + round) % 4 {
			case 0:
				if e := there[i]; e != nil {
					gone = append(gone, e)
					delete(there, i)
				}
			case 1, 2:
				e := version(i)
				e.Replace = true
				come, there[i] = append(come, e), e
			}
		}
		remove(t, x, noon, gone...)
		insert(t, x, come...)
	}
	listing := func() (list []string) {
		for _, e := range collect(t, x.Entries(t.Context(), study)) {
			list = append(list, e.Ref.Path()+string(e.Blob[:]))
		}
		return list
	}
	for name, read := range map[string]func(yield func(string)){
		"Entries": func(yield func(string)) {
			for e, err := range x.Entries(t.Context(), study) {
				if err != nil {
					t.Fatal(err)
				}
				yield(e.Ref.Path() + string(e.Blob[:]))
			}
		},
		"Metadata": func(yield func(string)) {
			for m, err := range x.Metadata(t.Context(), study) {
				if err != nil {
					t.Fatal(err)
				}
				ds, err := dicom.ReadJSON(m.JSON)
				if err != nil || entryOf(t, ds, "").Blob != m.Blob {
					t.Fatalf("%s: the metadata of another blob, %v", m.Ref.Path(), err)
				}
				yield(m.Ref.Path() + string(m.Blob[:]))
			}
		},
	} {
		want := listing()
		var got []string
		read(func(one string) {
			if got = append(got, one); len(got) == 1 || len(got) == 100 {
				change()
			}
		})
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d instances, of %d; not those that were there", name, len(got), len(want))
		}
	}
	found, begun := map[dicom.UID]bool{}, map[int]*store.Entry{}
	for i, e := range there {
		begun[i] = e
	}
	for ds, err := range x.Search(t.Context(), match.Query{Level: match.Instance, Scope: study, Limit: n}) {
		if err != nil {
			t.Fatal(err)
		}
		if found[ds.UID(dicom.SOPInstanceUID)] = true; len(found) == 1 {
			change()
		}
	}
	for i, e := range begun {
		if there[i] != nil && !found[e.Ref.Instance] {
			t.Errorf("instance %d, which was there all the time, is not found", i)
		}
	}
}
