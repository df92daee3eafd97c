package codec

import (
	"context"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeg2000"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// jpeg2000Image: R, G and B are stored by the RCT (PS3.5 8.2.4).
func jpeg2000Image(d pixel.Description) (pixel.Description, error) {
	if err := integers(d); err != nil {
		return d, err
	}
	if d.BitsStored > jpeg2000.MaxEncodedPrecision {
		return d, fmt.Errorf("Bits Stored (0028,0101) is %d: at most %d are encoded", d.BitsStored, jpeg2000.MaxEncodedPrecision)
	}
	if d.Photometric == "RGB" {
		d.Photometric = "YBR_RCT"
	}
	return d, nil
}

// lossyJPEG2000Image: R, G and B are stored by the ICT.
func lossyJPEG2000Image(d pixel.Description) (pixel.Description, error) {
	if err := photographic(d); err != nil {
		return d, err
	}
	d, err := jpeg2000Image(d)
	if d.Photometric == "YBR_RCT" {
		d.Photometric = "YBR_ICT"
	}
	return d, err
}

// encodeJPEG2000 writes JPEG 2000, or HTJ2K, by the options that the transfer syntax asks for.
func encodeJPEG2000(choose func(o EncodeOptions) jpeg2000.EncodeOptions) func(context.Context, *pixel.Frame, pixel.Description,
	EncodeOptions) ([]byte, error) {
	return func(ctx context.Context, f *pixel.Frame, d pixel.Description, o EncodeOptions) ([]byte, error) {
		img, err := components(ctx, f, d)
		if err != nil {
			return nil, err
		}
		options := choose(o)
		options.Workers = o.Workers
		return jpeg2000.Encode(ctx, img, options)
	}
}

var (
	encodeReversible   = encodeJPEG2000(func(EncodeOptions) jpeg2000.EncodeOptions { return jpeg2000.EncodeOptions{} })
	encodeIrreversible = encodeJPEG2000(func(o EncodeOptions) jpeg2000.EncodeOptions { return jpeg2000.EncodeOptions{Ratio: o.Ratio} })
	encodeHT           = encodeJPEG2000(func(EncodeOptions) jpeg2000.EncodeOptions {
		return jpeg2000.EncodeOptions{HighThroughput: true}
	})
	encodeHTByResolution = encodeJPEG2000(func(EncodeOptions) jpeg2000.EncodeOptions {
		return jpeg2000.EncodeOptions{HighThroughput: true, Progression: jpeg2000.RPCL}
	})
)

// components takes the pixels apart, for an encoder of JPEG 2000.
func components(ctx context.Context, f *pixel.Frame, d pixel.Description) (*jpeg2000.Image, error) {
	img := &jpeg2000.Image{
		Header: jpeg2000.Header{
			Width: d.Columns, Height: d.Rows,
			ColorTransform: d.Photometric == "YBR_RCT" || d.Photometric == "YBR_ICT",
		},
		Planes: make([][]int32, d.Samples),
	}
	for k := range img.Planes {
		img.Components = append(img.Components, jpeg2000.Component{Precision: d.BitsStored, Signed: d.Signed})
		plane := make([]int32, d.Pixels())
		img.Planes[k] = plane
		if err := inSteps(ctx, len(plane), func(from, to int) {
			switch {
			case f.U8 != nil && d.Signed:
				takePlane(plane[from:to], f.U8[from*d.Samples+k:], d.Samples, func(v uint8) int32 { return int32(int8(v)) })
			case f.U8 != nil:
				takePlane(plane[from:to], f.U8[from*d.Samples+k:], d.Samples, func(v uint8) int32 { return int32(v) })
			case f.U16 != nil && d.Signed:
				takePlane(plane[from:to], f.U16[from*d.Samples+k:], d.Samples, func(v uint16) int32 { return int32(int16(v)) })
			case f.U16 != nil:
				takePlane(plane[from:to], f.U16[from*d.Samples+k:], d.Samples, func(v uint16) int32 { return int32(v) })
			default:
				takePlane(plane[from:to], f.U32[from*d.Samples+k:], d.Samples, func(v uint32) int32 { return int32(v) })
			}
		}); err != nil {
			return nil, err
		}
	}
	return img, nil
}

func takePlane[T integer](plane []int32, samples []T, step int, value func(T) int32) {
	for i := range plane {
		plane[i] = value(samples[i*step])
	}
}
