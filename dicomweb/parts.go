package dicomweb

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// part is one part of a multipart response. It is opened when its turn comes, so that a response holds one open file and one
// decoded frame at a time, however many parts it has.
type part struct {
	partHeader // a length of -1: known when it is open
	open       func(ctx context.Context) (content, error)
}

// content is the body of a part: bytes that lie somewhere, or what stream writes.
type content struct {
	*io.SectionReader
	stream      func(w io.Writer) error // nil: there is a SectionReader
	size        int64                   // of what stream writes
	contentType string                  // where it turned out to be another than was announced; else ""
	close       func() error            // nil: there is nothing to close
}

// Size is the length of the body.
func (c content) Size() int64 {
	if c.stream != nil {
		return c.size
	}
	return c.SectionReader.Size()
}

// copyTo writes the body.
func (c content) copyTo(w io.Writer, buffer []byte) (int64, error) {
	if c.stream == nil {
		return io.CopyBuffer(w, c.SectionReader, buffer)
	}
	counted := &countedWriter{w: w}
	err := c.stream(counted)
	return counted.n, err
}

// countedWriter counts what goes through it.
type countedWriter struct {
	w io.Writer
	n int64
}

func (c *countedWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// contentOf is a body that lies in memory.
func contentOf(b []byte) content {
	return content{SectionReader: io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))}
}

func (c content) Close() error {
	if c.close == nil {
		return nil
	}
	return c.close()
}

// copyBuffer is how much is read from a file at once.
const copyBuffer = 256 << 10

// sendParts sends a multipart/related response of at least one part (PS3.18 8.6.1.2). ETag is set already. The first part is
// opened before the first byte is written, so that its error is still a status; a later one cuts the response off.
func sendParts(w http.ResponseWriter, r *http.Request, status int, rootType, etag string, parts []part) error {
	body, err := parts[0].open(r.Context())
	if err != nil {
		return err
	}
	if first := &parts[0]; first.length < 0 { // it is open, so that a response of one part has a Content-Length
		first.length, first.contentType = body.Size(), cmp.Or(body.contentType, first.contentType)
	}
	out := newSendBuffer(w)
	defer out.giveBack()
	m := newMultipart(w.Header(), out, rootType, boundaryOf(etag))
	if n, known := lengthOf(m, parts); known {
		w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return body.Close()
	}
	for i, p := range parts {
		if i > 0 && p.length < 0 { // it may take long to make, and what is before it is ready
			err = out.Flush()
		}
		if i > 0 && err == nil {
			body, err = p.open(r.Context())
		}
		if err == nil {
			err = m.send(p.partHeader, body)
		}
		if err != nil {
			return fmt.Errorf("part %d of %d: %w", i+1, len(parts), err)
		}
	}
	if err := m.end(); err != nil {
		return err
	}
	return out.Flush()
}

// send writes a part and closes its body.
func (m *multipartWriter) send(p partHeader, body content) error {
	defer body.Close()
	if body.contentType != "" {
		p.contentType, p.length = body.contentType, -1
	}
	switch size := body.Size(); {
	case p.length < 0:
		p.length = size
	case p.length != size:
		return fmt.Errorf("%d bytes are there, but the index says %d", size, p.length)
	}
	if err := m.begin(p); err != nil {
		return err
	}
	n, err := body.copyTo(m.w, nil)
	if err == nil && n != p.length {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// lengthOf is the Content-Length of the response, if the length of every part is known.
func lengthOf(m *multipartWriter, parts []part) (n int64, known bool) {
	headers := make([]partHeader, len(parts))
	for i, p := range parts {
		if p.length < 0 {
			return 0, false
		}
		headers[i] = p.partHeader
	}
	return m.length(headers), true
}
