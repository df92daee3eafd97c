package sqlite

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// TestManyStudies asks for what more studies have than are looked up one by one: the search meets them on its way through all, and finds
// what the reference implementation finds.
func TestManyStudies(t *testing.T) {
	x, err := Open(t.Context(), filepath.Join(t.TempDir(), "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	oracle := memstore.NewIndex()
	var all []*store.Entry
	for i := range 1500 {
		study := fmt.Sprint("1.2.", i)
		e := holding(study, study+".1.1", fmt.Sprint("P", i%700))
		e.DataSet.SetStrings(dicom.PatientName, dicom.PN, fmt.Sprintf("%s^A%d=%s", []string{"DOE", "ROE"}[i%2], i, []string{"王", "山"}[i/2%2]))
		e.DataSet.SetStrings(dicom.StudyDate, dicom.DA, fmt.Sprint(20200101+i*7%28))
		e.DataSet.SetStrings(dicom.Modality, dicom.CS, []string{"CT", "MR", "CT"}[i%3])
		if e.Metadata, err = e.DataSet.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	for _, index := range []store.Index{x, oracle} {
		if _, err := index.Insert(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	for _, keys := range []string{
		"PatientName=DOE*", "PatientName=*OE*", "PatientName=D*", "PatientName=DOE*&ModalitiesInStudy=CT", "PatientName=DOE*&PatientName=*A1*",
		"PatientName=*E^A?&ModalitiesInStudy=MR", "PatientName==王", "ModalitiesInStudy=CT,MR", "ModalitiesInStudy=CT&StudyDate=20200105-20200109",
		"PatientName=DOE*&PatientID=P7", "Modality=CT&PatientName=ROE*",
	} {
		for level := match.Study; level <= match.Instance; level++ {
			q := match.Query{Level: level}
			for key := range strings.SplitSeq(keys, "&") {
				q.Keys = append(q.Keys, keysOf(t, key)...)
			}
			for _, page := range [][2]int{{0, 25}, {40, 7}, {0, 3000}} {
				q.Offset, q.Limit = page[0], page[1]
				got, want := instancesOf(t, x, q), instancesOf(t, oracle, q)
				if !slices.Equal(got, want) {
					t.Errorf("%v %s, limit %d: %d results, want %d", level, keys, q.Limit, len(got), len(want))
				}
				if n, err := x.Count(t.Context(), q); q.Limit == 3000 && (err != nil || n != len(want)) {
					t.Errorf("%v %s: counted %d, want %d; %v", level, keys, n, len(want), err)
				}
			}
		}
	}
}

func instancesOf(t *testing.T, x store.Index, q match.Query) []dicom.Ref {
	t.Helper()
	var all []dicom.Ref
	for ds, err := range x.Search(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ds.Ref())
	}
	return all
}
