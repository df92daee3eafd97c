package store

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestHungCommit: a commit that waits for the disk too long keeps new ones out, until it ends.
func TestHungCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var u underway
		ends := u.begin()
		time.Sleep(hungAfter)
		if err := u.hung(); err != nil {
			t.Errorf("after %v: %v", hungAfter, err)
		}
		time.Sleep(time.Nanosecond)
		later := u.begin()
		if err := u.hung(); !errors.Is(err, ErrUnwritable) {
			t.Errorf("a commit hangs: %v", err)
		}
		ends()
		if err := u.hung(); err != nil {
			t.Errorf("it has ended: %v", err)
		}
		later()
		if len(u.began) != 0 {
			t.Error("ended commits are kept")
		}
	})
}

// TestBudgetBusy: who waits too long is told.
func TestBudgetBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(1 << 20)
		for range 2 {
			if err := (&share{budget: b}).take(t.Context(), 1<<20); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		if err := (&share{budget: b}).take(t.Context(), 1<<20); !errors.Is(err, ErrBusy) || time.Since(began) != budgetWait {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
