package limit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrBusy is that of a Gate before which somebody has waited in vain.
var ErrBusy = errors.New("too many at once")

// Gate lets so many in at the same time, and so many of one principal. Others wait in their order; who may not enter yet, because enough
// of his are in, does not keep those behind him. Safe for concurrent use; nil: all may enter.
type Gate struct {
	most, each int
	patience   time.Duration

	mu      sync.Mutex
	inside  int
	of      map[string]int // of each, how many are inside
	waiting []*waiter
	ahead   map[string]int // by what they are for, how many have come before their turn in a row
}

type waiter struct {
	who     string
	what    string
	entered chan struct{} // closed when he is inside
}

// mostAhead is how many in a row may come before their turn, because they are for what is at hand.
const mostAhead = 15

// NewGate lets in most at the same time, and of one principal each, 0: as many as in all. One waits for at most patience. nil if most is
// not positive.
func NewGate(most, each int, patience time.Duration) *Gate {
	if most <= 0 {
		return nil
	}
	if each <= 0 || each > most {
		each = most
	}
	return &Gate{most: most, each: each, patience: patience, of: map[string]int{}, ahead: map[string]int{}}
}

// Enter waits until somebody may enter. Who has entered has to Leave. The error is ErrBusy, or that of the context.
func (g *Gate) Enter(ctx context.Context, who string) error { return g.EnterFor(ctx, who, "") }

// EnterFor is Enter for something that is worth having at hand, as a decoded frame: who leaves it is followed by those of the same principal
// who wait for the same, a few at a time, and has to LeaveFrom it. "" is nothing.
func (g *Gate) EnterFor(ctx context.Context, who, what string) error {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	if g.admits(who) {
		g.admit(who)
		g.mu.Unlock()
		return nil
	}
	w := &waiter{who: who, what: what, entered: make(chan struct{})}
	g.waiting = append(g.waiting, w)
	g.mu.Unlock()

	tired := time.NewTimer(g.patience)
	defer tired.Stop()
	var err error
	select {
	case <-w.entered:
		return nil
	case <-tired.C:
		err = ErrBusy
	case <-ctx.Done():
		err = ctx.Err()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, w); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
		return err
	}
	if ctx.Err() == nil {
		return nil // let in at the last moment
	}
	g.leave(who, what)
	return err
}

// TryEnter enters without waiting, if that is possible.
func (g *Gate) TryEnter(who string) bool {
	if g == nil {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	ok := g.admits(who)
	if ok {
		g.admit(who)
	}
	return ok
}

// Leave lets the next one in.
func (g *Gate) Leave(who string) { g.LeaveFrom(who, "") }

// LeaveFrom is Leave of who has entered for something.
func (g *Gate) LeaveFrom(who, what string) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leave(who, what)
}

func (g *Gate) admits(who string) bool { return g.inside < g.most && g.of[who] < g.each }

func (g *Gate) admit(who string) {
	g.inside++
	g.of[who]++
}

func (g *Gate) leave(who, what string) {
	g.inside--
	if g.of[who]--; g.of[who] == 0 {
		delete(g.of, who)
	}
	next := slices.IndexFunc(g.waiting, func(w *waiter) bool { return what != "" && w.what == what && w.who == who })
	if next >= 0 && g.ahead[what] < mostAhead && g.admits(who) {
		g.ahead[what]++
		g.admit(who)
		close(g.waiting[next].entered)
		g.waiting = slices.Delete(g.waiting, next, next+1)
	} else {
		delete(g.ahead, what)
	}
	g.waiting = slices.DeleteFunc(g.waiting, func(w *waiter) bool {
		if !g.admits(w.who) {
			return false
		}
		g.admit(w.who)
		close(w.entered)
		return true
	})
}
