package giveway

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestGivesWayWhenItsShareIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pacer
		p.Pace()
		began := p.since
		time.Sleep(share)
		if p.Pace(); p.since != began {
			t.Error("it gave way within its share")
		}
		time.Sleep(1 * time.Nanosecond)
		if p.Pace(); p.since == began {
			t.Error("it goes on for ever")
		}
	})
}

func TestContextGivesWayWhereItIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole, end := context.WithCancel(t.Context())
		ctx := Context(whole)
		gave := func() time.Duration { return time.Duration(ctx.(*paced).since.Load()) }
		time.Sleep(share)
		if err := ctx.Err(); err != nil || gave() != 0 {
			t.Errorf("within its share: %v, gave way after %v", err, gave())
		}
		time.Sleep(1 * time.Nanosecond)
		if err := ctx.Err(); err != nil || gave() != share+1 {
			t.Errorf("after its share: %v, gave way after %v", err, gave())
		}
		end()
		if err := ctx.Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("when it is called off: %v", err)
		}
	})
}

// TestListensNowAndThen: all goroutines together have the network looked at once in a while, not each for itself.
func TestListensNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer func(at time.Time) { began = at; listened.Store(0) }(began)
		began = time.Now()
		listened.Store(0)
		var one, other Pacer
		looks, last := 0, int64(0)
		for range 100 { // 20 milliseconds
			one.Pace()
			other.Pace()
			time.Sleep(2 * share)
			if at := listened.Load(); at != last {
				looks, last = looks+1, at
			}
		}
		if want := int(100 * 2 * share / (3 * 2 * share)); looks != want { // every third time, when 600 µs are over
			t.Errorf("%d looks at the network, not %d", looks, want)
		}
	})
}
