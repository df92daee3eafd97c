//go:build linux

package main

import (
	"path/filepath"
	"testing"
)

// TestRunsAddUp: runs of the version that was run last add up; earlier versions are told apart; a skipped run takes nothing away.
func TestRunsAddUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runs.jsonl")
	for _, r := range []result{
		{Name: "kill -9", Version: "a", Tried: 7, Lost: 1},
		{Name: "kill -9", Version: "b", Tried: 100, Acknowledged: 50, Note: "resident at most 3 MiB"},
		{Name: "other", Version: "b", Tried: 1},
		{Name: "kill -9", Version: "b", Tried: 20, Acknowledged: 5, Half: 1, Problems: []string{"half"}, Note: "resident at most 4 MiB"},
		{Name: "kill -9", Version: "b", Skipped: "needs root"},
		{Name: "kill -9", Version: "b"}, // interrupted before it tried anything
	} {
		if err := remember(path, r); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := readRuns(path)
	if err != nil || len(runs) != 5 {
		t.Fatal(len(runs), err)
	}
	got, n, earlier, earlierLost := sum("kill -9", runs)
	if got.Tried != 120 || got.Acknowledged != 55 || got.Half != 1 || got.Lost != 0 || n != 2 || earlier != 7 || earlierLost != 1 ||
		got.Note != "resident at most 4 MiB" || got.good() {
		t.Errorf("%+v, %d runs, earlier %d, %d lost", got, n, earlier, earlierLost)
	}
}

// TestStates: a state is what was written up to it, and a copy does not change with the disk.
func TestStates(t *testing.T) {
	d := &blockDisk{size: 1 << 20, pages: map[int64]*page{}}
	d.Write(t.Context(), nil, []byte("before"), 4094)
	base := d.begin()
	d.Write(t.Context(), nil, []byte("after"), 4094)
	d.mark(3)
	log := d.end()
	if len(log) != 2 || string(log[0].data) != "after" || log[1].mark != 3 {
		t.Fatalf("%v", log)
	}
	r := &recording{log: log, ledger: &ledger{}, order: []*promise{{}, {}, {}, {}}}
	for events, want := range []struct {
		text  string
		acked int
	}{{"before", 0}, {"aftere", 0}, {"aftere", 3}} {
		state := clonePages(base)
		for _, e := range log[:events] {
			store(state, e.data, e.offset)
		}
		got := make([]byte, 6)
		result, _ := withPages("", d.size, state).Read(t.Context(), nil, got, 4094)
		text, _ := result.Bytes(nil)
		if r.upTo(events); string(text) != want.text || r.ledger.acked != want.acked {
			t.Errorf("after %d events: %q, %d acknowledged", events, text, r.ledger.acked)
		}
	}
}
