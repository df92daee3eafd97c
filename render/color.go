package render

import (
	"fmt"
	"image"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// toRGB makes red, green and blue of the three samples of a pixel, all of 8 bits.
type toRGB func(a, b, c uint8) (red, green, blue uint8)

// colorSpaces are the Photometric Interpretations of three samples (PS3.3 C.7.6.3.1.2). YBR_ICT and YBR_RCT exist within JPEG 2000
// only, whose decoders undo them; samples that still bear the name are RGB.
var colorSpaces = map[string]toRGB{
	"RGB":             func(r, g, b uint8) (uint8, uint8, uint8) { return r, g, b },
	"YBR_ICT":         func(r, g, b uint8) (uint8, uint8, uint8) { return r, g, b },
	"YBR_RCT":         func(r, g, b uint8) (uint8, uint8, uint8) { return r, g, b },
	"YBR_FULL":        fullToRGB,
	"YBR_FULL_422":    fullToRGB,
	"YBR_PARTIAL_422": partialToRGB,
	"YBR_PARTIAL_420": partialToRGB,
}

// renderColor makes a picture of a frame of PALETTE COLOR or of three samples. There is no VOI transformation of color.
func renderColor(f *pixel.Frame, a Attributes) (*image.RGBA, error) {
	img := newRGBA(f.Columns, f.Rows)
	if f.Photometric == "PALETTE COLOR" {
		return img, paint(img, f, a.Palette)
	}
	convert, known := colorSpaces[f.Photometric]
	if !known || f.Samples != 3 {
		return nil, fmt.Errorf("Photometric Interpretation (0028,0004) %q with %d samples cannot be rendered",
			f.Photometric, f.Samples)
	}
	var samples []uint8
	switch {
	case f.U8 != nil && f.BitsStored == 8 && !f.Signed:
		samples = f.U8
	case f.U8 != nil:
		samples = toBytes(f.U8, f.BitsStored, f.Signed)
	case f.U16 != nil:
		samples = toBytes(f.U16, f.BitsStored, f.Signed)
	case f.U32 != nil:
		samples = toBytes(f.U32, f.BitsStored, f.Signed)
	default:
		return nil, fmt.Errorf("floating point samples of %s cannot be rendered", f.Photometric)
	}
	dst, src := img.Pix, samples[:3*f.Pixels()]
	if f.Photometric == "RGB" {
		for ; len(src) >= 3; dst, src = dst[4:], src[3:] {
			dst[0], dst[1], dst[2], dst[3] = src[0], src[1], src[2], 0xFF
		}
		return img, nil
	}
	for ; len(src) >= 3; dst, src = dst[4:], src[3:] {
		r, g, b := convert(src[0], src[1], src[2])
		dst[0], dst[1], dst[2], dst[3] = r, g, b, 0xFF
	}
	return img, nil
}

// toBytes scales samples to 8 bits, to the nearest. Signed ones, which color should not have, count from their lowest value.
func toBytes[T uint8 | uint16 | uint32](samples []T, stored int, signed bool) []uint8 {
	greatest := uint64(1)<<stored - 1
	flip := T(0)
	if signed {
		flip = 1 << (stored - 1)
	}
	b := make([]uint8, len(samples))
	for i, v := range samples {
		n := uint64(v^flip) & greatest
		b[i] = uint8((2*white*n + greatest) / (2 * greatest))
	}
	return b
}

// paint looks up the color of each sample.
func paint(img *image.RGBA, f *pixel.Frame, p *Palette) error {
	if p == nil || len(p.Colors) == 0 {
		return fmt.Errorf("PALETTE COLOR without a palette")
	}
	if f.U8 == nil && f.U16 == nil {
		return fmt.Errorf("PALETTE COLOR with %d Bits Allocated (0028,0100)", f.BitsAllocated)
	}
	for i := range f.Pixels() {
		var v float64
		if f.U8 != nil {
			v = stored8(f.U8[i], f.Signed)
		} else {
			v = stored16(f.U16[i], f.Signed)
		}
		c := p.at(int(v))
		pix := img.Pix[4*i:][:4]
		pix[0], pix[1], pix[2], pix[3] = c[0], c[1], c[2], 0xFF
	}
	return nil
}

// Conversion factors in 16-bit fixed point.
const (
	half = 1 << 15

	fullRed       = 91881  // 1.402
	fullBlue      = 116130 // 1.772
	fullGreenBlue = 22554  // 0.344136
	fullGreenRed  = 46802  // 0.714136

	partialLuma      = 76309  // 255/219
	partialRed       = 104597 // 1.402 * 255/224
	partialBlue      = 132201 // 1.772 * 255/224
	partialGreenBlue = 25675  // 0.344136 * 255/224
	partialGreenRed  = 53279  // 0.714136 * 255/224
)

// fullToRGB inverts YBR_FULL.
func fullToRGB(y, cb, cr uint8) (red, green, blue uint8) {
	l, b, r := int32(y), int32(cb)-128, int32(cr)-128
	return clamp(l + (fullRed*r+half)>>16), clamp(l + (half-fullGreenBlue*b-fullGreenRed*r)>>16),
		clamp(l + (fullBlue*b+half)>>16)
}

// partialToRGB inverts YBR_PARTIAL, of which black is 16 and white 235, and chroma spreads over 224 levels.
func partialToRGB(y, cb, cr uint8) (red, green, blue uint8) {
	l, b, r := (int32(y)-16)*partialLuma+half, int32(cb)-128, int32(cr)-128
	return clamp((l + partialRed*r) >> 16), clamp((l - partialGreenBlue*b - partialGreenRed*r) >> 16),
		clamp((l + partialBlue*b) >> 16)
}

func clamp(v int32) uint8 { return uint8(min(max(v, 0), white)) }
