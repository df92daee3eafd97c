//go:build linux

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lab is what a row works with.
type lab struct {
	ctx    context.Context
	bin    string // folder of the programs
	folder string // of this row, on a file system that no fault touches
	res    *result
	times  int
	undo   []func()
	long   bool // the long form
}

// later is done when the row is over, last first.
func (l *lab) later(f func()) { l.undo = append(l.undo, f) }

func (l *lab) cleanup() {
	for _, f := range slices.Backward(l.undo) {
		f()
	}
}

func (l *lab) note(format string, a ...any) {
	l.res.Note = joined(l.res.Note, fmt.Sprintf(format, a...))
}

func (l *lab) done() bool { return l.ctx.Err() != nil || len(l.res.Problems) >= 20 }

// launch says how a server is started.
type launch struct {
	data      string
	failpoint string // "blob named:3"
	program   string // "": noctis
	wrap      []string
	args      []string
	env       []string
}

// server is a running noctis serve.
type server struct {
	cmd    *exec.Cmd
	url    string
	stderr *bytes.Buffer
	exited chan struct{}
	http   *http.Client
}

// readyWithin is how soon after a fault the server has to be ready again, in the long form; time in which others had the processor does not count.
const readyWithin = 2 * time.Second

var pageAddress = regexp.MustCompile(`page +(http://[^/]+)/`)

// start starts a server on a free port of the loopback interface and returns when it is ready.
func (l *lab) start(how launch) (*server, error) {
	began := time.Now()
	s, err := l.spawn(how)
	if err != nil {
		return nil, err
	}
	for {
		status, body, err := s.get("/readyz", "")
		if err == nil && status == http.StatusOK {
			took := time.Since(began)
			if l.res.Slowest = max(l.res.Slowest, took); l.long && took-s.waited() > readyWithin {
				l.res.problem("ready after %v, %v of it waiting for a processor", took, s.waited())
			}
			return s, nil
		}
		if s.gone() || time.Since(began) > 30*time.Second {
			s.kill()
			return nil, fmt.Errorf("not ready after %v: %d %s %v\n%s", time.Since(began), status, body, err, s.stderr)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// program is the command that starts a server.
func (l *lab) program(how launch) *exec.Cmd {
	program := filepath.Join(l.bin, cmp.Or(how.program, "noctis"))
	if how.failpoint != "" {
		program = filepath.Join(l.bin, "noctis-failpoints")
	}
	line := append(slices.Clone(how.wrap), program, "serve", "--listen", "127.0.0.1:0", "--data", how.data, "--log-level", "warn")
	line = append(line, how.args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = l.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Env = append(append(os.Environ(), "NOCTIS_FAILPOINT="+how.failpoint), how.env...)
	return cmd
}

// spawn starts a server and returns when it listens.
func (l *lab) spawn(how launch) (*server, error) {
	cmd := l.program(how)
	s := &server{cmd: cmd, stderr: &bytes.Buffer{}, exited: make(chan struct{}),
		http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	cmd.Stderr = s.stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := pageAddress.FindStringSubmatch(lines.Text()); m != nil {
			s.url = m[1]
			break
		}
	}
	go func() {
		io.Copy(io.Discard, out) //nolint:errcheck // until it closes
		cmd.Wait()               //nolint:errcheck // it is killed as a rule
		close(s.exited)
	}()
	if s.url == "" {
		<-s.exited
		return nil, fmt.Errorf("%w: %s", errStart, s.stderr)
	}
	return s, nil
}

var errStart = errors.New("the server did not start")

func (s *server) gone() bool {
	select {
	case <-s.exited:
		return true
	default:
		return false
	}
}

// kill is SIGKILL for the server and for what wraps it.
func (s *server) kill() {
	syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // it may have gone
	<-s.exited
	s.http.CloseIdleConnections()
}

// stop lets it finish.
func (s *server) stop() error {
	s.http.CloseIdleConnections()
	syscall.Kill(-s.cmd.Process.Pid, syscall.SIGTERM) //nolint:errcheck // it may have gone
	select {
	case <-s.exited:
		return nil
	case <-time.After(70 * time.Second):
		s.kill()
		return errors.New("the server did not stop")
	}
}

// pid is the process of the server itself, below what wraps it.
func (s *server) pid() int {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.cmd.Process.Pid))
	if first, _, _ := strings.Cut(strings.TrimSpace(string(children)), " "); err == nil && first != "" {
		if n, err := strconv.Atoi(first); err == nil {
			return n
		}
	}
	return s.cmd.Process.Pid
}

// status reads a number of /proc/PID/status, in KiB for memory (VmRSS, VmHWM).
func (s *server) status(field string) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid()))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			n, _ := strconv.Atoi(strings.Fields(value)[0])
			return n
		}
	}
	return 0
}

// waited is for how long the thread that waited most was ready to run and had no processor.
func (s *server) waited() (most time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.pid())) //nolint:errcheck // the pattern is right
	for _, thread := range threads {
		var ran, waited int64
		if text, err := os.ReadFile(thread); err == nil {
			fmt.Sscan(string(text), &ran, &waited) //nolint:errcheck // 0 then
		}
		most = max(most, time.Duration(waited))
	}
	return most
}

// files is how many descriptors it has open.
func (s *server) files() int {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.pid()))
	if err != nil {
		return 0
	}
	return len(list)
}

// asked is get, again for some seconds while the server answers that it cannot now.
func (s *server) asked(path, accept string) (status int, body []byte, err error) {
	for range 100 {
		if status, body, err = s.get(path, accept); err != nil || status != http.StatusServiceUnavailable {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return status, body, err
}

// get asks for a path below the server's root.
func (s *server) get(path, accept string) (int, []byte, error) {
	request, err := http.NewRequest(http.MethodGet, s.url+path, nil)
	if err != nil {
		return 0, nil, err
	}
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	response, err := s.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// command runs another command of the program on the data folder.
func (l *lab) command(args ...string) error {
	_, err := l.peak(args...)
	return err
}

// peak is command that returns how much memory was resident at most, in bytes.
func (l *lab) peak(args ...string) (int64, error) {
	var out bytes.Buffer
	cmd := exec.Command(filepath.Join(l.bin, "noctis"), args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("noctis %s: %w\n%s", strings.Join(args, " "), err, tail(out.String(), 1000))
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10, nil // in KiB on Linux
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// system runs a program of the system.
func system(line ...string) error {
	out, err := exec.Command(line[0], line[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(line, " "), err, out)
	}
	return nil
}
