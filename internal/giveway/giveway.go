// Package giveway lets work that takes long give way to whoever waits for a processor.
//
// Two requests that compute without a break keep the two processors of a machine busy, and the kernel takes them away from a thread only
// when a tick of its clock finds that it has had its share: every four milliseconds as a rule, and a request that waits for a processor
// some times in its life waits that long each time. A thread that says now and then that it could be interrupted loses nothing where nobody
// waits (a system call of 0.3 µs), and lets others wait a tenth of a millisecond.
package giveway

import "time"

// share is how long somebody may go on before he gives way.
const share = 100 * time.Microsecond

// Pacer is of one goroutine. Its zero value is ready for use.
type Pacer struct{ since time.Time }

// Pace is called again and again by work that takes long, and gives way where it has gone on for a while. Work that is shorter than that
// never does.
func (p *Pacer) Pace() {
	now := time.Now()
	if p.since.IsZero() {
		p.since = now
	}
	if now.Sub(p.since) > share {
		listen()
		yield()
		p.since = time.Now()
	}
}
