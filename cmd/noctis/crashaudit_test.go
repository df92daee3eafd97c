package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/internal/audit"
)

// syslogSink takes messages of syslog over TCP, framed by their length, and remembers their numbers.
type syslogSink struct {
	listener net.Listener
	mu       sync.Mutex
	seen     map[uint64]bool
	more     chan struct{} // has something when one has come
}

func newSyslogSink(t *testing.T) *syslogSink {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	s := &syslogSink{listener: listener, seen: map[uint64]bool{}, more: make(chan struct{}, 1)}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.read(conn)
		}
	}()
	return s
}

var syslogNumber = regexp.MustCompile(`\[noctis@32473 n="(\d+)"`)

func (s *syslogSink) read(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		length, err := r.ReadString(' ')
		n, convErr := strconv.Atoi(strings.TrimSpace(length))
		if err != nil || convErr != nil {
			return
		}
		text := make([]byte, n)
		if _, err := io.ReadFull(r, text); err != nil {
			return
		}
		if m := syslogNumber.FindSubmatch(text); m != nil {
			number, _ := strconv.ParseUint(string(m[1]), 10, 64)
			s.mu.Lock()
			s.seen[number] = true
			s.mu.Unlock()
			select {
			case s.more <- struct{}{}:
			default:
			}
		}
	}
}

// wait waits until all up to a number have come.
func (s *syslogSink) wait(last uint64) error {
	for timeout := time.After(30 * time.Second); ; {
		missing := uint64(0)
		s.mu.Lock()
		for n := uint64(1); n <= last && missing == 0; n++ {
			if !s.seen[n] {
				missing = n
			}
		}
		s.mu.Unlock()
		if missing == 0 {
			return nil
		}
		select {
		case <-s.more:
		case <-timeout:
			return fmt.Errorf("event %d of %d was not sent", missing, last)
		}
	}
}

// TestKilledServerHasRecordedWhatItAnswered kills the server under requests: each that was answered is in the audit log, which is whole, and
// all of it reaches the syslog receiver.
func TestKilledServerHasRecordedWhatItAnswered(t *testing.T) {
	sink := newSyslogSink(t)
	folder := t.TempDir()
	answered := map[string]bool{}
	const rounds = 4
	for round := range rounds {
		s, err := start(folder, "--audit-gather", "0", "--demo", "--audit-syslog", "tcp://"+sink.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var clients sync.WaitGroup
		enough := make(chan struct{})
		total := 0
		for client := range 4 {
			clients.Go(func() {
				for i := 0; ; i++ {
					r, err := http.NewRequest("GET", s.url+"/dicom-web/studies?limit=1", nil)
					if err != nil {
						t.Error(err)
						return
					}
					id := fmt.Sprintf("r%d-%d-%d", round, client, i)
					r.Header.Set("X-Request-Id", id)
					answer, err := http.DefaultClient.Do(r)
					if err != nil {
						return // it has been killed
					}
					answer.Body.Close()
					mu.Lock()
					answered[id] = true
					if total++; total == 200 {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		<-enough
		s.kill()
		clients.Wait()
	}
	data := filepath.Join(folder, "data")
	if v, err := audit.Verify(data); err != nil || len(v.Damages) > 0 {
		t.Errorf("after the last kill: %+v, %v", v, err)
	}
	s, err := start(folder, "--audit-syslog", "tcp://"+sink.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	v, err := audit.Verify(data)
	if err != nil || len(v.Damages) > 0 || v.Sealed != v.Last {
		t.Errorf("after a start and a stop: %+v, %v", v, err)
	}
	for r, err := range audit.Search(data, audit.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		delete(answered, r.Request)
	}
	if len(answered) > 0 {
		t.Errorf("%d requests were answered, and are not recorded", len(answered))
	}
	if err := sink.wait(v.Last); err != nil {
		t.Error(err)
	}
}
