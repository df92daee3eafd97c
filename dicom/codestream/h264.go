package codestream

import (
	"bytes"
	"errors"
	"io"
)

// Units of a byte stream of H.264 (ISO/IEC 14496-10 Table 7-1).
const (
	h264Slice    = 1
	h264IDRSlice = 5
	h264Sequence = 7
)

// isByteStream reports whether a video begins with a start code (ISO/IEC 14496-10 Annex B) and not with a box.
func isByteStream(r *io.SectionReader) bool {
	var b [8]byte
	if _, err := r.ReadAt(b[:], 0); err != nil {
		return false
	}
	long := bytes.Equal(b[:4], []byte{0, 0, 0, 1}) && bytes.ContainsFunc(b[5:], func(c rune) bool { return c < ' ' || c > '~' })
	return long || bytes.Equal(b[:3], []byte{0, 0, 1})
}

// inspectH264 reads the first sequence parameter set of a byte stream of H.264 (ISO/IEC 14496-10 7.3.2.1.1). How many pictures follow no header says.
func inspectH264(r *io.SectionReader) (Stream, error) {
	head, err := videoHeadOf(r)
	if err != nil {
		return Stream{}, err
	}
	for rest := head; ; {
		i := bytes.Index(rest, []byte{0, 0, 1})
		if i < 0 || len(rest) < i+6 {
			return Stream{}, errors.New("there is no sequence parameter set")
		}
		if rest = rest[i+3:]; rest[0]&0x1F == h264Sequence {
			unit, _, _ := bytes.Cut(rest[1:], []byte{0, 0, 1})
			s, _, err := readH264Parameters(unit)
			return s, err
		}
	}
}

// readH264Parameters reads a sequence parameter set, and whether all pictures are frames.
func readH264Parameters(b []byte) (s Stream, frames bool, err error) {
	r := &bitReader{b: bytes.ReplaceAll(b, []byte{0, 0, 3}, []byte{0, 0})} // without emulation prevention
	profile := r.bits(8)
	r.bits(8)
	level := r.bits(8)
	r.golomb() // id
	chroma, depth := uint32(1), uint32(0)
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128:
		if chroma = r.golomb(); chroma == 3 {
			r.bits(1)
		}
		depth = r.golomb() + r.golomb()
		r.bits(1)
		if r.flag() {
			skipScaling(r, chroma)
		}
	}
	r.golomb()                           // of frame numbers
	if order := r.golomb(); order == 0 { // of pictures
		r.golomb()
	} else if order == 1 {
		r.bits(1)
		r.golomb()
		r.golomb()
		for range min(r.golomb(), 255) {
			r.golomb()
		}
	}
	r.golomb() // reference frames
	r.bits(1)
	columns, rows := 16*(r.golomb()+1), 16*(r.golomb()+1)
	unit := uint32(2) // of cropping, downwards
	if frames = r.flag(); !frames {
		rows, unit = 2*rows, 4
		r.bits(1)
	}
	r.bits(1)
	if r.flag() {
		left, right, top, bottom := r.golomb(), r.golomb(), r.golomb(), r.golomb()
		columns -= min(columns, 2*(left+right))
		rows -= min(rows, unit*(top+bottom))
	}
	switch {
	case r.short:
		return s, frames, errShort
	case chroma > 1, depth > 0:
		return s, frames, errChroma
	}
	s, err = videoStream(h264Syntax(byte(profile), byte(level)), int(rows), int(columns), 8, 0)
	return s, frames, err
}

// skipScaling passes scaling lists (ISO/IEC 14496-10 7.3.2.1.1.1).
func skipScaling(r *bitReader, chroma uint32) {
	lists := 8
	if chroma == 3 {
		lists = 12
	}
	for i := range lists {
		if !r.flag() {
			continue
		}
		size := 16
		if i >= 6 {
			size = 64
		}
		for last, next, j := int32(8), int32(8), 0; j < size; j++ {
			if next != 0 {
				next = (last + r.signedGolomb() + 256) % 256
			}
			if next != 0 {
				last = next
			}
		}
	}
}
