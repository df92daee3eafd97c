package codec

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// EncodeOptions say how to encode. The zero value stands for the defaults; what a transfer syntax does not know is ignored.
type EncodeOptions struct {
	Quality int     // of JPEG Baseline, 1 to 100: 90 by default
	Near    int     // of near-lossless JPEG-LS, the greatest error of a sample, 1 to 255: 2 by default
	Ratio   float64 // of irreversible JPEG 2000, how many times smaller than native a frame is to be, above 1: 10 by default
	Workers int     // goroutines that encode a frame at a time: GOMAXPROCS by default
}

func (o EncodeOptions) withDefaults() (EncodeOptions, error) {
	if o.Quality == 0 {
		o.Quality = 90
	}
	if o.Near == 0 {
		o.Near = 2
	}
	if o.Ratio == 0 {
		o.Ratio = 10
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	switch {
	case o.Quality < 1 || o.Quality > 100:
		return o, fmt.Errorf("quality %d: want 1 to 100", o.Quality)
	case o.Near < 1 || o.Near > 255:
		return o, fmt.Errorf("error of %d: want 1 to 255", o.Near)
	case !(o.Ratio > 1) || math.IsInf(o.Ratio, 0):
		return o, fmt.Errorf("ratio %g: want more than 1", o.Ratio)
	}
	return o, nil
}

// Encode encodes one frame, as Decode delivers it, in the transfer syntax: the bytes that native pixel data has for it, or the
// content of its fragments, without the byte that makes them even. What the data set has to say then, Encoded tells. Safe for
// concurrent use; it changes nothing of the frame.
//
// Lossless syntaxes give back the very samples: Bits Stored of them, signed ones too. An error names the syntax and the cause; it
// wraps ErrUnsupported if no frame that is described like this one can be encoded. The context's end stops it on the way.
func Encode(ctx context.Context, ts dicom.UID, f *pixel.Frame, o EncodeOptions) ([]byte, error) {
	e, err := Encoded(ts, f.Description)
	if err != nil {
		return nil, err
	}
	if o, err = o.withDefaults(); err == nil {
		err = ctx.Err()
	}
	var data []byte
	if err == nil {
		data, err = encoders[ts].encode(ctx, f, e.Image, o)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", syntaxName(ts), err)
	}
	return data, nil
}

// Encodable reports whether Encode knows the transfer syntax. Whether a frame fits into it, Encoded tells.
func Encodable(ts dicom.UID) bool { return encoders[ts].encode != nil }

// Encoding is what a data set says of pixel data that Encode has made.
type Encoding struct {
	TransferSyntax dicom.UID
	Image          pixel.Description // of the frames as they are encoded
	Method         string            // Lossy Image Compression Method (0028,2114); empty where nothing is lost
}

// Encoded describes the frames that Encode makes of frames that Decode has described like d. The error, which wraps
// ErrUnsupported, says why there are none.
func Encoded(ts dicom.UID, d pixel.Description) (Encoding, error) {
	encoder, known := encoders[ts]
	if !known {
		return Encoding{}, fmt.Errorf("%s: %w for encoding", syntaxName(ts), ErrUnsupported)
	}
	if d.Photometric == "YBR_FULL_422" { // decoded, each pixel has its own chroma
		d.Photometric = "YBR_FULL"
	}
	d.Planar, d.HighBit = false, d.BitsStored-1
	image, err := encoder.image(d)
	if err != nil {
		return Encoding{}, fmt.Errorf("%s: %w: %w", syntaxName(ts), ErrUnsupported, err)
	}
	return Encoding{TransferSyntax: ts, Image: image, Method: encoder.method}, nil
}

// Apply has a data set say what its pixel data has become: Photometric Interpretation, Planar Configuration, Bits Allocated, Bits
// Stored and High Bit (PS3.5 8.2), and, where it is lossy, Lossy Image Compression, the ratio, which is how many times smaller
// the encoded frames are than native ones, and the method, behind those of earlier times (PS3.3 C.7.6.1.1.5). The transfer syntax
// itself stands in the File Meta Information, not in the data set. Pixel Data is the caller's.
func (e Encoding) Apply(ds *dicom.DataSet, ratio float64) {
	ds.SetStrings(dicom.PhotometricInterpretation, dicom.CS, e.Image.Photometric)
	if e.Image.Samples > 1 {
		planar := int64(0)
		if e.Image.Planar {
			planar = 1
		}
		ds.SetInts(dicom.PlanarConfiguration, dicom.US, planar)
	}
	ds.SetInts(dicom.BitsAllocated, dicom.US, int64(e.Image.BitsAllocated))
	if !e.Image.Float {
		ds.SetInts(dicom.BitsStored, dicom.US, int64(e.Image.BitsStored))
		ds.SetInts(dicom.HighBit, dicom.US, int64(e.Image.HighBit))
	}
	if e.Method == "" {
		return
	}
	ds.SetStrings(dicom.LossyImageCompression, dicom.CS, "01")
	ratios, methods := ds.Strings(dicom.LossyImageCompressionRatio), ds.Strings(dicom.LossyImageCompressionMethod)
	for len(methods) < len(ratios) { // they belong together, value by value
		methods = append(methods, "")
	}
	ds.SetStrings(dicom.LossyImageCompressionRatio, dicom.DS, append(ratios[:len(ratios):len(ratios)], strconv.FormatFloat(ratio, 'f', 2, 64))...)
	ds.SetStrings(dicom.LossyImageCompressionMethod, dicom.CS, append(methods[:len(methods):len(methods)], e.Method)...)
}

// syntaxName is the name of a transfer syntax, or its UID.
func syntaxName(ts dicom.UID) string {
	if syntax, known := dicom.TransferSyntaxOf(ts); known {
		return syntax.Name
	}
	return string(ts)
}

// encoder writes the frames of a transfer syntax.
type encoder struct {
	encode func(ctx context.Context, f *pixel.Frame, image pixel.Description, o EncodeOptions) ([]byte, error)
	image  func(d pixel.Description) (pixel.Description, error) // what frames like d are once encoded, or why they cannot be
	method string                                               // Encoding.Method
}

// encoders are the transfer syntaxes in which frames can be had.
var encoders = map[dicom.UID]encoder{
	dicom.ExplicitVRLittleEndian:         {encodeNative, anyImage, ""},
	dicom.ImplicitVRLittleEndian:         {encodeNative, anyImage, ""},
	dicom.DeflatedExplicitVRLittleEndian: {encodeNative, anyImage, ""},
	dicom.EncapsulatedUncompressed:       {encodeNative, anyImage, ""},
	dicom.DeflatedImageFrameCompression:  {encodeDeflated, anyImage, ""},
	dicom.RLELossless:                    {encodeRLE, rleImage, ""},
	dicom.JPEGBaseline8Bit:               {encodeBaseline, baselineImage, "ISO_10918_1"},
	dicom.JPEGLosslessSV1:                {encodeJPEGLossless, losslessImage, ""},
	dicom.JPEGLSLossless:                 {encodeJPEGLS, losslessImage, ""},
	dicom.JPEGLSNearLossless:             {encodeNear, nearImage, "ISO_14495_1"},
	dicom.JPEG2000Lossless:               {encodeReversible, jpeg2000Image, ""},
	dicom.JPEG2000:                       {encodeIrreversible, lossyJPEG2000Image, "ISO_15444_1"},
	dicom.HTJ2KLossless:                  {encodeHT, jpeg2000Image, ""},
	dicom.HTJ2KLosslessRPCL:              {encodeHTByResolution, jpeg2000Image, ""},
}

func anyImage(d pixel.Description) (pixel.Description, error) { return d, nil }

// retired are the photometric interpretations of native pixel data alone (PS3.5 8.2 has none of them): a reader of a codestream would not
// know what its components are.
var retired = []string{"ARGB", "CMYK", "HSV", "YBR_PARTIAL_422", "YBR_PARTIAL_420"}

// compressible is an error where the samples are floating point numbers, or colors that are not compressed.
func compressible(d pixel.Description) error {
	switch {
	case slices.Contains(retired, d.Photometric):
		return fmt.Errorf("Photometric Interpretation (0028,0004) %s is retired", d.Photometric)
	case d.Float:
		return errors.New("floating point samples")
	}
	return nil
}

// integers is compressible, and an error where the samples are single bits.
func integers(d pixel.Description) error {
	if err := compressible(d); err != nil {
		return err
	}
	if d.BitsAllocated == 1 {
		return errors.New("Bits Allocated (0028,0100) is 1")
	}
	return nil
}
