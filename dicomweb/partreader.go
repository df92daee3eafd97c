package dicomweb

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/textproto"
	"strings"
	"sync"

	"github.com/noctis-dicom/noctis/internal/giveway"
)

const (
	partBuffer    = 64 << 10   // what is looked through at once: mime/multipart takes 4 KB at a time, which costs more than the bytes
	maxPartHeader = partBuffer // what the header of a part may have
	maxBoundary   = 256        // RFC 2046 5.1.1 allows 70; Orthanc's DICOMweb plugin sends 73
)

// errBrokenOff is the error of a multipart body that ends before its closing boundary.
var errBrokenOff = errors.New("the body ends before its closing boundary")

// partReader reads a multipart/related request (RFC 2046 5.1.1), one part after the other. Lines that end without a carriage return are
// taken where the first boundary has none.
type partReader struct {
	in     *bufio.Reader
	before []byte    // line break, two hyphens and the boundary
	line   int       // bytes of before that are the line break
	body   *bodyPart // the part that has not been passed yet
	ahead  bool      // firstType has read it, or failed in that
	failed error
	begun  bool // a boundary has come
	parts  int  // that may still come
	limit  int
	pacer  giveway.Pacer // what is looked through at once may be thousands of parts
}

// bodyPart is a part of a multipart message. It reads as its body, and is valid until the next one is asked for.
type bodyPart struct {
	Header textproto.MIMEHeader
	from   *partReader
	read   bool  // some of the body has been
	clear  int   // bytes that are buffered and surely of the body
	err    error // what comes then
}

var partBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, partBuffer) }}

// newPartReader reads body by the boundary in its Content-Type. Any boundary of RFC 2046 5.1.1 is taken, and longer ones, quoted or not.
func newPartReader(body io.Reader, m mediaType, limit int) (*partReader, error) {
	boundary := m.params["boundary"]
	switch {
	case boundary == "":
		return nil, badRequest("Content-Type: multipart/related has no boundary")
	case len(boundary) > maxBoundary:
		return nil, badRequest("Content-Type: the boundary has %d characters; RFC 2046 5.1.1 allows 70, and this server %d", len(boundary), maxBoundary)
	}
	in := partBuffers.Get().(*bufio.Reader)
	in.Reset(body)
	return &partReader{in: in, before: []byte("\r\n--" + boundary), line: len("\r\n"), parts: limit, limit: limit}, nil
}

// release lets others use the buffer. Nothing may be read afterwards.
func (p *partReader) release() {
	p.in.Reset(nil)
	partBuffers.Put(p.in)
	p.in = nil
}

// next returns the next part, io.EOF after the closing boundary. Its body reads as io.ErrUnexpectedEOF where the request breaks
// off. Content-Transfer-Encoding is not applied: HTTP has none (RFC 9110 8.4).
func (p *partReader) next() (*bodyPart, error) {
	p.pacer.Pace()
	if p.ahead {
		p.ahead = false
		return p.body, p.failed
	}
	if p.body != nil {
		if err := p.body.pass(); err != nil {
			return nil, brokenOff(err)
		}
	}
	if err := p.boundary(); err != nil {
		return nil, brokenOff(err)
	}
	header, err := p.header()
	switch {
	case err != nil:
		return nil, brokenOff(err)
	case p.parts == 0:
		return nil, exceeds("parts", "the request has more than the %d parts that are allowed", p.limit)
	}
	p.parts--
	p.body = &bodyPart{Header: header, from: p}
	return p.body, nil
}

// firstType is the media type of the part that next returns then, "" where there is none.
func (p *partReader) firstType() string {
	p.body, p.failed = p.next()
	p.ahead = true
	if p.failed != nil {
		return ""
	}
	return parseMediaType(p.body.Header.Get("Content-Type")).name
}

func brokenOff(err error) error {
	if err == io.ErrUnexpectedEOF {
		return errBrokenOff
	}
	return err
}

// boundary passes the next line that is one, and what stands before the first one; io.EOF if it is the closing one.
func (p *partReader) boundary() error {
	for {
		line, err := p.in.ReadSlice('\n')
		switch delimiter := p.before[p.line:]; {
		case err == bufio.ErrBufferFull:
			return badRequest("a line of more than %d bytes stands where the boundary belongs", partBuffer)
		case err != nil && err != io.EOF:
			return err
		case bytes.HasPrefix(line, delimiter):
			rest := line[len(delimiter):]
			ending := strings.TrimLeft(string(rest), " \t")
			if !p.begun && ending == "\n" {
				p.before, p.line = p.before[1:], 1
			}
			if ending == string(p.before[:p.line]) {
				p.begun = true
				return nil
			}
			if after, closing := bytes.CutPrefix(rest, []byte("--")); closing {
				if ending = strings.TrimLeft(string(after), " \t"); strings.TrimRight(ending, "\r\n") == "" {
					return io.EOF
				}
			}
		}
		switch {
		case err != nil:
			return io.ErrUnexpectedEOF
		case p.begun:
			return badRequest("what stands behind a part is no boundary")
		}
	}
}

// header reads the header of a part.
func (p *partReader) header() (textproto.MIMEHeader, error) {
	var lines []byte
	for {
		line, err := p.in.ReadSlice('\n')
		if err == bufio.ErrBufferFull || len(lines)+len(line) > maxPartHeader {
			return nil, exceeds("part-header", "the header of a part is too long")
		}
		if err == io.EOF {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, line...)
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
	}
	header, err := textproto.NewReader(bufio.NewReaderSize(bytes.NewReader(lines), len(lines))).ReadMIMEHeader()
	if err != nil {
		return nil, badRequest("the header of a part is malformed") // the error quotes it
	}
	return header, nil
}

func (b *bodyPart) Read(d []byte) (int, error) {
	if len(d) == 0 {
		return 0, nil
	}
	if b.look(); b.clear == 0 {
		return 0, b.err
	}
	n, err := b.from.in.Read(d[:min(len(d), b.clear)])
	b.read = true
	b.clear -= n
	return n, err
}

// pass leaves out what has not been read.
func (b *bodyPart) pass() error {
	for b.look(); b.clear > 0; b.look() {
		if _, err := b.from.in.Discard(b.clear); err != nil {
			return err
		}
		b.read, b.clear = true, 0
	}
	if b.err != io.EOF {
		return b.err
	}
	return nil
}

// look finds out how many of the next bytes are of the body, at least one, or why there are none: io.EOF before a boundary, whose line
// break has been passed then.
func (b *bodyPart) look() {
	p := b.from
	for want := 1; b.clear == 0 && b.err == nil; {
		_, err := p.in.Peek(want)
		ahead, _ := p.in.Peek(p.in.Buffered())
		at, known := p.find(ahead, b.read)
		switch {
		case at > 0 || len(ahead) > 0 && known:
			if b.clear = at; at == 0 {
				b.err = io.EOF
				b.skipLineBreak(ahead)
			}
		case err == io.EOF:
			b.err = io.ErrUnexpectedEOF
		case err != nil:
			b.err = err
		default:
			want = len(ahead) + 1
		}
	}
}

// skipLineBreak passes the line break that belongs to the boundary. That of an empty body may be the end of the header.
func (b *bodyPart) skipLineBreak(ahead []byte) {
	if p := b.from; bytes.HasPrefix(ahead, p.before) {
		_, _ = p.in.Discard(p.line) // it is buffered
	}
}

// find returns how many bytes come before the next boundary, or before what may become one when more is known.
func (p *partReader) find(ahead []byte, read bool) (at int, known bool) {
	if !read { // the line break of the boundary may be the end of the header
		if is, known := p.isBoundary(ahead, p.before[p.line:]); is || !known {
			return 0, known
		}
	}
	for at < len(ahead) {
		i := bytes.Index(ahead[at:], p.before)
		if i < 0 {
			break
		}
		at += i
		if is, known := p.isBoundary(ahead[at:], p.before); is || !known {
			return at, known
		}
		at += len(p.before)
	}
	for tail := max(at, len(ahead)-len(p.before)); tail < len(ahead); tail++ {
		if bytes.HasPrefix(p.before, ahead[tail:]) {
			return tail, false
		}
	}
	return len(ahead), true
}

// isBoundary reports whether the bytes begin with a boundary, where enough of them are there to know: a longer word is none.
func (p *partReader) isBoundary(b, boundary []byte) (is, known bool) {
	if len(b) <= len(boundary) {
		return false, !bytes.HasPrefix(boundary, b)
	}
	if !bytes.HasPrefix(b, boundary) {
		return false, true
	}
	switch b[len(boundary)] {
	case ' ', '\t', '\r', '\n':
		return true, true
	case '-':
		if len(b) == len(boundary)+1 {
			return false, false
		}
		return b[len(boundary)+1] == '-', true
	}
	return false, true
}
