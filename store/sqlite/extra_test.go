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
		for i := range 300 {
			for level := match.Study; level <= match.Instance; level++ {
				q := g.Query(level)
				q.Parts = q.Decisive()
				if i%3 == 0 {
					q.Parts = match.Instance
				}
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
	var attributes []match.Attribute
	named := func(path, creator string) {
		p, err := match.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		a, err := match.NewAttribute(p, creator)
		if err != nil {
			t.Fatal(err)
		}
		attributes = append(attributes, a)
	}
	for _, e := range []string{"PatientSex", "PatientBirthDate", "StudyDescription", "SeriesDescription", "SeriesDate", "BodyPartExamined",
		"SeriesNumber", "PerformingPhysicianName", "ImageType", "InstanceNumber", "ContentDate", "ContentTime", "FrameOfReferenceUID",
		"SliceThickness", "Rows", "OperatorsName", "ProtocolName", "InstitutionName", "StudyTime", "PatientAge",
		"RequestAttributesSequence.ScheduledProcedureStepID", "RequestAttributesSequence.RequestedProcedureID",
		"RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeValue", "ReferencedImageSequence.ReferencedSOPInstanceUID"} {
		named(e, "")
	}
	for _, creator := range []string{"NOCTIS TEST", "ACME 1.1 "} {
		for _, path := range []string{"00231001", "00231F02", "00231004", "00231005", "00231006", "00231003.CodeValue", "00231003.00231001"} {
			named(path, creator)
		}
	}
	add(60)
	for _, a := range attributes {
		stored := false
		err := other.AddExtraKey(t.Context(), a, func(int, int) {
			if !stored { // in the middle of it
				add(3)
				stored = true
			}
		})
		if err != nil {
			t.Fatal(a, err)
		}
	}
	add(40)
	extras, err := x.ExtraKeys(t.Context())
	if err != nil || len(extras) != len(attributes) || slices.ContainsFunc(extras, func(e sqlite.ExtraKey) bool { return !e.Complete }) {
		t.Fatalf("%+v, %v", extras, err)
	}
	compare("with the indexes")
	for _, a := range attributes {
		if err := other.RemoveExtraKey(t.Context(), a); err != nil {
			t.Fatal(a, err)
		}
	}
	compare("without them")
	if err := other.RemoveExtraKey(t.Context(), match.Attribute{Path: match.Path{dicom.Rows}}); err == nil {
		t.Error("removed twice")
	}
	for _, path := range []match.Path{{dicom.PatientID}, {dicom.StudyDate}, {dicom.AcquisitionDateTime}, {dicom.ImageComments},
		{dicom.NumberOfStudyRelatedSeries}, {dicom.RequestAttributesSequence}, {0x00230010}, {dicom.PixelData},
		{dicom.PatientID, dicom.PatientID}, {}, {dicom.RequestAttributesSequence, dicom.ReferencedStudySequence}} {
		if err := x.AddExtraKey(t.Context(), match.Attribute{Path: path}, func(int, int) {}); err == nil {
			t.Errorf("%v can be indexed", path)
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
