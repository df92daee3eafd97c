package dicomweb

import (
	"bytes"
	"net/http"

	"github.com/noctis-dicom/noctis/render/report"
	"github.com/noctis-dicom/noctis/store"
)

// reportTypes are the rendered media types of a structured report, the default first (PS3.18 Table 8.7.4-1).
var reportTypes = []offer{{mediaType: "text/html"}, {mediaType: "text/plain"}}

// sendReport sends a structured report as text. It reports whether the instance is one.
func (s *Server) sendReport(w http.ResponseWriter, r *http.Request, e *store.Entry) (bool, error) {
	if e.Layout.Pixel != nil {
		return false, nil
	}
	ds, err := s.dataSet(r.Context(), e)
	if err != nil {
		return false, err
	}
	tree, ok := report.Read(ds)
	if !ok {
		return false, nil
	}
	chosen, err := acceptOf(r).choose(reportTypes...)
	if err != nil {
		return true, err
	}
	etag := entityTag("report", chosen.mediaType, digest(e))
	validators(w, etag, e.Stored)
	if notModified(w, r, etag) {
		return true, nil
	}
	write := tree.HTML
	if chosen.mediaType == "text/plain" {
		write = tree.Text
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return true, err
	}
	w.Header().Set("Content-Type", chosen.mediaType+"; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.Header().Set("Content-Location", s.baseURL(r)+e.Ref.Path())
	http.ServeContent(w, r, "", e.Stored, bytes.NewReader(b.Bytes()))
	return true, nil
}
