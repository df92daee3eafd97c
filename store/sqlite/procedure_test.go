package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/procedure"
	"github.com/noctis-dicom/noctis/procedure/proceduretest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/webhook"
)

func TestProcedures(t *testing.T) {
	proceduretest.Repository(t, func(t *testing.T) proceduretest.Open {
		again := reopening(t)
		var last *Index
		t.Cleanup(func() {
			if flaws, err := last.Worklist().Flaws(context.Background()); err != nil || len(flaws) > 0 {
				t.Errorf("rows contradict their data sets: %v, %v", flaws, err)
			}
		})
		return func(t *testing.T) procedure.Repository {
			last = again(t)
			return last.Procedures()
		}
	})
}

// TestTakenOver: an index that is rebuilt takes over what no file says: steps, commitments, and how far webhooks are.
func TestTakenOver(t *testing.T) {
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	openIndex := func(path string) *Index {
		t.Helper()
		x, err := Open(t.Context(), path)
		try(err)
		return x
	}
	path := filepath.Join(t.TempDir(), "index.db")
	x, s := openIndex(path), proceduretest.Step(t, nil, nil)
	try(x.Procedures().Schedule(t.Context(), s))
	try(x.Procedures().Begin(t.Context(), proceduretest.Performed(t, "1.5.3", s.Name())))
	try(x.Commitments().Add(t.Context(), "1.9.1", &dicom.DataSet{}, proceduretest.End("COMPLETED"), time.Unix(1e9, 0)))
	at := store.Cursor{Epoch: "e", Number: 7}
	_, err := x.Webhooks().Move(t.Context(), "ai", at, []webhook.Letter{{Message: webhook.Message{ID: "m", Body: []byte("{}")}}})
	try(errors.Join(err, x.Close()))
	fresh := filepath.Join(t.TempDir(), "fresh.db")
	try(openIndex(fresh).Close())
	lost, err := CarryWorklist(t.Context(), fresh, path)
	if err != nil || len(lost) > 0 {
		t.Fatal(lost, err)
	}
	x = openIndex(fresh)
	if got, err := x.Procedures().Scheduled(t.Context(), s.Name()); err != nil || got.Performed != "STARTED" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := x.Procedures().Performed(t.Context(), "1.5.3"); err != nil || got.Status() != "IN PROGRESS" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := x.Commitments().Result(t.Context(), "1.9.1"); err != nil || got == nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, known, err := x.Webhooks().Position(t.Context(), "ai"); err != nil || !known || got != at {
		t.Errorf("%v, %v, %v", got, known, err)
	}
	if n, err := x.Webhooks().Count(t.Context()); err != nil || n["ai"] != 1 {
		t.Errorf("%v, %v", n, err)
	}
	try(x.Close())
}
