// Package codestream reads what pixel data that comes without a data set says of itself: the consumer media of PS3.18 Table
// 10.5.2-1, and the compressed bulk data of PS3.18 Table 8.7.3-5. It decodes no pixels, except of the two media types that have
// no transfer syntax and must be transformed: GIF and PNG.
//
// codestream.go is the table of media types. jpeg.go reads JPEG and JPEG-LS, jpeg2000.go JPEG 2000 and HTJ2K with their containers,
// jpegxl.go JPEG XL, mp4.go, mpeg.go, h264.go and hevc.go video, whose frames videoframes.go counts, png.go and gif.go the two that are transformed.
package codestream

import (
	"errors"
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// ErrUnknown is the error, wrapped, of a media type that this package does not read.
var ErrUnknown = errors.New("no media type of pixel data")

// Stream is what a codestream says of itself.
type Stream struct {
	// Transfer syntax in which the codestream can be encapsulated as it is; "" where it is to be transformed.
	TransferSyntax dicom.UID
	// Description has 0 Frames where their number cannot be told. Of a video Photometric is YBR_PARTIAL_420 (PS3.5 8.2.5).
	pixel.Description
	// Codestream is what to encapsulate: without the container that PS3.5 A.4.4 does not allow.
	Codestream *io.SectionReader
}

// Inspect reads the headers of r. What cannot be in DICOM as it is, like an alpha channel in JPEG 2000 or four colours in JPEG, is
// an error, and so is a codestream that does not belong to the media type.
func Inspect(mediaType string, r *io.SectionReader) (Stream, error) {
	m, known := media[mediaType]
	if !known {
		return Stream{}, fmt.Errorf("%w: %.40q", ErrUnknown, mediaType)
	}
	s, err := m.inspect(r)
	if err != nil {
		return Stream{}, fmt.Errorf("%s: %w", mediaType, err)
	}
	if s.Codestream == nil {
		s.Codestream = r
	}
	return s, nil
}

// Known reports whether Inspect reads the media type, which is in lower case.
func Known(mediaType string) bool { return media[mediaType].inspect != nil }

// Transformed reports whether the media type has no transfer syntax, so that Transform must be used.
func Transformed(mediaType string) bool { return media[mediaType].transform != nil }

// Transform writes the pixels of a GIF or PNG to w as native pixel data in little endian, frame by frame, colours by pixel. The
// Description is that of what was written. Transparency is discarded: pixels of a PNG keep the colour that they have below their
// alpha, those of a GIF that nothing covers are black (PS3.18 10.5.2, notes 4 and 5). No more than limit bytes are written, and
// a frame that is decoded has no more, nor more than 256 MiB; memory is that of one frame, twice.
func Transform(w io.Writer, mediaType string, r *io.SectionReader, limit int64) (pixel.Description, error) {
	d, err := media[mediaType].transform(w, r, limit)
	if err != nil {
		err = fmt.Errorf("%s: %w", mediaType, err)
	}
	return d, err
}

// LossyMethod is Lossy Image Compression Method (0028,2114) of a transfer syntax (PS3.3 C.7.6.1.1.5.1), "" if it is lossless or has
// none.
func LossyMethod(ts dicom.UID) string {
	known, _ := dicom.TransferSyntaxOf(ts)
	if !known.Lossy {
		return ""
	}
	return lossyMethods[known.MediaType]
}

var lossyMethods = map[string]string{
	"image/jpeg": "ISO_10918_1",
	"image/jls":  "ISO_14495_1",
	"image/jp2":  "ISO_15444_1",
	"image/jpx":  "ISO_15444_2",
	"image/jphc": "ISO_15444_15",
	"image/jxl":  "ISO_18181_1",
	"video/mpeg": "ISO_13818_2",
	"video/mp4":  "ISO_14496_10",
	"video/H265": "ISO_23008_2",
}

// medium is how a media type is read.
type medium struct {
	inspect   func(r *io.SectionReader) (Stream, error)
	transform func(w io.Writer, r *io.SectionReader, limit int64) (pixel.Description, error) // nil: encapsulated unchanged
}

// media are those of PS3.18 Table 10.5.2-1 and Table 8.7.3-5, in lower case.
var media = map[string]medium{
	"image/gif":       {inspectGIF, transformGIF},
	"image/png":       {inspectPNG, transformPNG},
	"image/jpeg":      {inspectJPEG, nil},
	"image/jls":       {inspectJPEG, nil},
	"image/jp2":       {inspectJPEG2000, nil},
	"image/jpx":       {inspectJPEG2000, nil},
	"image/jph":       {inspectJPEG2000, nil},
	"image/jphc":      {inspectJPEG2000, nil},
	"image/dicom-rle": {inspectRLE, nil},
	"image/jxl":       {inspectJPEGXL, nil},
	"video/mp4":       {inspectMP4, nil},
	"video/mpeg":      {inspectMPEG, nil},
	"video/h265":      {inspectHEVC, nil},
}

// inspectRLE checks the header of PS3.5 G.5; it has no dimensions.
func inspectRLE(r *io.SectionReader) (Stream, error) {
	var header [64]byte
	if _, err := r.ReadAt(header[:], 0); err != nil {
		return Stream{}, errShort
	}
	if segments := header[0]; segments < 1 || segments > 15 || header[4] != 64 {
		return Stream{}, errors.New("no header of RLE segments")
	}
	return Stream{TransferSyntax: dicom.RLELossless}, nil
}

var errShort = errors.New("the codestream ends in its header")

// describe fills in what follows from the number of samples, their bits and their sign.
func describe(rows, columns, samples, bits int, signed bool) (pixel.Description, error) {
	d := pixel.Description{
		Rows: rows, Columns: columns, Samples: samples, BitsAllocated: 8, BitsStored: bits, HighBit: bits - 1, Signed: signed, Frames: 1,
	}
	switch {
	case rows < 1 || rows > 0xFFFF || columns < 1 || columns > 0xFFFF:
		return d, fmt.Errorf("an image of %d by %d pixels cannot be described: Rows and Columns go to 65535", columns, rows)
	case samples != 1 && samples != 3:
		return d, fmt.Errorf("%d samples per pixel: only 1 and 3 can be stored", samples)
	case bits < 1 || bits > 32:
		return d, fmt.Errorf("samples of %d bits cannot be stored", bits)
	case bits > 16:
		d.BitsAllocated = 32
	case bits > 8:
		d.BitsAllocated = 16
	}
	d.Photometric = "MONOCHROME2"
	if samples == 3 {
		d.Photometric = "RGB"
	}
	return d, nil
}
