package store

import (
	"bufio"
	"compress/flate"
	"fmt"
	"io"
	"sync"
)

// inflateCache is the most bytes of a deflated data set that an open instance keeps inflated.
const inflateCache = 16 << 20

// inflated reads a deflated data set (PS3.5 A.5) at any offset, in bounded memory: a small one is inflated once and kept, of a
// large one only the position is kept, so that reading forwards is cheap and reading backwards begins anew. The layout was
// made from the same bytes within part10.Limits.Inflate, and nothing after its last value is ever inflated.
type inflated struct {
	deflated *io.SectionReader
	size     int64 // bytes that are wanted of it

	mu     sync.Mutex
	cache  []byte // once read: the first size bytes, if they are few
	stream io.ReadCloser
	at     int64 // position of stream
}

func newInflated(deflated *io.SectionReader, size int64) *inflated {
	return &inflated{deflated: deflated, size: size}
}

func (f *inflated) ReadAt(p []byte, off int64) (int, error) {
	if off >= f.size {
		return 0, io.EOF
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var atEnd error
	if int64(len(p)) > f.size-off {
		p, atEnd = p[:f.size-off], io.EOF
	}
	if f.size <= inflateCache {
		if f.cache == nil {
			cache := make([]byte, f.size)
			if err := f.read(cache, 0); err != nil {
				return 0, err
			}
			f.cache, f.stream = cache, nil
		}
		return copy(p, f.cache[off:]), atEnd
	}
	if err := f.read(p, off); err != nil {
		return 0, err
	}
	return len(p), atEnd
}

// read fills p from the stream.
func (f *inflated) read(p []byte, off int64) error {
	if f.stream == nil || off < f.at {
		f.stream = flate.NewReader(bufio.NewReader(io.NewSectionReader(f.deflated, 0, f.deflated.Size())))
		f.at = 0
	}
	skipped, err := io.CopyN(io.Discard, f.stream, off-f.at)
	f.at += skipped
	if err == nil {
		var n int
		n, err = io.ReadFull(f.stream, p)
		f.at += int64(n)
	}
	if err != nil {
		f.stream = nil
		return fmt.Errorf("%w: its deflated data set breaks off at offset %d: %w", ErrBlobDamaged, f.at, err)
	}
	return nil
}
