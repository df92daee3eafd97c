package codestream

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// Colour types of PNG (ISO/IEC 15948 11.2.2).
const (
	pngGray      = 0
	pngGrayAlpha = 4
)

// inspectPNG reads the image header. Palettes become true colour, and bits fewer than 8 are spread over 8.
func inspectPNG(r *io.SectionReader) (Stream, error) {
	var b [33]byte
	if _, err := r.ReadAt(b[:], 0); err != nil || string(b[:8]) != "\x89PNG\r\n\x1a\n" || string(b[12:16]) != "IHDR" {
		return Stream{}, errors.New("no PNG: it does not begin with its signature and IHDR")
	}
	samples, bits := 3, 8
	if colors := b[25]; colors == pngGray || colors == pngGrayAlpha {
		samples = 1
	}
	if b[24] == 16 {
		bits = 16
	}
	columns, rows := binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:])
	d, err := describe(int(rows), int(columns), samples, bits, false)
	return Stream{Description: d}, err
}

func transformPNG(w io.Writer, r *io.SectionReader, limit int64) (pixel.Description, error) {
	s, err := inspectPNG(r)
	if err != nil {
		return pixel.Description{}, err
	}
	d := s.Description
	if err := fits(d, limit); err != nil {
		return d, err
	}
	img, err := png.Decode(bufio.NewReader(io.NewSectionReader(r, 0, r.Size())))
	if err != nil {
		return d, err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	write, err := pngWriter(out, img, d)
	if err != nil {
		return d, err
	}
	for y := range d.Rows {
		for x := range d.Columns {
			write(x, y)
		}
	}
	return d, out.Flush()
}

// pngWriter writes one pixel as d says, without its alpha. Colours are taken as they were stored, never by color.Color, whose
// RGBA would have them multiplied by alpha. Errors of out are kept until its Flush.
func pngWriter(out *bufio.Writer, img image.Image, d pixel.Description) (func(x, y int), error) {
	bytes8 := func(pix []byte) { out.Write(pix[:d.Samples]) }
	words := func(pix []byte) {
		for i := range d.Samples {
			out.Write([]byte{pix[2*i+1], pix[2*i]})
		}
	}
	switch img := img.(type) {
	case *image.Gray:
		return func(x, y int) { bytes8(img.Pix[img.PixOffset(x, y):]) }, nil
	case *image.NRGBA:
		return func(x, y int) { bytes8(img.Pix[img.PixOffset(x, y):]) }, nil
	case *image.RGBA: // of a PNG without alpha, so that nothing was multiplied
		return func(x, y int) { bytes8(img.Pix[img.PixOffset(x, y):]) }, nil
	case *image.Gray16:
		return func(x, y int) { words(img.Pix[img.PixOffset(x, y):]) }, nil
	case *image.NRGBA64:
		return func(x, y int) { words(img.Pix[img.PixOffset(x, y):]) }, nil
	case *image.RGBA64:
		return func(x, y int) { words(img.Pix[img.PixOffset(x, y):]) }, nil
	case *image.Paletted:
		colors := colorsOf(img.Palette)
		return func(x, y int) { bytes8(colors[img.ColorIndexAt(x, y)][:]) }, nil
	}
	return nil, fmt.Errorf("pixels of kind %T cannot be written", img)
}

// maxFrame bounds the bytes of a frame that is decoded, because it lies in memory.
const maxFrame = 256 << 20

// fits bounds the pixels of a frame, whatever the header says.
func fits(d pixel.Description, limit int64) error {
	limit = min(limit, maxFrame)
	if n := int64(d.Values()) * int64(d.BitsAllocated/8); n > limit {
		return fmt.Errorf("a frame of %d bytes: at most %d are allowed", n, limit)
	}
	return nil
}
