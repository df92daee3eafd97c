package dicomweb

import (
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is the longest window of zstd that browsers take (RFC 9659).
const maxWindow = 8 << 20

// compressors by content coding, that have been used: each takes a megabyte or more, many times what it compresses mostly.
var compressors = map[string]*sync.Pool{
	"gzip": {New: func() any {
		z, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
		if err != nil {
			panic(err) // only of another level
		}
		return z
	}},
	"zstd": {New: func() any {
		z, err := zstd.NewWriter(io.Discard, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxWindow/8), zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			panic(err) // only of other options
		}
		return z
	}},
}

// compressor compresses what is written to it, until it is closed. It runs in the goroutine of its user.
type compressor struct {
	reused
	pool *sync.Pool
}

// reused is a writer of either coding.
type reused interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// newCompressor compresses to w in one of contentCodings.
func newCompressor(w io.Writer, coding string) compressor {
	pool := compressors[coding]
	z := pool.Get().(reused)
	z.Reset(w)
	return compressor{z, pool}
}

// Close ends what is written, and lets others use the writer: nothing may be done with it afterwards.
func (c compressor) Close() error {
	err := c.reused.Close()
	c.Reset(io.Discard)
	c.pool.Put(c.reused)
	return err
}
