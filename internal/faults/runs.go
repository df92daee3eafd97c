//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The report is written from what really ran: each run of a row is a line of a file beside the report, which is only ever appended to.
// Several harnesses may run at once, each in a folder of its own.

// runsFile is where the runs of a report are.
func runsFile(report string) string {
	return strings.TrimSuffix(report, filepath.Ext(report)) + ".jsonl"
}

// remember appends a run. One that tried nothing is not worth a line.
func remember(path string, r result) error {
	if r.Tried == 0 && r.Skipped == "" && len(r.Problems) == 0 {
		return nil
	}
	if r.Control {
		r.Problems = nil // they are what it is for
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// readRuns reads the runs, in the order in which they ended.
func readRuns(path string) ([]result, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var runs []result
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		runs = append(runs, r)
	}
	return runs, lines.Err()
}

// sum adds up the runs of a row: those of the version that was run last, and how often earlier ones were tried. A skipped run counts where
// there is no other.
func sum(name string, runs []result) (total result, runsOf, earlier, earlierLost int) {
	version := ""
	for _, r := range runs {
		if r.Name == name && r.Skipped == "" {
			version = r.Version
		}
	}
	for _, r := range runs {
		switch {
		case r.Name != name:
		case r.Skipped != "":
			if version == "" {
				total = r
			}
		case r.Version != version:
			earlier += r.Tried
			earlierLost += r.Lost
		default:
			runsOf++
			r.Tried += total.Tried
			r.Acknowledged += total.Acknowledged
			r.Lost += total.Lost
			r.Half += total.Half
			r.Orphans += total.Orphans
			r.Took += total.Took
			r.Slowest = max(r.Slowest, total.Slowest)
			r.Problems = append(total.Problems, r.Problems...)
			r.Note = joined(total.Note, r.Note)
			total = r
		}
	}
	return total, runsOf, earlier, earlierLost
}

// joined is the newer note, and the older one where it says something else than numbers that have changed.
func joined(old, fresh string) string {
	switch {
	case fresh == "" || strings.Contains(shape(old), shape(fresh)) && shape(old) != shape(fresh):
		return old
	case old == "" || shape(old) == shape(fresh):
		return fresh
	}
	return old + "; " + fresh
}

// shape is a note without its numbers.
func shape(note string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("0123456789.", r) {
			return -1
		}
		return r
	}, note)
}
