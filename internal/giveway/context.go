package giveway

import (
	"context"
	"sync/atomic"
	"time"
)

// paced is a context whose Err gives way.
type paced struct {
	context.Context
	began time.Time
	since atomic.Int64 // nanoseconds after began: when it gave way
}

// Context returns a context whose Err is that of ctx, and gives way as Pacer.Pace does: what takes long looks now and then whether it is
// still wanted, and lets others go first where it does. It is safe for concurrent use.
func Context(ctx context.Context) context.Context {
	return &paced{Context: ctx, began: time.Now()}
}

func (p *paced) Err() error {
	if now := time.Since(p.began); now-time.Duration(p.since.Load()) > share {
		listen()
		yield()
		p.since.Store(int64(time.Since(p.began)))
	}
	return p.Context.Err()
}
