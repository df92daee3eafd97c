package sqlite

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

// BenchmarkWorklist searches worklists of a thousand and of a hundred thousand workitems for a page of 50: of a state, of a label, of a
// day, and of a modality.
func BenchmarkWorklist(b *testing.B) {
	for _, size := range []int{1000, 100_000} {
		x := manyReadings(b, size)
		for name, pair := range map[string][2]string{
			"State":    {"ProcedureStepState", "SCHEDULED"},
			"Label":    {"WorklistLabel", "L7"},
			"Date":     {"ScheduledProcedureStepStartDateTime", "20240102-20240103"},
			"Modality": {"ModalitiesInStudy", "CT"},
		} {
			path, err := match.ParsePath(pair[0])
			if err != nil {
				b.Fatal(err)
			}
			key, err := match.ParseKey(path, pair[1], match.ParseOptions{})
			if err != nil {
				b.Fatal(err)
			}
			q := match.Query{Keys: []match.Key{key}, Limit: 51}
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				for b.Loop() {
					n := 0
					for _, err := range x.Worklist().Search(b.Context(), q) {
						if err != nil {
							b.Fatal(err)
						}
						n++
					}
					if _, err := x.Worklist().Count(b.Context(), q, 1000); err != nil || n == 0 {
						b.Fatal(n, err)
					}
				}
			})
		}
	}
}

func manyReadings(b *testing.B, n int) *Index {
	b.Helper()
	path := filepath.Join(b.TempDir(), "index.db")
	x, err := Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { x.Close() })
	var entries []*store.Entry
	for i := range n {
		study := fmt.Sprintf("1.5.%d", i)
		e := imageOf(study, study+".1", study+".1.1", map[string]string{"Modality": []string{"CT", "MR", "US"}[i%3], "PatientName": fmt.Sprintf("P^%d", i)})
		e.Stored = e.Stored.AddDate(0, 0, i/50) // fifty a day, as the page of a search
		if entries = append(entries, e); len(entries) == 1000 {
			if _, err := x.Insert(b.Context(), entries); err != nil {
				b.Fatal(err)
			}
			entries = nil
		}
	}
	db := sql.OpenDB(&connector{dsn: dsn(path, ""), pragmas: writing})
	defer db.Close()
	if _, err := db.Exec(`UPDATE workitem SET label = 'L' || (id % 20), state = CASE id % 4 WHEN 0 THEN 'SCHEDULED' ELSE 'COMPLETED' END`); err != nil {
		b.Fatal(err)
	}
	return x
}

// BenchmarkNewStudies stores studies of one instance, which each get a workitem.
func BenchmarkNewStudies(b *testing.B) {
	x, err := Open(b.Context(), filepath.Join(b.TempDir(), "index.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	n := 0
	for b.Loop() {
		var entries []*store.Entry
		for range 50 {
			n++
			study := fmt.Sprintf("1.5.%d", n)
			entries = append(entries, imageOf(study, study+".1", study+".1.1", map[string]string{"PatientName": "DOE^JANE", "Modality": "CT"}))
		}
		if _, err := x.Insert(b.Context(), entries); err != nil {
			b.Fatal(err)
		}
	}
}
