package dicomweb

import (
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/internal/audit"
)

// BenchmarkFramesRecorded asks for the frames of a stack over HTTP: without an audit, with reads gathered as by default, and with an event
// for each. The three take turns, and of each the least processor time of a request counts, client and all, so that other load matters
// little. It reports what a request takes beside one that is not recorded.
func BenchmarkFramesRecorded(b *testing.B) {
	const rounds, requests = 20, 200
	modes := []string{"none", "gathered", "each"}
	least := map[string]float64{}
	servers := map[string]func(){}
	for _, mode := range modes {
		var o Options
		if mode != "none" {
			gather := 10 * time.Second
			if mode == "each" {
				gather = 0
			}
			trail, err := audit.Begin(b.TempDir(), "bench", audit.Options{Gather: gather, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			defer trail.Close()
			o.Audit = trail
		}
		s := newBenchServerOf(b, o)
		stack := s.ingest(b, "large", 100, 512)
		s.background.Wait()
		servers[mode] = func() {
			for i := range requests {
				answer, err := http.Get(s.web.URL + BasePath + stack[i%len(stack)].Path() + "/frames/1")
				if err != nil || answer.StatusCode != http.StatusOK {
					b.Fatal(err, answer)
				}
				io.Copy(io.Discard, answer.Body) //nolint:errcheck // it is only read
				answer.Body.Close()
			}
		}
	}
	for b.Loop() {
		for range rounds {
			for _, mode := range modes {
				began := processorTime()
				servers[mode]()
				if took := float64(processorTime()-began) / requests; least[mode] == 0 || took < least[mode] {
					least[mode] = took
				}
			}
		}
	}
	b.ReportMetric(least["none"], "µs-none")
	b.ReportMetric(least["gathered"]/least["none"], "gathered/none")
	b.ReportMetric(least["each"]/least["none"], "each/none")
}
