package main

import (
	"testing"
	"time"
)

// TestSteady: from the first look and from each jump on, forth and back, the time begins anew; slewing and leap seconds are no jumps.
func TestSteady(t *testing.T) {
	var s steady
	wall := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	elapsed := 5 * time.Hour
	const minute, year = time.Minute, 365 * 24 * time.Hour
	for i, look := range []struct {
		elapses, jumps, want time.Duration
	}{
		{0, 0, 0}, {minute, 0, minute}, {minute, time.Second, 2 * minute}, {minute, -9 * time.Second, 3 * minute},
		{minute, 10 * year, 0}, {minute, 0, minute}, {minute, -10 * year, 0}, {minute, 11 * time.Second, 0}, {2 * steadyFor, 0, 2 * steadyFor},
	} {
		elapsed += look.elapses
		wall = wall.Add(look.elapses + look.jumps)
		if got := s.look(wall, elapsed); got != look.want {
			t.Errorf("look %d: steady for %v; want %v", i, got, look.want)
		}
	}
}
