package codec

import (
	"context"
	"errors"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeg2000"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// decodeJPEG2000 reads JPEG 2000 and HTJ2K (PS3.5 8.2.4, 8.2.14). The component transforms are undone in the decoder, so YBR_RCT
// and YBR_ICT become RGB.
func decodeJPEG2000(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error) {
	h, err := jpeg2000.Config(data)
	if err == nil {
		err = acceptJPEG2000(d, h)
	}
	if err != nil {
		return nil, jpeg2000Error(err)
	}
	img, err := jpeg2000.Decode(ctx, data, jpeg2000.Limits{Samples: d.Values()})
	if err != nil {
		return nil, jpeg2000Error(err)
	}
	f := newFrame(d)
	f.Planar = false
	switch {
	case f.U8 != nil:
		err = mergePlanes(ctx, f.U8, img.Planes)
	case f.U16 != nil:
		err = mergePlanes(ctx, f.U16, img.Planes)
	default:
		err = mergePlanes(ctx, f.U32, img.Planes)
	}
	if err != nil {
		return nil, err
	}
	// The data set decides on the sign: there are encoders that write the bits of signed samples as unsigned ones.
	if stream := h.Components[0]; stream.Precision <= f.BitsStored {
		if f.Signed && !stream.Signed {
			f.BitsStored = stream.Precision
		}
		f.HighBit = f.BitsStored - 1
	}
	if f.Photometric == "YBR_RCT" || f.Photometric == "YBR_ICT" {
		f.Photometric = "RGB"
	}
	return f, settle(ctx, f)
}

// mergePlanes makes pixels of the components.
func mergePlanes[T integer](ctx context.Context, dst []T, planes [][]int32) error {
	return inSteps(ctx, len(planes[0]), func(from, to int) {
		for k, plane := range planes {
			at := from*len(planes) + k
			for _, v := range plane[from:to] {
				dst[at] = T(v)
				at += len(planes)
			}
		}
	})
}

// acceptJPEG2000 compares what the codestream says of the image with what the data set says.
func acceptJPEG2000(d pixel.Description, h jpeg2000.Header) error {
	first := h.Components[0]
	if err := accept(d, h.Height, h.Width, len(h.Components), first.Precision); err != nil {
		return err
	}
	for i, c := range h.Components {
		if c.DX != 1 || c.DY != 1 {
			return fmt.Errorf("component %d is sub-sampled by %d and %d: %w", i, c.DX, c.DY, ErrUnsupported)
		}
		if c != first {
			return fmt.Errorf("component %d differs from the first in precision or sign: %w", i, ErrUnsupported)
		}
	}
	return nil
}

// jpeg2000Error makes the decoder's word for what it does not decode that of this package.
func jpeg2000Error(err error) error {
	if errors.Is(err, jpeg2000.ErrUnsupported) {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return err
}
