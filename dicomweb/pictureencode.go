package dicomweb

import (
	"context"
	"image"
	"io"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeg2000"
	"github.com/noctis-dicom/noctis/render"
)

// Media types of JPEG 2000 in a file: JP2 and, with the code-blocks of High-Throughput JPEG 2000, JPH (PS3.18 8.7.4).
const (
	mediaJP2 = "image/jp2"
	mediaJPH = "image/jph"
)

// encodeAs writes the picture as the media type. JPEG 2000 has the quality of its own below 100 and is without loss at 100; JPH always is. Only these two take
// an ICC profile, nil for none; other media types have it put in afterwards.
func encodeAs(ctx context.Context, w io.Writer, img image.Image, mediaType string, quality int, profile []byte) error {
	if mediaType != mediaJP2 && mediaType != mediaJPH {
		return render.Encode(w, img, mediaType, quality)
	}
	picture, color := planes(img)
	o := jpeg2000.EncodeOptions{HighThroughput: mediaType == mediaJPH, Workers: 1}
	if mediaType == mediaJP2 && quality < 100 {
		o.Ratio = ratioOf(quality)
	}
	codestream, err := jpeg2000.Encode(ctx, picture, o)
	if err != nil {
		return err
	}
	file, err := jpeg2000.File(codestream, color, profile)
	if err != nil {
		return err
	}
	_, err = w.Write(file)
	return err
}

// ratioOf is how many times smaller than its samples a picture of a quality from 1 to 99 is: 5 at 90, 25 at 50.
func ratioOf(quality int) float64 { return max(1.5, float64(100-quality)/2) }

// planes takes the pixels of a picture apart: one plane of gray levels, of 8 or 16 bits, or three of colors.
func planes(img image.Image) (*jpeg2000.Image, jpeg2000.Color) {
	b := img.Bounds()
	out := &jpeg2000.Image{Header: jpeg2000.Header{Width: b.Dx(), Height: b.Dy()}}
	add := func(precision int, value func(x, y int) int32) {
		plane := make([]int32, 0, b.Dx()*b.Dy())
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				plane = append(plane, value(x, y))
			}
		}
		out.Components = append(out.Components, jpeg2000.Component{Precision: precision})
		out.Planes = append(out.Planes, plane)
	}
	switch img := img.(type) {
	case *image.Gray:
		add(8, func(x, y int) int32 { return int32(img.GrayAt(x, y).Y) })
		return out, jpeg2000.Gray
	case *image.Gray16:
		add(16, func(x, y int) int32 { return int32(img.Gray16At(x, y).Y) })
		return out, jpeg2000.Gray
	}
	rgb := render.Colored(img)
	for i := range 3 {
		add(8, func(x, y int) int32 { return int32(rgb.Pix[rgb.PixOffset(x, y)+i]) })
	}
	out.ColorTransform = true
	return out, jpeg2000.SRGB
}
