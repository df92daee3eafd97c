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

// limitsOf returns the limits of one scan, which waits for its turn where the header turns out to be large. done ends the turn.
func (s *Store) limitsOf(ctx context.Context) (limits part10.Limits, done func()) {
	admitted := false
	limits = s.options.Limits
	limits.Admit = func() error {
		wait := time.NewTimer(largeWait)
		defer wait.Stop()
		select {
		case s.large <- struct{}{}:
			admitted = true
			return nil
		case <-wait.C:
			return ErrBusy
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return limits, func() {
		if admitted {
			<-s.large
		}
	}
}
