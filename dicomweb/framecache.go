package dicomweb

import (
	"context"
	"encoding/hex"
	"strconv"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/store"
)

// frameCache keeps the decoded frames that were asked for last, and has each decoded once, however many requests want it at the same
// time. It is safe for concurrent use. The frames must not be changed.
type frameCache struct {
	*onceCache[decoded]
	expected *boundedCache[struct{}] // frames that follow one that was asked for
	metrics  *metrics
}

// expectedFrames is the room for what may come next: some thousand frames.
const expectedFrames = 1 << 20

func newFrameCache(limit int64, m *metrics) *frameCache {
	return &frameCache{newOnceCache[decoded](limit), newBoundedCache[struct{}](expectedFrames), m}
}

// frameKey names a frame of an instance.
func frameKey(e *store.Entry, n int) string {
	return hex.EncodeToString(e.Blob[:]) + "/" + strconv.Itoa(n)
}

// frame returns the frame of the key, which decode makes if it is not there, in the goroutine of the caller, who holds a token of
// pictures.decode: whoever waits here waits for one that has a token, too, and so goes on.
func (c *frameCache) frame(ctx context.Context, key string, decode func() (decoded, error)) (decoded, error) {
	f, mine, err := c.get(ctx, key, func() (decoded, int64, error) {
		c.metrics.frameMisses.Inc()
		f, err := decode()
		if err != nil {
			return f, 0, err
		}
		return f, frameBytes(f.frame), nil
	})
	switch {
	case mine:
		c.metrics.frameBytes.Set(float64(c.kept.size()))
	case err == nil || ctx.Err() == nil:
		c.metrics.frameHits.Inc()
	}
	return f, err
}

// frameBytes is the memory that the samples of a frame take.
func frameBytes(f *pixel.Frame) int64 {
	return int64(len(f.U8) + 2*len(f.U16) + 4*len(f.U32) + 4*len(f.F32) + 8*len(f.F64))
}

// decodedOnce is decodeFrame by way of the cache. The caller holds a token of pictures.decode.
func (s *Server) decodedOnce(ctx context.Context, in *store.Instance, ds *dicom.DataSet, n int) (decoded, error) {
	return s.frames.frame(ctx, frameKey(in.Entry, n), func() (decoded, error) { return s.decodeFrame(ctx, in, ds, n) })
}
