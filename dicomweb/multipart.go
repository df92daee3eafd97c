package dicomweb

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
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
	_, err := io.WriteString(m.w, m.head(p))
	m.first = false
	return err
}

func (m *multipartWriter) head(p partHeader) string {
	var b strings.Builder
	if !m.first {
		b.WriteString("\r\n")
	}
	b.WriteString("--" + m.boundary + "\r\nContent-Type: " + p.contentType + "\r\nContent-Length: " + strconv.FormatInt(p.length, 10))
	if p.location != "" {
		b.WriteString("\r\nContent-Location: " + p.location)
	}
	b.WriteString("\r\n\r\n")
	return b.String()
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
	for _, p := range parts {
		n += int64(len(c.head(p))) + p.length
		c.first = false
	}
	return n
}

// errBrokenOff is the error of a multipart body that ends before its closing boundary.
var errBrokenOff = errors.New("the body ends before its closing boundary")

// partReader reads a multipart/related request.
type partReader struct {
	r     *multipart.Reader
	parts int // that may still come
	limit int
}

// newPartReader reads body by the boundary in its Content-Type. Any boundary of RFC 2046 5.1.1 is taken, quoted or not.
func newPartReader(body io.Reader, m mediaType, limit int) (*partReader, error) {
	boundary := m.params["boundary"]
	switch {
	case boundary == "":
		return nil, badRequest("Content-Type: multipart/related has no boundary")
	case len(boundary) > 70:
		return nil, badRequest("Content-Type: the boundary has %d characters; RFC 2046 5.1.1 allows 70", len(boundary))
	}
	// multipart.Reader reads 4 KB at a time.
	closed := &closedBody{r: bufio.NewReaderSize(body, 64<<10), closing: []byte("--" + boundary + "--")}
	return &partReader{r: multipart.NewReader(closed, boundary), parts: limit, limit: limit}, nil
}

// closedBody tells multipart.Reader the end of a body from its breaking off: that one ends as io.ErrUnexpectedEOF. Without it a
// body that ends in the header of a part looks complete. The line break behind the closing boundary, which may be missing, is
// added.
type closedBody struct {
	r       io.Reader
	closing []byte
	tail    []byte // the last bytes read, as many as closing and some blanks have
	ended   bool
	rest    string // what is still to be read after the end
}

func (c *closedBody) Read(p []byte) (int, error) {
	if !c.ended {
		n, err := c.r.Read(p)
		c.tail = append(c.tail, p[max(0, n-tailLength):n]...)
		c.tail = c.tail[max(0, len(c.tail)-tailLength):]
		if err != io.EOF {
			return n, err
		}
		if c.ended = true; bytes.HasSuffix(bytes.TrimRight(c.tail, " \t"), c.closing) {
			c.rest = "\r\n"
		}
		return n, nil
	}
	if c.rest == "" {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

const tailLength = 80

// next returns the next part, io.EOF after the closing boundary. Its body reads as io.ErrUnexpectedEOF where the request breaks
// off. Content-Transfer-Encoding is not applied: HTTP has none (RFC 9110 8.4).
func (p *partReader) next() (*multipart.Part, error) {
	part, err := p.r.NextRawPart()
	switch {
	case err == io.EOF:
		return nil, io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errBrokenOff
	case err == multipart.ErrMessageTooLarge, err == nil && headerLength(part.Header) > maxPartHeader:
		return nil, exceeds("part-header", "the header of a part is too long")
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, badRequest("a line of more than 4096 bytes stands where the boundary belongs")
	case errors.As(err, new(textproto.ProtocolError)), err != nil && strings.HasPrefix(err.Error(), "multipart: expecting a new Part"):
		return nil, badRequest("the header of a part is malformed") // the error quotes it
	case err != nil:
		return nil, err
	case p.parts == 0:
		return nil, exceeds("parts", "the request has more than the %d parts that are allowed", p.limit)
	}
	p.parts--
	return part, nil
}

// maxPartHeader is what the header of a part may have: multipart.Reader alone takes 10 MB.
const maxPartHeader = 64 << 10

func headerLength(h textproto.MIMEHeader) int {
	n := 0
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(": \r\n") + len(v)
		}
	}
	return n
}
