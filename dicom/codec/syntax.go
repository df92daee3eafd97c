package codec

import (
	"context"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// decoder reads the samples of a frame. The Description was checked for dimensions that can be held in memory.
type decoder func(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error)

// decoders are those of the transfer syntaxes of PS3.5 Annex A, and of retired ones, whose frames can be decoded.
var decoders = map[dicom.UID]decoder{
	dicom.ImplicitVRLittleEndian:         decodeNative,
	dicom.ExplicitVRLittleEndian:         decodeNative,
	dicom.ExplicitVRBigEndian:            decodeNative,
	dicom.DeflatedExplicitVRLittleEndian: decodeNative,
	dicom.EncapsulatedUncompressed:       decodeNative,
	dicom.DeflatedImageFrameCompression:  decodeDeflated,
	dicom.RLELossless:                    decodeRLE,
	dicom.JPEGBaseline8Bit:               decodeJPEG,
	dicom.JPEGExtended12Bit:              decodeJPEG,
	"1.2.840.10008.1.2.4.53":             decodeJPEG, // spectral selection, retired
	"1.2.840.10008.1.2.4.55":             decodeJPEG, // full progression, retired
	dicom.JPEGLossless:                   decodeJPEG,
	dicom.JPEGLosslessSV1:                decodeJPEG,
	dicom.JPEGLSLossless:                 decodeJPEGLS,
	dicom.JPEGLSNearLossless:             decodeJPEGLS,
	dicom.JPEG2000Lossless:               decodeJPEG2000,
	dicom.JPEG2000:                       decodeJPEG2000,
	"1.2.840.10008.1.2.4.92":             decodeJPEG2000, // Part 2 multi-component, as far as a stream does not use it
	"1.2.840.10008.1.2.4.93":             decodeJPEG2000,
	dicom.HTJ2KLossless:                  decodeJPEG2000,
	dicom.HTJ2KLosslessRPCL:              decodeJPEG2000,
	dicom.HTJ2K:                          decodeJPEG2000,
}

// Supported reports whether frames of the transfer syntax can be decoded.
func Supported(ts dicom.UID) bool { return decoders[ts] != nil }
