//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// attack is a row of hostile requests. prepare makes them; each function that it returns is one client, which is called again and again.
type attack struct {
	name, how string
	args      []string // of the server
	prepare   func(*siege) ([]func() error, error)
}

// siege is an attack that goes on.
type siege struct {
	*server
	lab   *lab
	many  *http.Client // of the attackers
	tries atomic.Int64
	mu    sync.Mutex
	seen  map[int]int // answers by status
}

// send sends a request and returns the answer. Of a connection that breaks off there is none: a server may hang up on a body that it
// does not want.
func (h *siege) send(method, path string, header http.Header, body []byte) (*http.Response, []byte) {
	request, err := http.NewRequest(method, h.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil
	}
	if header != nil {
		request.Header = header
	}
	return h.answer(h.many.Do(request))
}

func (h *siege) answer(response *http.Response, err error) (*http.Response, []byte) {
	h.tries.Add(1)
	if err != nil {
		h.note(0)
		return nil, nil
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	h.note(response.StatusCode)
	return response, text
}

func (h *siege) note(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen[status]++
}

// wants is a problem unless the answer has one of the statuses; none at all is allowed where a body is cut off.
func (h *siege) wants(response *http.Response, text []byte, what string, statuses ...int) {
	if response == nil || slices.Contains(statuses, response.StatusCode) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lab.res.problem("%s: status %d: %s", what, response.StatusCode, tail(string(text), 200))
}

// refused are the answers to what is not taken.
var refused = []int{http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusConflict,
	http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusRequestURITooLong,
	http.StatusRequestHeaderFieldsTooLarge, http.StatusTooManyRequests, http.StatusNotImplemented, http.StatusServiceUnavailable}

// stow posts a file.
func (h *siege) stowFile(file []byte) (*http.Response, []byte) {
	return h.send("POST", "/dicom-web/studies", http.Header{"Content-Type": {"application/dicom"}}, file)
}

// bystander uses the server as anybody does, and knows how long that took: a retrieval, its metadata, a search.
type bystander struct {
	paths []string
	took  []time.Duration
}

func (b *bystander) watch(h *siege, until time.Time) {
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for time.Now().Before(until) {
		for _, path := range b.paths {
			request, err := http.NewRequest("GET", h.url+path, nil)
			if err != nil {
				return
			}
			request.Header.Set("Accept", "*/*")
			began := time.Now()
			response, err := client.Do(request)
			if err == nil {
				io.Copy(io.Discard, response.Body) //nolint:errcheck // the status tells
				response.Body.Close()
			}
			b.took = append(b.took, time.Since(began))
			if err != nil || response.StatusCode != http.StatusOK {
				h.mu.Lock()
				h.lab.res.problem("a bystander is not served: %v", err)
				h.mu.Unlock()
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// at returns the time within which so many of a thousand requests were answered.
func (b *bystander) at(perMille int) time.Duration {
	if len(b.took) == 0 {
		return 0
	}
	slices.Sort(b.took)
	return b.took[(len(b.took)-1)*perMille/1000]
}

// slack is what a bystander's p99 may always take: below that it says more about the machine, whose processors the attackers and others
// use too, than about the server. Both times are noted.
const slack = 50 * time.Millisecond

// hostile makes a row of an attack: while it goes on a bystander is served, in at most twice the time (at its 99th percentile; in times
// with and without the attack by turns), the process stays within 256 MiB, and at the end it has lost nothing and stores as before.
func hostile(a attack) func(*lab) error {
	return func(l *lab) error {
		data, err := l.fresh("data")
		if err != nil {
			return err
		}
		g, err := l.openLedger()
		if err != nil {
			return err
		}
		s, err := l.start(launch{data: data, args: append([]string{"--memory", "256MiB"}, a.args...)})
		if err != nil {
			return err
		}
		defer s.kill()
		h := &siege{server: s, lab: l, seen: map[int]int{}, many: &http.Client{
			Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 8, DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
		calm, besieged := bystander{paths: []string{"/healthz"}}, bystander{paths: []string{"/healthz"}}
		if len(a.args) == 0 {
			in := newSample("bystander", "", "", 1, 256)
			if answer, err := g.upload(s, in); err != nil || answer.status != http.StatusOK {
				return fmt.Errorf("before the attack: %d, %w", answer.status, err)
			}
			path := "/dicom-web" + in.ref.Path()
			calm.paths = []string{path, path + "/metadata", "/dicom-web/studies?StudyInstanceUID=" + string(in.ref.Study)}
			besieged.paths = calm.paths
		}
		clients, err := a.prepare(h)
		if err != nil {
			return err
		}
		h.besiege(clients, &calm, &besieged)
		h.many.CloseIdleConnections()
		if s.gone() {
			return fmt.Errorf("the server has gone: %s", tail(s.stderr.String(), 500))
		}
		if strings.Contains(s.stderr.String(), "panic") {
			l.res.problem("a panic: %s", tail(s.stderr.String(), 500))
		}
		l.res.Tried = int(h.tries.Load())
		if len(a.args) == 0 {
			if answer, err := g.upload(s, newSample("bystander", "after", "", 1, 16)); err != nil || answer.status != http.StatusOK {
				l.res.problem("nothing is stored after the attack: %d, %v", answer.status, err)
			}
			l.check(s, g, -1)
			l.settled(s, data)
		}
		_, l.res.Acknowledged = g.count()
		if err := s.stop(); err != nil {
			return err
		}
		l.audit(data)
		return nil
	}
}

// besiege attacks by turns, and judges what that does to the bystander and to memory.
func (h *siege) besiege(clients []func() error, calm, besieged *bystander) {
	turns, length := 1, 700*time.Millisecond
	if h.lab.long {
		turns, length = 4*h.lab.times, 2*time.Second
	}
	os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", h.pid()), []byte("5"), 0) //nolint:errcheck // the peak begins anew
	began := time.Now()
	for range turns {
		if h.lab.done() || h.gone() {
			break
		}
		calm.watch(h, time.Now().Add(length))
		until := time.Now().Add(length)
		var group sync.WaitGroup
		for _, client := range clients {
			group.Go(func() {
				for again := true; again; again = time.Now().Before(until) {
					if err := client(); err != nil {
						h.mu.Lock()
						h.lab.res.problem("%v", err)
						h.mu.Unlock()
						return
					}
				}
			})
		}
		ended := make(chan struct{})
		go func() { group.Wait(); close(ended) }()
		for attacked := true; attacked; {
			besieged.watch(h, time.Now().Add(100*time.Millisecond))
			select {
			case <-ended:
				attacked = false
			default:
			}
		}
	}
	peak := int64(h.status("VmHWM")) << 10
	before, during := calm.at(990), besieged.at(990)
	ratio := float64(during) / float64(max(before, 1))
	h.lab.note("answers %s; a bystander's p99 %.1f ms, without the attack %.1f ms; resident at most %d MiB",
		h.statuses(), float64(during.Microseconds())/1000, float64(before.Microseconds())/1000, peak>>20)
	if peak > memoryBound {
		h.lab.res.problem("resident memory came to %d MiB", peak>>20)
	}
	if h.lab.long && ratio > 2 && during > slack {
		h.lab.res.problem("a bystander's p99 is %.1f times as long, of %d requests in %v", ratio, len(besieged.took), time.Since(began).Round(time.Second))
	}
}

// statuses says which answers came; 0 is a connection that broke off.
func (h *siege) statuses() string {
	var all []string
	for status := range h.seen {
		if status == 0 {
			all = append(all, "hung up")
		} else {
			all = append(all, fmt.Sprint(status))
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
