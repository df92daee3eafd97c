package codestream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/dicom"
)

// Markers of JPEG 2000 (ISO/IEC 15444-1 Table A.2) and HTJ2K (15444-15).
const (
	markerSOC = 0xFF4F
	markerCAP = 0xFF50
	markerSIZ = 0xFF51
	markerCOD = 0xFF52
	markerSOT = 0xFF90
)

// jp2Header is what a container says, which PS3.5 A.4.4 does not let into a DICOM file.
type jp2Header struct {
	colors  uint32 // enumerated colour space: 16 sRGB, 17 grey, 18 sYCC; 0 where it is another
	palette bool
}

// j2kHeader is the main header of a codestream.
type j2kHeader struct {
	part2, highThroughput      bool
	rows, cols                 int
	components                 []byte // depth and sign of each, which are the same
	multiComponent, reversible bool
}

// inspectJPEG2000 reads a codestream of JPEG 2000 or HTJ2K, with or without its container.
func inspectJPEG2000(r *io.SectionReader) (Stream, error) {
	container, stream, err := openJP2(r)
	if err != nil {
		return Stream{}, err
	}
	h, err := readJ2KHeader(stream)
	if err != nil {
		return Stream{}, err
	}
	if container.palette {
		return Stream{}, errors.New("a palette in the container cannot be stored without change")
	}
	depth := h.components[0]
	d, err := describe(h.rows, h.cols, len(h.components), int(depth&0x7F)+1, depth&0x80 != 0)
	if err != nil {
		return Stream{}, err
	}
	s := Stream{TransferSyntax: h.transferSyntax(), Description: d, Codestream: stream}
	switch {
	case len(h.components) < 3:
	case h.multiComponent && h.reversible:
		s.Photometric = "YBR_RCT"
	case h.multiComponent:
		s.Photometric = "YBR_ICT"
	case container.colors == 18:
		s.Photometric = "YBR_FULL"
	}
	return s, nil
}

// transferSyntax tells what was used: only the reversible transformation can be lossless.
func (h *j2kHeader) transferSyntax() dicom.UID {
	switch {
	case h.highThroughput && h.reversible:
		return dicom.HTJ2KLossless
	case h.highThroughput:
		return dicom.HTJ2K
	case h.part2 && h.reversible:
		return "1.2.840.10008.1.2.4.92"
	case h.part2:
		return "1.2.840.10008.1.2.4.93"
	case h.reversible:
		return dicom.JPEG2000Lossless
	}
	return dicom.JPEG2000
}

// openJP2 finds the codestream in its container, if there is one (ISO/IEC 15444-1 Annex I).
func openJP2(r *io.SectionReader) (jp2Header, *io.SectionReader, error) {
	var h jp2Header
	var b [4]byte
	if _, err := r.ReadAt(b[:], 0); err != nil {
		return h, nil, errShort
	}
	if binary.BigEndian.Uint16(b[:]) == markerSOC {
		return h, r, nil
	}
	var stream *io.SectionReader
	err := eachBox(r, func(kind string, body *io.SectionReader) error {
		switch kind {
		case "jp2h":
			return eachBox(body, func(kind string, body *io.SectionReader) error {
				var method [7]byte
				switch kind {
				case "pclr":
					h.palette = true
				case "colr":
					if _, err := body.ReadAt(method[:], 0); err == nil && method[0] == 1 {
						h.colors = binary.BigEndian.Uint32(method[3:])
					}
				}
				return nil
			})
		case "jp2c":
			stream = body
			return errFound
		}
		return nil
	})
	if err != nil && err != errFound {
		return h, nil, err
	}
	if stream == nil {
		return h, nil, errors.New("neither a codestream nor a container with one")
	}
	return h, stream, nil
}

func readJ2KHeader(r *io.SectionReader) (*j2kHeader, error) {
	var b [4]byte
	if _, err := r.ReadAt(b[:], 0); err != nil || binary.BigEndian.Uint32(b[:]) != markerSOC<<16|markerSIZ {
		return nil, errors.New("no codestream of JPEG 2000: it does not begin with SOC and SIZ")
	}
	h := &j2kHeader{}
	coded := false
	at := int64(2)
	for range maxMarkers {
		if _, err := r.ReadAt(b[:], at); err != nil {
			return nil, errShort
		}
		marker, length := int(binary.BigEndian.Uint16(b[:])), int64(binary.BigEndian.Uint16(b[2:]))
		if marker == markerSOT {
			if !coded {
				return nil, errors.New("there is no coding style (COD)")
			}
			return h, nil
		}
		segment := make([]byte, min(max(length-2, 0), 256))
		if _, err := r.ReadAt(segment, at+4); err != nil || length < 2 {
			return nil, errShort
		}
		switch marker {
		case markerSIZ:
			if err := h.size(segment); err != nil {
				return nil, err
			}
		case markerCAP:
			h.highThroughput = len(segment) >= 4 && binary.BigEndian.Uint32(segment)&0x00020000 != 0
		case markerCOD:
			if len(segment) < 10 {
				return nil, errShort
			}
			coded, h.multiComponent, h.reversible = true, segment[4] != 0, segment[9] == 1
		}
		at += 2 + length
	}
	return nil, errors.New("there is no tile")
}

// size reads SIZ (ISO/IEC 15444-1 A.5.1).
func (h *j2kHeader) size(b []byte) error {
	if len(b) < 36 {
		return errShort
	}
	h.part2 = b[0]&0x80 != 0
	xsiz, ysiz := binary.BigEndian.Uint32(b[2:]), binary.BigEndian.Uint32(b[6:])
	xo, yo := binary.BigEndian.Uint32(b[10:]), binary.BigEndian.Uint32(b[14:])
	if xsiz < xo || ysiz < yo {
		return errors.New("an image of no size")
	}
	h.cols, h.rows = int(xsiz-xo), int(ysiz-yo)
	n := int(binary.BigEndian.Uint16(b[34:]))
	if n < 1 || n > 64 || len(b) < 36+3*n {
		return fmt.Errorf("%d components cannot be stored", n)
	}
	for i := range n {
		c := b[36+3*i:]
		if c[0] != b[36] || c[1] != 1 || c[2] != 1 {
			return errors.New("components that differ in depth or resolution cannot be stored")
		}
		h.components = append(h.components, c[0])
	}
	return nil
}
