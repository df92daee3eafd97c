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

// rleImage: PS3.5 Table 8.2.2-1, and 32 bits. The planes of colors are what Planar Configuration 1 says.
func rleImage(d pixel.Description) (pixel.Description, error) {
	if err := compressible(d); err != nil {
		return d, err
	}
	d.Planar = d.Samples > 1
	return d, nil
}

// encodeRLE writes the byte planes of PS3.5 Annex G.
func encodeRLE(ctx context.Context, f *pixel.Frame, d pixel.Description, _ EncodeOptions) ([]byte, error) {
	if d.BitsAllocated == 1 {
		packed := PackBits(f.U8)
		return rle.Encode(ctx, [][]byte{packed}, len(packed)) // rows may end within a byte
	}
	planes := make([][]byte, d.Samples*d.BitsAllocated/8)
	for i := range planes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		planes[i] = make([]byte, d.Pixels())
		switch {
		case f.U8 != nil:
			takeBytes(planes[i], f.U8, i, d.Samples, 0)
		case f.U16 != nil:
			takeBytes(planes[i], f.U16, i/2, d.Samples, 8*(1-i%2))
		default:
			takeBytes(planes[i], f.U32, i/4, d.Samples, 8*(3-i%4))
		}
	}
	return rle.Encode(ctx, planes, d.Columns)
}

// takeBytes makes a byte plane of the bits above shift.
func takeBytes[T integer](plane []byte, src []T, sample, samples, shift int) {
	if samples == 1 {
		src = src[:len(plane)]
		for i := range plane {
			plane[i] = byte(src[i] >> shift)
		}
		return
	}
	for i := range plane {
		plane[i] = byte(src[i*samples+sample] >> shift)
	}
}
