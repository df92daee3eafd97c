package codec

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// decodeNative reads uncompressed samples (PS3.5 8.1.1, 8.2), in little endian. Bytes beyond the frame are padding.
func decodeNative(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error) {
	if expected := nativeLength(d); len(data) < expected {
		return nil, short(expected, len(data))
	}
	if d.Float {
		return decodeFloat(ctx, d, data)
	}
	// Some writers call what they did not sub-sample YBR_FULL_422: then there is a byte for every sample.
	if subsampled(d) && (len(data) == nativeLength(d) || len(data) < d.Values()*d.BitsAllocated/8) {
		return decode422(ctx, d, data)
	}
	f := newFrame(d)
	if err := readWords(ctx, f, data); err != nil {
		return nil, err
	}
	if f.Photometric == "YBR_FULL_422" {
		f.Photometric = "YBR_FULL"
	}
	return f, settle(ctx, f)
}

// subsampled reports whether native pixels share CB and CR in pairs (PS3.3 C.7.6.3.1.2).
func subsampled(d pixel.Description) bool {
	return d.Samples == 3 && (d.Photometric == "YBR_FULL_422" || d.Photometric == "YBR_PARTIAL_422")
}

// nativeLength is the number of bytes of a native frame.
func nativeLength(d pixel.Description) int {
	switch {
	case d.BitsAllocated == 1:
		return (d.Values() + 7) / 8
	case subsampled(d):
		return d.Rows * ((d.Columns + 1) / 2) * 4 * d.BitsAllocated / 8
	}
	return d.Values() * d.BitsAllocated / 8
}

// readWords fills the samples of f in the order of data.
func readWords(ctx context.Context, f *pixel.Frame, data []byte) error {
	switch {
	case f.BitsAllocated == 1:
		return inSteps(ctx, len(f.U8), func(from, to int) { unpackBits(f.U8[from:to], data[from/8:]) })
	case f.U8 != nil:
		copy(f.U8, data)
		return nil
	case f.U16 != nil:
		return inSteps(ctx, len(f.U16), func(from, to int) {
			src, dst := data[2*from:2*to], f.U16[from:to]
			for i := range dst {
				dst[i] = binary.LittleEndian.Uint16(src[2*i:])
			}
		})
	}
	return inSteps(ctx, len(f.U32), func(from, to int) {
		src, dst := data[4*from:4*to], f.U32[from:to]
		for i := range dst {
			dst[i] = binary.LittleEndian.Uint32(src[4*i:])
		}
	})
}

// unpackBits spreads bits over bytes, the least significant bit first (PS3.5 8.1.1, D.1).
func unpackBits(dst, src []byte) {
	for i := range dst {
		dst[i] = src[i>>3] >> (i & 7) & 1
	}
}

func decodeFloat(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error) {
	f := &pixel.Frame{Description: d}
	if d.BitsAllocated == 32 {
		f.F32 = make([]float32, d.Values())
		return f, inSteps(ctx, len(f.F32), func(from, to int) {
			for i := from; i < to; i++ {
				f.F32[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
			}
		})
	}
	f.F64 = make([]float64, d.Values())
	return f, inSteps(ctx, len(f.F64), func(from, to int) {
		for i := from; i < to; i++ {
			f.F64[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
		}
	})
}

// decode422 reads pixels in pairs, Y1 Y2 CB CR, and gives both the CB and CR that they share.
func decode422(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error) {
	if d.Planar {
		return nil, errors.New("Planar Configuration (0028,0006) is 1 with " + d.Photometric)
	}
	if d.BitsAllocated > 16 {
		return nil, fmt.Errorf("%s with %d Bits Allocated (0028,0100)", d.Photometric, d.BitsAllocated)
	}
	pairs := pixel.Frame{Description: d}
	pairs.Samples, pairs.Columns = 4, (d.Columns+1)/2
	pairs = *newFrame(pairs.Description)
	if err := readWords(ctx, &pairs, data); err != nil {
		return nil, err
	}
	f := newFrame(d)
	if f.Photometric == "YBR_FULL_422" {
		f.Photometric = "YBR_FULL"
	}
	var err error
	if f.U8 != nil {
		err = spread(ctx, f.U8, pairs.U8, d.Columns)
	} else {
		err = spread(ctx, f.U16, pairs.U16, d.Columns)
	}
	if err != nil {
		return nil, err
	}
	return f, settle(ctx, f)
}

func spread[T integer](ctx context.Context, dst, pairs []T, columns int) error {
	for len(dst) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		for x := range columns {
			pair := pairs[x/2*4:]
			dst[3*x], dst[3*x+1], dst[3*x+2] = pair[x&1], pair[2], pair[3]
		}
		dst, pairs = dst[3*columns:], pairs[(columns+1)/2*4:]
	}
	return nil
}

// decodeDeflated inflates a frame (PS3.5 A.4.13), to its native length and no further.
func decodeDeflated(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error) {
	expected := nativeLength(d)
	// DEFLATE codes 258 bytes in two bits at best (RFC 1951 3.2.5), so that a header cannot claim much more than is there.
	if expected > 1032*len(data)+1032 {
		return nil, short(expected, len(data))
	}
	native := make([]byte, expected)
	inflated := flate.NewReader(bytes.NewReader(data))
	err := error(nil)
	if canceled := inSteps(ctx, expected, func(from, to int) {
		if err == nil {
			var n int
			if n, err = io.ReadFull(inflated, native[from:to]); errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
				err = short(expected, from+n)
			}
		}
	}); canceled != nil {
		return nil, canceled
	}
	if err != nil {
		return nil, err
	}
	return decodeNative(ctx, d, native)
}
