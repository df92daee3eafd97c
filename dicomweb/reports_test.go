package dicomweb

import (
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/internal/corpus"
)

// TestRenderedReports retrieves the reports of the corpus: HTML by default, plain text if asked for, no picture.
func TestRenderedReports(t *testing.T) {
	reports := 0
	for _, f := range corpus.Files(t) {
		if !strings.HasPrefix(f.Name, "files/sr_") {
			continue
		}
		reports++
		a := newArchive(t, f.Bytes(t))
		for accept, want := range map[string]string{"": "text/html; charset=utf-8", "text/plain": "text/plain; charset=utf-8",
			"text/xml": "text/xml", "text/*;q=0.1, text/xml": "text/xml"} {
			w := a.get(a.refs[0], "/rendered", accept)
			if w.Code != 200 || w.Header().Get("Content-Type") != want || w.Body.Len() < 100 {
				t.Errorf("%s as %q: %d, %s, %d bytes", f.Name, accept, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
			}
		}
		checkStatus(t, a.get(a.refs[0], "/rendered", "image/png"), 406)
	}
	t.Logf("%d reports", reports)
}
