package store

import (
	"context"
	"time"

	"github.com/noctis-dicom/noctis/dicom/part10"
)

// Most instances are a header of kilobytes and pixel data that never is in memory. A few have headers of many megabytes; of those
// only largeAtOnce are read at the same time, so that the memory of a hundred uploads is bounded too.
const (
	largeAtOnce = 2
	largeWait   = 30 * time.Second
)

// turn is that of one instance that is being read: it waits where the header turns out to be large.
type turn struct {
	store *Store
	large bool
}

// limits returns those of one scan in this turn.
func (t *turn) limits(ctx context.Context) part10.Limits {
	limits := t.store.options.Limits
	limits.Admit = func() error {
		if t.large { // admitted before
			return nil
		}
		wait := time.NewTimer(largeWait)
		defer wait.Stop()
		select {
		case t.store.large <- struct{}{}:
			t.large = true
			return nil
		case <-wait.C:
			return ErrBusy
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return limits
}

// end lets the next one have its turn.
func (t *turn) end() {
	if t.large {
		<-t.store.large
	}
}
