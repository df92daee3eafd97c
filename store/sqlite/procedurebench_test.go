package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/procedure/proceduretest"
)

// BenchmarkModalityWorklist asks worklists of a thousand and of a hundred thousand steps, fifty a day, as modalities do: for what is scheduled
// on a day, at a station, of a modality.
func BenchmarkModalityWorklist(b *testing.B) {
	for _, size := range []int{1000, 100_000} {
		x, err := OpenUnsynced(b.Context(), filepath.Join(b.TempDir(), "index.db"))
		if err != nil {
			b.Fatal(err)
		}
		defer x.Close()
		for i := range size {
			day := i / 50
			s := proceduretest.Step(b, proceduretest.Values{
				dicom.ScheduledProcedureStepID: fmt.Sprint("S", i), dicom.ScheduledStationAETitle: fmt.Sprint("CT", i%5), dicom.Modality: []string{"CT", "MR"}[i%2],
				dicom.ScheduledProcedureStepStartDate: fmt.Sprintf("20%02d%02d%02d", 10+day/336, 1+day/28%12, 1+day%28),
			}, proceduretest.Values{dicom.StudyInstanceUID: fmt.Sprint("1.2.", i), dicom.PatientID: fmt.Sprint("P", i)})
			if err := x.Procedures().Schedule(b.Context(), s); err != nil {
				b.Fatal(err)
			}
		}
		for name, values := range map[string]map[string]string{
			"Day":                {"00400100.00400002": "20100110"},
			"DayStationModality": {"00400100.00400002": "20100110", "00400100.00400001": "CT2", "00400100.00080060": "CT"},
			"Patient":            {"PatientID": "P77"},
		} {
			q := match.Query{Keys: proceduretest.Keys(b, values), Limit: 100}
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				for b.Loop() {
					if page, _, err := x.Procedures().Search(b.Context(), q); err != nil || len(page) == 0 {
						b.Fatal(len(page), err)
					}
				}
			})
		}
	}
}
