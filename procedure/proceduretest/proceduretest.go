// Package proceduretest is the suite that every implementation of procedure.Repository passes: each guarantee in the comments of the
// interface is a test here.
package proceduretest

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/procedure"
)

// Open opens a repository, the same each time it is called. What is durable is there again.
type Open func(t *testing.T) procedure.Repository

// Repository tests an implementation. fresh returns a way to open a new, empty one.
func Repository(t *testing.T, fresh func(t *testing.T) Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"Schedule": testSchedule, "Search": testSearch, "Completed": testCompleted, "Perform": testPerform, "Follow": testFollow, "Race": testRace,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

// Values are the values of attributes.
type Values map[dicom.Tag]string

func (v Values) set(ds *dicom.DataSet) *dicom.DataSet {
	for tag, value := range v {
		ds.SetStrings(tag, tag.VR(), value)
	}
	return ds
}

// Step makes a scheduled step of attributes of the step, and of what is around it; those that are not given have some value.
func Step(t testing.TB, step, around Values) *procedure.Scheduled {
	t.Helper()
	of := Values{dicom.ScheduledStationAETitle: "CT1", dicom.Modality: "CT", dicom.ScheduledProcedureStepID: "S1",
		dicom.ScheduledProcedureStepStartDate: "20300102", dicom.ScheduledProcedureStepStartTime: "08"}
	maps.Copy(of, step)
	ds := Values{dicom.PatientName: "DOE^JANE", dicom.PatientID: "P1", dicom.StudyInstanceUID: "1.2.3"}.set(&dicom.DataSet{})
	around.set(ds).SetItems(dicom.ScheduledProcedureStepSequence, of.set(&dicom.DataSet{}))
	s, err := procedure.Schedule(ds, procedure.Name{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Performed makes a step in progress, for a scheduled one.
func Performed(t testing.TB, uid dicom.UID, n procedure.Name) *procedure.Performed {
	t.Helper()
	ds := Values{dicom.PerformedProcedureStepID: "PPS", dicom.PerformedStationAETitle: "CT1", dicom.PerformedProcedureStepStartDate: "20300102",
		dicom.PerformedProcedureStepStartTime: "10", dicom.PerformedProcedureStepStatus: "IN PROGRESS", dicom.Modality: "CT"}.set(&dicom.DataSet{})
	ds.SetItems(dicom.ScheduledStepAttributesSequence,
		Values{dicom.StudyInstanceUID: string(n.Study), dicom.ScheduledProcedureStepID: n.Step}.set(&dicom.DataSet{}))
	p, err := procedure.Begin(ds, uid)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// End is the update that ends a performed step.
func End(status string) *dicom.DataSet {
	ds := Values{dicom.PerformedProcedureStepStatus: status, dicom.PerformedProcedureStepEndDate: "20300102", dicom.PerformedProcedureStepEndTime: "11"}.
		set(&dicom.DataSet{})
	ds.SetItems(dicom.PerformedSeriesSequence, Values{dicom.SeriesInstanceUID: "1.2.3.4", dicom.ProtocolName: "Axial"}.set(&dicom.DataSet{}))
	return ds
}

// Keys parses matching keys.
func Keys(t testing.TB, values map[string]string) []match.Key {
	t.Helper()
	var keys []match.Key
	for path, value := range values {
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
	return match.Combine(keys)
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func testSchedule(t *testing.T, o Open) {
	r, ctx := o(t), t.Context()
	s := Step(t, nil, nil)
	other := Step(t, Values{dicom.Modality: "MR"}, nil)
	_, err := r.Scheduled(ctx, s.Name())
	refused(t, "before it is there", err, procedure.ErrUnknown)
	refused(t, "replacing what is not there", r.Reschedule(ctx, s), procedure.ErrUnknown)
	refused(t, "removing what is not there", r.Unschedule(ctx, s.Name()), procedure.ErrUnknown)
	try(t, r.Schedule(ctx, s))
	refused(t, "a name that is taken", r.Schedule(ctx, other), procedure.ErrConflict)
	for _, near := range []Values{{dicom.ScheduledProcedureStepID: "S2"}, {dicom.ScheduledProcedureStepID: "s1"}} {
		try(t, r.Schedule(ctx, Step(t, near, nil)))
	}
	r = o(t)
	if got, err := r.Scheduled(ctx, s.Name()); err != nil || !got.DataSet.Equal(s.DataSet) || got.Performed != "" {
		t.Errorf("%+v, %v", got, err)
	}
	try(t, r.Reschedule(ctx, other))
	r = o(t)
	if got, err := r.Scheduled(ctx, s.Name()); err != nil || !got.DataSet.Equal(other.DataSet) {
		t.Errorf("replaced: %+v, %v", got, err)
	}
	try(t, r.Unschedule(ctx, s.Name()))
	r = o(t)
	_, err = r.Scheduled(ctx, s.Name())
	refused(t, "after it was removed", err, procedure.ErrUnknown)
	if _, total, err := r.Search(ctx, match.Query{Limit: -1}); err != nil || total != 2 {
		t.Errorf("%d are left, %v", total, err)
	}
}

// testCompleted: a step that is COMPLETED is off the worklist, but is found by who asks for the status.
func testCompleted(t *testing.T, o Open) {
	r, ctx := o(t), t.Context()
	for i, status := range []string{"", "IN PROGRESS", "COMPLETED", "DISCONTINUED"} {
		s := Step(t, Values{dicom.ScheduledProcedureStepID: fmt.Sprint("S", i)}, nil)
		try(t, r.Schedule(ctx, s))
		if status == "" {
			continue
		}
		uid := dicom.UID(fmt.Sprint("1.5.", i+1))
		try(t, r.Begin(ctx, Performed(t, uid, s.Name())))
		if status != "IN PROGRESS" {
			try(t, r.Change(ctx, uid, func(p *procedure.Performed) error { return p.Update(End(status)) }))
		}
	}
	for status, want := range map[string]int{"": 3, "COMPLETED": 1, "STARTED": 1} {
		q := match.Query{Limit: -1}
		if status != "" {
			q.Keys = Keys(t, map[string]string{"00400100.00400020": status})
		}
		if page, total, err := r.Search(ctx, q); err != nil || total != want || len(page) != want {
			t.Errorf("%q: %d, %v; want %d", status, total, err, want)
		}
	}
}

func testPerform(t *testing.T, o Open) {
	r, ctx := o(t), t.Context()
	p := Performed(t, "1.5.1", procedure.Name{Study: "1.2.3", Step: "S1"})
	_, err := r.Performed(ctx, "1.5.1")
	refused(t, "before it is there", err, procedure.ErrUnknown)
	refused(t, "changing what is not there", r.Change(ctx, "1.5.1", func(*procedure.Performed) error { return nil }), procedure.ErrUnknown)
	try(t, r.Begin(ctx, p))
	refused(t, "a UID that is taken", r.Begin(ctx, p), procedure.ErrConflict)
	own := errors.New("no")
	refused(t, "the error of change", r.Change(ctx, "1.5.1", func(p *procedure.Performed) error {
		p.DataSet.SetStrings(dicom.PerformedProcedureStepStatus, dicom.CS, "COMPLETED")
		return own
	}), own)
	r = o(t)
	if got, err := r.Performed(ctx, "1.5.1"); err != nil || !got.DataSet.Equal(p.DataSet) {
		t.Errorf("%+v, %v", got, err)
	}
	try(t, r.Change(ctx, "1.5.1", func(p *procedure.Performed) error { return p.Update(End("COMPLETED")) }))
	if got, err := o(t).Performed(ctx, "1.5.1"); err != nil || got.Status() != "COMPLETED" {
		t.Errorf("%+v, %v", got, err)
	}
}

// testFollow: a scheduled step follows those that were performed for it, in whatever order they come, and what is replaced or begun before
// it was scheduled too.
func testFollow(t *testing.T, o Open) {
	r, ctx := o(t), t.Context()
	s := Step(t, nil, nil)
	want := func(status string) {
		t.Helper()
		if got, err := r.Scheduled(ctx, s.Name()); err != nil || got.Performed != status {
			t.Fatalf("%+v, %v; want %q", got, err, status)
		}
	}
	end := func(uid dicom.UID, status string) {
		t.Helper()
		try(t, r.Change(ctx, uid, func(p *procedure.Performed) error { return p.Update(End(status)) }))
	}
	try(t, r.Begin(ctx, Performed(t, "1.5.1", s.Name())))
	try(t, r.Schedule(ctx, s))
	want("STARTED")
	try(t, r.Begin(ctx, Performed(t, "1.5.2", s.Name())))
	end("1.5.1", "DISCONTINUED")
	want("STARTED")
	end("1.5.2", "DISCONTINUED")
	want("")
	try(t, r.Begin(ctx, Performed(t, "1.5.3", s.Name())))
	r = o(t)
	want("STARTED")
	end("1.5.3", "COMPLETED")
	want("COMPLETED")
	try(t, r.Reschedule(ctx, s))
	want("COMPLETED")
	try(t, r.Begin(ctx, Performed(t, "1.5.4", s.Name())))
	r = o(t)
	want("COMPLETED")
}

// testRace: of those who do the same at the same moment one is the first, 1,000 times.
func testRace(t *testing.T, o Open) {
	r, ctx := o(t), t.Context()
	race := func(what string, of ...func() error) {
		t.Helper()
		var won atomic.Int32
		var all sync.WaitGroup
		for _, f := range of {
			all.Go(func() {
				if err := f(); err == nil {
					won.Add(1)
				} else if !errors.Is(err, procedure.ErrConflict) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%s: %d won", what, won.Load())
		}
	}
	const races = 1000 / 3
	for i := range races + 1 {
		s := Step(t, Values{dicom.ScheduledProcedureStepID: fmt.Sprint("S", i)}, nil)
		schedule := func() error { return r.Schedule(ctx, s) }
		race("scheduling", schedule, schedule)
		uid := dicom.UID(fmt.Sprint("1.5.", i+1))
		p := Performed(t, uid, s.Name())
		begin := func() error { return r.Begin(ctx, p) }
		race("beginning", begin, begin)
		end := func(status string) func() error {
			return func() error {
				return r.Change(ctx, uid, func(p *procedure.Performed) error { return p.Update(End(status)) })
			}
		}
		race("ending", end("COMPLETED"), end("DISCONTINUED"))
	}
}
