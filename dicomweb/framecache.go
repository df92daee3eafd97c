package dicomweb

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"
	"sync"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/store"
)

// frameCache keeps the decoded frames that were asked for last, and has each decoded once, however many requests want it at the same
// time. It is safe for concurrent use. The frames must not be changed.
type frameCache struct {
	kept     *boundedCache[decoded]
	expected *boundedCache[struct{}] // frames that follow one that was asked for
	metrics  *metrics

	mu       sync.Mutex
	decoding map[string]*decoding
}

// decoding is a frame that is being decoded by one for all who wait for it.
type decoding struct {
	done  chan struct{} // closed when frame and err are set
	frame decoded
	err   error
}

// expectedFrames is the room for what may come next: some thousand frames.
const expectedFrames = 1 << 20

func newFrameCache(limit int64, m *metrics) *frameCache {
	return &frameCache{
		kept: newBoundedCache[decoded](limit), expected: newBoundedCache[struct{}](expectedFrames), metrics: m,
		decoding: map[string]*decoding{},
	}
}

// frameKey names a frame of an instance.
func frameKey(e *store.Entry, n int) string {
	return hex.EncodeToString(e.Blob[:]) + "/" + strconv.Itoa(n)
}

// frame returns the frame of the key, which decode makes if it is not there. It is made in the goroutine of the caller, who holds a token of
// pictures.decode: whoever waits here waits for one that has a token, too, and so goes on. If that one is called off, another takes
// over.
func (c *frameCache) frame(ctx context.Context, key string, decode func() (decoded, error)) (decoded, error) {
	for {
		c.mu.Lock()
		if f, found := c.kept.get(key); found {
			c.mu.Unlock()
			c.metrics.frameHits.Inc()
			return f, nil
		}
		d := c.decoding[key]
		if d == nil {
			d = &decoding{done: make(chan struct{}), err: errors.New("the decoder panicked")}
			c.decoding[key] = d
			c.mu.Unlock()
			return c.make(key, d, decode)
		}
		c.mu.Unlock()
		select {
		case <-d.done:
		case <-ctx.Done():
			return decoded{}, ctx.Err()
		}
		if !errors.Is(d.err, context.Canceled) {
			c.metrics.frameHits.Inc()
			return d.frame, d.err
		}
	}
}

// make decodes a frame and keeps it; an error is not kept.
func (c *frameCache) make(key string, d *decoding, decode func() (decoded, error)) (decoded, error) {
	c.metrics.frameMisses.Inc()
	defer func() { // after a panic, too
		c.mu.Lock()
		delete(c.decoding, key)
		c.mu.Unlock()
		close(d.done)
	}()
	d.frame, d.err = decode()
	if d.err == nil {
		c.metrics.frameBytes.Set(float64(c.kept.add(key, d.frame, frameBytes(d.frame.frame))))
	}
	return d.frame, d.err
}

// frameBytes is the memory that the samples of a frame take.
func frameBytes(f *pixel.Frame) int64 {
	return int64(len(f.U8) + 2*len(f.U16) + 4*len(f.U32) + 4*len(f.F32) + 8*len(f.F64))
}

// decodedOnce is decodeFrame by way of the cache. The caller holds a token of pictures.decode.
func (s *Server) decodedOnce(ctx context.Context, in *store.Instance, ds *dicom.DataSet, n int) (decoded, error) {
	return s.frames.frame(ctx, frameKey(in.Entry, n), func() (decoded, error) { return s.decodeFrame(ctx, in, ds, n) })
}
