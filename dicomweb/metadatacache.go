package dicomweb

import (
	"bytes"
	"io"
	"net/http"
	"strconv"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// metadataCache keeps compressed metadata, so that it is not made and compressed for each request: a viewer asks for all series of a
// study at once, again at every visit, and so does the next viewer. Entries are found by entity tag, so that what is stored
// meanwhile makes a new one. An answer that is too long to be kept is written as it comes. It is safe for concurrent use.
type metadataCache struct {
	bodies *boundedCache[[]byte] // by entity tag
	states *boundedCache[state]  // by generation of the store, and path
	limit  int                   // of one body
}

// stateCache is the most bytes of states that are kept: some thousand series.
const stateCache = 1 << 20

func newMetadataCache(limit int64) *metadataCache {
	return &metadataCache{
		bodies: newBoundedCache[[]byte](limit), states: newBoundedCache[state](stateCache), limit: int(max(limit, 0) / 8),
	}
}

// send sends the body that write makes, in the content coding, or the one that is kept.
func (c *metadataCache) send(w http.ResponseWriter, coding, etag string, write func(io.Writer) error) error {
	if coding == "" {
		return write(w)
	}
	w.Header().Set("Content-Encoding", coding)
	if body, found := c.bodies.get(etag); found {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, err := w.Write(body)
		return err
	}
	kept := &copied{w: w, limit: c.limit}
	z, err := newCompressor(kept, coding)
	if err != nil {
		return err
	}
	if err = write(z); err != nil {
		return err
	}
	if err = z.Close(); err != nil {
		return err
	}
	if kept.limit > 0 {
		c.bodies.add(etag, bytes.Clone(kept.body), int64(len(kept.body)))
	}
	return nil
}

// maxWindow is the longest window of zstd that browsers take (RFC 9659).
const maxWindow = 8 << 20

// newCompressor compresses what is written to it. It runs in the goroutine of its user.
func newCompressor(w io.Writer, coding string) (io.WriteCloser, error) {
	if coding == "gzip" {
		return gzip.NewWriterLevel(w, gzip.BestSpeed)
	}
	return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxWindow/8), zstd.WithEncoderLevel(zstd.SpeedFastest))
}

// copied writes to w and keeps a copy, unless that becomes longer than limit.
type copied struct {
	w     io.Writer
	body  []byte
	limit int // 0: nothing is kept
}

func (c *copied) Write(p []byte) (int, error) {
	if len(c.body)+len(p) > c.limit {
		c.body, c.limit = nil, 0
	}
	if c.limit > 0 {
		c.body = append(c.body, p...)
	}
	return c.w.Write(p)
}
