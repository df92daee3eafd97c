// Package codec turns the encoded bytes of a frame into samples, one table entry per transfer syntax (PS3.5 Annex A, 8.2).
package codec

import (
	"context"
	"errors"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// ErrUnsupported is the error, wrapped, of a transfer syntax that cannot be decoded.
var ErrUnsupported = errors.New("transfer syntax not supported")

// Decode decodes one frame: data is its bytes as they lie in the file (native: exactly its bits, little endian for native
// syntaxes of either order, 1-bit frames shifted to a byte boundary; encapsulated: the joined fragments). It compares the
// codestream's dimensions with d before it allocates. Safe for concurrent use; it keeps no reference to data.
func Decode(ctx context.Context, ts dicom.UID, d pixel.Description, data []byte) (*pixel.Frame, error) {
	return nil, ErrUnsupported
}
