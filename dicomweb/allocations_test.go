//go:build !race

package dicomweb

import (
	"bytes"
	"net/http"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// A server that renders native images all day allocates no buffers of the size of a picture but the answers themselves. (The race
// detector has pools lose what they hold.)
func TestRenderedAllocatesNoPictures(t *testing.T) {
	s := newBenchServerOf(t, Options{RenderCache: -1, MaxDecodes: 1})
	const width, height = 1024, 768
	color := dicomtest.Image{Study: "color", Rows: height, Columns: width, BitsAllocated: 8, BitsStored: 8, Samples: 3, Photometric: "RGB"}
	if response, err := http.Post(s.web.URL+BasePath+"/studies", "application/dicom", bytes.NewReader(color.File())); err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	images := map[string]string{"gray": s.ingestScan(t, "ct", 16, width, height).path, "color": BasePath + color.Instance().DataSet.Ref().Path() + "/rendered"}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would empty the pools
	for name, path := range images {
		for _, query := range []string{"", "?viewport=1000,1000", "?viewport=600,600,0,0,-1024,768", "?annotation=patient", "?quality=70"} {
			for _, accept := range []string{"image/jpeg", "image/png"} {
				if query == "?quality=70" && accept == "image/png" {
					continue // which has none
				}
				least := width * height
				for round := 0; round < 5 && least > width*height/2; round++ { // each processor has pools of its own, which fill when it comes to it
					least = min(least, s.allocates(t, path+query, accept))
				}
				if least > width*height/2 {
					t.Errorf("%s%s %s: %d bytes beside the answer, a picture has %d", name, query, accept, least, width*height)
				}
			}
		}
	}
}

// allocates is what a request for the picture allocates beside the answer, in the mean of some.
func (s *benchServer) allocates(t *testing.T, path, accept string) int {
	const runs = 8
	answers := 0
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		answers += s.ask(t, path, accept)
	}
	runtime.ReadMemStats(&after)
	return (int(after.TotalAlloc-before.TotalAlloc) - answers) / runs
}
