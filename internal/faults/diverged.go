//go:build linux

package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// divergence is what somebody does to the files or the index of a server while it runs, behind its back.
type divergence struct {
	name  string
	found string // what doctor calls it
	do    func(data string, one, other *promise) error
	// ruined says for which of the two instances the server has no right answer then.
	ruined [2]bool
}

// blob is where the file of an instance lies.
func blob(data string, p *promise) string {
	name := fmt.Sprintf("%x", p.sum)
	return filepath.Join(data, "blobs", name[:2], name+".dcm")
}

var divergences = []divergence{
	{"a file is removed", "file missing", func(data string, one, _ *promise) error { return os.Remove(blob(data, one)) }, [2]bool{true, false}},
	{"a file is added", "file of no instance", func(data string, _, _ *promise) error {
		added := []byte("added")
		file := blob(data, promised(sample{bytes: added}))
		return addLongAgo(file, added)
	}, [2]bool{}},
	{"an instance is added", "file without an entry", func(data string, _, _ *promise) error {
		in := newSample("diverged", "added", "added", 1, 16)
		file := blob(data, promised(in))
		return addLongAgo(file, in.bytes)
	}, [2]bool{}},
	{"a row is removed", "file without an entry", func(data string, one, _ *promise) error {
		const which = "(SELECT id FROM instance WHERE uid = '%s')"
		uid := fmt.Sprintf(which, one.ref.Instance)
		return system("sqlite3", "-cmd", ".timeout 10000", filepath.Join(data, "index.db"),
			"BEGIN IMMEDIATE; DELETE FROM instance_metadata WHERE instance_id = "+uid+"; DELETE FROM instance WHERE id = "+uid+"; COMMIT")
	}, [2]bool{true, false}},
	{"two files are swapped", "file damaged", func(data string, one, other *promise) error {
		a, b := blob(data, one), blob(data, other)
		return errors.Join(os.Rename(a, a+".tmp"), os.Rename(b, a), os.Rename(a+".tmp", b))
	}, [2]bool{true, true}},
}

// addLongAgo writes a file as if it had been there for an hour: beside a server, doctor takes a new one without an entry for one that is about to
// get one.
func addLongAgo(file string, content []byte) error {
	before := time.Now().Add(-time.Hour)
	return errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file+".new", content, 0o600), os.Chtimes(file+".new", before, before), os.Rename(file+".new", file))
}

// diverged changes files and index behind the back of a running server: what that serves is right or an error, doctor finds all of it beside the
// server, and mends it when that has stopped, with a backup for what is gone.
func diverged(l *lab) error {
	if _, err := exec.LookPath("sqlite3"); err != nil {
		l.res.Skipped = "needs sqlite3"
		return nil
	}
	base, err := l.fresh("base")
	if err != nil {
		return err
	}
	g, _, err := l.indexed(base)
	if err != nil {
		return err
	}
	if err := system("find", filepath.Join(base, "blobs"), "-name", "*.dcm", "-exec", "touch", "-d", "1 hour ago", "{}", "+"); err != nil {
		return err
	}
	backup := filepath.Join(l.folder, "backup")
	if err := l.command("backup", "--data", base, backup); err != nil {
		return err
	}
	for n := range l.times {
		if l.done() {
			break
		}
		if err := l.diverge(g, base, backup, divergences[n%len(divergences)], n/len(divergences)); err != nil {
			return err
		}
		l.res.Tried++
	}
	_, l.res.Acknowledged = g.count()
	return nil
}

func (l *lab) diverge(g *ledger, base, backup string, d divergence, n int) error {
	data := filepath.Join(l.folder, "data")
	if err := errors.Join(os.RemoveAll(data), system("cp", "-a", base, data)); err != nil {
		return err
	}
	s, err := l.start(launch{data: data})
	if err != nil {
		return err
	}
	defer s.kill()
	all := g.promises(-1)
	one, other := all[n%len(all)], all[(n+1)%len(all)]
	for _, p := range []*promise{one, other} { // so that the server knows them
		if _, lost, half := s.verify(p); lost+half != "" {
			return fmt.Errorf("before: %s%s", lost, half)
		}
	}
	time.Sleep(time.Second) // what looks for leftovers beside the first requests has seen all files by then, and takes nothing in any more
	if err := d.do(data, one, other); err != nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	for _, p := range all {
		if ruined := d.ruined[0] && p == one || d.ruined[1] && p == other; ruined {
			l.refuses(s, d.name, p)
		} else if _, lost, half := s.verify(p); lost+half != "" {
			l.res.problem("%s, and of another instance: %s%s", d.name, lost, half)
		}
	}
	if a, err := s.stow(newSample("diverged", "beside", "beside", 1, 16)); err != nil || a.status != http.StatusOK {
		l.res.problem("%s, and nothing is stored any more: %d, %v", d.name, a.status, err)
	}
	if err := l.command("doctor", "--deep", "--data", data); err == nil || !strings.Contains(err.Error(), d.found) {
		l.res.problem("%s: doctor does not find it beside the server: %v", d.name, err)
	}
	if err := s.stop(); err != nil {
		return err
	}
	if err := l.command("doctor", "--deep", "--fix", "--backup", backup, "--data", data); err != nil {
		l.res.problem("%s: %v", d.name, err)
	}
	if err := l.recovered(g, launch{data: data}, -1); err != nil {
		return fmt.Errorf("%s, and mended: %w", d.name, err)
	}
	l.audit(data)
	return nil
}

// refuses is a problem where an instance that cannot be served rightly is served, or refused without a reason.
func (l *lab) refuses(s *server, name string, p *promise) {
	status, body, err := s.get("/dicom-web"+p.ref.Path(), asStored)
	switch {
	case err != nil, status == http.StatusNotFound:
	case status == http.StatusInternalServerError && strings.Contains(string(body), "urn:request:"):
	default:
		l.res.problem("%s, and it is answered with %d: %s", name, status, tail(string(body), 200))
	}
	if wrong := s.wrong(p); wrong != "" {
		l.res.Lost++
		l.res.problem("%s: %s", name, wrong)
	}
}
