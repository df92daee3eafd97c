package main

import "time"

// steadyFor is how long the clock must have gone steadily before anything is removed because it is old, at the start too: a clock that
// jumps years ahead, as after a battery has failed, is mostly set right within minutes, and what was purged meanwhile would be lost.
const steadyFor = time.Hour

// steady watches whether the clock of the wall goes as time does. The zero value has seen nothing yet.
type steady struct {
	since, last time.Duration // times of the clock that never jumps
	wall        time.Time
}

// slew is how much the two clocks may part between two looks: that of a leap second, and of a clock that is being slewed.
const slew = 10 * time.Second

// look tells how long the wall's clock has not jumped. elapsed is the time since any fixed moment, by the clock that never jumps.
func (s *steady) look(wall time.Time, elapsed time.Duration) time.Duration {
	moved := wall.Round(0).Sub(s.wall.Round(0)) - (elapsed - s.last) // Round takes the reading of the other clock away
	if s.wall.IsZero() || moved.Abs() > slew {
		s.since = elapsed
	}
	s.wall, s.last = wall, elapsed
	return elapsed - s.since
}
