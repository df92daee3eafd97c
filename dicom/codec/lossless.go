package codec

import (
	"context"
	"errors"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeglossless"
	"github.com/noctis-dicom/noctis/dicom/codec/jpegls"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// decodeJPEGLossless reads lossless JPEG (PS3.5 8.2.1). There is no color transform in it: the components are what the data set says.
func decodeJPEGLossless(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error) {
	precision := 0
	samples, err := jpeglossless.Decode(ctx, data, func(h jpeglossless.Header) error {
		precision = h.Precision
		return accept(d, h.Height, h.Width, len(h.Components), h.Precision)
	})
	if errors.Is(err, jpeglossless.ErrProcess) {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	if err != nil {
		return nil, err
	}
	return fromStream(ctx, d, precision, samples)
}

// decodeJPEGLS reads JPEG-LS, lossless and near-lossless (PS3.5 8.2.3). Its components, too, are what the data set says.
func decodeJPEGLS(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error) {
	precision := 0
	samples, err := jpegls.Decode(ctx, data, func(h jpegls.Header) error {
		precision = h.Precision
		return accept(d, h.Height, h.Width, h.Components, h.Precision)
	})
	if errors.Is(err, jpegls.ErrFeature) {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	if err != nil {
		return nil, err
	}
	return fromStream(ctx, d, precision, samples)
}

// accept compares what a codestream says of the image with what the data set says.
func accept(d pixel.Description, rows, columns, components, precision int) error {
	if rows != d.Rows || columns != d.Columns {
		return fmt.Errorf("expected %d columns and %d rows, found %d and %d", d.Columns, d.Rows, columns, rows)
	}
	if components != d.Samples {
		return fmt.Errorf("expected %d components, found %d", d.Samples, components)
	}
	if d.Float || d.BitsAllocated < precision {
		return fmt.Errorf("expected at most %d bits per sample, found %d", d.BitsAllocated, precision)
	}
	return nil
}

// fromStream makes a frame of the interleaved samples of a codestream. Where the stream's samples have no more than the bits stored,
// they are nothing but those, wherever High Bit says they were in memory.
func fromStream[T integer](ctx context.Context, d pixel.Description, precision int, samples []T) (*pixel.Frame, error) {
	f := &pixel.Frame{Description: d}
	f.Planar = false
	if precision <= f.BitsStored {
		f.HighBit = f.BitsStored - 1
	}
	put(f, samples)
	return f, settle(ctx, f)
}
