package codec

import (
	"context"
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/dicom/codec/rle"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// decodeRLE reads the byte planes of PS3.5 Annex G: those of the first sample, most significant first, then those of the next.
func decodeRLE(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error) {
	if d.Float {
		return nil, fmt.Errorf("floating point samples: %w", ErrUnsupported)
	}
	segments, err := rle.Segments(data)
	if err != nil {
		return nil, err
	}
	planes, length := d.Samples*((d.BitsAllocated+7)/8), d.Pixels()
	if len(segments) != planes {
		return nil, fmt.Errorf("expected %d segments, found %d", planes, len(segments))
	}
	if d.BitsAllocated == 1 {
		length = (length + 7) / 8 // the bits are packed as in a native frame
	}
	for i, s := range segments {
		if len(s) < rle.MinLength(length) {
			return nil, fmt.Errorf("segment %d: expected %d bytes, found at most %d: %w", i+1, length, 64*len(s),
				io.ErrUnexpectedEOF)
		}
	}
	f := newFrame(d)
	f.Planar = false // the segments lie in planes, whatever the attribute says
	plane := make([]byte, length)
	for i, s := range segments {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := rle.Decode(plane, s); err != nil {
			return nil, fmt.Errorf("segment %d of %d: %w", i+1, planes, err)
		}
		addPlane(f, plane, i)
	}
	return f, settle(ctx, f)
}

// addPlane puts the i-th byte plane into the samples.
func addPlane(f *pixel.Frame, plane []byte, i int) {
	switch {
	case f.BitsAllocated == 1:
		unpackBits(f.U8, plane)
	case f.U8 != nil:
		addBytes(f.U8, plane, i, f.Samples)
	case f.U16 != nil:
		addBytes(f.U16, plane, i/2, f.Samples)
	default:
		addBytes(f.U32, plane, i/4, f.Samples)
	}
}

// addBytes appends a byte of plane to each value of the sample.
func addBytes[T integer](dst []T, plane []byte, sample, samples int) {
	if samples == 1 {
		dst = dst[:len(plane)]
		for i, v := range plane {
			dst[i] = dst[i]<<4<<4 | T(v) // in two steps, since a uint8 cannot be shifted by a constant 8
		}
		return
	}
	for i, v := range plane {
		k := i*samples + sample
		dst[k] = dst[k]<<4<<4 | T(v)
	}
}
