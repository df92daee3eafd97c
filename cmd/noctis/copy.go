package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/noctis-dicom/noctis/store"
)

type copyCommand struct {
	selection
	credentials
	endurance
	To       string `arg:"" name:"url" help:"DICOMweb base URL of the other server (https://pacs.example.org/dicom-web)."`
	Parallel int    `default:"4" help:"Instances sent at the same time (default ${default})."`
	Ledger   string `placeholder:"FILE" help:"Where it is noted what the other server has acknowledged; default: in the data folder, a file for each server."`
	Again    bool   `help:"Send what has been acknowledged before, too."`
}

// Help is shown by --help.
func (copyCommand) Help() string {
	return `Stores studies on another DICOMweb server (STOW-RS), byte for byte, an instance a request. What that server acknowledges is noted in a ledger, so that the
same command goes on where it was interrupted, and sends only what is new when it is called again later. A server that is busy, or cannot be reached
any more, is tried again for as long as --patience; one that does not say what it has stored is asked whether it finds it. What it refuses is reported, and the
copy goes on; a file that is damaged here is not sent. The exit code is 1 if any instance could not be copied.

Examples:
  noctis copy https://pacs.example.org/dicom-web --all --data /var/lib/noctis
  noctis copy http://10.0.0.7:8042/dicom-web --where 'StudyDate=20260101-' --where ModalitiesInStudy=CT --user orthanc:orthanc
  noctis copy https://pacs.example.org/dicom-web --study 1.2.840.113619.2.1 --token "$TOKEN"`
}

// Run copies.
func (c copyCommand) Run(ctx context.Context, t terminal) (err error) {
	to, err := newRemote(c.To, c.credentials)
	if err != nil {
		return err
	}
	from, err := openReading(ctx, c.Data)
	if err != nil {
		return err
	}
	defer from.close() //nolint:errcheck // it has only been read
	studies, total, err := from.studies(ctx, c.selection)
	if err != nil {
		return err
	}
	others, more, err := from.nonPatient(ctx, c.selection)
	if err == nil && len(studies)+len(others) == 0 {
		err = errNoStudy
	}
	if err != nil {
		return err
	}
	if err := recordExport(c.Data, c.To, slices.Concat(studies, others)); err != nil {
		return err
	}
	ledger, err := openLedger(c.ledgerFile(to), c.Again)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ledger.file.Close()) }()

	tally := &tally{terminal: t, bar: newProgress(t.err, "copy"), seen: total + more}
	to.endurance, to.say = c.endurance, tally.note
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(max(1, c.Parallel))
	walk := func() error {
		for _, study := range slices.Concat(studies, others) {
			for e, err := range from.Entries(ctx, study.ref()) {
				if err != nil {
					return err
				}
				work.Go(func() error { return copyOne(ctx, from, to, e, ledger, tally) })
			}
		}
		return nil
	}
	walkErr := walk()
	if err = work.Wait(); err == nil {
		err = walkErr
	}
	tally.bar.finish()
	fmt.Fprintf(t.out, "%d copied, %d acknowledged before, %d refused, of %d studies\n", tally.stored, tally.duplicates, tally.refused, len(studies))
	switch {
	case err != nil:
		return fmt.Errorf("%w\nThe same command goes on from here", err)
	case tally.refused > 0:
		return errReported
	}
	return nil
}

// copyOne sends one instance; its error ends the copy.
func copyOne(ctx context.Context, from *reading, to sender, e *store.Entry, l *ledger, tally *tally) error {
	path := e.Ref.Path()
	if l.has(e.Blob) {
		tally.sent(path, true, nil)
		return nil
	}
	in, err := from.sound(ctx, e)
	if err != nil {
		if ctx.Err() == nil {
			tally.sent(path, false, err)
		}
		return ctx.Err()
	}
	defer in.Close()
	duplicate, err := to.send(ctx, func() (io.ReadCloser, error) { return io.NopCloser(in.File()), nil })
	if errors.Is(err, errUnreachable) {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err == nil {
		if err := l.add(e.Blob); err != nil {
			return err
		}
	}
	tally.sent(path, duplicate, err)
	return nil
}

// ledgerFile is where the copies to a server are noted.
func (c copyCommand) ledgerFile(to *remote) string {
	if c.Ledger != "" {
		return c.Ledger
	}
	sum := sha256.Sum256([]byte(to.name()))
	return filepath.Join(c.Data, "copied-"+hex.EncodeToString(sum[:4])+".txt")
}

// ledger is a file of SHA-256, a line each, of what a server has acknowledged. A line that is lost in a crash means that an instance
// is sent once more, which does no harm: nothing is synced.
type ledger struct {
	mu   sync.Mutex
	file *os.File
	done map[store.BlobID]bool
}

// openLedger reads what is noted, unless it begins anew. What is no line of a ledger, like one that was cut off, is passed over.
func openLedger(path string, anew bool) (*ledger, error) {
	flags := os.O_CREATE | os.O_RDWR | os.O_APPEND
	if anew {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	l := &ledger{file: f, done: map[store.BlobID]bool{}}
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			if line != "" {
				_, err = f.WriteString("\n")
				return l, err
			}
			return l, nil
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if id, err := hex.DecodeString(line[:len(line)-1]); err == nil && len(id) == len(store.BlobID{}) {
			l.done[store.BlobID(id)] = true
		}
	}
}

func (l *ledger) has(id store.BlobID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done[id]
}

func (l *ledger) add(id store.BlobID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[id] = true
	_, err := l.file.WriteString(id.String() + "\n")
	return err
}
