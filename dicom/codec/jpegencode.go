package codec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/gen2brain/jpegn"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeglossless"
	"github.com/noctis-dicom/noctis/dicom/codec/jpegls"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// baselineImage: PS3.5 Table 8.2.1-1. R, G and B become Y, CB and CR; these have half of the columns.
func baselineImage(d pixel.Description) (pixel.Description, error) {
	if err := photographic(d); err != nil {
		return d, err
	}
	if d.Signed || d.BitsStored > 8 {
		return d, errors.New("samples are signed or have more than 8 bits")
	}
	d.BitsAllocated, d.BitsStored, d.HighBit = 8, 8, 7
	if d.Samples == 3 {
		d.Photometric = "YBR_FULL_422"
	}
	return d, nil
}

// photographic is an error where a small change of a sample is not a small change of the picture, or colors are not those of JPEG.
func photographic(d pixel.Description) error {
	if err := integers(d); err != nil {
		return err
	}
	if !slices.Contains([]string{"MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL"}, d.Photometric) {
		return fmt.Errorf("Photometric Interpretation (0028,0004) %.16s", d.Photometric)
	}
	return nil
}

func encodeBaseline(ctx context.Context, f *pixel.Frame, d pixel.Description, o EncodeOptions) ([]byte, error) {
	samples, err := unsigned8(ctx, f)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	options := jpegn.EncodeOptions{Quality: o.Quality, Subsampling: jpegn.Subsample422, OptimizeCoding: true}
	size := image.Rect(0, 0, d.Columns, d.Rows)
	var img image.Image
	switch {
	case d.Samples == 1:
		options.Subsampling = jpegn.SubsampleGray
		img = &image.Gray{Pix: samples, Stride: d.Columns, Rect: size}
	case f.Photometric == "RGB":
		rgba := image.NewRGBA(size)
		for i := range d.Pixels() {
			rgba.Pix[4*i], rgba.Pix[4*i+1], rgba.Pix[4*i+2], rgba.Pix[4*i+3] = samples[3*i], samples[3*i+1], samples[3*i+2], 255
		}
		img = rgba
	default:
		img = halfChroma(samples, d)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := jpegn.Encode(&b, img, &options); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// unsigned8 gives the samples a byte each, where they have no more bits.
func unsigned8(ctx context.Context, f *pixel.Frame) ([]uint8, error) {
	if f.U8 != nil {
		return f.U8, nil
	}
	wide, err := unsigned16(ctx, f)
	if err != nil {
		return nil, err
	}
	samples := make([]uint8, len(wide))
	for i, v := range wide {
		samples[i] = uint8(v)
	}
	return samples, nil
}

// halfChroma gives two pixels the mean of their CB and CR.
func halfChroma(samples []uint8, d pixel.Description) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, d.Columns, d.Rows), image.YCbCrSubsampleRatio422)
	for y := range d.Rows {
		row := samples[y*d.Columns*3:][:d.Columns*3]
		for x := range d.Columns {
			img.Y[y*img.YStride+x] = row[3*x]
			if x&1 == 0 {
				next := 3 * min(x+1, d.Columns-1)
				at := y*img.CStride + x/2
				img.Cb[at] = uint8((int(row[3*x+1]) + int(row[next+1]) + x>>1&1) >> 1) // rounded up and down in turn
				img.Cr[at] = uint8((int(row[3*x+2]) + int(row[next+2]) + x>>1&1) >> 1)
			}
		}
	}
	return img
}

// losslessImage: PS3.5 Table 8.2.1-1 and Table 8.2.3-1, up to 16 bits.
func losslessImage(d pixel.Description) (pixel.Description, error) {
	if err := integers(d); err != nil {
		return d, err
	}
	if d.BitsStored > 16 {
		return d, fmt.Errorf("Bits Stored (0028,0101) is %d: at most 16 are encoded", d.BitsStored)
	}
	d.BitsAllocated = min(d.BitsAllocated, 16)
	return d, nil
}

// nearImage: an error in a sample that is signed may turn its sign.
func nearImage(d pixel.Description) (pixel.Description, error) {
	if err := photographic(d); err != nil {
		return d, err
	}
	if d.Signed || d.BitsStored < 8 {
		return d, errors.New("samples are signed or have less than 8 bits")
	}
	return losslessImage(d)
}

func encodeJPEGLossless(ctx context.Context, f *pixel.Frame, d pixel.Description, _ EncodeOptions) ([]byte, error) {
	samples, err := unsigned16(ctx, f)
	if err != nil {
		return nil, err
	}
	return jpeglossless.Encode(ctx, jpeglossless.Image{Width: d.Columns, Height: d.Rows, Components: d.Samples,
		Precision: max(d.BitsStored, 2), Samples: samples})
}

func encodeJPEGLS(ctx context.Context, f *pixel.Frame, d pixel.Description, _ EncodeOptions) ([]byte, error) {
	return encodeNear(ctx, f, d, EncodeOptions{})
}

func encodeNear(ctx context.Context, f *pixel.Frame, d pixel.Description, o EncodeOptions) ([]byte, error) {
	samples, err := unsigned16(ctx, f)
	if err != nil {
		return nil, err
	}
	return jpegls.Encode(ctx, jpegls.Image{Width: d.Columns, Height: d.Rows, Components: d.Samples,
		Precision: max(d.BitsStored, 2), Samples: samples}, o.Near)
}

// unsigned16 gives the samples 16 bits, of which no more than Bits Stored are set: of negative ones, their two's complement.
func unsigned16(ctx context.Context, f *pixel.Frame) ([]uint16, error) {
	if f.U16 != nil && !f.Signed {
		return f.U16, nil
	}
	samples, mask := make([]uint16, f.Values()), uint16(1)<<f.BitsStored-1
	return samples, inSteps(ctx, len(samples), func(from, to int) {
		switch {
		case f.U8 != nil:
			narrow(samples[from:to], f.U8[from:], mask)
		case f.U16 != nil:
			narrow(samples[from:to], f.U16[from:], mask)
		default:
			narrow(samples[from:to], f.U32[from:], mask)
		}
	})
}

func narrow[T integer](dst []uint16, src []T, mask uint16) {
	src = src[:len(dst)]
	for i, v := range src {
		dst[i] = uint16(v) & mask
	}
}
