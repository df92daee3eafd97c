package codestream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/dicom"
)

// Markers of JPEG (ISO/IEC 10918-1 Table B.1) and JPEG-LS (ISO/IEC 14495-1).
const (
	markerSOI   = 0xD8
	markerEOI   = 0xD9
	markerSOS   = 0xDA
	markerAPP0  = 0xE0
	markerAPP14 = 0xEE
	markerSOF0  = 0xC0
	markerSOF1  = 0xC1
	markerSOF2  = 0xC2
	markerSOF3  = 0xC3
	markerSOF55 = 0xF7 // JPEG-LS
)

// maxMarkers bounds the marker segments before the image data; an ICC profile takes 255 of them at most.
const maxMarkers = 2000

// jpegHeader is what stands before the first scan.
type jpegHeader struct {
	process    byte // the marker of its frame header
	bits       int
	rows, cols int
	components [][2]byte // identifier and sampling factors
	jfif       bool
	adobe      int // the colour transform of the Adobe marker, -1 if there is none
	parameter  byte
}

// inspectJPEG reads the headers of JPEG and JPEG-LS, whose transfer syntax is that of the process (PS3.5 8.2.1, 8.2.3).
func inspectJPEG(r *io.SectionReader) (Stream, error) {
	h, err := readJPEGHeader(r)
	if err != nil {
		return Stream{}, err
	}
	d, err := describe(h.rows, h.cols, len(h.components), h.bits, false)
	if err != nil {
		return Stream{}, err
	}
	s := Stream{Description: d}
	switch {
	case h.process == markerSOF0:
		s.TransferSyntax = dicom.JPEGBaseline8Bit
	case h.process == markerSOF1:
		s.TransferSyntax = dicom.JPEGExtended12Bit
	case h.process == markerSOF2:
		s.TransferSyntax = "1.2.840.10008.1.2.4.55" // retired, and the only one for progressive JPEG
	case h.process == markerSOF3 && h.parameter == 1:
		s.TransferSyntax = dicom.JPEGLosslessSV1
	case h.process == markerSOF3:
		s.TransferSyntax = dicom.JPEGLossless
	case h.process == markerSOF55 && h.parameter == 0:
		s.TransferSyntax = dicom.JPEGLSLossless
	case h.process == markerSOF55:
		s.TransferSyntax = dicom.JPEGLSNearLossless
	default:
		return Stream{}, fmt.Errorf("the process of marker FF%02X has no transfer syntax", h.process)
	}
	if len(h.components) == 3 {
		s.Photometric = h.photometric()
	}
	return s, nil
}

// photometric tells what three components are (PS3.5 8.2.1): Y, CB and CR by JFIF's rules for the processes that are lossy.
func (h *jpegHeader) photometric() string {
	rgb := h.components[0][0] == 'R' && h.components[1][0] == 'G' && h.components[2][0] == 'B'
	switch {
	case h.adobe >= 0:
		rgb = h.adobe == 0
	case h.jfif:
		rgb = false
	case h.process == markerSOF3 || h.process == markerSOF55:
		rgb = true
	}
	switch {
	case rgb:
		return "RGB"
	case h.components[0][1] == h.components[1][1]:
		return "YBR_FULL"
	}
	return "YBR_FULL_422" // however the chroma is subsampled: the codestream says how
}

func readJPEGHeader(r *io.SectionReader) (*jpegHeader, error) {
	h := &jpegHeader{adobe: -1}
	var b [4]byte
	if _, err := r.ReadAt(b[:2], 0); err != nil || b[0] != 0xFF || b[1] != markerSOI {
		return nil, errors.New("no JPEG: it does not begin with SOI")
	}
	at := int64(2)
	for range maxMarkers {
		if _, err := r.ReadAt(b[:], at); err != nil {
			return nil, errShort
		}
		if b[0] != 0xFF {
			return nil, fmt.Errorf("no marker at byte %d", at)
		}
		marker := b[1]
		if marker == 0xFF || marker == 0x01 { // a fill byte; TEM
			at += int64(2 - marker&1)
			continue
		}
		length := int64(binary.BigEndian.Uint16(b[2:]))
		segment := make([]byte, min(max(length-2, 0), 256))
		if _, err := r.ReadAt(segment, at+4); err != nil || length < 2 {
			return nil, errShort
		}
		if marker == markerSOS {
			return h, h.scan(segment)
		}
		if marker == markerEOI {
			break
		}
		if err := h.segment(marker, segment); err != nil {
			return nil, err
		}
		at += 2 + length
	}
	return nil, errors.New("there is no scan")
}

func (h *jpegHeader) segment(marker byte, b []byte) error {
	switch {
	case marker == markerAPP0 && len(b) >= 5 && string(b[:5]) == "JFIF\x00":
		h.jfif = true
	case marker == markerAPP14 && len(b) >= 12 && string(b[:5]) == "Adobe":
		h.adobe = int(b[11])
	case marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC, marker == markerSOF55:
		if len(b) < 6 || len(b) < 6+3*int(b[5]) {
			return errShort
		}
		if h.process != 0 {
			return errors.New("a second frame header")
		}
		h.process, h.bits = marker, int(b[0])
		h.rows, h.cols = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
		for i := range int(b[5]) {
			h.components = append(h.components, [2]byte(b[6+3*i:]))
		}
	}
	return nil
}

// scan reads the header of the first scan: of lossless JPEG the predictor, of JPEG-LS how near it is.
func (h *jpegHeader) scan(b []byte) error {
	if h.process == 0 {
		return errors.New("a scan comes before the frame header")
	}
	if len(b) < 1 || len(b) < 2+2*int(b[0]) {
		return errShort
	}
	h.parameter = b[1+2*int(b[0])]
	return nil
}
