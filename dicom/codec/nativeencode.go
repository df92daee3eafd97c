package codec

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"math"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// Native returns the samples of a decoded frame as native pixel data has them, in little endian (PS3.5 8.1.1), laid out as layout
// says: its Planar Configuration and High Bit. The bits of a frame with Bits Allocated 1 begin at a byte and end with padding.
func Native(f *pixel.Frame, layout pixel.Description) []byte {
	shift := max(0, layout.HighBit+1-layout.BitsStored)
	switch {
	case layout.BitsAllocated == 1:
		return PackBits(f.U8)
	case f.U8 != nil:
		b := layOut(f.U8, f.Samples, layout.Planar, true)
		if shift > 0 {
			for i := range b {
				b[i] <<= shift
			}
		}
		return b
	case f.U16 != nil:
		return words(layOut(f.U16, f.Samples, layout.Planar, false), 2, func(b []byte, v uint16) {
			binary.LittleEndian.PutUint16(b, v<<shift)
		})
	case f.U32 != nil:
		return words(layOut(f.U32, f.Samples, layout.Planar, false), 4, func(b []byte, v uint32) {
			binary.LittleEndian.PutUint32(b, v<<shift)
		})
	case f.F32 != nil:
		return words(f.F32, 4, func(b []byte, v float32) { binary.LittleEndian.PutUint32(b, math.Float32bits(v)) })
	}
	return words(f.F64, 8, func(b []byte, v float64) { binary.LittleEndian.PutUint64(b, math.Float64bits(v)) })
}

// layOut puts samples that lie side by side by pixel into planes, where that is asked for. The result is a copy where one is
// made or wanted.
func layOut[T integer](samples []T, n int, planar, fresh bool) []T {
	if !planar || n == 1 {
		if fresh {
			return append([]T(nil), samples...)
		}
		return samples
	}
	planes := make([]T, len(samples))
	for k := range n {
		plane := planes[k*len(samples)/n:][:len(samples)/n]
		for i := range plane {
			plane[i] = samples[i*n+k]
		}
	}
	return planes
}

func words[T any](samples []T, size int, put func([]byte, T)) []byte {
	b := make([]byte, len(samples)*size)
	for i, v := range samples {
		put(b[i*size:], v)
	}
	return b
}

// PackBits puts samples of 0 and 1 into bytes, the first into the lowest bit (PS3.5 8.1.1).
func PackBits(samples []uint8) []byte {
	b := make([]byte, (len(samples)+7)/8)
	for i, v := range samples {
		b[i/8] |= v & 1 << (i % 8)
	}
	return b
}

func encodeNative(_ context.Context, f *pixel.Frame, layout pixel.Description, _ EncodeOptions) ([]byte, error) {
	return Native(f, layout), nil
}

// encodeDeflated deflates the native frame (PS3.5 A.4.13).
func encodeDeflated(ctx context.Context, f *pixel.Frame, layout pixel.Description, _ EncodeOptions) ([]byte, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	native := Native(f, layout)
	if err := inSteps(ctx, len(native), func(from, to int) {
		w.Write(native[from:to]) // into memory: it cannot fail
	}); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
