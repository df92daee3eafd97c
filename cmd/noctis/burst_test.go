package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// pictureBurst is a server with images of 10 MB each, and the addresses of 500 pictures of them, all different.
type pictureBurst struct {
	*server
	pictures  []string
	bystander string
}

func newBurst(t testing.TB) pictureBurst {
	const images, windows = 10, 50
	s, err := start(t.TempDir(), "--data", "data", "--log-level", "error", "--memory", "256MiB", "--render-cache", "32MiB", "--frame-cache", "32MiB")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop() })
	b := pictureBurst{server: s}
	for n := range images {
		image := dicomtest.Image{Study: "burst", Number: n + 1, Rows: 2048, Columns: 2500, BitsStored: 12}
		if _, _, err := s.stow(image.File()); err != nil {
			t.Fatal(err)
		}
		ref := image.Instance().DataSet.Ref()
		b.bystander = s.url + "/dicom-web/studies/" + string(ref.Study) + "/series"
		for w := range windows {
			b.pictures = append(b.pictures, fmt.Sprintf("%s/dicom-web%s/rendered?viewport=512,512&window=%d,1000,linear", s.url, ref.Path(), w))
		}
	}
	return b
}

// get asks for something, and reads all of it.
func (b pictureBurst) get(t testing.TB, url, accept string) {
	request, _ := http.NewRequest(http.MethodGet, url, nil)
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	if n, err := io.Copy(io.Discard, response.Body); err != nil || n == 0 || response.StatusCode != http.StatusOK {
		t.Errorf("%s: %s, %d bytes, %v", url, response.Status, n, err)
	}
}

// all asks for all pictures at the same time, from a process of its own: who measures others meanwhile does not wait for 500 goroutines.
func (b pictureBurst) all(t testing.TB) {
	program, err := os.Executable()
	if err != nil {
		t.Error(err)
		return
	}
	client := exec.Command(program, "-test.run", "^TestBurstClient$")
	client.Env = append(os.Environ(), burstClient+"=1")
	client.Stdin = strings.NewReader(strings.Join(b.pictures, "\n"))
	if out, err := client.CombinedOutput(); err != nil {
		t.Errorf("%v\n%.2000s", err, out)
	}
}

// burstClient is set where TestBurstClient is the client of a burst.
const burstClient = "NOCTIS_BURST_CLIENT"

// TestBurstClient asks for the pictures that its input names, all at the same time.
func TestBurstClient(t *testing.T) {
	if os.Getenv(burstClient) == "" {
		t.Skip("it is the client of the burst, which starts it")
	}
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for url := range strings.Lines(string(input)) {
		all.Go(func() { pictureBurst{}.get(t, strings.TrimSpace(url), "image/jpeg") })
	}
	all.Wait()
}

// TestBurstOfPicturesInLittleMemory asks for 500 pictures at the same time: the server makes them all and keeps to its memory.
func TestBurstOfPicturesInLittleMemory(t *testing.T) {
	if os.Getenv("NOCTIS_LARGE") == "" {
		t.Skip("set NOCTIS_LARGE=1 (make check does): it takes a while")
	}
	b := newBurst(t)
	b.all(t)
	peak := memory(t, b.server, "VmHWM")
	t.Logf("peak %d MiB", peak>>20)
	if peak > 256<<20 {
		t.Errorf("%d MiB; --memory allows 256", peak>>20)
	}
}

// BenchmarkBurst reports how long the slowest hundredth of searches takes while 500 pictures are made, beside as many without them.
func BenchmarkBurst(t *testing.B) {
	b := newBurst(t)
	search := func() time.Duration {
		began := time.Now()
		b.get(t, b.bystander, "application/dicom+json")
		return time.Since(began)
	}
	p99 := func(while func() bool) time.Duration {
		var took []time.Duration
		for len(took) < 200 || while() {
			took = append(took, search())
			time.Sleep(2 * time.Millisecond) // as a person's page would, and not as a second burst
		}
		slices.Sort(took)
		return took[len(took)*99/100]
	}
	var alone, beside time.Duration
	for range t.N {
		alone += p99(func() bool { return false })
		done := make(chan struct{})
		go func() { b.all(t); close(done) }()
		beside += p99(func() bool {
			select {
			case <-done:
				return false
			default:
				return true
			}
		})
	}
	t.ReportMetric(float64(beside)/float64(alone), "x-p99")
	t.ReportMetric(float64(beside.Microseconds())/float64(t.N), "p99-us")
}
