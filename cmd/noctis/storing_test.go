package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

const (
	storingConnections = 8
	storingBatch       = 50
	storingRound       = 800 // instances: the plain program and the server take turns, so that both see the same machine
)

// BenchmarkStoring stores instances of 512 KB over 8 HTTP connections, with one instance a request and with 50, and compares its rate
// with that of a program that makes as many plain files durable, one at a time, in 8 threads: "x-plain" is 1 where both are equally fast.
// "x-plain-cpu" says that of the processor time, that of the client included, "cpu-ms" how much it is, and "peak-MiB" the most memory
// of the process. "x-plain-http" compares it with a plain program that gets the same requests over HTTP: it cuts them into files, since it knows
// their lengths, and makes those durable. The data lies below TMPDIR.
func BenchmarkStoring(b *testing.B) {
	for _, batch := range []int{1, storingBatch} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			s := openStoring(b, batch)
			for b.Loop() {
				s.round(b, storingRound)
			}
			s.report(b)
		})
	}
}

// What the benchmark does works: a round of few instances.
func TestStoringBench(t *testing.T) {
	for _, batch := range []int{1, 4} {
		s := openStoring(t, batch)
		s.round(t, 2*storingBatch)
		if s.stored != 2*storingBatch || s.plain.cpu == 0 || s.http.cpu == 0 || s.server.elapsed == 0 {
			t.Errorf("batches of %d: %+v", batch, s)
		}
	}
}

// storing is a server, a folder of plain files, and one of such files that come over HTTP, which take turns in storing as much.
type storing struct {
	image               benchImage
	dir                 string // of the plain files
	url, plainURL       string
	client              *http.Client
	batch, stored       int
	plain, http, server spent
}

// spent is what something took.
type spent struct{ elapsed, cpu time.Duration }

func openStoring(t testing.TB, batch int) *storing {
	// In one folder, since what it costs to make a file depends on what has happened near it on the disk.
	parent := t.TempDir()
	data, dir, plainDir := filepath.Join(parent, "archive"), filepath.Join(parent, "plain"), filepath.Join(parent, "http")
	for _, dir := range []string{dir, plainDir} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	command := asServed(t)
	command.Data, command.StallTimeout, command.Limits.MaxWait = data, time.Minute, time.Minute
	a, err := openArchive(t.Context(), data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	handler, err := command.handler(a, accessFlags{}.open(data), &readiness{archive: a}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	image := newBenchImage(t)
	plain := httptest.NewServer(plainHandler(plainDir, len(image.file)))
	t.Cleanup(plain.Close)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: storingConnections, WriteBufferSize: 128 << 10}}
	return &storing{image: image, dir: dir, url: server.URL + "/dicom-web/studies", plainURL: plain.URL, client: client, batch: batch}
}

// asServed gives the process, of which the plain programs are a part too, the processors of Go and the memory that `serve` gives it by default.
func asServed(t testing.TB) serveCommand {
	processors, percent, limit := runtime.GOMAXPROCS(0), debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	t.Cleanup(func() {
		runtime.GOMAXPROCS(processors)
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
		sqlite.SetMemoryLimit(128 << 20)
	})
	c := commands{Memory: 512 << 20}
	if err := c.AfterApply(); err != nil {
		t.Fatal(err)
	}
	c.Serve.shareMemory()
	return c.Serve
}

// round stores n instances all three ways.
func (s *storing) round(t testing.TB, n int) {
	s.plain.add(t, func() {
		s.turn(n, func(image benchImage, uids []int64) {
			for _, uid := range uids {
				if err := storePlain(s.dir, fmt.Sprint(uid), image.instance(uid)); err != nil {
					t.Error(err)
				}
			}
		})
	})
	s.http.add(t, func() { s.send(t, n, s.plainURL) })
	s.server.add(t, func() { s.send(t, n, s.url) })
	s.stored += n
}

// send stores n instances by requests.
func (s *storing) send(t testing.TB, n int, url string) {
	s.turn(n, func(image benchImage, uids []int64) {
		for request := range slices.Chunk(uids, s.batch) {
			if err := image.post(s.client, url, request); err != nil {
				t.Error(err)
			}
		}
	})
}

func (s *storing) report(b *testing.B) {
	perInstance := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(s.stored) / 1000 }
	b.ReportMetric(perInstance(s.plain.elapsed), "ms/file")
	b.ReportMetric(perInstance(s.server.elapsed), "ms/instance")
	b.ReportMetric(perInstance(s.server.cpu), "cpu-ms/instance")
	b.ReportMetric(float64(s.plain.elapsed)/float64(s.server.elapsed), "x-plain")
	b.ReportMetric(float64(s.http.elapsed)/float64(s.server.elapsed), "x-plain-http")
	b.ReportMetric(float64(s.plain.cpu)/float64(s.server.cpu), "x-plain-cpu")
	b.ReportMetric(float64(peakMemory(b))/(1<<20), "peak-MiB")
	b.ReportMetric(0, "ns/op") // of a round, and so without a meaning
}

func (p *spent) add(t testing.TB, f func()) {
	start, cpu := time.Now(), cpuTime(t)
	f()
	p.elapsed += time.Since(start)
	p.cpu += cpuTime(t) - cpu
}

// turn lets the connections work through the n instances that follow those that are stored.
func (s *storing) turn(n int, work func(image benchImage, uids []int64)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range storingConnections {
		image := s.image.clone()
		group.Go(func() {
			for {
				from := next.Add(storingBatch) - storingBatch
				if from >= int64(n) {
					return
				}
				var uids []int64
				for uid := from; uid < from+storingBatch; uid++ {
					uids = append(uids, int64(s.stored)+uid)
				}
				work(image, uids)
			}
		})
	}
	group.Wait()
}

// storePlain makes a file durable in the simplest way: write, sync, rename, sync the folder.
func storePlain(dir, name string, data []byte) error {
	path := filepath.Join(dir, name)
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// plainHandler stores the files of requests that post makes, which are size bytes long.
func plainHandler(dir string, size int) http.Handler {
	var files atomic.Int64
	buffers := sync.Pool{New: func() any { b := make([]byte, len(benchPart)+size); return &b }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buffer := buffers.Get().(*[]byte)
		defer buffers.Put(buffer)
		part := *buffer
		for range r.ContentLength / int64(len(part)) {
			_, err := io.ReadFull(r.Body, part)
			if err == nil {
				err = storePlain(dir, fmt.Sprint(files.Add(1)), part[len(benchPart):])
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
	})
}

// benchImage is a CT image of 512 KB whose UIDs and last pixels are changed in place, so that making instances costs nothing.
type benchImage struct {
	file []byte
	uids []int // where benchUID is
}

const benchUID = "1.2.826.0.1.3680043.9.1000000000"

func newBenchImage(t testing.TB) benchImage {
	t.Helper()
	ds := dicomtest.Image{Rows: 512, Columns: 512, BitsAllocated: 16}.Instance().DataSet
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, benchUID)
	ds.SetStrings(dicom.NewTag(0x0019, 0x0010), dicom.LO, "NOCTIS BENCH")
	for i := range uint16(60) { // as many attributes as a scanner writes
		ds.SetStrings(dicom.NewTag(0x0019, 0x1001+i), dicom.LO, fmt.Sprintf("value %d", i))
	}
	var file bytes.Buffer
	if err := part10.Write(&file, ds, part10.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	m := benchImage{file: file.Bytes()}
	for at := 0; ; at++ {
		i := bytes.Index(m.file[at:], []byte(benchUID))
		if i < 0 {
			return m
		}
		at += i
		m.uids = append(m.uids, at)
	}
}

// clone returns an image for another goroutine.
func (m benchImage) clone() benchImage { return benchImage{bytes.Clone(m.file), m.uids} }

// instance returns a file of its own, valid until the next call.
func (m benchImage) instance(n int64) []byte {
	uid := fmt.Appendf(nil, "1.2.826.0.1.3680043.9.%010d", 1_000_000_000+n)
	for _, at := range m.uids {
		copy(m.file[at:], uid)
	}
	binary.LittleEndian.PutUint64(m.file[len(m.file)-8:], uint64(n))
	return m.file
}

const (
	benchBoundary = "noctis-bench"
	benchPart     = "\r\n--" + benchBoundary + "\r\nContent-Type: application/dicom\r\n\r\n"
	benchEnd      = "\r\n--" + benchBoundary + "--\r\n"
)

// post is one Store request.
func (m benchImage) post(client *http.Client, url string, uids []int64) error {
	r, err := http.NewRequest(http.MethodPost, url, &benchBody{image: m, uids: uids})
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", `multipart/related; type="application/dicom"; boundary=`+benchBoundary)
	r.ContentLength = int64(len(uids)*(len(benchPart)+len(m.file)) + len(benchEnd))
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.300s", response.Status, body)
	}
	return err
}

// benchBody is the body of a request.
type benchBody struct {
	image benchImage
	uids  []int64
	parts [][]byte // what is still to be read of the current part
	ended bool
}

func (b *benchBody) Read(p []byte) (int, error) {
	for len(b.parts) == 0 || len(b.parts[0]) == 0 {
		switch {
		case len(b.parts) > 0:
			b.parts = b.parts[1:]
		case len(b.uids) > 0:
			b.parts = [][]byte{[]byte(benchPart), b.image.instance(b.uids[0])}
			b.uids = b.uids[1:]
		case !b.ended:
			b.parts, b.ended = [][]byte{[]byte(benchEnd)}, true
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, b.parts[0])
	b.parts[0] = b.parts[0][n:]
	return n, nil
}

// cpuTime is the processor time that this process has used.
func cpuTime(t testing.TB) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// peakMemory is the most memory that this process has had, in bytes.
func peakMemory(t testing.TB) int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return usage.Maxrss << 10
}
