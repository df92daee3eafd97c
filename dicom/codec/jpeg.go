package codec

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/noctis-dicom/noctis/dicom/codec/jpegdct"
	"github.com/noctis-dicom/noctis/dicom/codec/jpeglossless"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// decodeJPEG reads JPEG (PS3.5 8.2.1): DCT, sequential or progressive, 8 or 12 bits; or lossless. The stream says which, since the
// transfer syntax is now and then that of another process.
func decodeJPEG(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error) {
	f, err := decodeDCT(ctx, d, data)
	if errors.Is(err, jpegdct.ErrProcess) {
		f, err = decodeJPEGLossless(ctx, d, data)
	}
	if errors.Is(err, jpeglossless.ErrProcess) {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return f, err
}

func decodeDCT(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error) {
	var h jpegdct.Header
	planes, err := jpegdct.Decode(ctx, data, func(found jpegdct.Header) error {
		h = found
		return acceptJPEG(d, h)
	})
	if err != nil {
		return nil, err
	}
	out := d
	if len(planes) == 3 {
		out.Photometric, out.BitsStored = jpegColors(d.Photometric, h), h.Precision
	}
	if h.Precision == 8 {
		return fromStream(ctx, out, 8, join(planes, func(p jpegdct.Plane) []uint8 { return p.U8 }, d, h))
	}
	return fromStream(ctx, out, h.Precision, join(planes, func(p jpegdct.Plane) []uint16 { return p.U16 }, d, h))
}

// decodeJPEGLossless reads lossless JPEG. There is no color transform in it: the components are what the data set says.
func decodeJPEGLossless(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error) {
	precision := 0
	samples, err := jpeglossless.Decode(ctx, data, func(h jpeglossless.Header) error {
		precision = h.Precision
		return accept(d, h.Height, h.Width, len(h.Components), h.Precision)
	})
	if err != nil {
		return nil, err
	}
	return fromStream(ctx, d, precision, samples)
}

// join makes pixels of the components.
func join[T uint8 | uint16](planes []jpegdct.Plane, samples func(jpegdct.Plane) []T, d pixel.Description, h jpegdct.Header) []T {
	out := make([]T, d.Values())
	if len(planes) == 1 {
		for y := range d.Rows {
			copy(out[y*d.Columns:][:d.Columns], samples(planes[0])[y*planes[0].Stride:])
		}
		return out
	}
	var c [3]component[T]
	for i, p := range planes {
		c[i] = upsampled(samples(p), p, d, h.Components[i], h)
	}
	merge(out, c, converts(d.Photometric, h), h.Precision)
	return out
}

// acceptJPEG compares what the stream says of the image with what the data set says.
func acceptJPEG(d pixel.Description, h jpegdct.Header) error {
	if err := accept(d, h.Height, h.Width, len(h.Components), h.Precision); err != nil {
		return err
	}
	if len(h.Components) != 1 && len(h.Components) != 3 {
		return fmt.Errorf("%d components: %w", len(h.Components), ErrUnsupported)
	}
	return nil
}

// jpegColors is the Photometric Interpretation of the decoded samples, as Decode promises it.
func jpegColors(declared string, h jpegdct.Header) string {
	switch {
	case strings.HasPrefix(declared, "YBR_"):
		return "RGB"
	case declared == "RGB" && !storedAsRGB(h) && (h.JFIF || h.Adobe == 1):
		return "YBR_FULL"
	}
	return declared
}

// storedAsRGB reports whether the stream itself says that its components are R, G and B.
func storedAsRGB(h jpegdct.Header) bool {
	return h.Adobe == 0 || h.Components[0].ID == 'R' && h.Components[1].ID == 'G' && h.Components[2].ID == 'B'
}

// converts reports whether Y, CB and CR of the stream become R, G and B.
func converts(declared string, h jpegdct.Header) bool {
	return len(h.Components) == 3 && strings.HasPrefix(declared, "YBR_") && !storedAsRGB(h)
}
