package render

import (
	"fmt"
	"image"
	"io"

	"github.com/gen2brain/jpegn"
)

const defaultQuality = 90

// fineQuality is from where on the chroma of a JPEG keeps its full resolution.
const fineQuality = 85

// maxSide is what the frame header of a JPEG has room for.
const maxSide = 1<<16 - 1

// Encode writes the picture as "image/jpeg" (baseline, 8 bit), "image/png" or "image/gif"; quality is 1 to 100, for JPEG, and 0
// means 90. A GIF of a gray picture has all its levels; one of color has up to 256 colors of its own.
func Encode(w io.Writer, img image.Image, mediaType string, quality int) error {
	switch mediaType {
	case "image/jpeg":
		return encodeJPEG(w, img, quality)
	case "image/png":
		return encodePNG(w, img)
	case "image/gif":
		return encodeGIF(w, img)
	}
	return fmt.Errorf("%w: no encoder for %.100q", ErrOptions, mediaType)
}

func encodeJPEG(w io.Writer, img image.Image, quality int) error {
	if quality == 0 {
		quality = defaultQuality
	}
	if quality < 1 || quality > 100 {
		return fmt.Errorf("%w: quality %d is not 1 to 100", ErrOptions, quality)
	}
	if b := img.Bounds(); b.Dx() > maxSide || b.Dy() > maxSide {
		return fmt.Errorf("%w: a JPEG of %d x %d pixels", ErrOptions, b.Dx(), b.Dy())
	}
	o := jpegn.EncodeOptions{Quality: quality, Subsampling: jpegn.Subsample420}
	if _, gray := img.(*image.Gray); gray {
		o.Subsampling = jpegn.SubsampleGray
	} else if quality >= fineQuality {
		o.Subsampling = jpegn.Subsample444
	}
	return jpegn.Encode(w, img, &o)
}
