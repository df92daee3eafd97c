package store

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Most instances are a data set of kilobytes and pixel data that never is in memory. A few have data sets of a hundred megabytes, and
// there may be hundreds of uploads. budget bounds the memory of all the data sets that are being read, or read and not committed.
//
// Each batch has a share of it, which grows while its instances are read and ends when they are committed. What does not fit waits
// until others have ended. Since those who wait hold something themselves, one share at a time may go beyond: it leaves the others what
// they share, and takes no more than one data set may (part10.Limits.Header). So somebody always goes on, and all of them together
// take total and one data set at most, and a little for each upload: whoever has next to nothing is not kept waiting.
// docs/adr/0023-memory-of-uploads.md.
type budget struct {
	total int64

	mu     sync.Mutex
	used   int64         // by all shares but beyond
	beyond *share        // nil: nobody
	long   int           // shares whose data set is long
	freed  chan struct{} // closed, and another one made, when there is more
}

const (
	// budgetDefault is for an Options that names none.
	budgetDefault = 32 << 20
	// unasked is what a share may always take: the data set of an ordinary image.
	unasked = 64 << 10
	// budgetWait is how long a share waits.
	budgetWait = 30 * time.Second

	// longShare is what a data set takes that keeps a processor busy for a tenth of a second and more. Half of the processors read such ones, so
	// that others are served beside them, unless somebody has waited for longWait: whoever reads may wait for a client who sends slowly.
	longShare = 4 << 20
	longWait  = 10 * time.Second
)

// longPlaces is how many long data sets are read at once.
var longPlaces = max(1, runtime.NumCPU()/2)

func newBudget(total int64) *budget {
	if total <= 0 {
		total = budgetDefault
	}
	return &budget{total: total, freed: make(chan struct{})}
}

// isTight reports whether little is left, so that who holds something should end soon.
func (b *budget) isTight() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used > b.total/2 || b.beyond != nil
}

// share is what one batch has taken. It is used by one goroutine at a time.
type share struct {
	budget   *budget
	held     int64
	longFrom int64 // what is held when the data set that is being read becomes long; 0: it does not matter
	long     bool  // it is
	hurried  bool  // it has waited for long enough
}

// reads says that a data set begins to be read.
func (s *share) reads() { s.longFrom, s.hurried = s.held+longShare, false }

// isLarge reports whether the share is so large that others should not wait for it longer than they must.
func (s *share) isLarge() bool { return s.held > s.budget.total/4 }

// take takes n more bytes, and waits for them; ErrBusy after budgetWait.
func (s *share) take(ctx context.Context, n int64) error {
	b := s.budget
	var wait *time.Timer
	late := false
	for {
		b.mu.Lock()
		if b.grant(s, n) {
			b.mu.Unlock()
			return nil
		}
		freed := b.freed
		b.mu.Unlock()
		if wait == nil {
			wait = time.NewTimer(longWait)
			defer wait.Stop()
		}
		select {
		case <-freed:
		case <-wait.C:
			if late {
				return ErrBusy
			}
			late, s.hurried = true, true
			wait.Reset(budgetWait - longWait)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// grant gives n bytes if that can be done now. The lock is held.
func (b *budget) grant(s *share, n int64) bool {
	long := s.longFrom > 0 && s.held+n > s.longFrom
	switch {
	case long && !s.long && !s.hurried && b.beyond != s && b.long >= longPlaces:
		return false
	case b.beyond == s:
	case b.used+n <= b.total || s.held+n <= unasked:
		b.used += n
	case b.beyond == nil:
		b.beyond = s
		b.used -= s.held
		b.wake() // the others have more now
	default:
		return false
	}
	s.held += n
	if long && !s.long {
		s.long = true
		b.long++
	}
	return true
}

// shrink gives back all but the given size.
func (s *share) shrink(size int64) {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case s.held == size:
		return
	case b.beyond != s:
		b.used -= s.held - size
	case size == 0:
		b.beyond = nil
	}
	s.held = size
	if s.long && size <= s.longFrom {
		s.long = false
		b.long--
	}
	b.wake()
}

func (b *budget) wake() {
	close(b.freed)
	b.freed = make(chan struct{})
}
