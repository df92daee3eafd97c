package main

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Who is known has a rate unless it was set to none; where nobody has to be, addresses have one only where it was set.
func TestRatesBySetting(t *testing.T) {
	for set, want := range map[float64][2]bool{-1: {true, false}, 0: {false, false}, 7: {true, true}} {
		l, err := limitFlags{MaxRate: set}.limits(prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{l.Rate != nil, l.Open != nil}; got != want {
			t.Errorf("%v: %v, want %v", set, got, want)
		}
	}
}
