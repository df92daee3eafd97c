package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// ChangeKind is what happened to an instance.
type ChangeKind int

// The kinds of changes.
const (
	Stored   ChangeKind = iota // it came
	Replaced                   // another file has taken its place under the same UID
	Deleted                    // it was taken away
	Restored                   // it was taken out of the recycle bin
)

var changeKinds = []string{"stored", "replaced", "deleted", "restored"}

// String is the name of the kind in the change feed and in the journal.
func (k ChangeKind) String() string { return changeKinds[k] }

func parseChangeKind(s string) (ChangeKind, bool) {
	for k, name := range changeKinds {
		if s == name {
			return ChangeKind(k), true
		}
	}
	return 0, false
}

// Change is one entry of the change feed. It holds no patient data.
type Change struct {
	Cursor   Cursor // its place
	Kind     ChangeKind
	Ref      dicom.Ref
	SOPClass dicom.UID
	Time     time.Time // of the commit: UTC, milliseconds
}

// Cursor is a place in the change feed of one index: behind the change of that number. The zero Cursor is before the first change
// that is kept. An index that is built anew has a feed of its own, in which cursors of the former one mean nothing; hence the epoch.
type Cursor struct {
	Epoch  string
	Number int64
}

// String returns the epoch and the number, joined by a hyphen; "" for the zero Cursor.
func (c Cursor) String() string {
	if c == (Cursor{}) {
		return ""
	}
	return fmt.Sprintf("%s-%d", c.Epoch, c.Number)
}

// ParseCursor reads what String wrote.
func ParseCursor(s string) (Cursor, error) {
	if s == "" {
		return Cursor{}, nil
	}
	epoch, digits, _ := strings.Cut(s, "-")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || epoch == "" || digits[0] == '+' {
		return Cursor{}, errors.New("it is no cursor of the change feed")
	}
	return Cursor{epoch, n}, nil
}

// ErrStale: the feed cannot go on from the cursor, because it is of another index (the index was rebuilt), or because the changes
// behind it are no longer kept.
var ErrStale = errors.New("the change feed cannot go on from this cursor")

// Changes yields the changes behind the cursor in the order in which they were committed, each of which every reader sees by then:
// those that were there when it began, and perhaps later ones. Nothing between two of them is left out. The error is ErrStale,
// wrapped, if the feed cannot go on from the cursor.
func (s *Store) Changes(ctx context.Context, after Cursor) iter.Seq2[Change, error] {
	return s.index.Changes(ctx, after)
}

// LatestChange is the cursor behind all changes so far.
func (s *Store) LatestChange(ctx context.Context) (Cursor, error) { return s.index.LatestChange(ctx) }

// Wait returns when Changes has something to say behind the cursor, be it ErrStale, or when ctx ends.
func (s *Store) Wait(ctx context.Context, after Cursor) error {
	for {
		changed := s.changed.next() // before the look, or what comes in between would be missed
		for _, err := range s.index.Changes(ctx, after) {
			if errors.Is(err, ErrStale) {
				return nil
			}
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// TrimChanges drops changes that are older than the given time, at most limit of them, and returns how many.
func (s *Store) TrimChanges(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.index.TrimChanges(ctx, before, limit)
}

// touched is called after every commit of the index, before whoever asked for it is told.
func (s *Store) touched() {
	s.generation.Add(1)
	s.changed.ring()
}

// bell wakes all who wait.
type bell struct {
	mu sync.Mutex
	ch chan struct{} // nil: nobody waits
}

// next is closed when the bell rings the next time.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}
