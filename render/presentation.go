package render

import (
	"encoding/binary"
	"fmt"
	"image"
	"math"
	"sync"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// level of gray: a stored value to 0 to white, through modality, VOI and presentation transformation.
type grayLevel func(stored float64) float64

// grayscale composes the transformations. The window that was asked for replaces what the data set has; a MONOCHROME1 image or the
// Presentation LUT Shape INVERSE turns black and white around (PS3.3 C.7.6.3.1.2, C.11.6). Both at once, as in a DX image of
// MONOCHROME1, mean the same and not the reverse of it.
func grayscale(f *pixel.Frame, a Attributes, o Options) (grayLevel, error) {
	if f.Photometric != "MONOCHROME1" && f.Photometric != "MONOCHROME2" {
		return nil, fmt.Errorf("Photometric Interpretation (0028,0004) %q cannot be rendered", f.Photometric)
	}
	var v voi
	var err error
	switch {
	case o.Window != nil:
		v = o.Window.at
	case o.VOI != nil:
		v, err = a.chosen(*o.VOI)
	case a.VOILUT != nil:
		v = a.VOILUT.voi
	case a.Window != nil && a.Window.valid():
		v = a.Window.at
	case a.State != nil:
		v = whole(f, a)
	default:
		v = automatic(f, a, o.Automatic)
	}
	if err != nil {
		return nil, err
	}
	if a.State != nil && a.State.PresentationLUT != nil {
		return func(stored float64) float64 { return a.State.PresentationLUT.present(v(a.modality(stored))) }, nil
	}
	// A presentation state says by itself whether it inverts (PS3.3 C.11.6.1.2).
	if a.Inverse || a.State == nil && f.Photometric == "MONOCHROME1" {
		return func(stored float64) float64 { return white - v(a.modality(stored)) }, nil
	}
	return func(stored float64) float64 { return v(a.modality(stored)) }, nil
}

// whole is the VOI transformation of a presentation state that has none: the identity, over all values that the modality
// transformation can give.
func whole(f *pixel.Frame, a Attributes) voi {
	if f.Float {
		return automatic(f, a, nil)
	}
	low, high := 0.0, math.Ldexp(1, f.BitsStored)-1
	if f.Signed {
		low, high = -math.Ldexp(1, f.BitsStored-1), math.Ldexp(1, f.BitsStored-1)-1
	}
	if l := a.ModalityLUT; l != nil {
		low, high = 0, l.max()
	} else {
		low, high = a.modality(low), a.modality(high)
		low, high = min(low, high), max(low, high)
	}
	return func(x float64) float64 { return ramp(x, low, high, (x-low)/(high-low)) }
}

// present maps 0 to white through a Presentation LUT, whose entries spread over all that goes in (PS3.3 C.11.6.1.1).
func (l *LUT) present(gray float64) float64 {
	return l.at(float64(l.First)+gray/white*float64(len(l.Entries)-1)) / l.max() * white
}

// level8 and level16 round to the gray levels of a picture.
func (g grayLevel) level8(stored float64) uint8 { return uint8(g(stored) + 0.5) }

func (g grayLevel) level16(stored float64) uint16 {
	return uint16(g(stored)*(math.MaxUint16/white) + 0.5)
}

// renderGray makes a picture of 8 bits. Samples of 8 and 16 bits go through one table that holds all transformations.
func renderGray(f *pixel.Frame, gray grayLevel) *image.Gray {
	return renderPlaced(f, gray, placement{region: image.Rect(0, 0, f.Columns, f.Rows), width: f.Columns, height: f.Rows})
}

// renderPlaced makes the picture that crop.gray would make of renderGray's, without it where there is a table: each row that is needed
// goes through the table and into the picture.
func renderPlaced(f *pixel.Frame, gray grayLevel, crop placement) *image.Gray {
	switch {
	case f.U8 != nil:
		return throughTable(f.Description, inMemory(f.U8, f.Columns), gray, crop)
	case f.U16 != nil:
		return throughTable(f.Description, inMemory(f.U16, f.Columns), gray, crop)
	}
	img := newGray(f.Columns, f.Rows)
	for i := range img.Pix {
		img.Pix[i] = gray.level8(storedAt(f, i))
	}
	return crop.gray(img)
}

// throughTable is renderPlaced of samples that a table has the levels of.
func throughTable[T uint8 | uint16](d pixel.Description, from *source[T], gray grayLevel, crop placement) *image.Gray {
	table := levelTables.Get().(*levels)
	defer levelTables.Put(table)
	if d.BitsAllocated > 8 {
		fill(table[:], d, gray.level8)
	} else {
		fill(table[:1<<8], d, gray.level8)
	}
	if !crop.whole(image.Rect(0, 0, d.Columns, d.Rows)) {
		return placed(crop, from, table)
	}
	img := newGray(d.Columns, d.Rows)
	for y := range d.Rows {
		row := img.Pix[y*d.Columns:][:d.Columns]
		for x, v := range from.lines(y, 1)[:len(row)] {
			row[x] = table[v]
		}
	}
	return img
}

// renderDeep makes a picture of 16 bits.
func renderDeep(f *pixel.Frame, gray grayLevel) *image.Gray16 {
	img := image.NewGray16(image.Rect(0, 0, f.Columns, f.Rows))
	level := func(i int) uint16 { return gray.level16(storedAt(f, i)) }
	if f.U16 != nil {
		table := make([]uint16, 1<<16)
		fill(table, f.Description, gray.level16)
		level = func(i int) uint16 { return table[f.U16[i]] }
	}
	for i := range f.Pixels() {
		binary.BigEndian.PutUint16(img.Pix[2*i:], level(i))
	}
	return img
}

// renderSupplemented shows the stored values that the palette has in its colors, and all others in gray (PS3.3 C.7.6.19.1).
func renderSupplemented(f *pixel.Frame, p *Palette, gray grayLevel) *image.RGBA {
	img := newRGBA(f.Columns, f.Rows)
	levels := renderGray(f, gray)
	for i := range levels.Pix {
		c := [3]uint8{levels.Pix[i], levels.Pix[i], levels.Pix[i]}
		if n := int(storedAt(f, i)) - p.First; n >= 0 && n < len(p.Colors) {
			c = p.Colors[n]
		}
		pix := img.Pix[4*i:][:4]
		pix[0], pix[1], pix[2], pix[3] = c[0], c[1], c[2], white
	}
	return img
}

// renderPseudo shows gray levels in the colors of a palette that spreads over all of them.
func renderPseudo(f *pixel.Frame, p *Palette, gray grayLevel) *image.RGBA {
	img := newRGBA(f.Columns, f.Rows)
	last := float64(len(p.Colors) - 1)
	levels := renderDeep(f, gray)
	for i := range f.Pixels() {
		n := float64(binary.BigEndian.Uint16(levels.Pix[2*i:])) / math.MaxUint16 * last
		c := p.Colors[int(n+0.5)]
		pix := img.Pix[4*i:][:4]
		pix[0], pix[1], pix[2], pix[3] = c[0], c[1], c[2], white
	}
	return img
}

// levelTables are used again.
var levelTables = sync.Pool{New: func() any { return new(levels) }}

// fill gives each sample of up to 16 bits its gray level in the table: by the bits stored, whatever is in those above them.
func fill[T uint8 | uint16](table []T, d pixel.Description, gray func(float64) T) {
	n := min(1<<d.BitsStored, len(table))
	for v := range n {
		stored := float64(v)
		if d.Signed && v >= n/2 {
			stored -= float64(n)
		}
		table[v] = gray(stored)
	}
	for n < len(table) {
		n += copy(table[n:], table[:n])
	}
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
	case f.U8 != nil:
		return stored8(f.U8[i], f.Signed)
	case f.U16 != nil:
		return stored16(f.U16[i], f.Signed)
	case f.U32 != nil && f.Signed:
		return float64(int32(f.U32[i]))
	case f.U32 != nil:
		return float64(f.U32[i])
	case f.F32 != nil:
		return float64(f.F32[i])
	}
	return f.F64[i]
}
