package audit

import (
	"slices"
	"sync"
	"time"
)

// Reads of one study by one user from one place, within a short time, are one event with the number of requests (PS3.15 A.5.3.6 lets a
// message sum up accesses to the instances of a study): a stack of a thousand frames would be a thousand otherwise. So are refusals, or
// whoever knocks often enough would fill the disk. The first is recorded at once; those that follow it when the time is over.

// alike is what events have in common that become one.
type alike struct {
	kind   Kind
	actor  string // name, how he was known, tenant and address
	study  string
	object string
	status int    // of a refusal
	route  string // of a refusal
}

// gathered is what has followed a read that is recorded.
type gathered struct {
	mu        sync.Mutex
	first     Event
	err       error // the first could not be recorded
	closed    bool  // it is summed up, and takes nothing in any more
	n         int
	until     time.Time
	routes    map[string]int
	instances map[string]bool
	more      int // instances that are not named
}

// mostGathered is how many reads are gathered at the same time; what comes beyond is recorded one by one.
const mostGathered = 10_000

type gatherer struct {
	window time.Duration
	mu     sync.Mutex
	reads  map[alike]*gathered
}

func keyOf(e *Event) alike {
	key := alike{kind: e.Kind, actor: string(e.As) + "\x00" + e.Who + "\x00" + e.Tenant + "\x00" + host(e.Client), study: e.Study, object: e.Object}
	if e.Outcome != Success {
		key.status, key.route = e.Status, e.Route
	}
	return key
}

// gathers reports whether an event may become part of another: a read of a study, or a refusal that anybody can cause at any rate.
func gathers(e *Event) bool {
	if e.Outcome == Success {
		return e.Study != ""
	}
	return e.Status == 401 || e.Status == 403 || e.Status == 429
}

// Gather records a read or a refusal, or counts it where one like it has just been recorded. complete adds to an event what costs to find
// out, and is asked only for one that is recorded. An error means what that of Record means.
func (t *Trail) Gather(e Event, complete func(*Event)) error {
	if t.gatherer.window <= 0 || !gathers(&e) {
		complete(&e)
		return t.Record(e)
	}
	for {
		g, first := t.gatherer.of(&e)
		if g == nil {
			complete(&e)
			return t.Record(e)
		}
		if first {
			complete(&e)
			g.first = e
			g.err = t.Record(e)
			g.mu.Unlock()
			if g.err != nil {
				t.gatherer.forget(&e, g)
			}
			return g.err
		}
		if g.take(&e, t.gatherer.window) {
			return nil
		}
		t.gatherer.forget(&e, g) // its time is over
		if err := t.sumUp(g); err != nil {
			return err
		}
	}
}

// of returns what gathers reads like this one; first, and locked, where there was nothing before; nil where there is no room.
func (g *gatherer) of(e *Event) (found *gathered, first bool) {
	key := keyOf(e)
	g.mu.Lock()
	defer g.mu.Unlock()
	if found := g.reads[key]; found != nil {
		return found, false
	}
	if len(g.reads) >= mostGathered {
		return nil, false
	}
	found = &gathered{first: *e}
	found.mu.Lock()
	g.reads[key] = found
	return found, true
}

func (g *gatherer) forget(e *Event, old *gathered) {
	key := keyOf(e)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reads[key] == old {
		delete(g.reads, key)
	}
}

// take counts a read; false if it has to be recorded anew. It waits until the first one is recorded.
func (g *gathered) take(e *Event, window time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil || g.closed || e.Time.Sub(g.first.Time) >= window {
		return false
	}
	if g.routes == nil {
		g.routes, g.instances = map[string]int{}, map[string]bool{}
	}
	g.n++
	g.until = e.Time
	g.routes[e.Route]++
	for _, i := range e.Instances {
		switch {
		case g.instances[i]:
		case len(g.instances) < Named:
			g.instances[i] = true
		default:
			g.more++
		}
	}
	return true
}

// sumUp records what has followed the first read.
func (t *Trail) sumUp(g *gathered) error {
	g.mu.Lock()
	if g.closed || g.n == 0 {
		g.closed = true
		g.mu.Unlock()
		return nil
	}
	g.closed = true
	e := g.first
	e.Request, e.Method, e.Route, e.Series, e.Instances, e.Number = "", "", "", nil, nil, 0
	e.Count, e.Until, e.Routes = g.n, g.until, g.routes
	for i := range g.instances {
		e.Instances = append(e.Instances, i)
	}
	slices.Sort(e.Instances)
	if g.more > 0 {
		e.Number = len(e.Instances) + g.more
	}
	g.mu.Unlock()
	return t.Record(e)
}

// sumUpBefore records what has been gathered long enough: everything, with the zero time.
func (t *Trail) sumUpBefore(began time.Time) {
	var over []*gathered
	t.gatherer.mu.Lock()
	for key, g := range t.gatherer.reads {
		if g.mu.TryLock() { // else the first is being recorded now
			if began.IsZero() || g.first.Time.Before(began) {
				over = append(over, g)
				delete(t.gatherer.reads, key)
			}
			g.mu.Unlock()
		}
	}
	t.gatherer.mu.Unlock()
	for _, g := range over {
		if err := t.sumUp(g); err != nil {
			t.log.Error("reads could not be added to the audit log", "error", err)
		}
	}
}
