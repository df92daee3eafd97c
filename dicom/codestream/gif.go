package codestream

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"io"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// inspectGIF reads the logical screen descriptor and counts the images, each of which is a frame (PS3.18 10.5.2, note 3).
func inspectGIF(r *io.SectionReader) (Stream, error) {
	d, err := describeGIF(r)
	if err != nil {
		return Stream{}, err
	}
	d.Frames = 0
	if err = eachGIFImage(r, func([]byte, int) error { d.Frames++; return nil }); err == nil && d.Frames == 0 {
		err = errors.New("there is no image in it")
	}
	return Stream{Description: d}, err
}

func describeGIF(r *io.SectionReader) (pixel.Description, error) {
	var b [13]byte
	if _, err := r.ReadAt(b[:], 0); err != nil || string(b[:6]) != "GIF87a" && string(b[:6]) != "GIF89a" {
		return pixel.Description{}, errors.New("no GIF: it does not begin with its signature")
	}
	return describe(int(binary.LittleEndian.Uint16(b[8:])), int(binary.LittleEndian.Uint16(b[6:])), 3, 8, false)
}

// transformGIF writes what is seen after each image was drawn.
func transformGIF(w io.Writer, r *io.SectionReader, limit int64) (pixel.Description, error) {
	s, err := inspectGIF(r)
	if err != nil {
		return s.Description, err
	}
	if err := fits(s.Description, limit); err != nil {
		return s.Description, err
	}
	if n := int64(s.Values()); n > limit/int64(s.Frames) {
		return s.Description, fmt.Errorf("%d frames of %d bytes: at most %d are allowed together", s.Frames, n, limit)
	}
	canvas := &gifCanvas{columns: s.Columns, rows: s.Rows, pix: make([]byte, s.Values())}
	return s.Description, eachGIFImage(r, func(one []byte, disposal int) error {
		img, err := gif.Decode(bytes.NewReader(one))
		if err != nil {
			return err
		}
		frame, ok := img.(*image.Paletted)
		if !ok {
			return fmt.Errorf("pixels of kind %T", img)
		}
		return canvas.show(w, frame, disposal)
	})
}

// How an image makes place for the next (GIF89a 23).
const (
	restoreBackground = 2
	restorePrevious   = 3
)

// gifCanvas is the logical screen, in RGB. What nothing was drawn on is black.
type gifCanvas struct {
	columns, rows int
	pix           []byte
}

// show draws an image, writes what is seen, and makes place for the next.
func (c *gifCanvas) show(w io.Writer, img *image.Paletted, disposal int) error {
	var before []byte
	if disposal == restorePrevious {
		before = bytes.Clone(c.pix)
	}
	colors := colorsOf(img.Palette)
	area := img.Rect.Intersect(image.Rect(0, 0, c.columns, c.rows))
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			i := img.ColorIndexAt(x, y)
			if _, _, _, alpha := img.Palette[i].RGBA(); alpha != 0 {
				copy(c.pix[3*(y*c.columns+x):], colors[i][:])
			}
		}
	}
	if _, err := w.Write(c.pix); err != nil {
		return err
	}
	switch disposal {
	case restorePrevious:
		c.pix = before
	case restoreBackground:
		for y := area.Min.Y; y < area.Max.Y; y++ {
			clear(c.pix[3*(y*c.columns+area.Min.X) : 3*(y*c.columns+area.Max.X)])
		}
	}
	return nil
}

// colorsOf are the colours of a palette without their alpha. What is beyond its end is black.
func colorsOf(p color.Palette) (colors [256][3]byte) {
	for i, c := range p {
		switch c := c.(type) {
		case color.RGBA:
			colors[i] = [3]byte{c.R, c.G, c.B}
		case color.NRGBA:
			colors[i] = [3]byte{c.R, c.G, c.B}
		}
	}
	return colors
}

// eachGIFImage calls visit for each image, made a GIF of its own, with its disposal method: so one of them is in memory at a time,
// however many there are.
func eachGIFImage(r *io.SectionReader, visit func(one []byte, disposal int) error) error {
	in := &gifReader{r: bufio.NewReader(io.NewSectionReader(r, 0, r.Size()))}
	head := in.take(13)
	head = append(head, in.colorTable(at(head, 10))...)
	var control []byte
	for in.err == nil {
		switch kind := in.take(1); at(kind, 0) {
		case 0x21:
			if block := in.extension(); block != nil {
				control = block
			}
		case 0x2C:
			one := append(bytes.Clone(head), control...)
			one = append(one, 0x2C)
			descriptor := in.take(9)
			one = append(append(one, descriptor...), in.colorTable(at(descriptor, 8))...)
			one = append(append(append(one, in.take(1)...), in.subBlocks()...), 0x3B)
			if in.err != nil {
				return in.err
			}
			disposal := int(at(control, 3) >> 2 & 7)
			if control = nil; int64(len(one)) > r.Size()+1000 {
				return errShort
			}
			if err := visit(one, disposal); err != nil {
				return err
			}
		case 0x3B:
			return in.err
		default:
			if in.err == nil {
				in.err = errors.New("something else than an image or an extension")
			}
		}
	}
	return in.err
}

// gifReader reads blocks and remembers its first error.
type gifReader struct {
	r   *bufio.Reader
	err error
}

func (in *gifReader) take(n int) []byte {
	b := make([]byte, n)
	if in.err == nil {
		if _, err := io.ReadFull(in.r, b); err != nil {
			in.err = errShort
		}
	}
	return b
}

// colorTable reads the table that the packed field of a descriptor announces.
func (in *gifReader) colorTable(packed byte) []byte {
	if packed&0x80 == 0 {
		return nil
	}
	return in.take(3 << (packed&7 + 1))
}

// extension reads an extension block and returns it if it is a graphic control extension.
func (in *gifReader) extension() []byte {
	label := in.take(1)
	body := in.subBlocks()
	if label[0] != 0xF9 || len(body) != 6 {
		return nil
	}
	return append([]byte{0x21, 0xF9}, body...)
}

// subBlocks reads data up to the empty block that ends it, lengths included.
func (in *gifReader) subBlocks() []byte {
	var data []byte
	for in.err == nil {
		n := in.take(1)
		data = append(data, n[0])
		if n[0] == 0 {
			break
		}
		data = append(data, in.take(int(n[0]))...)
	}
	return data
}

// at is a byte of b, 0 beyond its end.
func at(b []byte, i int) byte {
	if i >= len(b) {
		return 0
	}
	return b[i]
}
