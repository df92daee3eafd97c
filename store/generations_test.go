package store_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// The generation of a study changes with it, and whoever watches is told of what has only been added.
func TestGenerations(t *testing.T) {
	st := memstore.New(store.Options{Conflict: store.Replace})
	var added []string
	var growths []store.Growth
	st.Watch(func(_ context.Context, g store.Growth) {
		growths = append(growths, g)
		for _, e := range g.Added {
			added = append(added, string(e.Ref.Instance))
		}
	})
	mine := dicomtest.Image{Study: "mine", Number: 1}
	ref := mine.Instance().DataSet.Ref()
	var want []string
	for i, step := range []struct {
		image dicomtest.Image
		grows bool
	}{
		{mine, true}, {dicomtest.Image{Study: "mine", Number: 2}, true}, {mine, false},
		{dicomtest.Image{Study: "mine", Number: 1, With: []any{dicom.ImageComments, "other"}}, false}, // replaced
	} {
		all, before := st.Generation(), st.StudyGeneration(ref.Study)
		receipt, err := st.Ingest(t.Context(), bytes.NewReader(step.image.File()), "")
		if err != nil {
			t.Fatal(err)
		}
		if step.grows {
			want = append(want, string(receipt.Ref.Instance))
			if g := growths[len(growths)-1]; g.Before != before || g.After != before+1 || g.After != st.StudyGeneration(ref.Study) {
				t.Errorf("step %d: %d, %d after %d", i, g.Before, g.After, before)
			}
		}
		if !slices.Equal(added, want) {
			t.Errorf("step %d: told of %v, want %v", i, added, want)
		}
		if changed := !receipt.Duplicate; changed == (st.StudyGeneration(ref.Study) == before) || changed == (st.Generation() == all) {
			t.Errorf("step %d: the generation changed: %v", i, !changed)
		}
	}
	all := st.Generation()
	unmoved := false
	for _, study := range []string{"b", "c", "d", "e"} { // some study may share the counter
		was := st.StudyGeneration(ref.Study)
		if _, err := st.Ingest(t.Context(), bytes.NewReader(dicomtest.Image{Study: study}.File()), ""); err != nil {
			t.Fatal(err)
		}
		unmoved = unmoved || st.StudyGeneration(ref.Study) == was
	}
	if !unmoved || st.Generation() == all {
		t.Error("other studies change the generation of this one, or not that of all")
	}
	before := st.StudyGeneration(ref.Study)
	if _, err := st.Delete(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if st.StudyGeneration(ref.Study) == before {
		t.Error("a deletion leaves the generation as it is")
	}
}
