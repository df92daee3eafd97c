package render

import (
	"fmt"
	"image"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// renderGray takes a frame of MONOCHROME1 or MONOCHROME2 through modality, VOI and presentation transformation. Samples of 8 and
// 16 bits go through one table that holds all three.
func renderGray(f *pixel.Frame, a Attributes, asked *Window) (*image.Gray, error) {
	if f.Photometric != "MONOCHROME1" && f.Photometric != "MONOCHROME2" {
		return nil, fmt.Errorf("Photometric Interpretation (0028,0004) %q cannot be rendered", f.Photometric)
	}
	gray := grayscale(f, a, asked)
	img := image.NewGray(image.Rect(0, 0, f.Columns, f.Rows))
	switch {
	case f.U8 != nil:
		var table [1 << 8]uint8
		for v := range table {
			table[v] = gray(stored8(uint8(v), f.Signed))
		}
		for i, v := range f.U8[:len(img.Pix)] {
			img.Pix[i] = table[v]
		}
	case f.U16 != nil:
		table := table16(f, gray)
		for i, v := range f.U16[:len(img.Pix)] {
			img.Pix[i] = table[v]
		}
	default:
		for i := range img.Pix {
			img.Pix[i] = gray(storedAt(f, i))
		}
	}
	return img, nil
}

// grayscale composes the transformations: a stored value to a gray level. The window that was asked for replaces what the data
// set has; a MONOCHROME1 image or the Presentation LUT Shape INVERSE turns black and white around (PS3.3 C.7.6.3.1.2, C.11.6).
// Both at once, as in a DX image of MONOCHROME1, mean the same and not the reverse of it.
func grayscale(f *pixel.Frame, a Attributes, asked *Window) func(stored float64) uint8 {
	var v voi
	switch {
	case asked != nil:
		v = asked.at
	case a.VOILUT != nil:
		v = a.VOILUT.voi
	case a.Window != nil && a.Window.valid():
		v = a.Window.at
	default:
		v = automatic(f, a)
	}
	inverse := a.Inverse || f.Photometric == "MONOCHROME1"
	return func(stored float64) uint8 {
		level := uint8(v(a.modality(stored)) + 0.5)
		if inverse {
			return white - level
		}
		return level
	}
}

// table16 has the gray level of each 16-bit sample that can occur: those of the bits stored.
func table16(f *pixel.Frame, gray func(float64) uint8) *[1 << 16]uint8 {
	var table [1 << 16]uint8
	n := 1 << f.BitsStored
	first := 0
	if f.Signed {
		first = -n / 2
	}
	for v := first; v < first+n; v++ {
		table[uint16(v)] = gray(float64(v))
	}
	return &table
}

// stored8, stored16 and storedAt give a sample as the number it stands for.
func stored8(v uint8, signed bool) float64 {
	if signed {
		return float64(int8(v))
	}
	return float64(v)
}

func stored16(v uint16, signed bool) float64 {
	if signed {
		return float64(int16(v))
	}
	return float64(v)
}

func storedAt(f *pixel.Frame, i int) float64 {
	switch {
	case f.U32 != nil && f.Signed:
		return float64(int32(f.U32[i]))
	case f.U32 != nil:
		return float64(f.U32[i])
	case f.F32 != nil:
		return float64(f.F32[i])
	}
	return f.F64[i]
}
