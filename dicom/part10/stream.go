package part10

import (
	"bufio"
	"compress/flate"
	"errors"
	"io"
	"sync"

	"github.com/noctis-dicom/noctis/internal/giveway"
)

const (
	bufferSize = 128 << 10 // what comes from the network, is hashed and goes to the disk: in parts that stay in the processor's cache meanwhile
	growStep   = 64 << 10
)

// source counts the bytes of the file and remembers whether its reader failed, so that a broken upload is not taken for a
// broken file.
type source struct {
	r   io.Reader
	n   int64
	err error // of r, other than io.EOF
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// stream reads forward and knows where it is.
type stream struct {
	buf    *bufio.Reader
	offset int64
	err    error  // why the last peek was short
	scrap  []byte // for values longer than the buffer
}

// buffers are those of streams that have been read: a new one for each file would be most of what a scan allocates.
var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, bufferSize) }}

func newStream(r io.Reader) *stream {
	buf := buffers.Get().(*bufio.Reader)
	buf.Reset(r)
	return &stream{buf: buf}
}

// release gives the buffer back. Nothing may be read afterwards.
func (s *stream) release() {
	s.buf.Reset(nil)
	buffers.Put(s.buf)
	s.buf = nil
}

// peek returns the next n bytes, fewer only where the stream ends or fails, which err then tells. They are valid until the next
// call.
func (s *stream) peek(n int) []byte {
	b, err := s.buf.Peek(min(n, bufferSize))
	s.err = err
	return b
}

// skip leaves n bytes out; io.ErrUnexpectedEOF if there are not so many.
func (s *stream) skip(n int64) error {
	for n > 0 {
		k, err := s.buf.Discard(int(min(n, 1<<30)))
		s.offset += int64(k)
		n -= int64(k)
		if err != nil {
			return eofUnexpected(err)
		}
	}
	return nil
}

// next returns the next n bytes, valid until the next call. What it allocates grows with what really comes, never with n.
func (s *stream) next(n int64) ([]byte, error) {
	if n <= bufferSize {
		b, err := s.buf.Peek(int(n))
		if err != nil {
			return nil, eofUnexpected(err)
		}
		s.offset += n
		_, err = s.buf.Discard(int(n))
		return b, err
	}
	s.scrap = s.scrap[:0]
	for n > 0 {
		step := int(min(n, growStep))
		b, err := s.next(int64(step))
		if err != nil {
			return nil, err
		}
		s.scrap = append(s.scrap, b...)
		n -= int64(step)
	}
	return s.scrap, nil
}

func eofUnexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// errInflated is the error of a deflated data set that inflates to more than the limit.
var errInflated = errors.New("the data set inflates to more than is allowed")

// A data set may inflate to inflateFree bytes whatever it is made of, as empty segmentations do, and beyond that to inflateRatio
// times its deflated length.
const (
	inflateFree  = 256 << 20
	inflateRatio = 100
)

// inflated reads a raw deflated stream (RFC 1951, PS3.5 A.5) up to a limit.
type inflated struct {
	z        io.Reader
	deflated *counter
	n, limit int64
	pacer    giveway.Pacer // a thousandfold of what is read may come of it
}

func newInflated(r io.ByteReader, limit int64) *inflated {
	c := &counter{r: r}
	return &inflated{z: flate.NewReader(c), deflated: c, limit: limit}
}

func (i *inflated) Read(p []byte) (int, error) {
	i.pacer.Pace()
	n, err := i.z.Read(p)
	if i.n += int64(n); i.n > min(i.limit, max(inflateFree, inflateRatio*i.deflated.n)) {
		return 0, errInflated
	}
	return n, err
}

// counter counts the bytes that the inflater takes, one by one.
type counter struct {
	r io.ByteReader
	n int64
}

func (c *counter) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

// Read implements io.Reader, which the inflater uses for stored blocks.
func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		b, err := c.ReadByte()
		if err != nil {
			return i, err
		}
		p[i] = b
	}
	return len(p), nil
}
