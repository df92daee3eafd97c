package authn

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/internal/durable"
)

// Uses remembers when each record of the ledgers was used last. It has a file of its own, which the server alone writes, so that a
// request never waits for a disk; what was noted in the last seconds before a crash is lost. Safe for concurrent use.
type Uses struct {
	path string

	mu    sync.Mutex
	last  map[string]time.Time // by kind and name
	dirty bool
}

// usesEvery is how often they are written, and how exact they are.
const usesEvery = 5 * time.Second

// OpenUses reads those of a folder. A file that cannot be read has none: they are of no importance for who may come in.
func OpenUses(folder string) *Uses {
	u := &Uses{path: filepath.Join(folder, "used.json"), last: map[string]time.Time{}}
	if text, err := os.ReadFile(u.path); err == nil {
		_ = json.Unmarshal(text, &u.last) //nolint:errcheck // see above
	}
	return u
}

// note is called for each request.
func (u *Uses) note(record string, at time.Time) {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if at.Sub(u.last[record]) >= usesEvery {
		u.last[record], u.dirty = at.UTC().Truncate(time.Second), true
	}
}

// of is when a record was used last; zero: never.
func (u *Uses) of(record string) time.Time {
	if u == nil {
		return time.Time{}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.last[record]
}

// Run writes them until ctx ends, and then once more.
func (u *Uses) Run(ctx context.Context, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			u.flush(log)
			return
		case <-time.After(usesEvery):
			u.flush(log)
		}
	}
}

func (u *Uses) flush(log *slog.Logger) {
	u.mu.Lock()
	dirty, last := u.dirty, maps.Clone(u.last)
	u.dirty = false
	u.mu.Unlock()
	if !dirty {
		return
	}
	text, err := json.MarshalIndent(last, "", "  ")
	if err == nil {
		err = durable.WriteFile(u.path, append(text, '\n'))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // without the folder there are no records
		log.Warn("when keys and users were used last could not be written", "error", err)
	}
}
