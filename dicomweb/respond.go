package dicomweb

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

// dicomJSON is how a data set, or a list of them, is offered as JSON; the default first.
var dicomJSON = []offer{{mediaType: "application/dicom+json"}, {mediaType: "application/json"}}

// gzipFrom is the length from which a body is worth compressing: less fits into one packet anyway.
const gzipFrom = 1400

// respond sends a body that lies in memory, compressed where the client takes that. The media type has no charset: both JSON types
// are UTF-8 by definition, and a client compares the whole header.
func respond(w http.ResponseWriter, r *http.Request, status int, mediaType string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Add("Vary", "Accept, Accept-Encoding")
	if coding := contentCoding(r.Header.Values("Accept-Encoding")); len(body) >= gzipFrom && coding != "" {
		var compressed bytes.Buffer
		z := newCompressor(&compressed, coding)
		z.Write(body) // a buffer takes everything
		if err := z.Close(); err != nil {
			return err
		}
		h.Set("Content-Encoding", coding)
		body = compressed.Bytes()
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

// warn adds a Warning header in the form that PS3.18 8.3.4 has: code 299 and the base URI of the service.
func warn(h http.Header, base, text string) {
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, text)
	h.Add("Warning", "299 "+base+": "+text)
}
