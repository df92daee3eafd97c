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

// pictureBurst is a server with ten images of 10 MB each.
type pictureBurst struct {
	*server
	images    []string // their addresses
	bystander string
}

func newBurst(t testing.TB) pictureBurst {
	s, err := start(t.TempDir(), "--data", "data", "--log-level", "error", "--memory", "256MiB", "--render-cache", "32MiB", "--frame-cache", "32MiB")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop() })
	b := pictureBurst{server: s}
	for n := range 10 {
		image := dicomtest.Image{Study: "burst", Number: n + 1, Rows: 2048, Columns: 2500, BitsStored: 12}
		if _, _, err := s.stow(image.File()); err != nil {
			t.Fatal(err)
		}
		ref := image.Instance().DataSet.Ref()
		b.bystander = s.url + "/dicom-web/studies/" + string(ref.Study) + "/series"
		b.images = append(b.images, s.url+"/dicom-web"+ref.Path())
	}
	return b
}

// pictures are the addresses of 500 pictures, all different, and others in each round.
func (b pictureBurst) pictures(round int) (all []string) {
	for _, image := range b.images {
		for w := range 50 {
			all = append(all, fmt.Sprintf("%s/rendered?viewport=512,512&window=%d,1000,linear", image, 50*round+w))
		}
	}
	return all
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

// all asks for all pictures of a round at the same time, from a process of its own: who measures others meanwhile does not wait for 500 goroutines. Idle
// says that it runs only when nobody else wants to (SCHED_IDLE).
func (b pictureBurst) all(t testing.TB, round int, idle bool) {
	program, err := os.Executable()
	if err != nil {
		t.Error(err)
		return
	}
	args := []string{program, "-test.run", "^TestBurstClient$"}
	if idle {
		args = append([]string{"chrt", "--idle", "0"}, args...)
	}
	client := exec.Command(args[0], args[1:]...)
	client.Env = append(os.Environ(), burstClient+"=1")
	client.Stdin = strings.NewReader(strings.Join(b.pictures(round), "\n"))
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
	b.all(t, 0, false)
	peak := memory(t, b.server, "VmHWM")
	t.Logf("peak %d MiB", peak>>20)
	if peak > 256<<20 {
		t.Errorf("%d MiB; --memory allows 256", peak>>20)
	}
}

// BenchmarkBurst reports how long the slowest hundredth of searches takes while 500 pictures are made, beside as many without them. The client
// that asks for the pictures has the same two processors as server and searcher, where others have their own: so it is measured twice, with a client
// that takes its share of them, and with one that runs only when nobody else wants to, so that what the server does is what counts.
func BenchmarkBurst(t *testing.B) {
	t.Run("client=busy", func(t *testing.B) { benchmarkBurst(t, false) })
	t.Run("client=idle", func(t *testing.B) {
		if _, err := exec.LookPath("chrt"); err != nil {
			t.Skip(err)
		}
		benchmarkBurst(t, true)
	})
}

func benchmarkBurst(t *testing.B, idle bool) {
	b := newBurst(t)
	searches := func(while func(n int) bool) (took []time.Duration) {
		for while(len(took)) {
			began := time.Now()
			b.get(t, b.bystander, "application/dicom+json")
			took = append(took, time.Since(began))
			time.Sleep(2 * time.Millisecond) // as a person's page would, and not as a second burst
		}
		return took
	}
	var alone, beside []time.Duration // of all rounds: the slowest hundredth of one are too few to say anything
	for round := range t.N {
		done := make(chan struct{})
		go func() { b.all(t, round, idle); close(done) }()
		meanwhile := searches(func(int) bool {
			select {
			case <-done:
				return false
			default:
				return true
			}
		})
		beside = append(beside, meanwhile...)
		alone = append(alone, searches(func(n int) bool { return n < len(meanwhile) })...)
	}
	p99 := func(took []time.Duration) time.Duration {
		slices.Sort(took)
		return took[len(took)*99/100]
	}
	t.ReportMetric(float64(p99(beside))/float64(p99(alone)), "x-p99")
	t.ReportMetric(float64(p99(beside).Microseconds()), "p99-us")
}
