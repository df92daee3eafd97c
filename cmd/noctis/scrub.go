package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store"
)

// scrubEvery is the least time from the end of one pass over the store to the next.
const scrubEvery = time.Hour

// damagedFile is the name of the list of damaged files in the data folder.
const damagedFile = "damaged"

// scrubbing reads all stored files again and again, at a bounded rate, and looks for rot.
type scrubbing struct {
	archive *archive
	list    string // the file with the digests of damaged files, so that they are not served after a restart either
	rate    int64  // bytes a second
	log     *slog.Logger
	saving  sync.Mutex

	passes, files, bytes prometheus.Counter
}

func newScrubbing(a *archive, data string, rate int64, log *slog.Logger, registry prometheus.Registerer) *scrubbing {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		registry.MustRegister(c)
		return c
	}
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "noctis_damaged_files",
		Help: "Stored files whose bytes are not what was stored."}, func() float64 { return float64(len(a.Damaged())) }))
	return &scrubbing{archive: a, list: filepath.Join(data, damagedFile), rate: rate, log: log,
		passes: counter("noctis_scrub_passes_total", "Times that all stored files were read again and compared with their SHA-256."),
		files:  counter("noctis_scrub_files_total", "Files that were read again."),
		bytes:  counter("noctis_scrub_bytes_total", "Bytes that were read again.")}
}

// found says what is news of a file, and keeps it.
func (s *scrubbing) found(id store.BlobID, err error) {
	if err != nil {
		s.log.Error("a stored file is damaged and is not served any more; noctis doctor takes it from a backup", "blob", id.String(), "error", err)
	} else {
		s.log.Info("a stored file that was damaged is good again", "blob", id.String())
	}
	s.save()
}

// load marks what an earlier process has found, and watches.
func (s *scrubbing) load() error {
	s.archive.WatchDamage(s.found)
	text, err := os.ReadFile(s.list)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		// The list has rotted, too, perhaps; nobody is kept from all the other files because of that.
		if digest, err := hex.DecodeString(strings.TrimSpace(line)); err != nil || len(digest) != len(store.BlobID{}) {
			s.log.Error("a line of the list of damaged files cannot be read; noctis doctor --deep finds what is damaged", "list", s.list)
		} else {
			s.archive.MarkDamaged(store.BlobID(digest))
		}
	}
	return nil
}

// save keeps the list.
func (s *scrubbing) save() {
	s.saving.Lock()
	defer s.saving.Unlock()
	var b strings.Builder
	for _, id := range s.archive.Damaged() {
		fmt.Fprintln(&b, id)
	}
	if err := durable.WriteFile(s.list, []byte(b.String())); err != nil {
		s.log.Error("the list of damaged files cannot be kept", "error", err)
	}
}

// begin scrubs until stop is called, which waits for its end.
func (s *scrubbing) begin(ctx context.Context) (stop func()) {
	return beside(ctx, func(ctx context.Context) {
		for s.rate > 0 && wait(ctx, time.Minute) == nil { // after a start there is more urgent work
			if err := s.pass(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("the stored files cannot be read again", "error", err)
			}
			if wait(ctx, scrubEvery) != nil {
				return
			}
		}
	})
}

// pass reads all files once.
func (s *scrubbing) pass(ctx context.Context) error {
	err := s.archive.Scrub(ctx, store.Scrubber{
		Pause: func(ctx context.Context, n int64) error {
			s.bytes.Add(float64(n))
			return wait(ctx, time.Duration(float64(n)/float64(s.rate)*float64(time.Second)))
		},
		Checked: func(store.BlobID, error) { s.files.Inc() },
	})
	if err == nil {
		s.passes.Inc()
	}
	return err
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
