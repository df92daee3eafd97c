package sqlite

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/procedure"
	"github.com/noctis-dicom/noctis/procedure/proceduretest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// TestStepsInTheFeed: what happens to steps is in the change feed, written with it; not for who has limits, and not where nothing happened.
func TestStepsInTheFeed(t *testing.T) {
	x, err := Open(t.Context(), filepath.Join(t.TempDir(), "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	p, ctx := x.Procedures(), t.Context()
	st := store.New(x, memstore.NewBlobs(), store.Options{})
	s := proceduretest.Step(t, nil, nil)
	description := &dicom.DataSet{}
	description.SetStrings(dicom.PerformedProcedureStepDescription, dicom.LO, "half way")
	change := func(uid dicom.UID, given *dicom.DataSet) error {
		return p.Change(ctx, uid, func(pf *procedure.Performed) error { return pf.Update(given) })
	}
	var at store.Cursor
	for _, c := range []struct {
		what string
		run  func() error
		want string
		fail bool
	}{
		{"schedule", func() error { return p.Schedule(ctx, s) }, "step-scheduled 1.2.3 S1 SCHEDULED", false},
		{"a name that is taken", func() error { return p.Schedule(ctx, s) }, "", true},
		{"replace", func() error {
			return p.Reschedule(ctx, proceduretest.Step(t, proceduretest.Values{dicom.ScheduledProcedureStepStatus: "ARRIVED"}, nil))
		}, "step-updated 1.2.3 S1 ARRIVED", false},
		{"begin", func() error { return p.Begin(ctx, proceduretest.Performed(t, "1.5.1", s.Name())) },
			"performed-created 1.2.3 1.5.1 IN PROGRESS, step-updated 1.2.3 S1 STARTED", false},
		{"begin another", func() error { return p.Begin(ctx, proceduretest.Performed(t, "1.5.2", s.Name())) }, "performed-created 1.2.3 1.5.2 IN PROGRESS", false},
		{"update", func() error { return change("1.5.1", description) }, "performed-updated 1.2.3 1.5.1 IN PROGRESS", false},
		{"a refused update", func() error { return change("1.5.1", proceduretest.End("READY")) }, "", true},
		{"discontinue", func() error { return change("1.5.2", proceduretest.End("DISCONTINUED")) }, "performed-updated 1.2.3 1.5.2 DISCONTINUED", false},
		{"complete", func() error { return change("1.5.1", proceduretest.End("COMPLETED")) },
			"performed-updated 1.2.3 1.5.1 COMPLETED, step-updated 1.2.3 S1 COMPLETED", false},
		{"remove", func() error { return p.Unschedule(ctx, s.Name()) }, "step-removed 1.2.3 S1 ", false},
		{"remove again", func() error { return p.Unschedule(ctx, s.Name()) }, "", true},
		{"schedule what was done", func() error { return p.Schedule(ctx, s) }, "step-scheduled 1.2.3 S1 COMPLETED", false},
		{"begin what is not scheduled", func() error {
			return p.Begin(ctx, proceduretest.Performed(t, "1.5.3", procedure.Name{Study: "1.2.9", Step: "S9"}))
		}, "performed-created 1.2.9 1.5.3 IN PROGRESS", false},
	} {
		if err := c.run(); (err != nil) != c.fail {
			t.Fatalf("%s: %v", c.what, err)
		}
		var got []string
		for ch, err := range st.Changes(ctx, at) {
			if err != nil {
				t.Fatal(err)
			}
			got, at = append(got, strings.Join([]string{ch.Kind.String(), string(ch.Ref.Study), ch.Step, ch.State}, " ")), ch.Cursor
			if ch.Workitem != "" {
				t.Errorf("%s: a workitem %s", c.what, ch.Workitem)
			}
			told(t, ch)
		}
		if g := strings.Join(got, ", "); g != c.want {
			t.Errorf("%s: %s; want %s", c.what, g, c.want)
		}
	}
	image := &dicom.DataSet{}
	for tag, value := range map[dicom.Tag]string{dicom.SOPClassUID: "1.2.840.10008.5.1.4.1.1.66", dicom.SOPInstanceUID: "1.2.3.1.1",
		dicom.StudyInstanceUID: "1.2.3", dicom.SeriesInstanceUID: "1.2.3.1"} {
		image.SetStrings(tag, dicom.UI, value)
	}
	var file bytes.Buffer
	if err := part10.Write(&file, image, part10.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Ingest(ctx, &file, ""); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for ch, err := range st.Changes(match.Within(ctx, match.Limits{Studies: []dicom.UID{"1.2.3"}}), store.Cursor{}) {
		if err != nil || ch.Kind.OfStep() {
			t.Errorf("within limits: %v, %v", ch, err)
		}
		seen++
	}
	if seen == 0 {
		t.Error("who may see the study is told nothing of it")
	}
}

// told looks at what others are told of a change: how the step is asked for.
func told(t *testing.T, c store.Change) {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	want := `"scheduledProcedureStepID":"S1"`
	if strings.HasPrefix(c.Kind.String(), "performed") {
		want = `"performedProcedureStepUID":"1\.5\.[123]"`
	}
	if !regexp.MustCompile(want).Match(text) || strings.Contains(string(text), "workitem") || strings.Contains(string(text), "DOE") {
		t.Errorf("%s, want %s", text, want)
	}
}
