package sqlite

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/internal/sqlindex"
	"github.com/noctis-dicom/noctis/worklist"
)

// readings are the workitems, by study.
func readings(t *testing.T, x *Index) map[dicom.UID]*worklist.Workitem {
	t.Helper()
	all := map[dicom.UID]*worklist.Workitem{}
	for w, err := range x.Worklist().Search(t.Context(), match.Query{Limit: -1}) {
		if err != nil {
			t.Fatal(err)
		}
		if all[w.Study] != nil {
			t.Errorf("study %s has two workitems", w.Study)
		}
		all[w.Study] = w
	}
	return all
}

// imageOf is an entry of a study; attributes are given by keyword.
func imageOf(study, series, instance string, attributes map[string]string) *store.Entry {
	e := entry(instance, 10)
	e.DataSet.SetStrings(dicom.StudyInstanceUID, dicom.UI, study)
	e.DataSet.SetStrings(dicom.SeriesInstanceUID, dicom.UI, series)
	for keyword, value := range attributes {
		a, _ := dicom.LookupKeyword(keyword)
		e.DataSet.SetStrings(a.Tag, a.VR(), value)
	}
	e.Ref, e.Stored = e.DataSet.Ref(), time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	e.Metadata, _ = e.DataSet.MarshalJSON()
	return e
}

// TestReadingOfEachStudy: with or without a facility, a physician, an accession number, a name.
func TestReadingOfEachStudy(t *testing.T) {
	x := openFile(t, filepath.Join(t.TempDir(), "index.db"))
	x.Worklist().SetFacilities(sqlindex.Facilities{"CT1": "North", "*": "Main"})
	for i, c := range []struct {
		attributes map[string]string
		facility   string
	}{
		{nil, "Main"},
		{map[string]string{"InstitutionName": "South"}, "South"},
		{map[string]string{"StationName": "CT1"}, "North"},
		{map[string]string{"PatientName": "DOE^JANE", "AccessionNumber": "A1", "ReferringPhysicianName": "REF^R", "Modality": "CT"}, "Main"},
	} {
		study := fmt.Sprintf("1.5.%d", i)
		if err := insert(x, imageOf(study, study+".1", study+".1.1", c.attributes)); err != nil {
			t.Fatal(err)
		}
		w := readings(t, x)[dicom.UID(study)]
		if w == nil || w.State() != worklist.Scheduled || w.DataSet.String(dicom.InstitutionName) != c.facility ||
			w.DataSet.String(dicom.ScheduledProcedureStepStartDateTime) != "20240102030405.000+0000" {
			t.Errorf("%v: %v", c.attributes, w)
			continue
		}
		if w.DataSet.String(dicom.PatientName) != c.attributes["PatientName"] || w.Instances != 1 {
			t.Errorf("%v: %v, %d instances", c.attributes, w.DataSet, w.Instances)
		}
	}
}

// TestReadingGrows: the workitem says what the study says, and what came after it was read.
func TestReadingGrows(t *testing.T) {
	x := openFile(t, filepath.Join(t.TempDir(), "index.db"))
	l := worklist.New(x.Worklist())
	add := func(series, instance, modality string) {
		t.Helper()
		if err := insert(x, imageOf("1.5", series, instance, map[string]string{"Modality": modality})); err != nil {
			t.Fatal(err)
		}
	}
	add("1.5.1", "1.5.1.1", "CT")
	uid := readings(t, x)["1.5"].UID()
	add("1.5.1", "1.5.1.2", "CT")
	add("1.5.2", "1.5.2.1", "SR")
	w, err := l.Workitem(t.Context(), uid)
	if err != nil || w.Instances != 3 || w.Series != 2 || fmt.Sprint(w.DataSet.Strings(dicom.ModalitiesInStudy)) != "[CT SR]" {
		t.Fatalf("%v, %v", w, err)
	}
	err = l.Change(t.Context(), uid, func(w *worklist.Workitem, _ bool) (worklist.Change, error) {
		w.DataSet = w.DataSet.Clone()
		w.DataSet.SetStrings(dicom.ProcedureStepState, dicom.CS, string(worklist.Completed))
		w.Read = w.Instances
		return worklist.Change{Events: w.Created()}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	add("1.5.2", "1.5.2.2", "SR")
	if w := readings(t, x)["1.5"]; w.UID() != uid || w.Late() != 1 || w.State() != worklist.Completed {
		t.Errorf("%d late: %v", w.Late(), w)
	}
}

// TestReadingsOfManyAtOnce: studies whose instances come at the same time have one workitem each.
func TestReadingsOfManyAtOnce(t *testing.T) {
	x := openFile(t, filepath.Join(t.TempDir(), "index.db"))
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 20 {
				study := fmt.Sprintf("1.5.%d", j)
				if err := insert(x, imageOf(study, study+".1", fmt.Sprintf("%s.1.%d", study, i), nil)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if got := readings(t, x); len(got) != 20 {
		t.Errorf("%d workitems of 20 studies", len(got))
	}
}

// TestReadingsOfOldIndex: a database from before the worklist has them when it is opened, also if that was broken off; and Mend brings
// back what is missing.
func TestReadingsOfOldIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x := openFile(t, path)
	const studies = 1234
	var entries []*store.Entry
	for i := range studies {
		study := fmt.Sprintf("1.5.%d", i)
		entries = append(entries, imageOf(study, study+".1", study+".1.1", map[string]string{"InstitutionName": "North"}))
	}
	if _, err := x.Insert(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(&connector{dsn: dsn(path, ""), pragmas: writing})
	for _, statement := range []string{"DELETE FROM worklist_begun", "DELETE FROM workitem WHERE id % 5 <> 0"} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	x = openFile(t, path)
	all := readings(t, x)
	if n, err := x.Worklist().Missing(t.Context()); err != nil || n != 0 || len(all) != studies {
		t.Errorf("%d missing, %v; %d workitems", n, err, len(all))
	}
	if got := all["1.5.7"].DataSet.String(dicom.InstitutionName); got != "North" {
		t.Errorf("facility %q", got)
	}
}

// TestReadingOfDeletedStudy: a study takes its workitem with it when it is deleted, brings it back, and ends it when it is purged.
func TestReadingOfDeletedStudy(t *testing.T) {
	x := openFile(t, filepath.Join(t.TempDir(), "index.db"))
	a, b := imageOf("1.5.1", "1.5.1.1", "1.5.1.1.1", map[string]string{"PatientName": "DOE^JANE"}), imageOf("1.5.1", "1.5.1.1", "1.5.1.1.2", nil)
	for _, e := range []*store.Entry{a, b} {
		if err := insert(x, e); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(e *store.Entry) {
		t.Helper()
		if err := x.Remove(t.Context(), []*store.Removed{{Entry: e, Kind: store.Deleted, Time: time.Now()}}); err != nil {
			t.Fatal(err)
		}
	}
	before := readings(t, x)["1.5.1"]
	remove(a)
	if w := readings(t, x)["1.5.1"]; w == nil || w.DataSet.String(dicom.PatientName) != "" || w.Instances != 1 {
		t.Errorf("without one of its instances: %v", w)
	}
	remove(b)
	if all := readings(t, x); len(all) != 0 {
		t.Errorf("without its study: %v", all)
	}
	if err := insert(x, a); err != nil {
		t.Fatal(err)
	}
	if w := readings(t, x)["1.5.1"]; w == nil || w.UID() != before.UID() || w.DataSet.String(dicom.PatientName) != "DOE^JANE" {
		t.Errorf("with its study again: %v", w)
	}
	remove(a)
	if err := x.Purge(t.Context(), []store.BlobID{a.Blob, b.Blob}); err != nil {
		t.Fatal(err)
	}
	if err := insert(x, b); err != nil {
		t.Fatal(err)
	}
	if w := readings(t, x)["1.5.1"]; w == nil || w.UID() == before.UID() {
		t.Errorf("stored again after the purge: %v", w)
	}
}
