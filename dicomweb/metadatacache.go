package dicomweb

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// metadataCache keeps compressed metadata, so that it is not made and compressed for each request: a viewer asks for all series of a
// study at once, again at every visit, and so does the next viewer. Entries are found by what they are made of, so that what is stored
// meanwhile makes a new one. Who asks for what another is just having made waits for that. An answer that is too long to be kept is
// written as it comes. It is safe for concurrent use.
type metadataCache struct {
	bodies *boundedCache[metadataBody]
	states *boundedCache[state] // by reference, and what who asks may see
	limit  int                  // of one body

	requests *boundedCache[*metadataRequest] // by their words

	mu     sync.Mutex
	making map[string]chan struct{} // closed when it is made
}

// metadataBody is a compressed body.
type metadataBody struct {
	packed  []byte
	length  int64      // without the compression
	growing *grownGzip // in gzip: the same; else nil
}

// stateCache is the most bytes of states that are kept: some thousand series.
const stateCache = 1 << 20

func newMetadataCache(limit int64) *metadataCache {
	return &metadataCache{
		bodies: newBoundedCache[metadataBody](limit), states: newBoundedCache[state](stateCache), limit: int(max(limit, 0) / 8),
		requests: newBoundedCache[*metadataRequest](stateCache), making: map[string]chan struct{}{},
	}
}

// A metadataWrite writes the body that its key names.
type metadataWrite func(io.Writer) error

// send sends the body that write makes, in the content coding, or the one that is kept under the key. A client that takes no content
// coding gets what is kept in gzip, unpacked on the way.
func (c *metadataCache) send(ctx context.Context, w http.ResponseWriter, coding, key string, write metadataWrite) error {
	if coding != "" {
		w.Header().Set("Content-Encoding", coding)
	}
	if c.limit == 0 {
		return writeCoded(w, coding, write)
	}
	packing := cmp.Or(coding, "gzip")
	key = packing + key
	if body, found := c.bodies.get(key); found {
		return body.send(w, coding)
	}
	made, mine := c.begin(key)
	if mine {
		defer c.end(key, made)
	} else {
		select {
		case <-made:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if body, found := c.bodies.get(key); found {
		return body.send(w, coding)
	}
	if !mine { // it failed, or is too long
		return writeCoded(w, coding, write)
	}
	return c.make(w, coding, packing, key, write)
}

// describe sets the headers that send would set, as far as they are known without the body being made.
func (c *metadataCache) describe(w http.ResponseWriter, coding, key string) {
	if coding != "" {
		w.Header().Set("Content-Encoding", coding)
	}
	body, found := c.bodies.get(cmp.Or(coding, "gzip") + key)
	if !found {
		return
	}
	length := int64(len(body.packed))
	if coding == "" {
		length = body.length
	}
	w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
}

// has reports whether the body of a key lies ready in a content coding.
func (c *metadataCache) has(coding, key string) bool {
	_, found := c.bodies.get(coding + key)
	return found
}

// begin reports whether the caller has to make the body of the key; else it is made when the channel is closed.
func (c *metadataCache) begin(key string) (made chan struct{}, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if made = c.making[key]; made == nil {
		made, mine = make(chan struct{}), true
		c.making[key] = made
	}
	return made, mine
}

func (c *metadataCache) end(key string, made chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.making, key)
	close(made)
}

// make makes a body, sends it as it comes, and keeps it if it is not too long.
func (c *metadataCache) make(w io.Writer, coding, packing, key string, write metadataWrite) error {
	kept := &copied{w: w, limit: c.limit}
	if coding == "" {
		kept.w = io.Discard
	}
	var z io.WriteCloser
	var growing *gzipWriter
	if packing == "gzip" {
		growing = newGzipWriter(kept)
		z = growing
	} else {
		z = newCompressor(kept, packing)
	}
	plain := &countedWriter{w: z}
	if coding == "" {
		plain.w = io.MultiWriter(w, z)
	}
	if err := write(plain); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if kept.limit > 0 {
		body := metadataBody{packed: bytes.Clone(kept.body), length: plain.n}
		if growing != nil {
			body.growing = growing.grown(body.packed)
		}
		c.keep(key, body)
	}
	return nil
}

// keep keeps a body.
func (c *metadataCache) keep(key string, b metadataBody) {
	n := int64(cap(b.packed))
	if b.growing != nil {
		n += int64(cap(b.growing.window))
	}
	c.bodies.add(key, b, n)
}

// send sends a body that is kept.
func (b metadataBody) send(w http.ResponseWriter, coding string) error {
	if coding != "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(b.packed)))
		_, err := w.Write(b.packed)
		return err
	}
	plain, err := gzip.NewReader(bytes.NewReader(b.packed))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Length", strconv.FormatInt(b.length, 10))
	_, err = io.Copy(w, plain)
	return err
}

// writeCoded writes a body in a content coding.
func writeCoded(w io.Writer, coding string, write metadataWrite) error {
	if coding == "" {
		return write(w)
	}
	z := newCompressor(w, coding)
	if err := write(z); err != nil {
		return err
	}
	return z.Close()
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

// grow makes of the list that is kept in gzip under a key, or of nothing, a longer one under another key.
func (c *metadataCache) grow(from, to string, begin bool, list []byte) {
	const packing = "gzip"
	if len(list) > c.limit {
		return
	}
	if begin {
		var b bytes.Buffer
		z := newGzipWriter(&b)
		if _, err := z.Write(list); err != nil || z.Close() != nil {
			return
		}
		grown := z.grown(b.Bytes())
		c.keep(packing+to, metadataBody{grown.packed, grown.length, grown})
		return
	}
	body, found := c.bodies.get(packing + from)
	if !found || len(body.packed) > min(largestGrowth, c.limit) {
		return
	}
	list[0] = ',' // instead of its "["
	if grown, err := body.growing.with(list); err == nil {
		c.keep(packing+to, metadataBody{grown.packed, grown.length, grown})
		c.bodies.drop(packing + from)
	}
}
