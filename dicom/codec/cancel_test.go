package codec

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// countdown is a context that ends when it has been looked at so often.
type countdown struct {
	context.Context
	left atomic.Int64
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestDecodeLooksAtContext decodes a large image of each syntax with contexts that end on the way: whenever that is, it is
// noticed, and the context is looked at often.
func TestDecodeLooksAtContext(t *testing.T) {
	for ts := range encoders {
		d := gray(1024, 1024, 16, 12)
		if ts == dicom.JPEGBaseline8Bit || ts == dicom.JPEGLSNearLossless {
			d = gray(1024, 1024, 8, 8)
		}
		data, err := Encode(context.Background(), ts, randomFrame(d, 1), EncodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		encoding, _ := Encoded(ts, d)
		const many = 1 << 30
		ctx := &countdown{Context: context.Background()}
		ctx.left.Store(many)
		if _, err := Decode(ctx, ts, encoding.Image, data); err != nil {
			t.Fatal(err)
		}
		looks := many - ctx.left.Load()
		if looks < 4 {
			t.Errorf("%s: looks at the context %d times", syntaxName(ts), looks)
		}
		for _, n := range []int64{1, looks / 2, looks - 1} {
			ctx.left.Store(n)
			if _, err := Decode(ctx, ts, encoding.Image, data); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, canceled at look %d of %d: %v", syntaxName(ts), n, looks, err)
			}
		}
	}
}
