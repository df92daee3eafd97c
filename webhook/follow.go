package webhook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/noctis-dicom/noctis/store"
)

// How messages are sent again: after a second, then twice as long each time, up to five minutes; one that the receiver refuses only so
// many times.
const (
	firstPause      = time.Second
	longestPause    = 5 * time.Minute
	refusedAttempts = 5
)

// saveEvery is how often it is written down how far a receiver is: a commit for each message would cost those who store as much as their own
// commits. What is lost in a crash is sent once more.
const saveEvery = time.Second

// saveLetters is how many dead letters may wait for being written.
const saveLetters = 100

// run follows the feed until ctx ends.
func (r *receiver) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.follow(ctx)
		if ctx.Err() == nil {
			r.sender.options.Log.Error("a webhook has to wait", "webhook", r.Name, "error", err)
			r.sender.options.sleep(ctx, 10*firstPause) //nolint:errcheck // that of ctx
		}
	}
}

// follow sends what comes. Its error is that of the feed or of the repository.
func (r *receiver) follow(ctx context.Context) (err error) {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.save(context.WithoutCancel(ctx))) }()
	for {
		if err := r.catchUp(ctx); err != nil {
			return err
		}
		waiting, cancel := ctx, context.CancelFunc(func() {})
		if r.unsaved() {
			waiting, cancel = context.WithTimeout(ctx, saveEvery)
		}
		err := r.sender.feed.Wait(waiting, r.at)
		cancel()
		if err != nil && (ctx.Err() != nil || waiting.Err() == nil) {
			return err
		}
		if err := r.saveIfDue(ctx); err != nil {
			return err
		}
	}
}

// begin finds where it was. One that has never been anywhere begins with what happens from now on.
func (r *receiver) begin(ctx context.Context) error {
	if r.begun {
		return nil
	}
	at, known, err := r.sender.repository.Position(ctx, r.Name)
	if err == nil && !known {
		if at, err = r.sender.feed.LatestChange(ctx); err == nil {
			_, err = r.sender.repository.Move(ctx, r.Name, at, nil)
		}
	}
	if err != nil {
		return err
	}
	r.begun, r.saved, r.savedAt = true, at, r.sender.options.now()
	r.move(at)
	return nil
}

func (r *receiver) move(to store.Cursor) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = to
}

// catchUp sends what is in the feed.
func (r *receiver) catchUp(ctx context.Context) error {
	for c, err := range r.sender.feed.Changes(ctx, r.at) {
		if errors.Is(err, store.ErrStale) {
			return r.skip(ctx)
		}
		if err != nil {
			return err
		}
		if r.Wants(c.Kind) {
			m, err := changed(c)
			if err == nil {
				err = r.deliver(ctx, m)
			}
			if err != nil {
				return err
			}
		}
		r.move(c.Cursor)
		if err := r.saveIfDue(ctx); err != nil {
			return err
		}
	}
	return nil
}

// skip goes on where the feed can, and tells the receiver that it has missed something.
func (r *receiver) skip(ctx context.Context) error {
	to, err := r.sender.feed.LatestChange(ctx)
	if err != nil {
		return err
	}
	if to.Epoch == r.at.Epoch && r.at.Number < to.Number {
		to = store.Cursor{} // the oldest that is kept
	}
	m, err := gap(r.at, r.sender.options.now())
	if err == nil {
		err = r.deliver(ctx, m)
	}
	if err != nil {
		return err
	}
	r.move(to)
	return r.save(ctx)
}

// deliver sends a message until it has been taken or is a dead letter. The error is that of ctx or of the repository.
func (r *receiver) deliver(ctx context.Context, m Message) error {
	o := &r.sender.options
	for n := 1; ; n++ {
		if r.unanswered && r.tooOld(m) {
			r.bury(m, n-1, "the receiver did not answer for too long")
			return nil
		}
		err := r.try(ctx, m)
		var f *failure
		switch {
		case err == nil:
			if r.failures > 0 {
				o.Log.Info("a webhook is taken again", "webhook", r.Name)
			}
			r.failures, r.unanswered = 0, false
			return nil
		case !errors.As(err, &f):
			return err
		}
		if r.failures++; r.failures == 1 {
			o.Log.Warn("a webhook is not taken", "webhook", r.Name, "message", m.ID, "why", f.reason)
		}
		if f.refused && n >= refusedAttempts {
			r.failures = 0 // what comes next may be welcome
			r.bury(m, n, f.reason)
			return nil
		}
		if !f.refused && r.tooOld(m) {
			r.unanswered = true
			r.bury(m, n, f.reason)
			return nil
		}
		if err := r.save(ctx); err != nil {
			return err
		}
		if err := o.sleep(ctx, max(pause(r.failures), f.retryAfter)); err != nil {
			return err
		}
	}
}

func (r *receiver) tooOld(m Message) bool {
	return r.sender.options.now().Sub(m.Time) > r.sender.options.GiveUp
}

// pause is how long to wait after so many failures: of those who failed together not all come back together.
func pause(failures int) time.Duration {
	d := longestPause
	if failures < 10 {
		d = min(d, firstPause<<(failures-1))
	}
	return d/2 + rand.N(d/2)
}

// bury makes a dead letter of a message.
func (r *receiver) bury(m Message, attempts int, reason string) {
	s := r.sender
	s.metrics.dead.WithLabelValues(r.Name).Inc()
	if attempts > 0 {
		s.options.Log.Warn("a message is a dead letter", "webhook", r.Name, "message", m.ID, "why", reason)
	}
	r.dead = append(r.dead, Letter{Webhook: r.Name, Message: m, At: s.options.now(), Attempts: attempts, Reason: reason})
}

func (r *receiver) unsaved() bool { return r.at != r.saved || len(r.dead) > 0 }

func (r *receiver) saveIfDue(ctx context.Context) error {
	if len(r.dead) < saveLetters && r.sender.options.now().Sub(r.savedAt) < saveEvery {
		return nil
	}
	return r.save(ctx)
}

// save writes down how far it is, and the dead letters on the way there.
func (r *receiver) save(ctx context.Context) error {
	if !r.unsaved() {
		return nil
	}
	dropped, err := r.sender.repository.Move(ctx, r.Name, r.at, r.dead)
	if err != nil {
		return fmt.Errorf("how far it is cannot be written down: %w", err)
	}
	if dropped > 0 {
		r.sender.options.Log.Warn("the oldest dead letters of a webhook gave way to new ones", "webhook", r.Name, "dropped", dropped)
	}
	r.saved, r.savedAt, r.dead = r.at, r.sender.options.now(), nil
	return nil
}
