//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// fewFiles gives the server 64 descriptors and opens 500 connections: it refuses what it has no descriptors for, and serves again when they
// have gone.
func fewFiles(l *lab) error {
	data, err := l.fresh("data")
	if err != nil {
		return err
	}
	g, err := l.openLedger()
	if err != nil {
		return err
	}
	s, err := l.start(launch{data: data, wrap: []string{"prlimit", "--nofile=64:64"}})
	if err != nil {
		return err
	}
	defer s.kill()
	for range l.times {
		var open []net.Conn
		for range 500 {
			c, err := net.DialTimeout("tcp", strings.TrimPrefix(s.url, "http://"), time.Second)
			if err != nil {
				break // the queue of the socket is full
			}
			fmt.Fprintf(c, "GET /dicom-web/studies HTTP/1.1\r\nHost: x\r\n\r\n")
			open = append(open, c)
			l.res.Tried++
		}
		var uploads sync.WaitGroup
		for i := range 8 {
			uploads.Go(func() {
				list := request(fmt.Sprint("few ", l.res.Tried), i, 1)
				short := *s
				short.http = &http.Client{Timeout: 3 * time.Second}
				g.upload(&short, list...) //nolint:errcheck // there may be no descriptor for it
			})
		}
		uploads.Wait()
		for _, c := range open {
			c.Close()
		}
		served := false
		for deadline := time.Now().Add(30 * time.Second); !served && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
			a, err := g.upload(s, newSample("few", "after", fmt.Sprint(l.res.Tried), 1, 16))
			served = err == nil && a.status == http.StatusOK
		}
		if !served {
			l.res.problem("nothing is stored after the connections have gone: %s", tail(s.stderr.String(), 500))
		}
	}
	l.check(s, g, -1)
	l.settled(s, data)
	_, l.res.Acknowledged = g.count()
	if err := s.stop(); err != nil {
		return err
	}
	l.audit(data)
	return nil
}

const memoryBound = 256 << 20

// limited puts a process into a control group (version 1) of its own with a limit of memory.
func (l *lab) limited(pid int, bytes int64) error {
	group := filepath.Join("/sys/fs/cgroup/memory", fmt.Sprint("noctis-faults-", os.Getpid()))
	if err := os.MkdirAll(group, 0o755); err != nil {
		return err
	}
	l.later(func() { os.Remove(group) })
	if err := os.WriteFile(filepath.Join(group, "memory.limit_in_bytes"), fmt.Append(nil, bytes), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(group, "cgroup.procs"), fmt.Append(nil, pid), 0o644)
}

// littleMemory stores and retrieves large instances, eight at a time, within 256 MiB, page cache included.
func littleMemory(l *lab) error {
	data, err := l.fresh("data")
	if err != nil {
		return err
	}
	s, err := l.start(launch{data: data, env: []string{"GOMEMLIMIT=192MiB"}})
	if err != nil {
		return err
	}
	defer s.kill()
	if err := l.limited(s.pid(), memoryBound); err != nil {
		return err
	}
	const frames = 1 << 30 / (1024 * 1024 * 2) // a gigabyte
	studies := make([]string, 8)
	sums := make([][]byte, 8)
	var group sync.WaitGroup
	for i := range studies {
		group.Go(func() {
			head, pixels := large(fmt.Sprint("large ", i), frames)
			sum := sha256.New()
			body := io.TeeReader(io.MultiReader(strings.NewReader(string(head.bytes)), &zeros{pixels}), sum)
			a, err := s.post("application/dicom", body)
			if err != nil || a.status != http.StatusOK {
				l.res.problem("a gigabyte: %d, %v: %s %s", a.status, err, tail(string(a.body), 300), tail(s.stderr.String(), 200))
				return
			}
			studies[i], sums[i] = "/dicom-web/studies/"+string(head.ref.Study), sum.Sum(nil)
		})
	}
	group.Wait()
	if s.gone() {
		return fmt.Errorf("the server has gone: %s", tail(s.stderr.String(), 300))
	}
	l.note("resident at most %d MiB after storing", s.status("VmHWM")>>10)
	for i, study := range studies {
		if study == "" {
			continue
		}
		l.res.Acknowledged++
		group.Go(func() {
			if got, err := s.digest(study); err != nil || !bytes.Equal(got, sums[i]) {
				l.res.problem("a study came with other bytes, or not at all: %v", err)
				l.res.Lost++
			}
		})
	}
	group.Wait()
	l.res.Tried = 16
	l.settled(s, data)
	peak := s.status("VmHWM")
	l.note("%d MiB after retrieving", peak>>10)
	if int64(peak)<<10 > memoryBound {
		l.res.problem("resident memory came to %d MiB", peak>>10)
	}
	if err := s.stop(); err != nil {
		return err
	}
	l.audit(data)
	return nil
}

// digest retrieves a study of one instance, and is the SHA-256 of that.
func (s *server) digest(path string) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, s.url+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", `multipart/related; type="application/dicom"; transfer-syntax=*`)
	client := &http.Client{Timeout: 10 * time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	_, parameters, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	part, err := multipart.NewReader(response.Body, parameters["boundary"]).NextPart()
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, part)
	return sum.Sum(nil), err
}

// large is the beginning of an instance of so many frames of 1024 x 1024 x 16 bits, and how many bytes of pixels follow.
func large(name string, frames int) (sample, int64) {
	pixels := int64(frames) * 1024 * 1024 * 2
	in := dicomtest.Image{Study: name, Frames: frames}.Instance()
	in.DataSet.SetInts(dicom.Rows, dicom.US, 1024)
	in.DataSet.SetInts(dicom.Columns, dicom.US, 1024)
	in.DataSet.Delete(dicom.PixelData)
	head, err := in.File()
	if err != nil {
		panic(err) // a mistake in the harness
	}
	head = append(head, 0xE0, 0x7F, 0x10, 0x00, 'O', 'W', 0, 0)
	return sample{in.DataSet.Ref(), binary.LittleEndian.AppendUint32(head, uint32(pixels))}, pixels
}

type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	return int(n), nil
}
