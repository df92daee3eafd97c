package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

type importCommand struct {
	target
	endurance
	Paths    []string `arg:"" name:"path" help:"Files, folders and zip files."`
	Parallel int      `default:"4" help:"Instances sent at the same time (default ${default})."`
}

// Help is shown by --help.
func (importCommand) Help() string {
	return `Folders and zip files are walked to the bottom. What is not DICOM is reported and skipped; a file that is refused is
reported, and the import goes on. It can be repeated: what is stored already is not stored again. The exit code is 1 if any
DICOM file could not be stored.

Examples:
  noctis import /media/cd
  noctis import study.zip --server http://127.0.0.1:8080/dicom-web
  noctis import ~/scans a.dcm b.dcm --data /var/lib/noctis`
}

// Run imports everything below the paths.
func (c importCommand) Run(ctx context.Context, t terminal) (err error) {
	to, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()

	tally := tally{terminal: t, bar: newProgress(t.err, "import")}
	if server, is := to.(*remote); is {
		server.endurance, server.say = c.endurance, tally.note
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(max(1, c.Parallel))
	walkErr := walk(ctx, c.Paths, func(f found) error {
		tally.found()
		if f.err != nil {
			tally.skipped(f.path, f.err)
			return nil
		}
		work.Go(func() error { return c.one(ctx, to, f, &tally) })
		return ctx.Err()
	})
	err = errors.Join(work.Wait(), walkErr)
	tally.bar.finish()
	fmt.Fprintf(t.out, "%d stored, %d already there, %d refused, %d not DICOM\n",
		tally.stored, tally.duplicates, tally.refused, tally.other)
	if err == nil && tally.refused > 0 {
		return errReported
	}
	return err
}

// one stores one file; its error ends the import.
func (c importCommand) one(ctx context.Context, to sender, f found, tally *tally) error {
	duplicate, err := to.send(ctx, f.open)
	if errors.Is(err, errUnreachable) {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	tally.sent(f.path, duplicate, err)
	return nil
}

// tally counts what became of the files and reports the bad ones. It is safe for concurrent use.
type tally struct {
	terminal
	bar *progress

	mu                                 sync.Mutex
	seen, done                         int
	stored, duplicates, refused, other int
}

func (t *tally) found() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen++
	t.bar.set(t.done, t.seen)
}

func (t *tally) sent(path string, duplicate bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err != nil:
		t.refused++
		t.say("%s: %v", path, err)
	case duplicate:
		t.duplicates++
	default:
		t.stored++
	}
	t.done++
	t.bar.set(t.done, t.seen)
}

func (t *tally) skipped(path string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if errors.Is(err, errNotDICOM) {
		t.other++
	} else {
		t.refused++
	}
	t.say("%s: %v", path, err)
	t.done++
	t.bar.set(t.done, t.seen)
}

// note tells of what is no file of its own.
func (t *tally) note(format string, a ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.say(format, a...)
}

func (t *tally) say(format string, a ...any) {
	t.bar.clear()
	fmt.Fprintf(t.err, format+"\n", a...)
}
