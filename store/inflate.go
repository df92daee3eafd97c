package store

import (
	"bufio"
	"compress/flate"
	"fmt"
	"io"
	"slices"
	"sync"
)

const (
	// inflateCache is the most bytes of a deflated data set that an open instance keeps inflated.
	inflateCache = 16 << 20
	// inflateStreams is at how many positions a larger one is read without beginning anew.
	inflateStreams = 4
)

// inflated reads a deflated data set (PS3.5 A.5) at any offset, in bounded memory: a small one is inflated once and kept, of a
// large one only a few positions are kept, so that reading forwards is cheap and reading backwards begins anew. The layout was
// made from the same bytes within part10.Limits.Inflate, and nothing after its last value is ever inflated.
type inflated struct {
	deflated *io.SectionReader
	size     int64 // bytes that are wanted of it

	mu      sync.Mutex
	cache   []byte           // once read: the first size bytes, if they are few
	streams []*inflateStream // the one used last is the last
}

// inflateStream is a position in the inflated data.
type inflateStream struct {
	io.Reader
	at int64
}

func newInflated(deflated *io.SectionReader, size int64) *inflated {
	return &inflated{deflated: deflated, size: size}
}

// ReadAt implements io.ReaderAt.
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
	if f.size > inflateCache {
		if err := f.read(p, off); err != nil {
			return 0, err
		}
		return len(p), atEnd
	}
	if f.cache == nil {
		cache := make([]byte, f.size)
		if err := f.read(cache, 0); err != nil {
			return 0, err
		}
		f.cache, f.streams = cache, nil
	}
	return copy(p, f.cache[off:]), atEnd
}

// read fills p from the stream that is the least way before off.
func (f *inflated) read(p []byte, off int64) error {
	s := f.stream(off)
	skipped, err := io.CopyN(io.Discard, s, off-s.at)
	s.at += skipped
	if err == nil {
		var n int
		n, err = io.ReadFull(s, p)
		s.at += int64(n)
	}
	if err != nil {
		return fmt.Errorf("%w: its deflated data set breaks off at offset %d: %w", ErrBlobDamaged, s.at, err)
	}
	f.streams = append(f.streams, s)
	return nil
}

// stream takes the stream that is the least way before off out of f.streams, or begins one, for which the one that has not been
// used for longest gives way.
func (f *inflated) stream(off int64) *inflateStream {
	best := -1
	for i, s := range f.streams {
		if s.at <= off && (best < 0 || s.at > f.streams[best].at) {
			best = i
		}
	}
	if best >= 0 {
		s := f.streams[best]
		f.streams = slices.Delete(f.streams, best, best+1)
		return s
	}
	if len(f.streams) == inflateStreams {
		f.streams = slices.Delete(f.streams, 0, 1)
	}
	return &inflateStream{Reader: flate.NewReader(bufio.NewReader(io.NewSectionReader(f.deflated, 0, f.deflated.Size())))}
}
