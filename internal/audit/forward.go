package audit

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/noctis-dicom/noctis/internal/durable"
)

// forwarder sends what is in the log to a receiver, from where it stopped: the log itself is the spool.
//
// Syslog has no acknowledgement. What was written to a connection counts as received when the connection has outlived it by settle, or
// was closed in good order; until then it is sent again. So a receiver may get an event twice, which its number shows, but none is lost;
// unless it stands still for longer than that, and ends then without having read.
type forwarder struct {
	trail    *Trail
	receiver *Receiver
	host     string
	settle   time.Duration
	pause    func(failures int) time.Duration // before the next try

	last     atomic.Uint64 // number of the last event that was written to the connection, or received
	received uint64        // number of the last event that counts as received
	sent     []sent        // that do not yet
}

// sent is when all up to an event were written to the connection.
type sent struct {
	n  uint64
	at time.Time
}

func newForwarder(t *Trail, r *Receiver) *forwarder {
	host, err := os.Hostname()
	if err != nil {
		host = "-"
	}
	return &forwarder{trail: t, receiver: r, host: host, settle: time.Minute, pause: backOff}
}

// backOff is the time before the next try: half a second, doubled each time up to a minute, with chance, so that servers that lost one
// receiver do not come back at once.
func backOff(failures int) time.Duration {
	longest := min(time.Minute, 500*time.Millisecond<<min(failures, 10))
	return longest/2 + rand.N(longest/2)
}

// cursor is what is kept of the state.
type cursor struct {
	Received uint64 `json:"received"`
}

func (f *forwarder) cursorFile() string { return filepath.Join(logFolder(f.trail.data), "syslog.json") }

// load reads where sending stopped. A log that ends before has been replaced: it is sent from its beginning.
func (f *forwarder) load() error {
	text, err := os.ReadFile(f.cursorFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var c cursor
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if f.received = c.Received; f.received > f.trail.lines.last() {
		f.received = 0
	}
	f.last.Store(f.received)
	return err
}

// settled moves the cursor behind what has been sent long enough, and keeps it.
func (f *forwarder) settled(before time.Time) error {
	n := f.received
	for len(f.sent) > 0 && !f.sent[0].at.After(before) {
		n, f.sent = f.sent[0].n, f.sent[1:]
	}
	if n == f.received {
		return nil
	}
	text, err := json.Marshal(cursor{n})
	if err != nil {
		return err
	}
	f.received = n
	return durable.WriteFile(f.cursorFile(), text)
}

// run sends until ctx ends.
func (f *forwarder) run(ctx context.Context) {
	log, m := f.trail.log, f.trail.metrics
	for failures := 0; ctx.Err() == nil; failures++ {
		before := f.received
		err := f.connect(ctx)
		m.connected.Set(0)
		f.last.Store(f.received)
		f.lag()
		if ctx.Err() != nil {
			return
		}
		m.sendFails.Inc()
		if f.received > before {
			failures = 0
		}
		log.Warn("the syslog receiver of the audit log cannot be reached", "error", err, "failures", failures+1)
		wait := time.NewTimer(f.pause(failures))
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
		wait.Stop()
	}
}

// connect sends over one connection until it fails or ctx ends.
func (f *forwarder) connect(ctx context.Context) error {
	f.sent = nil
	dialing, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := f.dial(dialing)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it has failed, or was closed in good order
	f.trail.metrics.connected.Set(1)
	ended := make(chan error, 1)
	go func() { // a receiver says nothing: what can be read is that it closes
		_, err := io.Copy(io.Discard, conn)
		if err == nil {
			err = errClosed
		}
		ended <- err
	}()
	lines, err := readFrom(f.trail.data, f.received+1)
	if err != nil {
		return err
	}
	defer lines.close() //nolint:errcheck // it was only read
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := f.send(conn, lines); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return f.finish(conn, lines, ended)
		case err := <-ended:
			return err
		case <-f.trail.lines.grown:
		case <-tick.C: // another process has written, perhaps
		}
		if err := f.settled(f.trail.now().Add(-f.settle)); err != nil {
			return err
		}
	}
}

// dial connects. A connection on which nothing is acknowledged fails well before what was written to it counts as received.
func (f *forwarder) dial(ctx context.Context) (net.Conn, error) {
	plain := &net.Dialer{Control: patient(f.settle / 2)}
	if f.receiver.Network == "tls" {
		return (&tls.Dialer{NetDialer: plain, Config: f.receiver.TLS}).DialContext(ctx, "tcp", f.receiver.Address)
	}
	return plain.DialContext(ctx, f.receiver.Network, f.receiver.Address)
}

// sendAtOnce is about how many bytes are written together.
const sendAtOnce = 64 << 10

// send writes all lines that are there and were not written to this connection.
func (f *forwarder) send(conn net.Conn, lines *reader) error {
	datagram := f.receiver.Network == "udp"
	last := f.received
	if n := len(f.sent); n > 0 {
		last = f.sent[n-1].n
	}
	var messages []byte
	flush := func() error {
		if len(messages) == 0 {
			return nil
		}
		if err := conn.SetWriteDeadline(time.Now().Add(30 * time.Second)); err != nil {
			return err
		}
		_, err := conn.Write(messages)
		messages = messages[:0]
		if err == nil {
			f.sent = append(f.sent, sent{last, f.trail.now()})
			f.last.Store(last)
		}
		return err
	}
	for {
		text, err := lines.next()
		if err == io.EOF {
			f.trail.metrics.behind.Set(0)
			return flush()
		}
		if err != nil {
			return err
		}
		l, err := parseLine(text)
		if err != nil || l.n <= last {
			continue // what is no line Verify tells of
		}
		r, err := l.record()
		if err != nil {
			continue
		}
		message, err := syslogMessage(&r, f.trail.source, f.host, datagram)
		if err != nil {
			return fmt.Errorf("line %d: %w", r.N, err)
		}
		if last = l.n; !datagram {
			message = frame(nil, message)
		}
		messages = append(messages, message...)
		f.trail.metrics.sent.Inc()
		if datagram || len(messages) >= sendAtOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
}

// finish sends the rest and closes in good order: when the receiver has closed, too, it has everything.
func (f *forwarder) finish(conn net.Conn, lines *reader, ended <-chan error) error {
	if err := f.send(conn, lines); err != nil {
		return err
	}
	select {
	case err := <-ended: // it has closed first
		return err
	default:
	}
	closing, ok := conn.(interface{ CloseWrite() error })
	if !ok { // datagrams: nobody knows
		return f.settled(f.trail.now())
	}
	if err := closing.CloseWrite(); err != nil {
		return err
	}
	select {
	case err := <-ended:
		if err == errClosed {
			return f.settled(f.trail.now())
		}
	case <-time.After(2 * time.Second):
	}
	return f.settled(f.trail.now().Add(-f.settle))
}

// lag sets the metric of the age of the first event that the receiver does not have.
func (f *forwarder) lag() {
	for r, err := range Search(f.trail.data, Filter{After: f.received}) {
		if err == nil {
			f.trail.metrics.behind.Set(f.trail.now().Sub(r.Time).Seconds())
		}
		return
	}
}
