package webhook

import (
	"context"
	"net"
	"time"
)

// What tests of the package from outside need, as the database imports it.
const (
	FirstPause      = firstPause
	RefusedAttempts = refusedAttempts
)

// WithClock sets the clock.
func (o Options) WithClock(now func() time.Time, sleep func(context.Context, time.Duration) error) Options {
	o.now, o.sleep = now, sleep
	return o
}

// WithResolver sets the name service.
func (o Options) WithResolver(r *net.Resolver) Options {
	o.resolver = r
	return o
}
