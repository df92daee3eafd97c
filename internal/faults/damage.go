//go:build linux

package main

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// damages are what can become of an index; before is an older copy of it.
var damages = []struct {
	name string
	do   func(index, before string) error
}{
	{"a page of random bytes", func(index, _ string) error { return overwrite(index, 1) }},
	{"ten pages of random bytes", func(index, _ string) error { return overwrite(index, 10) }},
	{"cut off", func(index, _ string) error {
		info, err := os.Stat(index)
		if err != nil {
			return err
		}
		return os.Truncate(index, mathrand.Int64N(info.Size()))
	}},
	{"without its WAL", func(index, _ string) error { return os.Remove(index + "-wal") }},
	{"with a WAL of random bytes", func(index, _ string) error { return overwrite(index+"-wal", 10) }},
	{"an old copy", func(index, before string) error {
		return errors.Join(os.Remove(index+"-wal"), removeIfThere(index+"-shm"), system("cp", before, index))
	}},
	{"gone", func(index, _ string) error {
		return errors.Join(os.Remove(index), os.Remove(index+"-wal"), removeIfThere(index+"-shm"))
	}},
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// overwrite writes random bytes over so many pages of a file, anywhere.
func overwrite(path string, pages int) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	page := make([]byte, 4096)
	for range pages {
		rand.Read(page) //nolint:errcheck // it does not fail
		if _, err := f.WriteAt(page, mathrand.Int64N(max(1, info.Size()/4096))*4096); err != nil {
			return err
		}
	}
	return f.Sync()
}

// damagedIndex damages the index of a store whose server was killed. The server may refuse it, but what it serves is right; and when doctor has
// mended it, nothing is missing.
func damagedIndex(l *lab) error {
	base, err := l.fresh("base")
	if err != nil {
		return err
	}
	g, before, err := l.indexed(base)
	if err != nil {
		return err
	}
	data := filepath.Join(l.folder, "data")
	refused := 0
	for n := range l.times {
		if l.done() {
			break
		}
		damage := damages[n%len(damages)]
		if err := errors.Join(os.RemoveAll(data), system("cp", "-a", base, data), damage.do(filepath.Join(data, "index.db"), before)); err != nil {
			return fmt.Errorf("%s: %w", damage.name, err)
		}
		s, err := l.start(launch{data: data})
		switch {
		case err == nil:
			for _, p := range g.promises(-1) {
				if wrong := s.wrong(p); wrong != "" {
					l.res.Lost++
					l.res.problem("%s: %s", damage.name, wrong)
				}
			}
			s.kill()
		case strings.Contains(err.Error(), "panic"):
			l.res.problem("%s: %v", damage.name, err)
		default:
			refused++
		}
		l.res.Tried++
		if err := l.command("doctor", "--deep", "--fix", "--data", data); err != nil {
			l.res.problem("%s: %v", damage.name, err)
			continue
		}
		if err := l.recovered(g, launch{data: data}, -1); err != nil {
			return fmt.Errorf("%s, and mended: %w", damage.name, err)
		}
		l.audit(data)
	}
	_, l.res.Acknowledged = g.count()
	l.note("the server did not start with %d", refused)
	return nil
}

// indexed fills a store whose server is then killed, and returns an older copy of its index.
func (l *lab) indexed(data string) (g *ledger, before string, err error) {
	if g, err = l.openLedger(); err != nil {
		return nil, "", err
	}
	before = filepath.Join(l.folder, "index.before")
	for part := range 2 {
		s, err := l.start(launch{data: data})
		if err != nil {
			return nil, "", err
		}
		for n := range 8 {
			if a, err := g.upload(s, request(fmt.Sprint("indexed ", part), n%3, n)...); err != nil || a.status != http.StatusOK {
				return nil, "", fmt.Errorf("filling: %d, %w", a.status, err)
			}
		}
		if part == 1 {
			s.kill()
			break
		}
		if err := errors.Join(s.stop(), system("cp", filepath.Join(data, "index.db"), before)); err != nil {
			return nil, "", err
		}
	}
	return g, before, nil
}

// wrong says what of an instance is served and is not its own. An error is not wrong.
func (s *server) wrong(p *promise) string {
	path := "/dicom-web" + p.ref.Path()
	if status, body, err := s.get(path, asStored); err == nil && status == http.StatusOK && sha256.Sum256(body) != p.sum {
		return path + " has other bytes"
	}
	status, body, err := s.get(path+"/metadata", "application/dicom+json")
	if err == nil && status == http.StatusOK && !(strings.Contains(string(body), string(p.ref.Instance)) && strings.Contains(string(body), string(p.ref.Study))) {
		return path + " has other metadata"
	}
	return ""
}
