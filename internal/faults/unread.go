//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Disks that cannot be read, answer nothing, or have rotted.

// readErrors lets the disk refuse to be read: what is served is right or an error, and all is well when the disk is.
func readErrors(l *lab) error { return l.again(l.readErrorsOnce) }

// hungDisk lets the disk answer nothing for a second and more: what is in memory is served, nothing is acknowledged, and what waited is stored
// when the disk goes on.
func hungDisk(l *lab) error { return l.again(l.hungDiskOnce) }

func (l *lab) readErrorsOnce() error {
	f, g, s, err := l.failingStore("")
	if err != nil {
		return err
	}
	defer func() { s.kill() }()
	for n := range 8 {
		if err := g.before(s, request(fmt.Sprint("unreadable ", l.res.Tried), 0, n)...); err != nil {
			return err
		}
	}
	if err := errors.Join(s.stop(), f.anew()); err != nil {
		return err
	}
	if s, err = l.start(f.launch("--scrub-rate", "0")); err != nil {
		return err
	}
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
	return l.ends(f, g, s)
}

func (l *lab) hungDiskOnce() error {
	f, g, s, err := l.failingStore("")
	if err != nil {
		return err
	}
	defer s.kill()
	in := request(fmt.Sprint("hung ", l.res.Tried), 9, 0)
	if err := g.before(s, in...); err != nil {
		return err
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
	return l.ends(f, g, s)
}

// flippedBit flips one bit of each of some stored files on the disk: the server finds out by itself and refuses to serve them, all others
// are served, and doctor finds each.
func flippedBit(l *lab) error {
	f, g, s, err := l.failingStore("")
	if err != nil {
		return err
	}
	files := make([]sample, 4*l.times)
	for i := range files {
		files[i] = newSample("flipped", fmt.Sprint(i), "", i+1, 64)
	}
	if err := g.before(s, files...); err != nil {
		return err
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
	if s, err = l.start(f.launch()); err != nil {
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
	return f.end()
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
