package dicomweb

import (
	"encoding/binary"
	"math"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// nativeBytes writes samples as native pixel data in little endian (PS3.5 8.1.1), laid out as the metadata of the instance says:
// by pixel or by plane (PS3.3 C.7.6.3.1.3), the sample ending at the stored High Bit, single bits packed (PS3.5 8.1.1).
func nativeBytes(f *pixel.Frame, stored pixel.Description) []byte {
	if stored.BitsAllocated == 1 {
		return packBits(f.U8)
	}
	write, size, n := sampleWriter(f, max(0, stored.HighBit+1-stored.BitsStored))
	b := make([]byte, n*size)
	pixels := f.Rows * f.Columns
	for i := range n {
		at := i
		if stored.Planar {
			at = i%f.Samples*pixels + i/f.Samples
		}
		write(b[at*size:], i)
	}
	return b
}

// packBits puts samples of 0 and 1 into bytes, the first into the lowest bit.
func packBits(samples []uint8) []byte {
	b := make([]byte, (len(samples)+7)/8)
	for i, v := range samples {
		b[i/8] |= v & 1 << (i % 8)
	}
	return b
}

// sampleWriter returns what writes sample i, integers moved up by shift bits, the bytes that a sample takes, and the number of
// samples.
func sampleWriter(f *pixel.Frame, shift int) (write func(b []byte, i int), size, n int) {
	order := binary.LittleEndian
	switch {
	case f.U8 != nil:
		return func(b []byte, i int) { b[0] = f.U8[i] << shift }, 1, len(f.U8)
	case f.U16 != nil:
		return func(b []byte, i int) { order.PutUint16(b, f.U16[i]<<shift) }, 2, len(f.U16)
	case f.U32 != nil:
		return func(b []byte, i int) { order.PutUint32(b, f.U32[i]<<shift) }, 4, len(f.U32)
	case f.F32 != nil:
		return func(b []byte, i int) { order.PutUint32(b, math.Float32bits(f.F32[i])) }, 4, len(f.F32)
	}
	return func(b []byte, i int) { order.PutUint64(b, math.Float64bits(f.F64[i])) }, 8, len(f.F64)
}
