package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// ChangeKind is what happened.
type ChangeKind int

// The kinds of changes. Databases hold these numbers.
const (
	Stored   ChangeKind = iota // an instance came
	Replaced                   // another file has taken the place of an instance under the same UID
	Deleted                    // an instance was taken away
	Restored                   // an instance was taken out of the recycle bin

	StudyStored  // the first instance of a study came
	StudySettled // no instance of a study has come for some time (see Settle)

	WorkitemCreated // a workitem came, or came back with its study
	WorkitemState   // it has another Procedure Step State
	WorkitemUpdated // others of its attributes changed
	WorkitemRemoved // it left the worklist

	StepScheduled    // a scheduled procedure step came
	StepUpdated      // it was replaced, or has another Scheduled Procedure Step Status because of what was performed for it
	StepRemoved      // it was taken off the worklist of the modalities
	PerformedCreated // a modality began a performed procedure step
	PerformedUpdated // it says more of it, perhaps that it is COMPLETED or DISCONTINUED
)

var changeKinds = []string{"stored", "replaced", "deleted", "restored", "study-stored", "study-settled",
	"workitem-created", "workitem-state", "workitem-updated", "workitem-removed",
	"step-scheduled", "step-updated", "step-removed", "performed-created", "performed-updated"}

// String is the name of the kind in the change feed and, of what happens to instances, in the journal.
func (k ChangeKind) String() string { return changeKinds[k] }

// Valid reports whether there is such a kind: a damaged row may hold any number.
func (k ChangeKind) Valid() bool { return k >= 0 && int(k) < len(changeKinds) }

// ChangeKinds are all kinds.
func ChangeKinds() []ChangeKind {
	all := make([]ChangeKind, len(changeKinds))
	for k := range all {
		all[k] = ChangeKind(k)
	}
	return all
}

// ParseChangeKind reads what String wrote.
func ParseChangeKind(s string) (ChangeKind, bool) {
	k := slices.Index(changeKinds, s)
	return ChangeKind(k), k >= 0
}

// Change is one entry of the change feed. It holds no patient data.
type Change struct {
	Cursor   Cursor // its place
	Kind     ChangeKind
	Ref      dicom.Ref // of what happens to a study, and of the reading workitem and the steps of one: only the study
	SOPClass dicom.UID // of an instance
	Workitem dicom.UID // of what happens to a workitem
	Step     string    // of what happens to a step: the ID that a scheduled one has within its study, the UID of a performed one
	State    string    // the Procedure Step State of a workitem, or what a step has in its place
	Time     time.Time // of the commit: UTC, milliseconds
}

// OfStep reports whether something happens to a scheduled procedure step or to a performed one.
func (k ChangeKind) OfStep() bool { return k >= StepScheduled }

// MarshalJSON writes a change as everybody outside is told of it.
func (c Change) MarshalJSON() ([]byte, error) {
	scheduled, performed := c.Step, ""
	if c.Kind == PerformedCreated || c.Kind == PerformedUpdated {
		scheduled, performed = "", c.Step
	}
	return json.Marshal(struct {
		Cursor    string    `json:"cursor"`
		Sequence  int64     `json:"sequence"`
		Kind      string    `json:"kind"`
		Time      string    `json:"time"`
		Study     dicom.UID `json:"studyInstanceUID,omitempty"`
		Series    dicom.UID `json:"seriesInstanceUID,omitempty"`
		Instance  dicom.UID `json:"sopInstanceUID,omitempty"`
		SOPClass  dicom.UID `json:"sopClassUID,omitempty"`
		Resource  string    `json:"resource,omitempty"` // of an instance of no patient
		Workitem  dicom.UID `json:"workitemUID,omitempty"`
		Scheduled string    `json:"scheduledProcedureStepID,omitempty"`
		Performed string    `json:"performedProcedureStepUID,omitempty"`
		State     string    `json:"procedureStepState,omitempty"`
	}{
		c.Cursor.String(), c.Cursor.Number, c.Kind.String(), c.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		c.Ref.Study, c.Ref.Series, c.Ref.Instance, c.SOPClass, c.Ref.Resource, c.Workitem, scheduled, performed, c.State,
	})
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

// LatestChange is the cursor behind all changes so far.
func (s *Store) LatestChange(ctx context.Context) (Cursor, error) { return s.index.LatestChange(ctx) }

// TrimChanges drops changes that are older than the given time, at most limit of them, and returns how many.
func (s *Store) TrimChanges(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.index.TrimChanges(ctx, before, limit)
}

// settleAtOnce is how many changes one transaction looks at, settleRest how long Settle rests at least when there is nothing to be done,
// since it need not know to the millisecond, and settleBreath how long while there is something.
const (
	settleAtOnce = 1000
	settleRest   = 500 * time.Millisecond
	settleBreath = 10 * time.Millisecond
	settleAgain  = time.Minute // after a failure
)

// Settle writes a StudySettled change for each study of which nothing has come for the given time, until ctx ends: one for each time
// that something came, also when the process ended in between, as long as TrimChanges keeps the changes so long. failed is called with
// errors; it goes on after them.
func (s *Store) Settle(ctx context.Context, quiet time.Duration, failed func(error)) {
	for ctx.Err() == nil {
		changed := s.index.Changed()
		now := time.Now()
		next, err := s.index.Settle(ctx, now.Add(-quiet), settleAtOnce)
		if err != nil && ctx.Err() == nil {
			failed(err)
			next = now.Add(settleAgain - quiet)
		}
		rest := settleRest
		switch due := next.Add(quiet).Sub(now); {
		case next.IsZero():
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		case due <= 0: // there is more, but others want to write, too
			rest = settleBreath
		default:
			rest = max(rest, due)
		}
		select {
		case <-time.After(min(rest, max(quiet, settleRest))): // not longer, whatever the clock did
		case <-ctx.Done():
		}
	}
}

// Bell wakes all who wait. The zero value is ready for use.
type Bell struct {
	mu sync.Mutex
	ch chan struct{} // nil: nobody waits
}

// Next is closed when the bell rings the next time.
func (b *Bell) Next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

// Ring wakes them.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}
