package jpeg2000

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// contiguousCodestream finds the codestream: the data themselves, or the first jp2c box of a JP2 file (T.800 I.4, I.5.4). The
// other boxes say how the components are to be shown, which is the caller's business.
func contiguousCodestream(data []byte) ([]byte, error) {
	for box := data; len(box) >= 8; {
		if binary.BigEndian.Uint32(box) == markSOC<<16|markSIZ {
			return box, nil
		}
		header, length := 8, uint64(binary.BigEndian.Uint32(box))
		if length == 1 && len(box) >= 16 {
			header, length = 16, binary.BigEndian.Uint64(box[8:])
		}
		last := length == 0 || length > uint64(len(box))
		if !last && length < uint64(header) {
			return nil, errors.New("neither a JPEG 2000 codestream nor a JP2 file")
		}
		if string(box[4:8]) == "jp2c" {
			if !last {
				box = box[:length]
			}
			if len(box) < header+8 || binary.BigEndian.Uint32(box[header:]) != markSOC<<16|markSIZ {
				return nil, errors.New("the jp2c box holds no codestream")
			}
			return box[header:], nil
		}
		if last {
			break
		}
		box = box[length:]
	}
	if len(data) < 8 {
		return nil, fmt.Errorf("%d bytes: %w", len(data), ErrTruncated)
	}
	return nil, errors.New("neither a JPEG 2000 codestream nor a JP2 file")
}

// Color says how the components of an image are to be shown, by the enumerated color spaces of T.800 Table I.10.
type Color uint32

// The color spaces of T.800 Table I.10.
const (
	SRGB Color = 16 // R, G and B, also where the codestream has them by the RCT or the ICT
	Gray Color = 17
	SYCC Color = 18 // Y, CB and CR
)

// File makes a file of a codestream: JP2 (T.800 Annex I) or, where its code-blocks are those of T.814, JPH (T.814 Annex D).
// A profile, if it is not nil, says what its colors are: a Restricted ICC profile, of gray levels or of three primaries (T.800 I.5.3.3).
func File(codestream []byte, color Color, profile []byte) ([]byte, error) {
	h, err := Config(codestream)
	if err != nil {
		return nil, err
	}
	if n := len(h.Components); color == Gray && n != 1 || color != Gray && n != 3 {
		return nil, fmt.Errorf("color space %d of %d components", color, n)
	}
	be := binary.BigEndian
	box := func(kind string, content ...[]byte) []byte {
		b := append(make([]byte, 4), kind...)
		for _, c := range content {
			b = append(b, c...)
		}
		be.PutUint32(b, uint32(len(b)))
		return b
	}
	colors := be.AppendUint32([]byte{1, 0, 0}, uint32(color))
	if profile != nil {
		colors = append([]byte{2, 0, 0}, profile...)
		copy(colors[3+12:], "scnr") // the class that T.800 allows, of input devices
	}
	brand := "jp2 "
	if h.HighThroughput {
		brand = "jph "
	}
	b := box("jP  ", []byte{0x0D, 0x0A, 0x87, 0x0A})
	b = append(b, box("ftyp", []byte(brand), make([]byte, 4), []byte(brand))...)
	b = append(b, box("jp2h", box("ihdr", h.imageHeader()), h.bitsPerComponent(box),
		box("colr", colors))...)
	length := uint32(0) // of the rest of the file, where 32 bits cannot say it
	if n := uint64(len(codestream)) + 8; n < 1<<32 {
		length = uint32(n)
	}
	return append(append(be.AppendUint32(b, length), "jp2c"...), codestream...), nil
}

// imageHeader is the content of the Image Header box (T.800 I.5.3.1): 255 bits per component stand for a box of their own.
func (h Header) imageHeader() []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(h.Height))
	b = binary.BigEndian.AppendUint32(b, uint32(h.Width))
	b = binary.BigEndian.AppendUint16(b, uint16(len(h.Components)))
	depth := h.Components[0].depth()
	if !h.alike() {
		depth = 255
	}
	return append(b, depth, 7, 0, 0) // compressed; the color space is known; no intellectual property
}

// bitsPerComponent is the box of T.800 I.5.3.2, where components differ.
func (h Header) bitsPerComponent(box func(string, ...[]byte) []byte) []byte {
	if h.alike() {
		return nil
	}
	depths := make([]byte, len(h.Components))
	for i, c := range h.Components {
		depths[i] = c.depth()
	}
	return box("bpcc", depths)
}

func (h Header) alike() bool {
	for _, c := range h.Components {
		if c.depth() != h.Components[0].depth() {
			return false
		}
	}
	return true
}

// depth is precision and sign, as SIZ and the boxes have them (T.800 Table A.11).
func (c Component) depth() byte {
	d := byte(c.Precision - 1)
	if c.Signed {
		d |= 0x80
	}
	return d
}
