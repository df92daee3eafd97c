package dicomweb

import (
	"io"
	"net/http"
	"strconv"
)

// partHeader describes one part of a multipart response (PS3.18 Table 8.6.1-1).
type partHeader struct {
	contentType string // with its transfer-syntax, see offer.contentType
	location    string // Content-Location: the absolute URI of the resource that the part represents; "" if it represents none
	length      int64  // bytes of the part's body
}

// multipartWriter writes a multipart/related response. It is used by one goroutine.
type multipartWriter struct {
	w        io.Writer
	boundary string
	first    bool
}

// newMultipart begins a multipart/related response with the header h: it sets Content-Type. A boundary that is made from the representation
// (boundaryOf) gives the same bytes every time, so that ranges of them fit together (PS3.18 8.6.1.2, note).
func newMultipart(h http.Header, w io.Writer, rootType, boundary string) *multipartWriter {
	h.Set("Content-Type", multipartType(rootType, boundary))
	return &multipartWriter{w: w, boundary: boundary, first: true}
}

func multipartType(rootType, boundary string) string {
	return "multipart/related; type=" + quoted(rootType) + "; boundary=" + quoted(boundary)
}

// begin writes the boundary and the header of a part; its body is then written to w.
func (m *multipartWriter) begin(p partHeader) error {
	_, err := m.w.Write(m.appendHead(make([]byte, 0, headLength), p))
	m.first = false
	return err
}

// headLength is about that of the boundary and header of a part.
const headLength = 512

func (m *multipartWriter) appendHead(b []byte, p partHeader) []byte {
	if !m.first {
		b = append(b, "\r\n"...)
	}
	b = append(append(b, "--"...), m.boundary...)
	b = append(append(b, "\r\nContent-Type: "...), p.contentType...)
	b = strconv.AppendInt(append(b, "\r\nContent-Length: "...), p.length, 10)
	if p.location != "" {
		b = append(append(b, "\r\nContent-Location: "...), p.location...)
	}
	return append(b, "\r\n\r\n"...)
}

// end writes the closing boundary.
func (m *multipartWriter) end() error {
	_, err := io.WriteString(m.w, m.tail())
	return err
}

func (m *multipartWriter) tail() string { return "\r\n--" + m.boundary + "--\r\n" }

// length is the Content-Length of a response with these parts, for a writer that has written none.
func (m *multipartWriter) length(parts []partHeader) int64 {
	n := int64(len(m.tail()))
	c := *m
	head := make([]byte, 0, headLength)
	for _, p := range parts {
		head = c.appendHead(head[:0], p)
		n += int64(len(head)) + p.length
		c.first = false
	}
	return n
}
