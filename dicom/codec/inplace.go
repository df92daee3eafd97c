package codec

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"unsafe"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// IsPlain reports whether a frame of the transfer syntax lies in the file as its samples are, so that to decode it is hardly more work
// than to read it.
func IsPlain(ts dicom.UID) bool {
	return ts == dicom.ExplicitVRLittleEndian || ts == dicom.ImplicitVRLittleEndian
}

// DecodeInPlace is Decode of data that the caller gives away: where they can be, the samples of the frame are data itself, and live as
// long. They can be for native samples of 8 bits, and gray ones of 16 on processors whose words are those of the file.
func DecodeInPlace(ctx context.Context, ts dicom.UID, d pixel.Description, data []byte) (*pixel.Frame, error) {
	n := d.Values()
	if !IsPlain(ts) || d.Float || n < 1 || n > maxValues {
		return Decode(ctx, ts, d, data)
	}
	if d.BitsAllocated == 8 && d.BitsStored == 8 && !(d.Planar && d.Samples > 1) && !subsampled(d) && len(data) >= n {
		d.Planar = false
		return &pixel.Frame{Description: d, U8: data[:n]}, ctx.Err()
	}
	// #nosec G103 -- the address is only looked at
	if d.Samples != 1 || d.BitsAllocated != 16 || len(data) < 2*n ||
		binary.NativeEndian.Uint16([]byte{1, 0}) != 1 || uintptr(unsafe.Pointer(&data[0]))%2 != 0 {
		return Decode(ctx, ts, d, data)
	}
	f := &pixel.Frame{Description: d, U16: unsafe.Slice((*uint16)(unsafe.Pointer(&data[0])), n)} // #nosec G103 -- aligned, and of 2n bytes at least: looked at above
	if settled(d, data[:2*n]) {
		f.HighBit, f.Planar = d.BitsStored-1, false
		return f, ctx.Err()
	}
	if err := settle(ctx, f); err != nil {
		return nil, fmt.Errorf("%s: %w", ts, err)
	}
	return f, nil
}

// settled reports whether samples of 16 bits have nothing in them but the bits stored, and their sign: it looks at many at a time.
func settled(d pixel.Description, data []byte) bool {
	if d.HighBit != d.BitsStored-1 {
		return false
	}
	if d.BitsStored == 16 {
		return true
	}
	const every = 0x0001_0001_0001_0001
	above := uint64(uint16(0xFFFF)<<d.BitsStored) * every // the bits above those stored
	shift := uint(0)
	if d.Signed {
		shift = 1 // each of them is the one below it
	}
	rubbish := uint64(0)
	for ; len(data) >= 64; data = data[64:] {
		// #nosec G103 -- there are as many bytes: looked at above
		rubbish |= changes((*[8]uint64)(unsafe.Pointer(&data[0])), shift)
	}
	for ; len(data) >= 2; data = data[2:] {
		v := binary.LittleEndian.Uint16(data)
		rubbish |= uint64(v ^ bits.RotateLeft16(v, 1)*uint16(shift))
	}
	return rubbish&above == 0
}

// changes has a bit set where one of the words has, or, shifted by one, where it differs from the bit below it.
func changes(w *[8]uint64, shift uint) uint64 {
	if shift == 0 {
		return w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7]
	}
	all := uint64(0)
	for _, v := range w {
		all |= v ^ v<<shift
	}
	return all
}
