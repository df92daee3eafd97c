package sqlite_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/procedure"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

func openIndex(t *testing.T, path string) *sqlite.Index {
	t.Helper()
	x, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// scheduledStep makes a step by attributes of the step and, in the second map, of what is around it.
func scheduledStep(t *testing.T, step, around map[dicom.Tag]string) *procedure.Scheduled {
	t.Helper()
	set := func(ds *dicom.DataSet, attributes map[dicom.Tag]string) *dicom.DataSet {
		for tag, v := range attributes {
			ds.SetStrings(tag, tag.VR(), v)
		}
		return ds
	}
	ds := set(&dicom.DataSet{}, around)
	ds.SetItems(dicom.ScheduledProcedureStepSequence, set(&dicom.DataSet{}, step))
	s, err := procedure.Schedule(ds, procedure.Name{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestScheduledSearch: the database finds what the oracle finds, in order, page by page.
func TestScheduledSearch(t *testing.T) {
	x := openIndex(t, filepath.Join(t.TempDir(), "index.db"))
	defer x.Close()
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	day := func() string { return fmt.Sprintf("203001%02d", 1+random.IntN(6)) }
	var steps []*procedure.Scheduled
	for i := range 150 {
		s := scheduledStep(t, map[dicom.Tag]string{
			dicom.ScheduledStationAETitle: pick("CT1", "CT2", "MR1"), dicom.Modality: pick("CT", "MR"), dicom.ScheduledProcedureStepID: fmt.Sprint("S", i),
			dicom.ScheduledProcedureStepStartDate: day(), dicom.ScheduledProcedureStepStartTime: pick("08", "0930", "101530.5"),
		}, map[dicom.Tag]string{dicom.PatientName: pick("DOE^JANE", "ROE^RICK"), dicom.PatientID: pick("P1", "P2", "p1"),
			dicom.AccessionNumber: pick("", "A1", "A2"), dicom.StudyInstanceUID: fmt.Sprint("1.2.", random.IntN(40))})
		if err := x.Procedures().Schedule(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, s)
	}
	found := 0
	for range 300 {
		var keys []match.Key
		for path, value := range map[string]string{
			"00400100.00400002": pick("", day(), day()+"-", "-"+day(), "20300101-"+day()), "00400100.00400001": pick("", "CT1", "C*"),
			"00400100.00080060": pick("", "CT"), "PatientID": pick("", "P1", "P?"), "AccessionNumber": pick("", "A1"), "StudyInstanceUID": pick("", "", "1.2.3,1.2.4"),
			"00400100.00400003": pick("", "", "0800-0930"), "PatientName": pick("", "doe*"),
		} {
			if value == "" || random.IntN(3) == 0 {
				continue
			}
			p, err := match.ParsePath(path)
			if err != nil {
				t.Fatal(err)
			}
			k, err := match.ParseKey(p, value, match.ParseOptions{})
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
		}
		q := match.Query{Keys: match.Combine(keys), Offset: random.IntN(3), Limit: random.IntN(20)}
		var want []procedure.Name
		level := q
		level.Level = match.Instance
		for _, s := range steps {
			if level.Match(s.Shown()) {
				want = append(want, s.Name())
			}
		}
		page, total, err := x.Procedures().Search(t.Context(), q)
		if err != nil || total != len(want) || len(page) != max(0, min(q.Limit, total-q.Offset)) {
			t.Fatalf("%v: %d of %d, %v; want %d", keys, len(page), total, err, len(want))
		}
		for i, s := range page {
			if !slices.Contains(want, s.Name()) || i > 0 && s.Start() < page[i-1].Start() {
				t.Fatalf("%v: %v is wrong, or out of order", keys, s.Name())
			}
		}
		found += total
	}
	if found == 0 {
		t.Error("nothing was ever found")
	}
}

// performed makes a step in progress for a scheduled one.
func performed(t *testing.T, uid dicom.UID, n procedure.Name) *procedure.Performed {
	t.Helper()
	ds, item := &dicom.DataSet{}, &dicom.DataSet{}
	item.SetStrings(dicom.StudyInstanceUID, dicom.UI, string(n.Study))
	item.SetStrings(dicom.ScheduledProcedureStepID, dicom.SH, n.Step)
	ds.SetItems(dicom.ScheduledStepAttributesSequence, item)
	for tag, v := range map[dicom.Tag]string{
		dicom.PerformedProcedureStepID: "PPS", dicom.PerformedStationAETitle: "CT1", dicom.PerformedProcedureStepStartDate: "20300102",
		dicom.PerformedProcedureStepStartTime: "10", dicom.PerformedProcedureStepStatus: "IN PROGRESS", dicom.Modality: "CT",
	} {
		ds.SetStrings(tag, tag.VR(), v)
	}
	p, err := procedure.Begin(ds, uid)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ended(status string) *dicom.DataSet {
	ds, series := &dicom.DataSet{}, &dicom.DataSet{}
	series.SetStrings(dicom.SeriesInstanceUID, dicom.UI, "1.2.3.4")
	series.SetStrings(dicom.ProtocolName, dicom.LO, "Axial")
	ds.SetItems(dicom.PerformedSeriesSequence, series)
	ds.SetStrings(dicom.PerformedProcedureStepStatus, dicom.CS, status)
	ds.SetStrings(dicom.PerformedProcedureStepEndDate, dicom.DA, "20300102")
	ds.SetStrings(dicom.PerformedProcedureStepEndTime, dicom.TM, "11")
	return ds
}

// TestPerformedFollowed: a scheduled step follows those that were performed for it, in whatever order they come, and what is replaced or
// begun before it was scheduled too. Of two that end a step at the same moment one wins.
func TestPerformedFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x := openIndex(t, path)
	s := scheduledStep(t, map[dicom.Tag]string{dicom.ScheduledStationAETitle: "CT1", dicom.Modality: "CT", dicom.ScheduledProcedureStepID: "S1",
		dicom.ScheduledProcedureStepStartDate: "20300102", dicom.ScheduledProcedureStepStartTime: "08"},
		map[dicom.Tag]string{dicom.PatientName: "DOE^JANE", dicom.PatientID: "P1", dicom.StudyInstanceUID: "1.2.3"})
	p := x.Procedures()
	want := func(status string) {
		t.Helper()
		got, err := p.Scheduled(t.Context(), s.Name())
		if err != nil || got.Performed != status {
			t.Fatalf("%+v, %v; want %q", got, err, status)
		}
	}
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	end := func(uid dicom.UID, status string) error {
		return p.Change(t.Context(), uid, func(p *procedure.Performed) error { return p.Update(ended(status)) })
	}
	try(p.Begin(t.Context(), performed(t, "1.5.1", s.Name())))
	try(p.Schedule(t.Context(), s))
	want("STARTED")
	try(p.Begin(t.Context(), performed(t, "1.5.2", s.Name())))
	try(end("1.5.1", "DISCONTINUED"))
	want("STARTED")
	try(end("1.5.2", "DISCONTINUED"))
	want("")
	try(p.Begin(t.Context(), performed(t, "1.5.3", s.Name())))
	want("STARTED")
	var won atomic.Int32
	var all sync.WaitGroup
	for _, status := range []string{"COMPLETED", "COMPLETED"} {
		all.Go(func() {
			if err := end("1.5.3", status); err == nil {
				won.Add(1)
			} else if !errors.Is(err, procedure.ErrConflict) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d won", won.Load())
	}
	want("COMPLETED")
	try(p.Reschedule(t.Context(), s))
	want("COMPLETED")

	// An index that is rebuilt takes over what no file says.
	try(x.Commitments().Add(t.Context(), "1.9.1", &dicom.DataSet{}, ended("COMPLETED"), time.Unix(1e9, 0)))
	try(x.Close())
	for name, carry := range map[string]func(fresh string) error{
		"carried": func(fresh string) error {
			try(openIndex(t, fresh).Close())
			return sqlite.CarryWorklist(t.Context(), fresh, path)
		},
		"adopted": func(fresh string) error {
			old, new := openIndex(t, path), openIndex(t, fresh)
			return errors.Join(new.Worklist().Adopt(t.Context(), old.Worklist()), old.Close(), new.Close())
		},
	} {
		fresh := filepath.Join(t.TempDir(), "fresh.db")
		try(carry(fresh))
		x := openIndex(t, fresh)
		p = x.Procedures()
		want("COMPLETED")
		if got, err := p.Performed(t.Context(), "1.5.3"); err != nil || got.Status() != "COMPLETED" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if got, err := x.Commitments().Result(t.Context(), "1.9.1"); err != nil || got == nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		try(x.Close())
	}
}
