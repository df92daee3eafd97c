package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options of a Trail. The zero value is safe.
type Options struct {
	// Source names the server in messages (AuditSourceID); "" is noctis@ and the name of the machine.
	Source string
	// Gather is the time in which reads of one study by one user become one event; 0: each is one.
	Gather time.Duration
	// GoOn lets accesses through that cannot be recorded; else they are refused.
	GoOn bool
	// Receiver is where events are sent; nil: nowhere.
	Receiver *Receiver

	Log      *slog.Logger          // nil: slog.Default
	Registry prometheus.Registerer // nil: metrics are kept, but not registered
}

// Trail is what a server records with. It is safe for concurrent use.
type Trail struct {
	data     string
	source   string
	goOn     bool
	log      *slog.Logger
	lines    *Log
	gatherer gatherer
	metrics  *metrics
	sending  *forwarder // nil: nowhere
	now      func() time.Time
	dirty    chan struct{} // has something when lines are to be synced
	detail   string        // of start and stop
	end      sync.Once
	ended    error // of recording the end

	mu   sync.Mutex
	lost int       // events that could not be written
	from time.Time // the first of them
}

// ErrUnwritable is that of an access that is refused because it cannot be recorded.
var ErrUnwritable = errors.New("the audit log cannot be written")

// Source returns the name of this server where none is given.
func Source() string {
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	return "noctis@" + name
}

// Begin opens the log of a data folder and records that the server has started. version is that of the program.
func Begin(data, version string, o Options) (*Trail, error) {
	t := &Trail{data: data, source: cmp.Or(o.Source, Source()), goOn: o.GoOn, log: cmp.Or(o.Log, slog.Default()),
		now: time.Now, dirty: make(chan struct{}, 1), detail: "noctis " + version,
		gatherer: gatherer{window: o.Gather, reads: map[alike]*gathered{}}}
	lines, found, err := Open(data)
	if err != nil {
		return nil, err
	}
	t.lines = lines
	if o.Receiver != nil {
		t.sending = newForwarder(t, o.Receiver)
		if err := t.sending.load(); err != nil {
			t.log.Error("where sending of the audit log stopped cannot be read; it begins anew", "error", err)
		}
	}
	if t.metrics, err = newMetrics(o.Registry, t.waiting); err != nil {
		return nil, errors.Join(err, lines.close())
	}
	for _, e := range found {
		level := slog.LevelError
		if e.Outcome == Success {
			level = slog.LevelWarn
		}
		t.log.Log(context.Background(), level, "the audit log was not as it should be", "what", e.Detail)
	}
	if err := t.Record(append(found, t.event(Start))...); err != nil && !t.goOn {
		return nil, errors.Join(err, lines.close())
	}
	return t, nil
}

// waiting is how many events were not sent.
func (t *Trail) waiting() float64 {
	if t.sending == nil {
		return 0
	}
	return float64(t.lines.last()) - float64(min(t.sending.last.Load(), t.lines.last()))
}

func (t *Trail) event(k Kind) Event {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return Event{Time: t.now().UTC(), Kind: k, Server: host, Detail: t.detail}
}

// Record adds events. When it returns they are with the kernel. An error, always ErrUnwritable, is that of an access that must not be
// answered.
func (t *Trail) Record(events ...Event) error {
	t.mu.Lock()
	lost := t.lost
	if lost > 0 {
		events = append([]Event{t.interrupted()}, events...)
	}
	t.lost = 0
	t.mu.Unlock()
	if len(events) == 0 {
		return nil
	}
	if err := t.lines.Write(events...); err != nil {
		return t.failed(err, lost, events)
	}
	if lost > 0 {
		t.log.Info("the audit log can be written again", "events_lost", lost)
	}
	for _, e := range events {
		t.metrics.events.WithLabelValues(string(e.Kind), strconv.Itoa(int(e.Outcome))).Inc()
	}
	select {
	case t.dirty <- struct{}{}:
	default:
	}
	return nil
}

// failed counts events that could not be written. Of those that were lost before there is one among them, which tells of them.
func (t *Trail) failed(err error, lost int, events []Event) error {
	if lost > 0 {
		events = events[1:]
	} else {
		t.log.Error("the audit log cannot be written", "error", err, "accesses_go_on", t.goOn)
	}
	t.mu.Lock()
	if lost+t.lost == 0 {
		t.from = t.now().UTC()
	}
	t.lost += lost + len(events)
	t.mu.Unlock()
	t.metrics.failures.Add(float64(len(events)))
	if t.goOn {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnwritable, err)
}

// Latest returns the last events that a filter chooses, the newest first.
func (t *Trail) Latest(f Filter, most int) ([]Record, error) { return Latest(t.data, f, most) }

// Verify reads the whole log, and compares it with its chain and its seal.
func (t *Trail) Verify() (*Verification, error) { return Verify(t.data) }

// FHIR writes an event of this server as FHIR does.
func (t *Trail) FHIR(r *Record) ([]byte, error) { return FHIR(r, t.source) }

// interrupted is the event of those that could not be written.
func (t *Trail) interrupted() Event {
	e := t.event(Interrupt)
	what := "the accesses were refused"
	if t.goOn {
		what = "the accesses went on"
	}
	e.Outcome = Minor
	e.Detail = fmt.Sprintf("%d events since %s could not be written; %s", t.lost, t.from.Format(time.RFC3339), what)
	return e
}

// Ready reports whether an access can be recorded, as far as is known before: what deletes must not begin otherwise.
func (t *Trail) Ready() error {
	t.mu.Lock()
	fine := t.lost == 0 || t.goOn
	t.mu.Unlock()
	if fine {
		return nil
	}
	return t.Record() // tries to write what was lost
}

// syncEvery is how long lines that are with the kernel may wait for the disk.
const syncEvery = 100 * time.Millisecond

// Run syncs, sums up what is gathered, and sends, until ctx ends; then it records that the server ends, and sends that, too. No request
// may come any more then.
func (t *Trail) Run(ctx context.Context) {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	var sent sync.WaitGroup
	defer sent.Wait()
	defer stop()
	if t.sending != nil {
		sent.Go(func() { t.sending.run(sending) })
	}
	tick := time.NewTicker(max(t.gatherer.window/10, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			t.stop()
			return
		case <-tick.C:
			t.sumUpBefore(t.now().Add(-t.gatherer.window))
		case <-t.dirty:
			select {
			case <-ctx.Done():
			case <-time.After(syncEvery): // what comes meanwhile is synced with it
			}
			if err := t.lines.Sync(); err != nil {
				t.metrics.failures.Inc()
				t.log.Error("the audit log does not reach the disk", "error", err)
			}
		}
	}
}

// stop records what is gathered and that the server ends, once.
func (t *Trail) stop() {
	t.end.Do(func() {
		t.sumUpBefore(time.Time{})
		t.ended = t.Record(t.event(Stop))
	})
}

// Close seals the log. Run must have ended.
func (t *Trail) Close() error {
	t.stop()
	return errors.Join(t.ended, t.lines.Close())
}
