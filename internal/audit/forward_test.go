package audit

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// collector is a receiver of syslog over TLS in the test's own process.
type collector struct {
	t        *testing.T
	config   *tls.Config
	roots    string // file
	listener net.Listener
	address  string
	got      chan uint64 // numbers of the messages, as they come
	mu       sync.Mutex
	conns    []net.Conn
	messages map[uint64]string
}

func newCollector(t *testing.T) *collector {
	server := httptest.NewTLSServer(nil) // for its certificate
	server.Close()
	c := &collector{t: t, config: &tls.Config{Certificates: server.TLS.Certificates}, got: make(chan uint64, 10_000), messages: map[uint64]string{}}
	c.roots = filepath.Join(t.TempDir(), "roots.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(c.roots, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c.address = "127.0.0.1:0"
	c.start()
	t.Cleanup(c.stop)
	return c
}

func (c *collector) start() {
	listener, err := tls.Listen("tcp", c.address, c.config)
	if err != nil {
		c.t.Fatal(err)
	}
	c.listener, c.address = listener, listener.Addr().String()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.mu.Lock()
			c.conns = append(c.conns, conn)
			c.mu.Unlock()
			go c.read(conn)
		}
	}()
}

// stop goes away as a machine does that is switched off.
func (c *collector) stop() {
	c.listener.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}

var numbered = regexp.MustCompile(`^<8[2-5]>1 \S+Z \S+ noctis \d+ DICOM\+RFC3881 \[noctis@32473 n="(\d+)" hash="[0-9a-f]{64}"\] \x{FEFF}<\?xml.*</AuditMessage>$`)

// read takes messages framed by their length (RFC 5425 4.3).
func (c *collector) read(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		length, err := r.ReadString(' ')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(length, " "))
		if err != nil {
			c.t.Errorf("a message begins with %q", length)
			return
		}
		text := make([]byte, n)
		if _, err := io.ReadFull(r, text); err != nil {
			return
		}
		m := numbered.FindSubmatch(text)
		if m == nil {
			c.t.Errorf("no message of syslog: %s", text)
			return
		}
		number, _ := strconv.ParseUint(string(m[1]), 10, 64)
		c.mu.Lock()
		c.messages[number] = string(text)
		c.mu.Unlock()
		c.got <- number
	}
}

// until waits until message n has come.
func (c *collector) until(n uint64) {
	c.t.Helper()
	for timeout := time.After(20 * time.Second); ; {
		select {
		case got := <-c.got:
			if got == n {
				return
			}
		case <-timeout:
			c.t.Fatalf("message %d does not come", n)
		}
	}
}

func (c *collector) complete(last uint64) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := uint64(1); n <= last; n++ {
		if c.messages[n] == "" {
			c.t.Errorf("message %d was lost", n)
		}
	}
}

var quiet = slog.New(slog.DiscardHandler)

// sending begins a trail that sends to the collector; stop ends it as a server does.
func (c *collector) sending(data string) (t *Trail, stop func()) {
	c.t.Helper()
	receiver, err := ParseReceiver("tls://"+c.address, c.roots)
	if err != nil {
		c.t.Fatal(err)
	}
	trail, err := Begin(data, "test", Options{Receiver: receiver, Log: quiet})
	if err != nil {
		c.t.Fatal(err)
	}
	trail.sending.pause = func(int) time.Duration { return 10 * time.Millisecond }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); trail.Run(ctx) }()
	return trail, func() {
		cancel()
		<-done
		if err := trail.Close(); err != nil {
			c.t.Error(err)
		}
	}
}

func TestEventsReachTheReceiver(t *testing.T) {
	c := newCollector(t)
	data := t.TempDir()
	trail, stop := c.sending(data)
	for i := range 100 {
		if err := trail.Record(event(i)); err != nil {
			t.Fatal(err)
		}
	}
	c.until(101) // the first is the start
	stop()
	c.complete(102) // the last is the end
	if text, err := os.ReadFile(trail.sending.cursorFile()); err != nil || string(text) != `{"received":102}` {
		t.Errorf("received is %s, %v", text, err)
	}
	_, stop = c.sending(data)
	c.until(103)
	stop()
	c.complete(104)
}

func TestNothingIsLostWhileTheReceiverIsAway(t *testing.T) {
	c := newCollector(t)
	c.stop()
	data := t.TempDir()
	trail, stop := c.sending(data)
	for i := range 50 {
		if err := trail.Record(event(i)); err != nil {
			t.Fatal(err)
		}
	}
	if w := trail.waiting(); w != 51 {
		t.Errorf("%v wait", w)
	}
	c.start()
	c.until(51)
	for round := range 5 { // it goes away in the middle, again and again
		last := uint64(51 + 50*(round+1))
		for i := range 50 {
			if err := trail.Record(event(i)); err != nil {
				t.Fatal(err)
			}
			if i == 25 {
				c.stop()
			}
		}
		c.start()
		c.until(last)
	}
	stop()
	c.complete(301)
}

func TestCursorOutlivesAKill(t *testing.T) {
	c := newCollector(t)
	data := t.TempDir()
	trail, stop := c.sending(data)
	if err := trail.Record(event(1)); err != nil {
		t.Fatal(err)
	}
	c.until(2)
	c.stop() // no good order: what was written may not have been read
	for trail.waiting() == 0 {
		runtime.Gosched()
	}
	stop()
	if text, err := os.ReadFile(trail.sending.cursorFile()); err == nil {
		t.Errorf("what may be lost counts as received: %s", text)
	}
	_, stop = c.sending(data)
	defer stop()
	c.start()
	c.until(4)
	c.complete(4)
}

func TestOnlyWhatOutlivedTheConnectionCounts(t *testing.T) {
	now := time.Now()
	data := t.TempDir()
	f := &forwarder{trail: &Trail{data: data}, sent: []sent{{3, now.Add(-9 * time.Second)}, {7, now.Add(-time.Second)}}}
	if err := os.MkdirAll(logFolder(data), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.settled(now.Add(-5 * time.Second)); err != nil || f.received != 3 || len(f.sent) != 1 {
		t.Errorf("%d, %v, %v", f.received, f.sent, err)
	}
	if text, err := os.ReadFile(f.cursorFile()); err != nil || string(text) != `{"received":3}` {
		t.Errorf("%s, %v", text, err)
	}
}

func TestReceiverNeedsItsCertificate(t *testing.T) {
	c := newCollector(t)
	receiver, err := ParseReceiver("tls://"+c.address, "")
	if err != nil {
		t.Fatal(err)
	}
	receiver.TLS.RootCAs = x509.NewCertPool()
	trail, err := Begin(t.TempDir(), "test", Options{Receiver: receiver, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer trail.Close()
	if err := trail.sending.connect(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
}

func TestReceiverSeesOurCertificate(t *testing.T) {
	c := newCollector(t)
	c.stop()
	c.config.ClientAuth = tls.RequireAnyClientCert
	c.start()
	key, err := x509.MarshalPKCS8PrivateKey(c.config.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600); err != nil {
		t.Fatal(err)
	}
	receiver, err := ParseReceiver("tls://"+c.address, c.roots)
	if err != nil {
		t.Fatal(err)
	}
	trail, err := Begin(t.TempDir(), "test", Options{Receiver: receiver, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer trail.Close()
	if err := trail.sending.connect(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("without: %v", err)
	}
	if err := receiver.Present(c.roots, file); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- trail.sending.connect(ctx) }()
	c.until(1)
	cancel()
	<-ended
	if err := receiver.Present(file, c.roots); err == nil {
		t.Error("a key is no certificate")
	}
	if err := (&Receiver{Network: "udp"}).Present(c.roots, file); err == nil {
		t.Error("datagrams show nothing")
	}
}

func TestReceiverInTheClearIsOnThisMachine(t *testing.T) {
	for address, want := range map[string]string{
		"tls://logs.example":   "tls logs.example:6514",
		"tls://logs.example:1": "tls logs.example:1",
		"tcp://127.0.0.1":      "tcp 127.0.0.1:514",
		"udp://[::1]:99":       "udp [::1]:99",
		"tcp://localhost:99":   "tcp localhost:99",
		"tcp://10.0.0.1":       "", "udp://logs.example": "", "logs.example": "", "http://127.0.0.1": "", "tls://": "", "tls://a/b": "", "": "",
	} {
		r, err := ParseReceiver(address, "")
		got := ""
		if err == nil {
			got = r.Network + " " + r.Address
		}
		if got != want {
			t.Errorf("%s: %q, %v", address, got, err)
		}
	}
	if _, err := ParseReceiver("tls://logs.example", "/nowhere"); err == nil {
		t.Error("a file of certificates that is not there is no error")
	}
}

func TestDatagramsStayShort(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	receiver, err := ParseReceiver("udp://"+conn.LocalAddr().String(), "")
	if err != nil {
		t.Fatal(err)
	}
	trail, err := Begin(t.TempDir(), "test", Options{Receiver: receiver, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer trail.Close()
	long := event(1)
	for i := range Named {
		long.Instances = append(long.Instances, fmt.Sprintf("1.2.840.113619.2.55.3.2831164482.%030d", i))
	}
	if err := trail.Record(long); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- trail.sending.connect(ctx) }()
	buffer := make([]byte, 70_000)
	for i := range 2 {
		n, _, err := conn.ReadFrom(buffer)
		if err != nil || n > longestDatagram || !numbered.Match(buffer[:n]) {
			t.Fatalf("datagram %d of %d bytes: %v", i, n, err)
		}
	}
	if !strings.Contains(string(buffer), `NumberOfInstances="1000"`) {
		t.Error("the number of instances is not told")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
