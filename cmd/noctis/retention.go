package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/noctis-dicom/noctis/internal/audit"
	"github.com/noctis-dicom/noctis/store"
)

// retentionFlags say what becomes of what is deleted, replaced or changed.
type retentionFlags struct {
	Conflict         string        `default:"reject" enum:"reject,keep,replace" help:"What to do with an instance whose UID is stored with other bytes: reject it, keep the stored one, or replace that (default ${default})."`
	RecycleRetention time.Duration `default:"720h" help:"Time that deleted and replaced instances stay in the recycle bin; 0: none (default ${default})."`
	ChangeRetention  time.Duration `default:"720h" help:"Time that the change feed goes back (default ${default})."`
	Settle           time.Duration `default:"60s" help:"Time without a new instance after which a study has settled; less than change-retention (default ${default})."`
}

func (f retentionFlags) set(o *store.Options) error {
	o.Conflict = map[string]store.Conflict{"reject": store.Reject, "keep": store.Keep, "replace": store.Replace}[f.Conflict]
	o.PurgeAtOnce = f.RecycleRetention <= 0
	if f.Settle <= 0 || f.Settle >= f.ChangeRetention {
		return fmt.Errorf("--settle %v: it has to be more than nothing and less than --change-retention (%v)", f.Settle, f.ChangeRetention)
	}
	return nil
}

// settleBeside tells which studies have settled, while the server serves. stop ends it and returns when it has ended.
func (f retentionFlags) settleBeside(ctx context.Context, a *archive, log *slog.Logger) (stop func()) {
	return beside(ctx, func(ctx context.Context) {
		a.Settle(ctx, f.Settle, func(err error) { log.Error("whether studies have settled cannot be told", "error", err) })
	})
}

// How much goes at once, and how long it rests after that, so that those who store and look do not notice.
const (
	purgeAtOnce = 200
	trimAtOnce  = 5000
	tidyPause   = time.Second
	tidyEvery   = time.Minute
)

// tidyBeside purges from the recycle bin and drops from the change feed what is too old, while the server serves and its clock can be trusted. stop ends it and returns
// when it has ended.
func (f retentionFlags) tidyBeside(ctx context.Context, a *archive, log *slog.Logger) (stop func()) {
	return beside(ctx, func(ctx context.Context) {
		var clock steady
		began := time.Now()
		trusted := min(steadyFor, f.RecycleRetention/24, f.ChangeRetention/24)
		for {
			more, err, now := false, error(nil), time.Now()
			if clock.look(now, now.Sub(began)) >= trusted {
				more, err = f.tidy(ctx, a, now)
			}
			pause := min(tidyEvery, max(trusted/2, tidyPause))
			if more {
				pause = tidyPause
			}
			if err != nil && ctx.Err() == nil {
				log.Error("what is too old could not be removed", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
		}
	})
}

// tidy removes a bounded part of what is too old, and reports whether there may be more.
func (f retentionFlags) tidy(ctx context.Context, a *archive, now time.Time) (more bool, err error) {
	purged, _, err := a.Purge(ctx, store.RemovedQuery{Before: now.Add(-f.RecycleRetention)}, purgeAtOnce)
	if err != nil {
		return false, err
	}
	if purged > 0 && a.trail != nil {
		err = a.trail.Record(audit.Event{Time: now.UTC(), Kind: audit.Purge, Route: "recycle-retention", Subject: audit.Subject{Number: purged},
			Detail: fmt.Sprintf("%d instances whose time in the recycle bin was over", purged)})
		if err != nil {
			return false, err
		}
	}
	trimmed, err := a.TrimChanges(ctx, now.Add(-f.ChangeRetention), trimAtOnce)
	return purged == purgeAtOnce || trimmed == trimAtOnce, err
}
