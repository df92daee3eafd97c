package limit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestRateIsOfEach(t *testing.T) {
	r, now := NewRate(2, 3), time.Unix(1000, 0)
	for i := range 3 {
		if wait := r.Take("CT1", now); wait != 0 {
			t.Errorf("request %d of a burst of 3 waits for %v", i+1, wait)
		}
	}
	for range 2 { // what is refused is not counted
		if wait := r.Take("CT1", now); wait != 500*time.Millisecond {
			t.Errorf("the next one waits for %v, want half a second", wait)
		}
	}
	if wait := r.Take("CT2", now); wait != 0 {
		t.Errorf("another waits for %v", wait)
	}
	if wait := r.Take("CT1", now.Add(500*time.Millisecond)); wait != 0 {
		t.Errorf("after half a second still %v", wait)
	}
}

func TestNoLimits(t *testing.T) {
	if r := NewRate(0, 1); r.Take("x", time.Now()) != 0 {
		t.Error("without a rate somebody has to wait")
	}
	g := NewGate(0, 0, 0)
	if err := g.Enter(t.Context(), "x"); err != nil || !g.TryEnter("x") {
		t.Error("without a gate somebody is not let in")
	}
	g.Leave("x")
}

// However many there are, the table stays as large as it may be.
func TestRateForgets(t *testing.T) {
	r, now := NewRate(1, 1), time.Unix(1000, 0)
	for i := range 2 * mostRemembered {
		r.Take(fmt.Sprint(i), now)
	}
	if n := r.table.Len(); n != mostRemembered {
		t.Errorf("%d are remembered", n)
	}
}

func TestGateLetsInInOrder(t *testing.T) { synctest.Test(t, testGateLetsInInOrder) }

func testGateLetsInInOrder(t *testing.T) {
	g := NewGate(2, 1, time.Hour)
	if !g.TryEnter("A") || g.TryEnter("A") || !g.TryEnter("B") || g.TryEnter("C") {
		t.Fatal("one of each and two in all are let in")
	}
	entered := make(chan string)
	wait := func(who string) {
		go func() {
			if err := g.Enter(t.Context(), who); err != nil {
				t.Error(err)
			}
			entered <- who
		}()
		synctest.Wait()
	}
	wait("A")
	wait("C")
	g.Leave("B") // the second A may not yet, and does not keep C
	if who := <-entered; who != "C" {
		t.Errorf("%s is let in", who)
	}
	g.Leave("A")
	if who := <-entered; who != "A" {
		t.Errorf("%s is let in", who)
	}
}

// Those who wait for the same as who leaves come before others, but not for ever, and not before other principals' own.
func TestGateKeepsTheSameTogether(t *testing.T) { synctest.Test(t, testGateKeepsTheSameTogether) }

func testGateKeepsTheSameTogether(t *testing.T) {
	g := NewGate(1, 0, time.Hour)
	if err := g.EnterFor(t.Context(), "A", "first"); err != nil {
		t.Fatal(err)
	}
	var order []string
	wait := func(who, what string) {
		go func() {
			if err := g.EnterFor(t.Context(), who, what); err != nil {
				t.Error(err)
			}
			order = append(order, who+" "+what)
			g.LeaveFrom(who, what)
		}()
		synctest.Wait()
	}
	wait("B", "second")
	wait("A", "second")
	for range mostAhead + 2 {
		wait("A", "first")
	}
	wait("A", "")
	wait("A", "")
	g.LeaveFrom("A", "first")
	synctest.Wait()
	want := slices.Concat(slices.Repeat([]string{"A first"}, mostAhead), []string{"B second", "A second", "A first", "A first", "A ", "A "})
	if !slices.Equal(order, want) || len(g.ahead) != 0 {
		t.Errorf("they came as %q", order)
	}
}

func (g *Gate) queue() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

func TestGateDoesNotKeepForEver(t *testing.T) {
	g := NewGate(1, 0, 0)
	if err := g.Enter(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	if err := g.Enter(t.Context(), "B"); !errors.Is(err, ErrBusy) {
		t.Errorf("who waits in vain gets %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	g.patience = time.Hour
	if err := g.Enter(gone, "B"); !errors.Is(err, context.Canceled) {
		t.Errorf("who has gone gets %v", err)
	}
	g.Leave("A")
	if g.queue() != 0 || !g.TryEnter("C") {
		t.Error("those who have gone still wait")
	}
}

// Whoever comes and goes, and gives up meanwhile: never more are inside than may be, and in the end nobody.
func TestGateHolds(t *testing.T) {
	const most, each = 5, 2
	g := NewGate(most, each, time.Hour)
	var inside, tooMany atomic.Int64
	var of [4]atomic.Int64
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 1))
			for range 500 {
				who := random.IntN(len(of))
				ctx, cancel := context.WithCancel(t.Context())
				if random.IntN(4) == 0 {
					go cancel()
				}
				what := []string{"", "x", "y"}[random.IntN(3)]
				if g.EnterFor(ctx, fmt.Sprint(who), what) == nil {
					if inside.Add(1) > most || of[who].Add(1) > each {
						tooMany.Add(1)
					}
					of[who].Add(-1)
					inside.Add(-1)
					g.LeaveFrom(fmt.Sprint(who), what)
				}
				cancel()
			}
		})
	}
	all.Wait()
	if tooMany.Load() > 0 || g.inside != 0 || len(g.of) != 0 || len(g.ahead) != 0 || g.queue() != 0 {
		t.Errorf("too many %d times; in the end %d inside, %d waiting", tooMany.Load(), g.inside, g.queue())
	}
}

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{"192.0.2.7": "192.0.2.7", "2001:db8::1": "2001:db8::/64", "2001:db8::ffff:2": "2001:db8::/64", "fe80::1%eth0": "fe80::/64",
		"::ffff:192.0.2.7": "::ffff:192.0.2.7", "@": "@", "": ""} {
		if got := Network(address); got != want {
			t.Errorf("%s is counted as %s, want %s", address, got, want)
		}
	}
}
