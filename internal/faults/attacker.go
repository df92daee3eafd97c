//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// siege is an attack that goes on, as those who attack see it.
type siege struct {
	url   string
	lab   *lab
	many  *http.Client
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
	h.tries.Add(1)
	response, err := h.many.Do(request)
	if os.IsTimeout(err) {
		h.problem("%s %.80s: no answer in a minute", method, path)
	}
	if err != nil {
		h.note(0)
		return nil, nil
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	h.note(response.StatusCode)
	h.reasonable(method+" "+path, response, text)
	return response, text
}

// reasonable is a problem where an answer is a mistake of the server's, does not say when it is to be asked again, or refuses an instance without a
// Failure Reason (PS3.18 Annex I.2).
func (h *siege) reasonable(what string, response *http.Response, text []byte) {
	what = what[:min(len(what), 80)]
	switch status := response.StatusCode; {
	case status >= 500 && status != http.StatusServiceUnavailable && status != http.StatusNotImplemented:
		h.problem("%s: status %d: %s", what, status, tail(string(text), 200))
	case (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests) && response.Header.Get("Retry-After") == "":
		h.problem("%s: status %d without Retry-After", what, status)
	case status == http.StatusConflict && what == "POST /dicom-web/studies" && !(answer{module: moduleOf(response.Header, text)}).reasoned():
		h.problem("%s: status 409 without a reason: %s", what, tail(string(text), 200))
	}
}

func (h *siege) note(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen[status]++
}

func (h *siege) problem(format string, a ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lab.res.problem(format, a...)
}

// wants is a problem unless the answer has one of the statuses; none at all is allowed where a body is cut off.
func (h *siege) wants(response *http.Response, text []byte, what string, statuses ...int) {
	if response != nil && !slices.Contains(statuses, response.StatusCode) {
		h.problem("%s: status %d: %s", what, response.StatusCode, tail(string(text), 200))
	}
}

// refused are the answers to what is not taken.
var refused = []int{http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusConflict,
	http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusRequestURITooLong,
	http.StatusRequestHeaderFieldsTooLarge, http.StatusTooManyRequests, http.StatusNotImplemented, http.StatusServiceUnavailable}

// stowFile posts a file.
func (h *siege) stowFile(file []byte) (*http.Response, []byte) {
	return h.send("POST", "/dicom-web/studies", http.Header{"Content-Type": {"application/dicom"}}, file)
}

// besiege lets the clients go on until a time, each with what it has begun.
func (h *siege) besiege(clients []func() error, until time.Time) {
	var group sync.WaitGroup
	for _, client := range clients {
		group.Go(func() {
			for again := true; again; again = time.Now().Before(until) {
				if err := client(); err != nil {
					h.problem("%v", err)
					return
				}
			}
		})
	}
	group.Wait()
}

// toll is what an attack did so far.
type toll struct {
	Tries    int
	Seen     map[int]int
	Problems []string
}

// attackFor is the process that attacks. It prepares itself and says so with a toll; each duration that it is sent then is a turn, and
// answered with what it did so far.
func attackFor(name, url, folder string, orders io.Reader, out io.Writer) error {
	i := slices.IndexFunc(attacks, func(a attack) bool { return a.name == name })
	if i < 0 {
		return fmt.Errorf("there is no attack %q", name)
	}
	l := &lab{folder: folder, res: &result{}}
	defer l.cleanup()
	h := &siege{url: url, lab: l, seen: map[int]int{}, many: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 8, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	clients, err := attacks[i].prepare(h)
	if err != nil {
		return err
	}
	told, wanted := json.NewEncoder(out), json.NewDecoder(orders)
	for {
		h.mu.Lock()
		err := told.Encode(toll{int(h.tries.Load()), h.seen, l.res.Problems})
		h.mu.Unlock()
		if err != nil {
			return err
		}
		var turn time.Duration
		if err := wanted.Decode(&turn); err != nil {
			return nil // there is nobody any more who wants it
		}
		h.besiege(clients, time.Now().Add(turn))
	}
}

// attacker is the other end of such a process. It runs only when nobody else wants to (SCHED_IDLE), or the bystander would wait for the
// clients of the attack, which have the same processors here and elsewhere have their own, and not for what they do to the server.
type attacker struct {
	cmd    *exec.Cmd
	orders io.WriteCloser
	wanted *json.Encoder
	told   *json.Decoder
	toll   toll
}

func (l *lab) attacker(name, url string) (*attacker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	a := &attacker{cmd: exec.Command("chrt", "--idle", "0", self, "-attack", name, "-url", url, "-work", l.folder)}
	a.cmd.Stderr = os.Stderr
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if a.orders, err = a.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	a.wanted, a.told = json.NewEncoder(a.orders), json.NewDecoder(out)
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	if err := a.told.Decode(&a.toll); err != nil {
		return nil, errors.Join(fmt.Errorf("the attack %q does not begin: %w", name, err), a.end())
	}
	return a, nil
}

// attack attacks for a time; the channel is closed when what was begun has ended.
func (a *attacker) attack(turn time.Duration) (ended chan error) {
	ended = make(chan error, 1)
	go func() { ended <- errors.Join(a.wanted.Encode(turn), a.told.Decode(&a.toll)) }()
	return ended
}

func (a *attacker) end() error { return errors.Join(a.orders.Close(), a.cmd.Wait()) }
