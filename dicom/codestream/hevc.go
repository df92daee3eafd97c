package codestream

import (
	"bytes"
	"errors"
	"io"
)

// inspectHEVC reads the first sequence parameter set of a byte stream of H.265 (ISO/IEC 23008-2 7.3.2.2). How many pictures
// follow no header says. A video in MP4 is read as such.
func inspectHEVC(r *io.SectionReader) (Stream, error) {
	head, err := videoHeadOf(r)
	if err != nil {
		return Stream{}, err
	}
	if len(head) >= 8 && string(head[4:8]) == "ftyp" {
		return inspectMP4(r)
	}
	for rest := head; ; {
		i := bytes.Index(rest, []byte{0, 0, 1})
		if i < 0 || len(rest) < i+6 {
			return Stream{}, errors.New("there is no sequence parameter set")
		}
		rest = rest[i+3:]
		if rest[0]>>1&0x3F != hevcSequence {
			continue
		}
		unit, _, _ := bytes.Cut(rest[2:], []byte{0, 0, 1})
		return readSequenceParameters(unit)
	}
}

// hevcSequence is the unit with a sequence parameter set (ISO/IEC 23008-2 Table 7-1).
const hevcSequence = 33

func readSequenceParameters(b []byte) (Stream, error) {
	r := &bitReader{b: bytes.ReplaceAll(b, []byte{0, 0, 3}, []byte{0, 0})} // without emulation prevention
	r.bits(4)
	layers := int(r.bits(3)) // sub-layers, less one
	r.bits(1 + 3)
	profile := r.bits(5)
	r.bits(32)
	r.bits(32)
	r.bits(24) // flags, constraints and level
	skipSubLayers(r, layers)
	r.golomb() // id
	chroma := r.golomb()
	if chroma == 3 {
		r.bits(1)
	}
	columns, rows := r.golomb(), r.golomb()
	if r.flag() { // conformance window, in units of the chroma's resolution
		left, right, top, bottom := r.golomb(), r.golomb(), r.golomb(), r.golomb()
		unit := uint32(2)
		columns -= min(columns, unit*(left+right))
		rows -= min(rows, unit*(top+bottom))
	}
	depth := int(r.golomb()) + 8
	switch {
	case r.short:
		return Stream{}, errShort
	case chroma != 1, depth > 10:
		return Stream{}, errChroma
	case profile == 2 || depth > 8:
		return videoStream(hevcMain10, int(rows), int(columns), 10, 0)
	}
	return videoStream(hevcMain, int(rows), int(columns), 8, 0)
}

// skipSubLayers passes the profiles and levels of temporal sub-layers (ISO/IEC 23008-2 7.3.3).
func skipSubLayers(r *bitReader, n int) {
	if n == 0 {
		return
	}
	var profiles, levels [8]bool
	for i := range 8 {
		present := r.bits(2)
		profiles[i], levels[i] = i < n && present&2 != 0, i < n && present&1 != 0
	}
	for i := range n {
		if profiles[i] {
			r.bits(32)
			r.bits(32)
			r.bits(24)
		}
		if levels[i] {
			r.bits(8)
		}
	}
}
