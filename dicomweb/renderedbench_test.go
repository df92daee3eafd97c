package dicomweb

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// BenchmarkRendered makes pictures, the whole way from the request to the answer, in turns with what they cannot do without: a program
// of testdata that uses libjpeg-turbo and zlib, and skips where they are not installed. It reports the least processor time of each,
// the ratio, and what is allocated for a picture beside the answer. No cache has the picture or the frame.
func BenchmarkRendered(b *testing.B) {
	s := newBenchServerOf(b, Options{RenderCache: -1, FrameCache: -1, MaxDecodes: 1})
	ct, cr := s.ingestScan(b, "ct", 16, 512, 512), s.ingestScan(b, "cr", 12, 2048, 2500)
	const together = 10 // pictures that are measured at once: the kernel counts the time of threads that run just then by its ticks
	for _, test := range []struct {
		name, path, accept string
		reference          string
		samples            scanned
	}{
		{"CT-JPEG", ct.path, "image/jpeg", "jpeg", ct},
		{"CR-512-JPEG", cr.path + "?viewport=512,512", "image/jpeg", "pass", cr},
		{"CT-PNG", ct.path, "image/png", "zlib", s.grayLevels(b, ct)},
	} {
		b.Run(test.name, func(b *testing.B) {
			reference := byPictureProgram(b, test.reference, test.samples)
			ask := func() int { return s.ask(b, test.path, test.accept) }
			for range 10 {
				ask()
			}
			ours, theirs := math.Inf(1), math.Inf(1)
			answers, pictures := 0, 0
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				theirs = min(theirs, reference())
				began := processorTime()
				for range together {
					answers += ask()
				}
				ours = min(ours, (processorTime()-began)/together)
				pictures += together
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(ours/1000, "cpu-ms")
			b.ReportMetric(theirs/1000, "cpu-ms-reference")
			b.ReportMetric(ours/theirs, "ratio")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc-uint64(answers))/float64(pictures)/1024, "KiB/picture")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(pictures), "allocs/picture")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkRenderedWarm compares a picture that is kept with the same as a file that http.FileServer sends, over HTTP.
func BenchmarkRenderedWarm(b *testing.B) {
	s := newBenchServer(b)
	picture := strings.TrimPrefix(s.ingestScan(b, "ct", 16, 512, 512).path, BasePath)
	path := func(int) string { return picture }
	jpeg := http.Header{"Accept": {"image/jpeg"}}
	s.compare(b, path, jpeg, http.FileServer(http.Dir(s.plainFolder(b, path, jpeg))))
}

// scanned is an image of the server, and its samples in a file.
type scanned struct {
	path, file    string
	width, height int
}

// ingestScan stores an image like that of a scanner: a body with soft edges and noise, in air.
func (s *benchServer) ingestScan(b testing.TB, name string, bits, width, height int) scanned {
	samples := make([]byte, 2*width*height)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range width * height {
		x, y := float64(i%width)/float64(width)-0.5, float64(i/width)/float64(height)-0.5
		v := 1500 + 40*math.Sin(30*x)*math.Cos(25*y) + 1500*math.Exp(-40*((x-0.1)*(x-0.1)+y*y))
		if math.Hypot(x, 1.3*y) > 0.45 {
			v = 24
		}
		v += 6*r.NormFloat64() + 24
		samples[2*i], samples[2*i+1] = byte(int(v)), byte(int(v)>>8)
	}
	in := dicomtest.Image{Study: name, Rows: height, Columns: width, BitsStored: bits,
		With: []any{dicom.WindowCenter, "2048", dicom.WindowWidth, "4096"}}.Instance()
	in.DataSet.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bytes(samples)})
	file, err := in.File()
	if err != nil {
		b.Fatal(err)
	}
	response, err := http.Post(s.web.URL+BasePath+"/studies", "application/dicom", bytes.NewReader(file))
	if err != nil || response.StatusCode != http.StatusOK {
		b.Fatal(response, err)
	}
	response.Body.Close()
	return scanned{BasePath + in.DataSet.Ref().Path() + "/rendered", kept(b, samples), width, height}
}

// grayLevels is the picture of an image, instead of its samples.
func (s *benchServer) grayLevels(b *testing.B, of scanned) scanned {
	r := httptest.NewRequest(http.MethodGet, of.path, nil)
	r.Header.Set("Accept", "image/png")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	img, err := png.Decode(w.Body)
	if err != nil {
		b.Fatal(err)
	}
	of.file = kept(b, img.(*image.Gray).Pix)
	return of
}

func kept(b testing.TB, data []byte) string {
	name := filepath.Join(b.TempDir(), "data")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		b.Fatal(err)
	}
	return name
}

// discarded is a response that goes nowhere.
type discarded struct {
	header        http.Header
	status, bytes int
}

func (d *discarded) Header() http.Header    { return d.header }
func (d *discarded) WriteHeader(status int) { d.status = status }
func (d *discarded) Write(b []byte) (int, error) {
	d.bytes += len(b)
	return len(b), nil
}

// ask asks for a picture, throws it away, and returns how long it was.
func (s *benchServer) ask(tb testing.TB, path, accept string) int {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept", accept)
	w := discarded{header: http.Header{}}
	if s.ServeHTTP(&w, r); w.status >= 300 || w.bytes == 0 {
		tb.Fatalf("%s: %d", path, w.status)
	}
	return w.bytes
}

// processorTime is what the process has used so far, in microseconds.
func processorTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return math.NaN()
	}
	return float64(time.Duration(u.Utime.Nano()+u.Stime.Nano()).Nanoseconds()) / 1000
}

// byPictureProgram compiles testdata/picture.c, and returns what runs it and tells its least processor time in microseconds.
func byPictureProgram(b *testing.B, what string, of scanned) func() float64 {
	program := filepath.Join(b.TempDir(), "picture")
	if out, err := exec.Command("cc", "-O2", "-o", program, "testdata/picture.c", "-lturbojpeg", "-lz", "-lm").CombinedOutput(); err != nil {
		b.Skipf("libjpeg-turbo and zlib are not installed for development: %v\n%.300s", err, out)
	}
	return func() float64 {
		out, err := exec.Command(program, what, of.file, strconv.Itoa(of.width), strconv.Itoa(of.height), "5").Output()
		if err != nil {
			b.Fatal(err)
		}
		us, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil {
			b.Fatal(err)
		}
		return us
	}
}
