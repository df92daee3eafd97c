package store

import (
	"context"
	"errors"
	"testing"
)

// TestBudget has shares take until nothing is left: one goes beyond, the others keep the whole of the rest, and all goes on when
// somebody ends.
func TestBudget(t *testing.T) {
	const mib = 1 << 20
	b := newBudget(8 * mib)
	shares := make([]*share, 4)
	for i := range shares {
		shares[i] = &share{budget: b}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for i, step := range []struct {
		share int
		take  int64 // 0: it ends
		waits bool
		used  int64
	}{
		{0, 5 * mib, false, 5 * mib},
		{1, 3 * mib, false, 8 * mib},
		{2, unasked, false, 8*mib + unasked},                             // an ordinary header never waits
		{1, 1 * mib, false, 5*mib + unasked},                             // beyond, and out of the others' way
		{0, 4 * mib, true, 5*mib + unasked},                              // only one goes beyond
		{3, 2 * mib, false, 7*mib + unasked},                             //
		{1, 90 * mib, false, 7*mib + unasked},                            // as far as it wants
		{1, 0, false, 7*mib + unasked},                                   // and gives it all back
		{0, 4 * mib, false, 2*mib + unasked},                             // now the next one may
		{2, 8 * mib, true, 2*mib + unasked},                              //
		{3, 0, false, unasked}, {0, 0, false, unasked}, {2, 0, false, 0}, // nothing is left over
	} {
		s := shares[step.share]
		if step.take == 0 {
			s.shrink(0)
		} else if err := s.take(ended, step.take); errors.Is(err, context.Canceled) != step.waits || err != nil && !step.waits {
			t.Errorf("step %d: %v; want waiting: %v", i, err, step.waits)
		}
		if b.used != step.used {
			t.Fatalf("step %d: %d bytes are used; want %d", i, b.used, step.used)
		}
	}
	if b.beyond != nil || b.isTight() {
		t.Error("the budget is tight although nobody holds anything")
	}
}

// TestBudgetWakes: who waits is woken by whoever ends.
func TestBudgetWakes(t *testing.T) {
	b := newBudget(1 << 20)
	first, beyond, third := &share{budget: b}, &share{budget: b}, &share{budget: b}
	for _, s := range []*share{first, beyond} {
		if err := s.take(t.Context(), 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan error)
	go func() { got <- third.take(t.Context(), 1<<20) }()
	first.shrink(0)
	if err := <-got; err != nil {
		t.Error(err)
	}
}
