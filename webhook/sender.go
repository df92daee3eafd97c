package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/store"
)

// Options of a Sender. The zero value sends nothing.
type Options struct {
	Webhooks []Webhook
	// Timeout is that of one attempt; 0: 10 seconds.
	Timeout time.Duration
	// GiveUp is how old a change may be that a receiver has not taken; 0: a day. Then it is a dead letter.
	GiveUp time.Duration

	Log      *slog.Logger          // nil: slog.Default
	Registry prometheus.Registerer // nil: metrics are kept, but not registered

	resolver *net.Resolver                              // nil: the system's
	now      func() time.Time                           // nil: time.Now
	sleep    func(context.Context, time.Duration) error // nil: it sleeps
}

// Sender sends to all receivers. It is safe for concurrent use.
type Sender struct {
	feed       *store.Store
	repository Repository
	options    Options
	receivers  []*receiver
	metrics    *metrics
}

// New makes a sender of what happens in feed. The error is that of an option.
func New(feed *store.Store, r Repository, o Options) (*Sender, error) {
	o.Timeout, o.GiveUp = cmp.Or(o.Timeout, 10*time.Second), cmp.Or(o.GiveUp, 24*time.Hour)
	o.Log = cmp.Or(o.Log, slog.Default())
	if o.now == nil {
		o.now = time.Now
	}
	if o.sleep == nil {
		o.sleep = sleep
	}
	s := &Sender{feed: feed, repository: r, options: o, metrics: newMetrics()}
	for _, w := range o.Webhooks {
		if err := w.Check(); err != nil {
			return nil, err
		}
		if s.receiver(w.Name) != nil {
			return nil, fmt.Errorf("webhook %s: there are two of that name", w.Name)
		}
		s.receivers = append(s.receivers, &receiver{Webhook: w, sender: s})
	}
	for _, rc := range s.receivers {
		rc.client = newClient(&rc.Webhook, o.Timeout, o.resolver)
	}
	return s, s.metrics.register(o.Registry, s)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Sender) receiver(name string) *receiver {
	for _, r := range s.receivers {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// Begin finds where each webhook was. One that is new is told of what happens from now on: who has to be sure of that calls Begin before
// anything can happen; else Run does.
func (s *Sender) Begin(ctx context.Context) error {
	for _, r := range s.receivers {
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Run sends until ctx ends. Receivers do not wait for each other, and nobody waits for them.
func (s *Sender) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, r := range s.receivers {
		all.Go(func() { r.run(ctx) })
	}
	all.Wait()
}

// Test sends a message of the type "test". The error is ErrUnknown, or ErrUndelivered and why.
func (s *Sender) Test(ctx context.Context, name string) error {
	r := s.receiver(name)
	if r == nil {
		return ErrUnknown
	}
	m, err := test(name, s.options.now())
	if err == nil {
		err = r.try(ctx, m)
	}
	return undelivered(err)
}

// Resend sends a dead letter once. If the receiver takes it, the letter is gone. The error is ErrUnknown, or ErrUndelivered and why.
func (s *Sender) Resend(ctx context.Context, name string, id int64) error {
	r := s.receiver(name)
	if r == nil {
		return ErrUnknown
	}
	l, err := s.repository.Letter(ctx, name, id)
	if err != nil {
		return err
	}
	if err := r.try(ctx, l.Message); err != nil {
		var f *failure
		if errors.As(err, &f) {
			l.At, l.Attempts, l.Reason = s.options.now(), l.Attempts+1, f.reason
			return errors.Join(undelivered(err), s.repository.Again(ctx, l))
		}
		return err
	}
	_, err = s.repository.Discard(ctx, name, id)
	return err
}

func undelivered(err error) error {
	var f *failure
	if errors.As(err, &f) {
		return fmt.Errorf("%w: %s", ErrUndelivered, f.reason)
	}
	return err
}

// Letters returns dead letters of a webhook, be it in the settings or not (see Repository).
func (s *Sender) Letters(ctx context.Context, name string, after int64, limit int) ([]Letter, error) {
	return s.repository.Letters(ctx, name, after, limit)
}

// Discard drops a dead letter, or with id 0 all of the webhook; ErrUnknown if there is no such letter.
func (s *Sender) Discard(ctx context.Context, name string, id int64) (int, error) {
	n, err := s.repository.Discard(ctx, name, id)
	if err == nil && n == 0 && id != 0 {
		err = ErrUnknown
	}
	return n, err
}

// try is one attempt, counted.
func (r *receiver) try(ctx context.Context, m Message) error {
	s := r.sender
	err := attempt(ctx, r.client, &r.Webhook, m, s.options.now())
	var f *failure
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.delivered++
		r.failing, r.taken = 0, s.options.now()
		s.metrics.attempts.WithLabelValues(r.Name, "taken").Inc()
	case errors.As(err, &f):
		r.failing++
		r.failed, r.reason = s.options.now(), f.reason
		s.metrics.attempts.WithLabelValues(r.Name, "failed").Inc()
	}
	return err
}

// receiver is a webhook at work.
type receiver struct {
	Webhook
	sender *Sender
	client *http.Client

	// Of the goroutine that follows the feed.
	begun      bool
	saved      store.Cursor // as the repository has it
	savedAt    time.Time
	dead       []Letter // that the repository does not have yet
	failures   int      // since it took something
	unanswered bool     // it has let something get too old, and taken nothing since

	mu            sync.Mutex // guards what follows
	at            store.Cursor
	delivered     int64
	failing       int
	taken, failed time.Time
	reason        string
}
