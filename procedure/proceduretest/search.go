package proceduretest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/procedure"
	"github.com/noctis-dicom/noctis/procedure/memsteps"
)

// testSearch holds searches of random steps against the reference: what is found, in what order, page by page.
func testSearch(t *testing.T, o Open) {
	r, oracle, ctx := o(t), memsteps.New(), t.Context()
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	day := func() string { return fmt.Sprintf("203001%02d", 1+random.IntN(6)) }
	for i := range 150 {
		s := Step(t, Values{
			dicom.ScheduledStationAETitle: pick("CT1", "CT2", "MR1"), dicom.Modality: pick("CT", "MR"), dicom.ScheduledProcedureStepID: fmt.Sprint("S", i),
			dicom.ScheduledProcedureStepStartDate: day(), dicom.ScheduledProcedureStepStartTime: pick("08", "0930", "101530.5"),
		}, Values{dicom.PatientName: pick("DOE^JANE", "ROE^RICK"), dicom.PatientID: pick("P1", "P2", "p1"),
			dicom.AccessionNumber: pick("", "A1", "A2"), dicom.StudyInstanceUID: fmt.Sprint("1.2.", random.IntN(40))})
		if i%7 == 0 { // more than one station
			s.Step().SetStrings(dicom.ScheduledStationAETitle, dicom.AE, "CT1", "CT2")
		}
		for _, to := range []procedure.Repository{r, oracle} {
			try(t, to.Schedule(ctx, s))
			if i%10 == 0 {
				uid := dicom.UID(fmt.Sprint("1.5.", i+1))
				try(t, to.Begin(ctx, Performed(t, uid, s.Name())))
				try(t, to.Change(ctx, uid, func(p *procedure.Performed) error { return p.Update(End("COMPLETED")) }))
			}
		}
	}
	found := 0
	for range 400 {
		values := map[string]string{}
		for path, value := range map[string]string{
			"00400100.00400002": pick("", day(), day()+"-", "-"+day(), "20300101-"+day()), "00400100.00400001": pick("", "CT1", "C*", "CT1,MR1", "ct1", "CT1 "),
			"00400100.00080060": pick("", "CT", "C?"), "PatientID": pick("", "P1", "P?"), "AccessionNumber": pick("", "A1"), "StudyInstanceUID": pick("", "", "1.2.3,1.2.4"),
			"00400100.00400003": pick("", "", "0800-0930"), "PatientName": pick("", "doe*"), "00400100.00400020": pick("", "", "", "COMPLETED"),
		} {
			if value != "" && random.IntN(3) > 0 {
				values[path] = value
			}
		}
		q := match.Query{Keys: Keys(t, values), Offset: random.IntN(3), Limit: random.IntN(20) - 1}
		want, all, err := oracle.Search(ctx, q)
		try(t, err)
		page, total, err := r.Search(ctx, q)
		if err != nil || total != all || len(page) != len(want) {
			t.Fatalf("%v: %d of %d, %v; want %d of %d", values, len(page), total, err, len(want), all)
		}
		for i := range page {
			if page[i].Name() != want[i].Name() || page[i].Performed != want[i].Performed {
				t.Fatalf("%v: %v in the place of %v", values, page[i].Name(), want[i].Name())
			}
		}
		found += total
	}
	if found == 0 {
		t.Error("nothing was ever found")
	}
}
