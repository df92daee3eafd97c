package store

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
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

// TestBudgetBusyAgain: who has waited before waits as long the next time.
func TestBudgetBusyAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(1 << 20)
		full, beyond, waiting := &share{budget: b}, &share{budget: b}, &share{budget: b}
		for _, s := range []*share{full, beyond} {
			if err := s.take(t.Context(), 1<<20); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			began := time.Now()
			if err := waiting.take(t.Context(), 1<<20); !errors.Is(err, ErrBusy) || time.Since(began) != budgetWait {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		}
	})
}

// TestLongDataSets: as many are read at once as there are places, the next one when somebody ends, or when he has waited for long enough. What is short
// never waits for a place, however much a batch holds, and who only holds something neither.
func TestLongDataSets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(1 << 40)
		reading := func() *share {
			s := &share{budget: b}
			s.reads()
			return s
		}
		took := func(s *share, n int64) time.Duration {
			began := time.Now()
			if err := s.take(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			return time.Since(began)
		}
		var first *share
		for range longPlaces {
			first = reading()
			if waited := took(first, longShare+1) + took(first, longShare); waited != 0 {
				t.Fatalf("a place is free, and it waited %v", waited)
			}
		}
		many := reading()
		for range 10 {
			many.reads()
			if took(many, longShare) != 0 {
				t.Fatal("a short data set waited")
			}
		}
		if took(&share{budget: b}, 100*longShare) != 0 {
			t.Fatal("a reader waited")
		}
		patient := reading()
		if waited := took(patient, 2*longShare); waited != longWait {
			t.Errorf("one more waited %v", waited)
		}
		patient.shrink(0)
		next := make(chan time.Duration)
		go func() { next <- took(reading(), 2*longShare) }()
		time.Sleep(longWait / 2)
		first.shrink(0)
		if waited := <-next; waited != longWait/2 {
			t.Errorf("the next one waited %v", waited)
		}
	})
}
