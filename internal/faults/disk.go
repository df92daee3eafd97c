//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// small mounts a file system in memory with room for little at a folder.
func (l *lab) small(at, options string) error {
	if err := os.MkdirAll(at, 0o700); err != nil {
		return err
	}
	if err := system("mount", "-t", "tmpfs", "-o", options+",mode=0700", "tmpfs", at); err != nil {
		return err
	}
	l.later(func() { system("umount", "-l", at) }) //nolint:errcheck // it may not be mounted
	return nil
}

// fullOfBytes, fullOfFiles and the two that follow fill a disk: of bytes, of files, that of the blobs alone, that of the index alone.
func fullOfBytes(l *lab) error { return l.fill("", "size=12m") }

func fullOfFiles(l *lab) error { return l.fill("", "size=200m,nr_inodes=330") }

func fullForBlobs(l *lab) error { return l.fill("blobs", "size=8m") }

func fullForIndex(l *lab) error { return l.fill("index", "size=2m") }

// fill stores until the disk is full, some more, frees space, and stores again: nothing that was refused is half there, the server tells
// that there is no space (503, A700), and goes on by itself when there is some.
func (l *lab) fill(which, options string) error {
	for range l.times {
		if err := l.fillOnce(which, options); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) fillOnce(which, options string) error {
	data := filepath.Join(l.folder, fmt.Sprint("full", l.res.Tried))
	mount := data
	if which == "blobs" {
		mount = filepath.Join(data, "blobs")
	}
	if err := l.small(mount, options); err != nil {
		return err
	}
	if which == "index" { // the blobs are elsewhere
		elsewhere := filepath.Join(l.folder, fmt.Sprint("blobs", l.res.Tried))
		if err := os.MkdirAll(elsewhere, 0o700); err != nil {
			return err
		}
		if err := os.Symlink(elsewhere, filepath.Join(data, "blobs")); err != nil {
			return err
		}
	}
	g, err := l.openLedger()
	if err != nil {
		return err
	}
	s, err := l.start(launch{data: data, args: readsGoOn})
	if err != nil {
		return err
	}
	defer s.kill()
	ballast := filepath.Join(mount, "ballast")
	if err := os.Mkdir(ballast, 0o700); err != nil {
		return err
	}
	for i := range 16 {
		if err := os.WriteFile(filepath.Join(ballast, fmt.Sprint(i)), bytes.Repeat([]byte{1}, 32<<10), 0o600); err != nil {
			return err
		}
	}
	refused := 0
	for n := 0; refused < 10 && n < 3000; n++ {
		size := 256
		if which == "index" || which == "" && n%2 == 1 {
			size = 16
		}
		files := []sample{newSample("full", fmt.Sprint(n%50), fmt.Sprint(l.res.Tried, n), 1, size)}
		if n%5 == 4 {
			for i := range 9 {
				files = append(files, newSample("full", fmt.Sprint(n%50), fmt.Sprint(l.res.Tried, n), i+2, size))
			}
		}
		a, err := g.upload(s, files...)
		switch {
		case err != nil:
			return fmt.Errorf("request %d: %w\n%s", n, err, tail(s.stderr.String(), 400))
		case a.status == http.StatusOK:
		case a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != "", a.status == http.StatusAccepted:
			refused++
		default:
			l.res.problem("a full disk is answered with %d: %s", a.status, tail(string(a.body), 300))
			refused++
		}
	}
	if refused == 0 {
		return fmt.Errorf("the disk never became full")
	}
	l.res.Tried++
	l.check(s, g, -1)
	if err := os.RemoveAll(ballast); err != nil {
		return err
	}
	if a, err := g.upload(s, newSample("full", "after", fmt.Sprint(l.res.Tried), 1, 16)); err != nil || a.status != http.StatusOK {
		l.res.problem("with space again: %d, %v: %s", a.status, err, tail(string(a.body), 300))
	}
	_, acked := g.count()
	l.res.Acknowledged += acked
	if err := s.stop(); err != nil {
		return err
	}
	if err := l.recovered(g, launch{data: data, args: readsGoOn}, -1); err != nil {
		return err
	}
	if err := system("mount", "-o", "remount,size=256m,nr_inodes=4096", mount); err != nil { // an index that is made anew needs room
		return err
	}
	l.audit(data)
	return nil
}
