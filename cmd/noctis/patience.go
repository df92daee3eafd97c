package main

import "time"

// endurance is how a command deals with a server that cannot store now.
type endurance struct {
	Patience time.Duration `default:"5m" placeholder:"TIME" help:"For how long an instance is tried again while the other server is busy (429, 502, 503, 504) or not reached any more (default ${default})."`
}

// passing is the error of what may be better later.
type passing struct {
	error
	after time.Duration // as the server says; 0: it does not
	few   bool          // it is tried again a few times only
}

func (p *passing) Unwrap() error { return p.error }

const (
	fewTimes  = 2
	mostDelay = 30 * time.Second // where the server says nothing
	quietly   = 5 * time.Second  // who waits longer is told why
)

// delays is how long an instance has waited.
type delays struct {
	left  time.Duration
	times int
}

func (e endurance) begin() *delays { return &delays{left: e.Patience} }

// next is how long to wait before the next try: as long as the server says, else a second, and twice as long each time. It is not worth it
// where patience is over before.
func (d *delays) next(why *passing) (after time.Duration, worth bool) {
	if after = why.after; after == 0 {
		after = min(time.Second<<min(d.times, 10), mostDelay)
	}
	if after > d.left || why.few && d.times >= fewTimes {
		return 0, false
	}
	d.left -= after
	d.times++
	return after, true
}
