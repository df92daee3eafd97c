//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// readsGoOn lets the server answer what it cannot record in the audit log, which lies on the disk that fails (docs/adr/0026-the-audit-log.md).
var readsGoOn = []string{"--audit-failure", "continue"}

// failing is a store of which the whole, the blobs or the index lie on a disk that can fail.
type failing struct {
	*blockDisk
	at   string // where it is mounted
	data string
}

// newFailing makes one; which is "", "blobs" or "index".
func (l *lab) newFailing(which string) (*failing, error) {
	name := fmt.Sprint("failing", l.res.Tried)
	d, err := l.newBlockDisk(name, 64<<20)
	if err != nil {
		return nil, err
	}
	if err := d.format(); err != nil {
		return nil, err
	}
	f := &failing{blockDisk: d, at: filepath.Join(l.folder, name)}
	f.data = filepath.Join(f.at, "data")
	if which == "blobs" {
		f.data = filepath.Join(l.folder, name+".data")
		f.at = filepath.Join(f.data, "blobs")
	}
	if err := f.mount(); err != nil {
		return nil, err
	}
	l.later(func() { unix.Unmount(f.at, unix.MNT_DETACH) }) //nolint:errcheck // it may not be mounted
	if which == "index" {
		elsewhere := filepath.Join(l.folder, name+".blobs")
		return f, errors.Join(os.MkdirAll(elsewhere, 0o700), os.MkdirAll(f.data, 0o700), os.Symlink(elsewhere, filepath.Join(f.data, "blobs")))
	}
	return f, nil
}

// mount mounts it as distributions do: an error of the journal makes it read-only.
func (f *failing) mount() error {
	if err := f.blockDisk.mount(f.at, "errors=remount-ro"); err != nil {
		return err
	}
	return os.Chmod(f.at, 0o700)
}

// anew forgets all that the system holds of the disk in memory.
func (f *failing) anew() error { return errors.Join(unmount(f.at), f.mount()) }

// end takes it away, when its server has been stopped.
func (f *failing) end() error { return errors.Join(unmount(f.at), f.detach()) }

// failingStore makes one and starts a server on it;
func (l *lab) failingStore(which string) (f *failing, g *ledger, s *server, err error) {
	if f, err = l.newFailing(which); err != nil {
		return nil, nil, nil, err
	}
	if g, err = l.openLedger(); err != nil {
		return nil, nil, nil, err
	}
	s, err = l.start(f.launch())
	return f, g, s, err
}

// launch starts a server on it.
func (f *failing) launch(args ...string) launch {
	return launch{data: f.data, args: append(args, readsGoOn...)}
}

// before stores what is there before the disk fails.
func (g *ledger) before(s *server, files ...sample) error {
	if a, err := g.upload(s, files...); err != nil || a.status != http.StatusOK {
		return fmt.Errorf("before the disk fails: %d, %w", a.status, err)
	}
	return nil
}

// ends checks the store of a server that goes on, stops it, and has its own checks run on what is then on the disk.
func (l *lab) ends(f *failing, g *ledger, s *server) error {
	l.check(s, g, -1)
	l.settled(s, f.data)
	_, acked := g.count()
	l.res.Acknowledged += acked
	if err := errors.Join(s.stop(), f.anew()); err != nil {
		return err
	}
	l.audit(f.data)
	return f.end()
}

// again tries something as often as the row says.
func (l *lab) again(once func() error) error {
	for range l.times {
		if l.done() {
			return nil
		}
		if err := once(); err != nil {
			return err
		}
	}
	return nil
}

func (f *failing) heal() {
	f.failWrites.Store(false)
	f.failFlushes.Store(false)
	f.failReads.Store(false)
}

// writeErrors, flushErrors and readOnly refuse what is written from a moment on: each write of the disk, each flush, or the file system
// itself, because an error of another program made it read-only.
func writeErrors(l *lab) error {
	return l.refuseWrites(true, func(f *failing) error { f.failWrites.Store(true); return nil })
}

func flushErrors(l *lab) error {
	return l.refuseWrites(true, func(f *failing) error { f.failFlushes.Store(true); return nil })
}

func readOnly(l *lab) error {
	return l.refuseWrites(false, func(f *failing) error {
		f.failWrites.Store(true)
		defer f.heal()
		other, err := os.Create(filepath.Join(f.at, "of another program"))
		if err != nil {
			return err
		}
		defer other.Close()
		if other.Write(make([]byte, 8192)); other.Sync() == nil { //nolint:errcheck // the sync tells
			return errors.New("the disk did not fail")
		}
		for range 200 { // the journal notices with its next commit
			probe, err := os.Create(filepath.Join(f.at, "probe"))
			if errors.Is(err, unix.EROFS) {
				return nil
			}
			probe.Close()
			time.Sleep(50 * time.Millisecond)
		}
		return errors.New("the file system did not become read-only")
	})
}

func (l *lab) refuseWrites(poisons bool, fail func(*failing) error) error {
	return l.again(func() error {
		for _, which := range []string{"", "blobs", "index"} {
			if err := l.refuseOnce(which, poisons, fail); err != nil {
				return fmt.Errorf("disk of %q: %w", which, err)
			}
		}
		return nil
	})
}

// refuseOnce stores, lets the disk fail, and stores on: nothing is acknowledged any more, the server says why and goes on with what it
// has. A disk that is well again is not trusted, where a sync has failed, before the server has been started anew.
func (l *lab) refuseOnce(which string, poisons bool, fail func(*failing) error) error {
	f, g, s, err := l.failingStore(which)
	if err != nil {
		return err
	}
	defer s.kill()
	name := fmt.Sprint("failing ", which, l.res.Tried)
	for n := range 6 {
		if err := g.before(s, request(name, 0, n)...); err != nil {
			return err
		}
	}
	if err := fail(f); err != nil {
		return err
	}
	l.res.Tried++
	refused := 0
	for n := 6; refused < 8 && n < 60; n++ {
		a, err := g.upload(s, request(name, 0, n)...)
		switch {
		case err != nil:
			return fmt.Errorf("request %d: %w\n%s", n, err, tail(s.stderr.String(), 400))
		case a.status == http.StatusServiceUnavailable && outOfResources(a.body) && a.header.Get("Retry-After") != "":
			refused++
		case a.status != http.StatusOK:
			l.res.problem("disk of %q fails: STOW answers %d: %s", which, a.status, tail(string(a.body), 300))
			refused++
		}
	}
	if refused == 0 {
		return errors.New("nothing was refused")
	}
	l.saysReadOnly(s, which)
	for _, p := range g.promises(-1) {
		if !p.acked {
			continue
		}
		if _, lost, half := s.verify(p); lost != "" || half != "" {
			l.res.problem("disk of %q fails, and reads do not go on: %s %s", which, lost, half)
		}
	}
	if f.heal(); poisons {
		if a, err := g.upload(s, request(name, 1, 0)...); err != nil || a.status != http.StatusServiceUnavailable {
			l.res.problem("disk of %q: after a failed sync it is trusted again: %d, %v", which, a.status, err)
		}
	}
	s.kill()
	if err := f.anew(); err != nil {
		return err
	}
	_, acked := g.count()
	l.res.Acknowledged += acked
	if err := l.recovered(g, f.launch(), -1); err != nil {
		return err
	}
	l.audit(f.data)
	return f.end()
}

// outOfResources reports whether an answer has the Failure Reason A700, as a number or in words.
func outOfResources(body []byte) bool {
	return bytes.Contains(body, []byte("A700")) || bytes.Contains(body, fmt.Appendf(nil, `"Value":[%d]`, 0xA700))
}

// saysReadOnly asks /readyz and the metric.
func (l *lab) saysReadOnly(s *server, which string) {
	status, body, err := s.get("/readyz", "")
	if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(string(body), "nothing can be stored") {
		l.res.problem("disk of %q fails: /readyz answers %d %s, %v", which, status, body, err)
	}
	status, body, err = s.get("/metrics", "")
	if err != nil || status != http.StatusOK || !strings.Contains(string(body), "\nnoctis_store_writable 0\n") {
		l.res.problem("disk of %q fails: the metric noctis_store_writable does not say it (%d, %v)", which, status, err)
	}
	if status, _, err = s.get("/healthz", ""); err != nil || status != http.StatusOK {
		l.res.problem("disk of %q fails: /healthz answers %d, %v", which, status, err)
	}
}
