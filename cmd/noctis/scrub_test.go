package main

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// TestScrubbing lets a file rot in a data folder: a pass finds it, metrics tell it, and it is not served, after a restart neither.
func TestScrubbing(t *testing.T) {
	w := newWard(t)
	bad := bytes.Clone(w.files[1])
	bad[len(bad)-1] ^= 1
	w.write(w.blob(1), bad)
	for restart := range 2 {
		a, err := openArchive(t.Context(), w.data, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		registry := prometheus.NewRegistry()
		s := newScrubbing(a, w.data, 1<<30, slog.New(slog.DiscardHandler), registry)
		w.check(s.load())
		if restart == 0 {
			w.check(s.pass(t.Context()))
		}
		refused := 0
		for e, err := range a.Entries(t.Context(), dicom.Ref{}) {
			w.check(err)
			if in, err := a.Open(t.Context(), e); err != nil {
				refused++
			} else {
				in.Close()
			}
		}
		if refused != 1 {
			t.Errorf("restart %d: %d instances are refused, want 1", restart, refused)
		}
		families, err := registry.Gather()
		w.check(err)
		for _, f := range families {
			if f.GetName() == "noctis_damaged_files" && f.GetMetric()[0].GetGauge().GetValue() != 1 {
				t.Errorf("%v", f)
			}
		}
		w.check(a.Close())
	}
	w.write(filepath.Join(w.data, damagedFile), []byte("no digest\n"+idOf(t, w.blob(2)).String()+"\n"+strings.Repeat("ab", 100)+"\n"))
	a, err := openArchive(t.Context(), w.data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	w.check(newScrubbing(a, w.data, 1, slog.New(slog.DiscardHandler), prometheus.NewRegistry()).load())
	if got := a.Damaged(); len(got) != 1 || got[0] != idOf(t, w.blob(2)) {
		t.Errorf("of a list that is damaged itself %v is taken", got)
	}
}
