//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
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
	for range l.times {
		for _, which := range []string{"", "blobs", "index"} {
			if l.done() {
				return nil
			}
			if err := l.refuseOnce(which, poisons, fail); err != nil {
				return fmt.Errorf("disk of %q: %w", which, err)
			}
		}
	}
	return nil
}

// refuseOnce stores, lets the disk fail, and stores on: nothing is acknowledged any more, the server says why and goes on with what it
// has. A disk that is well again is not trusted, where a sync has failed, before the server has been started anew.
func (l *lab) refuseOnce(which string, poisons bool, fail func(*failing) error) error {
	f, err := l.newFailing(which)
	if err != nil {
		return err
	}
	g, err := l.openLedger()
	if err != nil {
		return err
	}
	s, err := l.start(launch{data: f.data, args: readsGoOn})
	if err != nil {
		return err
	}
	defer s.kill()
	name := fmt.Sprint("failing ", which, l.res.Tried)
	for n := range 6 {
		if a, err := g.upload(s, request(name, 0, n)...); err != nil || a.status != http.StatusOK {
			return fmt.Errorf("before the disk fails: %d, %w", a.status, err)
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
	if err := l.recovered(g, launch{data: f.data, args: readsGoOn}, -1); err != nil {
		return err
	}
	l.audit(f.data)
	return errors.Join(unmount(f.at), f.detach())
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

// readErrors lets the disk refuse to be read: what is served is right or an error, and all is well when the disk is.
func readErrors(l *lab) error {
	for range l.times {
		f, err := l.newFailing("")
		if err != nil {
			return err
		}
		g, err := l.openLedger()
		if err != nil {
			return err
		}
		s, err := l.start(launch{data: f.data, args: readsGoOn})
		if err != nil {
			return err
		}
		for n := range 8 {
			if a, err := g.upload(s, request(fmt.Sprint("unreadable ", l.res.Tried), 0, n)...); err != nil || a.status != http.StatusOK {
				return fmt.Errorf("before the disk fails: %d, %w", a.status, err)
			}
		}
		if err := errors.Join(s.stop(), f.anew()); err != nil {
			return err
		}
		how := launch{data: f.data, args: append([]string{"--scrub-rate", "0"}, readsGoOn...)}
		if s, err = l.start(how); err != nil {
			return err
		}
		defer s.kill()
		f.failReads.Store(true)
		refused := 0
		for _, p := range g.promises(-1) {
			status, body, err := s.get("/dicom-web"+p.ref.Path(), asStored)
			switch {
			case err != nil || status == http.StatusServiceUnavailable: // the answer is broken off where it had begun
				refused++
			case status == http.StatusInternalServerError:
				refused++
				if !strings.Contains(string(body), "urn:request:") {
					l.res.problem("a read error is answered without a reason: %s", tail(string(body), 200))
				}
			case status != http.StatusOK || sha256.Sum256(body) != p.sum:
				l.res.problem("a read error is answered with %d and %d bytes", status, len(body))
			}
		}
		if refused == 0 || f.failed.Load() == 0 {
			l.res.problem("the disk was never read")
		}
		f.heal()
		l.res.Tried += refused
		l.check(s, g, -1)
		_, acked := g.count()
		l.res.Acknowledged += acked
		if err := errors.Join(s.stop(), f.anew()); err != nil {
			return err
		}
		l.audit(f.data)
		if err := errors.Join(unmount(f.at), f.detach()); err != nil {
			return err
		}
	}
	return nil
}

// hungDisk lets the disk answer nothing for a second and more: what is in memory is served, nothing is acknowledged, and what waited is stored
// when the disk goes on.
func hungDisk(l *lab) error {
	for range l.times {
		f, err := l.newFailing("")
		if err != nil {
			return err
		}
		g, err := l.openLedger()
		if err != nil {
			return err
		}
		s, err := l.start(launch{data: f.data, args: readsGoOn})
		if err != nil {
			return err
		}
		defer s.kill()
		in := request(fmt.Sprint("hung ", l.res.Tried), 9, 0)
		if a, err := g.upload(s, in...); err != nil || a.status != http.StatusOK {
			return fmt.Errorf("before the disk hangs: %d, %w", a.status, err)
		}
		s.verify(g.promises(-1)[0]) // from now on it is in memory
		f.hung.Lock()
		stop := make(chan struct{})
		patient := *s
		patient.http = &http.Client{Timeout: 2 * time.Minute}
		wait := g.load(&patient, 8, fmt.Sprint("hanging ", l.res.Tried), stop, l.res.problem)
		time.Sleep(time.Second)
		_, before := g.count()
		slowest := time.Duration(0)
		for range 30 {
			began := time.Now()
			status, _, err := s.get("/dicom-web"+in[0].ref.Path(), asStored)
			if slowest = max(slowest, time.Since(began)); err != nil || status != http.StatusOK {
				l.res.problem("the disk hangs, and what is in memory is not served: %d, %v", status, err)
			}
		}
		_, after := g.count()
		f.hung.Unlock()
		if after != before {
			l.res.problem("the disk hangs, and %d instances are acknowledged", after-before)
		}
		l.note("a retrieval beside it took at most %d ms", slowest.Milliseconds())
		time.Sleep(500 * time.Millisecond)
		close(stop)
		wait()
		patient.http.CloseIdleConnections()
		if _, now := g.count(); now == after {
			l.res.problem("nothing is stored when the disk goes on")
		}
		l.res.Tried++
		l.check(s, g, -1)
		l.settled(s, f.data)
		_, acked := g.count()
		l.res.Acknowledged += acked
		if err := s.stop(); err != nil {
			return err
		}
		l.audit(f.data)
		if err := errors.Join(unmount(f.at), f.detach()); err != nil {
			return err
		}
	}
	return nil
}

// flippedBit flips one bit of each of some stored files on the disk: the server finds out by itself and refuses to serve them, all others
// are served, and doctor finds each.
func flippedBit(l *lab) error {
	f, err := l.newFailing("")
	if err != nil {
		return err
	}
	g, err := l.openLedger()
	if err != nil {
		return err
	}
	s, err := l.start(launch{data: f.data, args: readsGoOn})
	if err != nil {
		return err
	}
	files := make([]sample, 4*l.times)
	for i := range files {
		files[i] = newSample("flipped", fmt.Sprint(i), "", i+1, 64)
	}
	if a, err := g.upload(s, files...); err != nil || a.status != http.StatusOK {
		return fmt.Errorf("before: %d, %w", a.status, err)
	}
	if err := errors.Join(s.stop(), unmount(f.at)); err != nil {
		return err
	}
	flipped := map[*promise]bool{}
	for i, p := range g.promises(-1) {
		if i%4 == 0 {
			flipped[p] = true
			if !f.flip(files[i].bytes) {
				return errors.New("the file is not found on the disk")
			}
		}
	}
	if err := f.mount(); err != nil {
		return err
	}
	if s, err = l.start(launch{data: f.data, args: readsGoOn}); err != nil {
		return err
	}
	defer s.kill()
	want := fmt.Sprintf("\nnoctis_damaged_files %d\n", len(flipped))
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		if _, body, err := s.get("/metrics", ""); err == nil && strings.Contains(string(body), want) {
			break
		} else if time.Now().After(deadline) {
			l.res.problem("the metric does not tell of %d damaged files: %v", len(flipped), err)
			break
		}
	}
	for _, p := range g.promises(-1) {
		status, body, err := s.get("/dicom-web"+p.ref.Path(), asStored)
		switch {
		case err != nil, flipped[p] && status != http.StatusInternalServerError, !flipped[p] && (status != http.StatusOK || sha256.Sum256(body) != p.sum):
			l.res.Lost++
			l.res.problem("flipped: %v, and status %d, %v", flipped[p], status, err)
		}
	}
	l.res.Tried = len(flipped)
	_, l.res.Acknowledged = g.count()
	if err := s.stop(); err != nil {
		return err
	}
	if err := l.command("doctor", "--deep", "--data", f.data); err == nil || strings.Count(err.Error(), "damaged") < 1 {
		l.res.problem("doctor does not find the damaged files: %v", err)
	}
	return errors.Join(unmount(f.at), f.detach())
}

// flip flips a bit of the pixels in the first block of a file, wherever that lies on the disk, and reports whether it was found.
func (d *blockDisk) flip(file []byte) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.pages {
		if bytes.HasPrefix(file, p[:]) {
			p[pageSize-100] ^= 0x10
			return true
		}
	}
	return false
}
