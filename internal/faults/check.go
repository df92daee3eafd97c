//go:build linux

package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

const asStored = "application/dicom; transfer-syntax=*"

// check compares what the server has with what was promised: the last instances that were sent and as many older ones, or all
// of them (last < 0).
func (l *lab) check(s *server, g *ledger, last int) {
	if err := s.quiet(); err != nil {
		l.res.problem("%v", err)
	}
	list := g.promises(last)
	is := make(map[*promise]bool, len(list))
	next := make(chan *promise)
	var group sync.WaitGroup
	var mu sync.Mutex
	for range 4 {
		group.Go(func() {
			for p := range next {
				there, lost, half := s.verify(p)
				mu.Lock()
				is[p] = there
				if lost != "" {
					l.res.Lost++
					l.res.problem("lost: %s: %s", p.ref.Path(), lost)
				}
				if half != "" {
					l.res.Half++
					l.res.problem("half: %s: %s", p.ref.Path(), half)
				}
				mu.Unlock()
			}
		})
	}
	for _, p := range list {
		next <- p
	}
	close(next)
	group.Wait()
	l.agree(s, is)
}

// verify says whether an instance is there, and how it is lost, or half there.
func (s *server) verify(p *promise) (there bool, lost, half string) {
	path := "/dicom-web" + p.ref.Path()
	status, body, err := s.asked(path, asStored)
	there = status == http.StatusOK
	switch {
	case err != nil:
		return false, "", fmt.Sprintf("it cannot be asked for: %v", err)
	case !there && status != http.StatusNotFound:
		half = fmt.Sprintf("the server answers %d: %s", status, tail(string(body), 200))
	case there && sha256.Sum256(body) != p.sum:
		half = "it has other bytes"
	}
	if p.acked && (!there || half != "") {
		return there, fmt.Sprintf("acknowledged, and now status %d %s", status, half), ""
	}
	if half != "" {
		return there, "", half
	}
	type question struct{ what, path, accept string }
	questions := []question{
		{"metadata", path + "/metadata", "application/dicom+json"},
		{"frame 1", path + "/frames/1", `multipart/related; type="application/octet-stream"; transfer-syntax=*`},
		{"search", "/dicom-web/instances?limit=1&SOPInstanceUID=" + string(p.ref.Instance), "application/dicom+json"},
		{"search of its study", fmt.Sprintf("/dicom-web/studies/%s/instances?limit=1&SOPInstanceUID=%s", p.ref.Study, p.ref.Instance), "application/dicom+json"},
	}
	if p.ref.Resource != "" {
		questions = []question{
			{"metadata", path, "application/dicom+json"},
			{"search", "/dicom-web/" + p.ref.Resource + "?limit=1&SOPInstanceUID=" + string(p.ref.Instance), "application/dicom+json"},
		}
	}
	for _, other := range questions {
		status, body, err := s.asked(other.path, other.accept)
		found := status == http.StatusOK && strings.Contains(string(body), string(p.ref.Instance)) || status == http.StatusOK && other.what == "frame 1"
		if err != nil || found != there || status >= 500 {
			return there, "", fmt.Sprintf("the instance is there: %v; %s: status %d, %v", there, other.what, status, err)
		}
	}
	return there, "", ""
}

// settled waits until the server has taken in what a crash left, and counts the files that are then too many: those below tmp, and
// the difference of blobs and instances.
func (l *lab) settled(s *server, data string) {
	deadline := time.Now().Add(time.Minute) // the report says how long it is until the server is ready; a machine that others use takes longer
	for {
		blobs, temporary := files(filepath.Join(data, "blobs"))
		instances, err := s.instances()
		if err == nil && blobs == instances && temporary == 0 {
			return
		}
		if time.Now().After(deadline) {
			l.res.Orphans += max(0, blobs-instances) + temporary
			l.res.problem("%d files, %d unfinished ones and %d instances (%v)\n%s", blobs, temporary, instances, err, tail(s.stderr.String(), 500))
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// instances asks how many there are (X-Total-Count, an extension).
func (s *server) instances() (int, error) {
	all := 0
	for _, resource := range append(dicom.NonPatientResources(), "instances") {
		response, err := s.http.Get(s.url + "/dicom-web/" + resource + "?limit=0")
		if err != nil {
			return 0, err
		}
		response.Body.Close()
		n, err := strconv.Atoi(response.Header.Get("X-Total-Count"))
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}

// files counts the blobs and the unfinished files of a folder of blobs.
func files(folder string) (blobs, temporary int) {
	if real, err := filepath.EvalSymlinks(folder); err == nil {
		folder = real
	}
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
		case filepath.Base(filepath.Dir(path)) == "tmp":
			temporary++
		case filepath.Ext(path) == ".dcm":
			blobs++
		}
		return nil
	})
	return blobs, temporary
}

// audit runs the program's own checks on a folder whose server is stopped.
func (l *lab) audit(data string) {
	if err := l.command("reindex", "--check", "--data", data); err != nil {
		l.res.problem("%v", err)
	}
	if err := l.command("doctor", "--deep", "--data", data); err != nil && !strings.Contains(err.Error(), "little space") {
		l.res.problem("%v", err)
	}
}

// fresh makes an empty data folder on an ordinary disk.
func (l *lab) fresh(name string) (string, error) {
	data := filepath.Join(l.folder, name)
	if err := os.RemoveAll(data); err != nil {
		return "", err
	}
	return data, os.MkdirAll(data, 0o700)
}
