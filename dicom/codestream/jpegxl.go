package codestream

import (
	"bytes"
	"errors"
	"io"
)

// inspectJPEGXL reads the image header of JPEG XL (ISO/IEC 18181-1 Annex D), with or without its container. Whether the codestream
// is lossless no header says for certain: where no transfer syntax is named, the one that allows both is used.
func inspectJPEGXL(r *io.SectionReader) (Stream, error) {
	stream, err := openJPEGXL(r)
	if err != nil {
		return Stream{}, err
	}
	head := make([]byte, min(stream.Size(), 64))
	if _, err := stream.ReadAt(head, 0); err != nil && err != io.EOF {
		return Stream{}, err
	}
	b := &bitReader{b: head[2:], lowFirst: true}
	rows, columns := sizeOfJPEGXL(b)
	bits, photometric := 8, "XYB"
	if !b.flag() { // not all default
		if bits, photometric, err = metadataOfJPEGXL(b); err != nil {
			return Stream{}, err
		}
	}
	if b.short {
		return Stream{}, errShort
	}
	samples := 3
	if photometric == "MONOCHROME2" {
		samples = 1
	}
	d, err := describe(rows, columns, samples, bits, false)
	d.Photometric = photometric
	return Stream{TransferSyntax: "1.2.840.10008.1.2.4.112", Description: d, Codestream: stream}, err
}

// openJPEGXL finds the codestream.
func openJPEGXL(r *io.SectionReader) (*io.SectionReader, error) {
	var b [12]byte
	n, _ := r.ReadAt(b[:], 0)
	switch {
	case n >= 4 && b[0] == 0xFF && b[1] == 0x0A:
		return r, nil
	case !bytes.Equal(b[:], []byte("\x00\x00\x00\x0CJXL \r\n\x87\n")):
		return nil, errors.New("neither a codestream of JPEG XL nor a container with one")
	}
	var stream *io.SectionReader
	err := eachBox(r, func(kind string, body *io.SectionReader) error {
		switch kind {
		case "jxlc":
			stream = body
			return errFound
		case "jxlp":
			return errors.New("a codestream in several boxes cannot be stored without change")
		}
		return nil
	})
	if err != nil && err != errFound {
		return nil, err
	}
	if stream == nil || stream.Size() < 4 {
		return nil, errShort
	}
	return stream, nil
}

// sizeOfJPEGXL reads SizeHeader.
func sizeOfJPEGXL(b *bitReader) (rows, columns int) {
	small := b.flag()
	side := func() int {
		if small {
			return 8 * (int(b.bits(5)) + 1)
		}
		return int(b.bits([4]int{9, 13, 18, 30}[b.bits(2)])) + 1
	}
	rows = side()
	switch ratio := b.bits(3); ratio {
	case 0:
		columns = side()
	default:
		of := [8][2]int{{}, {1, 1}, {12, 10}, {4, 3}, {3, 2}, {16, 9}, {5, 4}, {2, 1}}[ratio]
		columns = rows * of[0] / of[1]
	}
	return rows, columns
}

// metadataOfJPEGXL reads ImageMetadata as far as the colour space: the bits of a sample, and Photometric Interpretation.
func metadataOfJPEGXL(b *bitReader) (bits int, photometric string, err error) {
	if b.flag() { // extra fields: the orientation, then rare ones
		b.bits(3)
		if b.bits(3) != 0 { // a flag each
			return 0, "", errors.New("an intrinsic size, a preview or an animation: name the transfer syntax and describe the image")
		}
	}
	if b.flag() {
		return 0, "", errors.New("floating point samples cannot be stored")
	}
	switch b.bits(2) {
	case 0:
		bits = 8
	case 1:
		bits = 10
	case 2:
		bits = 12
	default:
		bits = 1 + int(b.bits(6))
	}
	b.bits(1) // modular_16bit_buffers
	if extra := b.bits(2); extra != 0 {
		return 0, "", errors.New("extra channels, like alpha, cannot be stored without change")
	}
	photometric = "RGB"
	if b.flag() {
		photometric = "XYB"
	}
	if b.flag() {
		return bits, photometric, nil // the default colour encoding, sRGB
	}
	if b.flag() {
		return 0, "", errors.New("an ICC profile hides the colour space: name the transfer syntax and describe the image")
	}
	switch b.bits(2) { // an enumeration: RGB, Grey, others
	case 0:
		return bits, photometric, nil
	case 1:
		return bits, "MONOCHROME2", nil
	}
	return 0, "", errors.New("a colour space that is neither RGB nor grey")
}
