package render

import (
	"image"
	"image/color"
	"image/draw"
)

// cover draws what lies over the image, in the image's own pixels: overlays first, if they are wanted, and over those the shutter, which hides them
// too (PS3.3 C.7.6.11).
func (a Attributes) cover(img draw.Image, overlays bool) {
	columns, rows := img.Bounds().Dx(), img.Bounds().Dy()
	if a.State != nil { // it says which overlays there are
		for _, o := range a.Overlays {
			if o.Layer >= 0 {
				o.each(columns, rows, painter(img, a.State.Layers[o.Layer].Color))
			}
		}
	} else if overlays {
		for _, o := range a.Overlays {
			if a.Shutter == nil || a.Shutter.Bitmap == nil || a.Shutter.Bitmap.Group != o.Group {
				o.each(columns, rows, painter(img, color.White))
			}
		}
	}
	if s := a.Shutter; s != nil {
		hidden := color.Color(color.Gray16{Y: s.Gray})
		if s.Color != nil {
			hidden = color.RGBA{s.Color[0], s.Color[1], s.Color[2], white}
		}
		s.each(columns, rows, a.aspect(), painter(img, hidden))
	}
}

// painter sets pixels of the picture to the color.
func painter(img draw.Image, c color.Color) func(x, y int) {
	switch img := img.(type) {
	case *image.Gray:
		v := color.GrayModel.Convert(c).(color.Gray).Y
		return func(x, y int) { img.Pix[y*img.Stride+x] = v }
	case *image.RGBA:
		v := color.RGBAModel.Convert(c).(color.RGBA)
		return func(x, y int) { img.SetRGBA(x, y, v) }
	}
	return func(x, y int) { img.Set(x, y, c) }
}
