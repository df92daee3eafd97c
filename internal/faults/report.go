//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// result is what became of a row.
type result struct {
	Name, How    string
	Control      bool
	Tried        int // faults
	Acknowledged int // instances
	Lost         int // acknowledged, and not there byte for byte
	Half         int // there in one place and not in another
	Orphans      int // files left behind
	Problems     []string
	Note         string
	Skipped      string
	Version      string
	Started      time.Time
	Took         time.Duration
	Slowest      time.Duration // until a server was ready
}

func (r *result) problem(format string, a ...any) {
	if len(r.Problems) < 20 {
		r.Problems = append(r.Problems, fmt.Sprintf(format, a...))
	}
}

// good reports whether the row showed what it must.
func (r *result) good() bool {
	if r.Skipped != "" {
		return true
	}
	if r.Control {
		return r.Lost > 0
	}
	return r.Lost+r.Half+r.Orphans+len(r.Problems) == 0 && r.Tried > 0
}

func (r *result) verdict() string {
	switch {
	case r.Skipped != "":
		return "skipped: " + r.Skipped
	case r.good() && r.Control:
		return "loses, as it must"
	case r.good():
		return "survived"
	case r.Control:
		return "BLIND: nothing was lost"
	}
	return "FAILED"
}

func (r *result) line() string {
	return fmt.Sprintf("%-36s tried %-5d acknowledged %-6d lost %-3d half %-3d orphans %-3d %s  %s (%.0f s)",
		r.Name, r.Tried, r.Acknowledged, r.Lost, r.Half, r.Orphans, r.verdict(), r.Note, r.Took.Seconds())
}

// writeReport writes the report of all runs there are.
func writeReport(path string) error {
	runs, err := readRuns(runsFile(path))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString(reportHead)
	for _, row := range rows {
		r, n, earlier, earlierLost := sum(row.name, runs)
		switch {
		case n == 0 && r.Skipped == "":
			fmt.Fprintf(&b, "| %s | %s | – | – | – | not run | | |\n", row.name, row.how)
			continue
		case n > 1:
			r.Note = joined(r.Note, fmt.Sprintf("%d runs", n))
		}
		if r.Slowest > 0 {
			r.Note = joined(r.Note, fmt.Sprintf("ready after at most %.1f s", r.Slowest.Seconds()))
		}
		if earlier > 0 {
			r.Note = joined(r.Note, fmt.Sprintf("earlier versions: %d times, %d lost", earlier, earlierLost))
		}
		for _, p := range r.Problems[:min(len(r.Problems), 3)] {
			r.Note = joined(r.Note, strings.Join(strings.Fields(p), " "))
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d / %d / %d | %s | %s | %s, %s |\n", row.name, row.how, r.Tried, r.Acknowledged,
			r.Lost, r.Half, r.Orphans, r.verdict(), strings.ReplaceAll(r.Note, "|", "/"), r.Started.Format("2006-01-02"), r.Version)
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

const reportHead = `# Faults survived

Written by ` + "`make faults`" + ` ([internal/faults](../internal/faults/main.go)), which drives the real program on the loopback interface; the runs are in
[FAULTS.jsonl](FAULTS.jsonl), one a line, and those of one version add up. After each fault: every acknowledged instance is there byte for byte; every
other one wholly or not at all, with search, metadata, frames, worklist and change feed in agreement; no file is left over; ` + "`reindex --check`" + `
and ` + "`doctor --deep`" + ` find nothing; no answer is a 500 unless the disk fails, a refused instance has a Failure Reason, and 503 and 429 say when to come again; the server is ready again, in two seconds without those in which others had the processor (*noted* says how long it took at most, with them). *Lost* counts
acknowledged instances, *half* instances that are there in one place and not in another, *over* files that nothing names.
"Controls" run the server with durability off, and must lose. Those who attack in hostile rows are a process of their own that runs only when nobody else
wants to (SCHED_IDLE), so that only what the server does for them counts; the bystander's client runs as soon as it may (SCHED_RR), as one on a machine of its own,
and its time without the attack is taken in the same run, by turns. A row fails where the 99th percentile is more than twice that and more than 20 ms. Rows were run on a machine of two processors that others were using too.

| fault | how | times | acknowledged | lost / half / over | verdict | noted | date, version |
|---|---|---|---|---|---|---|---|
`

func versionOf(bin string) string {
	out, err := exec.Command(filepath.Join(bin, "noctis"), "version").Output()
	if err != nil {
		return "?"
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "noctis ")
}
