package dicomweb

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/render/report"
	"github.com/noctis-dicom/noctis/store"
)

// reportTypes are the rendered media types of a structured report, the default first (PS3.18 Table 8.7.4-1).
var reportTypes = []offer{{mediaType: "text/html"}, {mediaType: "text/plain"}, {mediaType: "text/xml"}}

// reportRendition is a structured report as text; nil if the instance is none. The links in it are absolute.
func reportRendition(_ *store.Entry, ds *dicom.DataSet) *rendition {
	r, ok := report.Read(ds)
	if !ok {
		return nil
	}
	return &rendition{offers: reportTypes, text: true, guard: guardReport, make: func(_ rendering, base, mediaType string) (made, error) {
		write := map[string]func(io.Writer) error{
			"text/html":  func(w io.Writer) error { return r.HTML(w, base) },
			"text/plain": r.Text,
			"text/xml":   func(w io.Writer) error { return r.XML(w, base) },
		}[mediaType]
		return made{open: func(context.Context) (content, error) {
			var b bytes.Buffer
			err := write(&b)
			return contentOf(b.Bytes()), err
		}}, nil
	}}
}

// guardReport lets a page have its style and its links, and nothing else.
func guardReport(h http.Header, _ string) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
}
