package sqlite

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

func holding(study, uid, patient string) *store.Entry {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, study)
	ds.SetStrings(dicom.SeriesInstanceUID, dicom.UI, study+".1")
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, uid)
	ds.SetStrings(dicom.PatientID, dicom.LO, patient)
	metadata, _ := ds.MarshalJSON()
	return &store.Entry{Ref: ds.Ref(), Blob: sha256.Sum256([]byte(uid)), DataSet: ds, Metadata: metadata}
}

// TestLimitsOfOldIndex: an index that was made before it was kept whom studies name shows nothing to those who have limits, and
// finds it out.
func TestLimitsOfOldIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	const studies = 20
	for i := range studies {
		study := fmt.Sprint("1.2.", i)
		entries := []*store.Entry{holding(study, study+".1.1", "P1"), holding(study, study+".1.2", "P1")}
		if i%2 == 0 {
			entries[1] = holding(study, study+".1.2", "P2")
		}
		if _, err := x.Insert(t.Context(), entries); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	func() {
		db := sql.OpenDB(&connector{dsn: dsn(path, ""), pragmas: writing})
		defer db.Close()
		for _, statement := range []string{"UPDATE study SET holders = ''", "DELETE FROM study_holder"} {
			if _, err := db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
	}()
	if x, err = Open(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	count := func(patients ...string) int {
		t.Helper()
		n, err := x.Count(match.Within(t.Context(), match.Limits{Patients: patients}), match.Query{})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for count("P1", "P2") < studies { // it is found out meanwhile
		if t.Context().Err() != nil {
			t.Fatal("the studies stay unknown")
		}
	}
	if n := count("P1"); n != studies/2 {
		t.Errorf("P1 has %d studies", n)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}
