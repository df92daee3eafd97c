//go:build !race

package dicomweb

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// A server that renders native images all day allocates no buffers of the size of a picture but the answers themselves. (The race
// detector has pools lose what they hold.)
func TestRenderedAllocatesNoPictures(t *testing.T) {
	s := newBenchServerOf(t, Options{RenderCache: -1, MaxDecodes: 1})
	const width, height = 1024, 768
	image := s.ingestScan(t, "ct", 16, width, height)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would empty the pools
	for _, query := range []string{"", "?viewport=1000,1000"} {
		for _, accept := range []string{"image/jpeg", "image/png"} {
			for range 10 { // each processor has pools of its own
				s.ask(t, image.path+query, accept)
			}
			const runs = 20
			answers := 0
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range runs {
				answers += s.ask(t, image.path+query, accept)
			}
			runtime.ReadMemStats(&after)
			if each := (int(after.TotalAlloc-before.TotalAlloc) - answers) / runs; each > width*height/2 {
				t.Errorf("%s %s: %d bytes beside the answer, a picture has %d", query, accept, each, width*height)
			}
		}
	}
}
