package waveform

import (
	"fmt"
	"image"
	"image/draw"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"

	"github.com/noctis-dicom/noctis/render/lettering"
	"github.com/noctis-dicom/noctis/render/stroke"
)

// DefaultScale is the pixels of a millimeter where nobody says how large a picture is to be.
const DefaultScale = 8

// mostPixels bounds a picture.
const mostPixels = 32 << 20

// Image makes a picture of so many pixels a millimeter.
func (d *Drawing) Image(scale float64) (*image.RGBA, error) {
	width, height := math.Ceil(d.Width*scale-1e-6), math.Ceil(d.Height*scale-1e-6)
	if !(width >= 1 && height >= 1) || width*height > mostPixels {
		return nil, fmt.Errorf("%w: a picture of %.0f x %.0f pixels; the most is %d in all", ErrOptions, width, height, mostPixels)
	}
	img := image.NewRGBA(image.Rect(0, 0, int(width), int(height)))
	draw.Draw(img, img.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	for _, l := range d.lines {
		points := make([]stroke.Point, len(l.points))
		for i, p := range l.points {
			points[i] = stroke.Point{X: p.x * scale, Y: p.y * scale}
		}
		stroke.Line(img, points, l.width*scale, l.color)
	}
	for _, t := range d.texts {
		if err := write(img, t, scale); err != nil {
			return nil, err
		}
	}
	return img, nil
}

func write(img *image.RGBA, t text, scale float64) error {
	face, err := lettering.NewFace(max(t.size*scale, 4), font.HintingNone)
	if err != nil {
		return err
	}
	defer face.Close()
	face.Draw(img, image.NewUniform(t.color), lettering.Readable([]string{t.text})[0],
		fixed.Point26_6{X: fixed.Int26_6(t.at.x * scale * 64), Y: fixed.Int26_6(t.at.y * scale * 64)})
	return nil
}
