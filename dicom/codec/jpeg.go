package codec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"strings"

	"github.com/gen2brain/jpegn"

	"github.com/noctis-dicom/noctis/dicom/codec/internal/jpegscan"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// decodeJPEG reads 8-bit JPEG, sequential or progressive (PS3.5 8.2.1). The whole stream is checked before a picture is made of
// it, because jpegn shows what it can of a damaged one.
func decodeJPEG(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error) {
	var h jpegscan.Header
	err := jpegscan.Check(ctx, data, func(found jpegscan.Header) error {
		h = found
		return acceptJPEG(d, h)
	})
	if errors.Is(err, jpegscan.ErrProcess) {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	if err != nil {
		return nil, err
	}
	img, err := jpegn.Decode(bytes.NewReader(data), &jpegn.Options{UpsampleMethod: jpegn.CatmullRom})
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.Planar = false
	f, err := jpegFrame(d, h, img)
	if err != nil {
		return nil, err
	}
	return widen(ctx, f)
}

// acceptJPEG compares what the stream says of the image with what the data set says.
func acceptJPEG(d pixel.Description, h jpegscan.Header) error {
	if h.Height != d.Rows || h.Width != d.Columns {
		return fmt.Errorf("expected %d columns and %d rows, found %d and %d", d.Columns, d.Rows, h.Width, h.Height)
	}
	if len(h.Components) != d.Samples {
		return fmt.Errorf("expected %d components, found %d", d.Samples, len(h.Components))
	}
	if d.Float || d.BitsAllocated < h.Precision {
		return fmt.Errorf("expected at most %d bits per sample, found %d", d.BitsAllocated, h.Precision)
	}
	if h.Precision != 8 {
		return fmt.Errorf("%d bits per sample: %w", h.Precision, ErrUnsupported)
	}
	if len(h.Components) != 1 && len(h.Components) != 3 {
		return fmt.Errorf("%d components: %w", len(h.Components), ErrUnsupported)
	}
	return nil
}

// jpegFrame takes the samples of a decoded image, in the colors that Decode promises.
func jpegFrame(d pixel.Description, h jpegscan.Header, img image.Image) (*pixel.Frame, error) {
	if b := img.Bounds(); b.Dx() != d.Columns || b.Dy() != d.Rows {
		return nil, fmt.Errorf("decoded %d columns and %d rows instead of %d and %d", b.Dx(), b.Dy(), d.Columns, d.Rows)
	}
	f := &pixel.Frame{Description: d, U8: make([]uint8, d.Values())}
	toRGB := len(h.Components) == 3 && strings.HasPrefix(d.Photometric, "YBR_")
	switch img := img.(type) {
	case *image.Gray:
		for y := range d.Rows {
			copy(f.U8[y*d.Columns:][:d.Columns], img.Pix[y*img.Stride:])
		}
		return f, nil
	case *image.YCbCr:
		if toRGB {
			f.Photometric = "RGB"
			copyYCbCr(f.U8, img, convertYCbCr)
			return f, nil
		}
		if d.Photometric == "RGB" && (h.JFIF || h.Adobe == 1) {
			f.Photometric = "YBR_FULL"
		}
		copyYCbCr(f.U8, img, interleaveYCbCr)
		return f, nil
	case *image.RGBA:
		// The components are R, G, B; or they are Y, CB, CR with sampling factors that image.YCbCr has not, converted.
		if !toRGB && !storedAsRGB(h) {
			return nil, fmt.Errorf("sampling factors of the components with %s: %w", d.Photometric, ErrUnsupported)
		}
		if toRGB {
			f.Photometric = "RGB"
		}
		for y := range d.Rows {
			row := f.U8[3*y*d.Columns:][:3*d.Columns]
			for x, src := 0, img.Pix[y*img.Stride:]; x < d.Columns; x++ {
				row[3*x], row[3*x+1], row[3*x+2] = src[4*x], src[4*x+1], src[4*x+2]
			}
		}
		return f, nil
	}
	return nil, fmt.Errorf("decoded to %T: %w", img, ErrUnsupported)
}

// storedAsRGB reports whether the stream itself says that its components are R, G and B.
func storedAsRGB(h jpegscan.Header) bool {
	return h.Adobe == 0 || h.Components[0].ID == 'R' && h.Components[1].ID == 'G' && h.Components[2].ID == 'B'
}

// widen gives the samples the width that Bits Allocated asks for: 8-bit JPEG in 16 bits allocated is met. Bits Stored is then
// at most what the stream has.
func widen(ctx context.Context, f *pixel.Frame) (*pixel.Frame, error) {
	f.BitsStored, f.HighBit = min(f.BitsStored, 8), min(f.BitsStored, 8)-1
	if f.BitsAllocated == 8 {
		return f, settle(ctx, f)
	}
	wide := newFrame(f.Description)
	for i, v := range f.U8 {
		if wide.U16 != nil {
			wide.U16[i] = uint16(v)
		} else {
			wide.U32[i] = uint32(v)
		}
	}
	return wide, settle(ctx, wide)
}
