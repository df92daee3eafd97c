package sqlite

import (
	"crypto/sha256"
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

// TestGramsOfOldIndex: what the migration makes of the rows of an older index is what storing would have made.
func TestGramsOfOldIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"DOE^JANE", "山田^太郎=やまだ", "Müller^Jörg", "X", "AAAA", ""} {
		ds := &dicom.DataSet{}
		ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, "1.2."+string(rune('1'+i)))
		ds.SetStrings(dicom.SeriesInstanceUID, dicom.UI, "1.3."+string(rune('1'+i)))
		ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, "1.4."+string(rune('1'+i)))
		ds.SetStrings(dicom.PatientName, dicom.PN, name)
		ds.SetStrings(dicom.PatientID, dicom.LO, "ID 'quoted'", "second")
		entry := &store.Entry{Ref: ds.Ref(), Blob: sha256.Sum256([]byte(name)), DataSet: ds, Metadata: []byte("{}")}
		if _, err := x.Insert(t.Context(), []*store.Entry{entry}); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}

	db := sql.OpenDB(&connector{dsn: dsn(path, ""), pragmas: writing})
	defer db.Close()
	grams := func() (all []string) {
		rows, err := db.Query("SELECT attribute || ' ' || gram || ' ' || study_id FROM study_gram ORDER BY attribute, gram, study_id")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		return all
	}
	want := grams()
	text, err := migrations.ReadFile("migrations/00002_study_gram.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, insert, _ := strings.Cut(string(text), "INSERT OR IGNORE")
	for _, statement := range []string{"DELETE FROM study_gram", "INSERT OR IGNORE" + insert} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if got := grams(); len(want) < 60 || !slices.Equal(got, want) {
		t.Errorf("migrated %d: %q\nstored %d: %q", len(got), got, len(want), want)
	}
}

// TestHoldingOfOldIndex: what an older index holds of no patient is counted, too, once.
func TestHoldingOfOldIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.39.1")
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, "1.4.1")
	entry := &store.Entry{Ref: ds.Ref(), SOPClass: "1.2.840.10008.5.1.4.39.1", Blob: sha256.Sum256(nil), Size: 77, DataSet: ds, Metadata: []byte("{}")}
	if _, err := x.Insert(t.Context(), []*store.Entry{entry}); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(&connector{dsn: dsn(path, ""), pragmas: writing})
	for _, statement := range append(oldExtra(t),
		"DROP TRIGGER holding_stored_non_patient", "DROP TRIGGER holding_gone_non_patient",
		"UPDATE holding SET instances = 0, bytes = 0", "DELETE FROM schema_version WHERE version_id >= 29",
	) {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if x, err = Open(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if u, err := x.Usage(t.Context()); err != nil || u != (store.Usage{Instances: 1, Bytes: 77}) {
		t.Errorf("%+v, %v are held", u, err)
	}
	if wrong, err := x.Miscounts(t.Context()); wrong || err != nil {
		t.Errorf("miscounted: %v, %v", wrong, err)
	}
}

// oldExtra are the statements that make the table of what was indexed by hand as it was before migration 30.
func oldExtra(t *testing.T) []string {
	text, err := migrations.ReadFile("migrations/00003_extra_key.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, older, _ := strings.Cut(string(text), "CREATE TABLE extra_index")
	older, _, _ = strings.Cut(older, ";")
	return []string{
		"DROP TABLE extra_index", "CREATE TABLE extra_index" + older,
		"INSERT INTO extra_index (id, attribute, level, done, complete) VALUES (7, 0x00180015, 1, 90, 1), (9, 0x0008103E, 1, 20, 0)",
	}
}

// TestExtraOfOldIndex: attributes that were indexed by their tags are, by paths of one tag, in an index that is brought up to date, and in one that is
// made anew and takes over what no file has.
func TestExtraOfOldIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(&connector{dsn: dsn(path, ""), pragmas: writing})
	for _, statement := range append(oldExtra(t), "DELETE FROM schema_version WHERE version_id >= 30") {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(t.TempDir(), "fresh.db")
	if x, err = Open(t.Context(), fresh); err != nil {
		t.Fatal(err)
	}
	err = x.Close()
	if lost, carryErr := CarryWorklist(t.Context(), fresh, path); err != nil || carryErr != nil || len(lost) > 0 {
		t.Fatal(lost, err, carryErr)
	}
	for _, path := range []string{path, fresh} {
		x, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		extras, err := x.ExtraKeys(t.Context())
		if err != nil || len(extras) != 2 || extras[1].Attribute.Name() != "BodyPartExamined" || extras[1].Complete != (path != fresh) || extras[1].Level != match.Series ||
			extras[0].Attribute.Name() != "SeriesDescription" || extras[0].Complete {
			t.Fatalf("%+v, %v", extras, err)
		}
		if err := x.AddExtraKey(t.Context(), match.Attribute{Path: match.Path{dicom.SeriesDescription}}, func(int, int) {}); err != nil { // goes on
			t.Fatal(err)
		}
	}
}
