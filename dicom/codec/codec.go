// Package codec turns the encoded bytes of a frame into samples, and samples into encoded bytes, one table entry per transfer
// syntax (PS3.5 Annex A, 8.2).
//
// syntax.go is the table of what is decoded; native.go, rle.go, jpeg.go (with ycbcr.go for its colors), jpegls.go and jpeg2000.go
// read the samples of one family of syntaxes each, codestream.go holds what those have in common that compress the image as a
// whole, and samples.go brings samples into the one form that pixel.Frame promises. encode.go is the table of what is encoded, and
// of what a data set has to say then. The codestreams themselves are read and written by packages of their own below this one,
// which know nothing of DICOM.
package codec

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// ErrUnsupported is the error, wrapped, of a transfer syntax that cannot be decoded, or of a feature of one.
var ErrUnsupported = errors.New("transfer syntax not supported")

// maxValues bounds the samples of a frame, whatever its header says: 268 million, half a gigabyte of 16 bits.
const maxValues = 1 << 28

// Decode decodes one frame: data is its bytes as they lie in the file (native: exactly its bits, little endian for native
// syntaxes of either order, 1-bit frames shifted to a byte boundary; encapsulated: the joined fragments). It compares the
// codestream's dimensions with d before it allocates. Safe for concurrent use; it keeps no reference to data.
//
// An error names the syntax and the cause, the caller knows which frame it is; data that is too short or cut is one, wrapping
// io.ErrUnexpectedEOF. The context's end
// stops a decode on the way.
//
// What Photometric says of the samples afterwards: native YBR_FULL_422 has become YBR_FULL. JPEG declared as any YBR has become
// RGB, by the conversion of JFIF. JPEG declared as RGB is delivered as its components are (PS3.5 8.2.1), but called YBR_FULL where
// a JFIF or Adobe marker says that they are Y, CB and CR: the data set was mislabelled. YBR_RCT and YBR_ICT of JPEG 2000 have become
// RGB. All else is as declared.
func Decode(ctx context.Context, ts dicom.UID, d pixel.Description, data []byte) (*pixel.Frame, error) {
	syntax, known := dicom.TransferSyntaxOf(ts)
	if !known {
		return nil, fmt.Errorf("%w: %s", ErrUnsupported, ts)
	}
	f, err := decode(ctx, decoders[ts], d, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", syntax.Name, err)
	}
	return f, nil
}

func decode(ctx context.Context, decode decoder, d pixel.Description, data []byte) (*pixel.Frame, error) {
	if decode == nil {
		return nil, ErrUnsupported
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if d.Rows < 1 || d.Columns < 1 || d.Samples < 1 || d.Values() > maxValues {
		return nil, fmt.Errorf("frame of %dx%d with %d samples per pixel: at most %d samples are decoded",
			d.Columns, d.Rows, d.Samples, maxValues)
	}
	return decode(ctx, d, data)
}

// short is the error of data that ends early.
func short(expected, found int) error {
	return fmt.Errorf("expected %d bytes, found %d: %w", expected, found, io.ErrUnexpectedEOF)
}
