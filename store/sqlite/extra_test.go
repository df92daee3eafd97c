package sqlite_test

import (
	"crypto/sha256"
	"path/filepath"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/match/matchtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// TestExtraKeys indexes attributes through a second handle, as another process would, while the first one inserts; searches find what
// the oracle finds before, meanwhile and after.
func TestExtraKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	open := func() *sqlite.Index {
		x, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { x.Close() })
		return x
	}
	x, other, oracle := open(), open(), memstore.NewIndex()
	g := matchtest.New(31)
	add := func(n int) {
		for range n {
			ds := g.Instance()
			metadata, err := ds.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			e := &store.Entry{Ref: ds.Ref(), SOPClass: ds.UID(dicom.SOPClassUID), Blob: sha256.Sum256(metadata), DataSet: ds, Metadata: metadata}
			for _, to := range []store.Index{x, oracle} {
				if _, err := to.Insert(t.Context(), []*store.Entry{e}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	compare := func(when string) {
		t.Helper()
		hits := 0
		for range 300 {
			for level := match.Study; level <= match.Instance; level++ {
				q := g.Query(level)
				want, got := found(t, oracle, q), found(t, x, q)
				if !slices.Equal(got, want) {
					t.Fatalf("%s: %v %+v:\n got %v\nwant %v", when, level, q.Keys, got, want)
				}
				if n, err := x.Count(t.Context(), q); err != nil || n != len(want) {
					t.Fatalf("%s: %v %+v: Count %d, %v; want %d", when, level, q.Keys, n, err, len(want))
				}
				hits += len(want)
			}
		}
		if hits == 0 {
			t.Fatal("nothing was found: the test shows nothing")
		}
	}
	var tags []dicom.Tag
	for _, e := range []string{"PatientSex", "PatientBirthDate", "StudyDescription", "SeriesDescription", "SeriesDate", "BodyPartExamined",
		"SeriesNumber", "PerformingPhysicianName", "ImageType", "InstanceNumber", "ContentDate", "ContentTime", "FrameOfReferenceUID",
		"SliceThickness", "Rows", "OperatorsName", "ProtocolName", "InstitutionName", "StudyTime", "PatientAge"} {
		a, ok := dicom.LookupKeyword(e)
		if !ok {
			t.Fatal(e)
		}
		tags = append(tags, a.Tag)
	}
	add(60)
	for _, tag := range tags {
		stored := false
		err := other.AddExtraKey(t.Context(), tag, func(int, int) {
			if !stored { // in the middle of it
				add(3)
				stored = true
			}
		})
		if err != nil {
			t.Fatal(tag, err)
		}
	}
	add(40)
	extras, err := x.ExtraKeys(t.Context())
	if err != nil || len(extras) != len(tags) || slices.ContainsFunc(extras, func(e sqlite.ExtraKey) bool { return !e.Complete }) {
		t.Fatalf("%+v, %v", extras, err)
	}
	compare("with the indexes")
	for _, tag := range tags {
		if err := other.RemoveExtraKey(t.Context(), tag); err != nil {
			t.Fatal(tag, err)
		}
	}
	compare("without them")
	if err := other.RemoveExtraKey(t.Context(), dicom.Rows); err == nil {
		t.Error("removed twice")
	}
	for _, tag := range []dicom.Tag{dicom.PatientID, dicom.StudyDate, dicom.AcquisitionDateTime, dicom.ImageComments,
		dicom.NumberOfStudyRelatedSeries, dicom.RequestAttributesSequence, 0x00231001, dicom.PixelData} {
		if err := x.AddExtraKey(t.Context(), tag, func(int, int) {}); err == nil {
			t.Errorf("%v can be indexed", tag)
		}
	}
}

func found(t *testing.T, x store.Index, q match.Query) []match.Position {
	t.Helper()
	var all []match.Position
	for ds, err := range x.Search(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, store.PositionOf(q.Level, ds))
	}
	return all
}
