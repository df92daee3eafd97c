package waveform

import (
	"fmt"
	"image"
	"image/draw"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
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
		stroke(img, l, scale)
	}
	letters, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	for _, t := range d.texts {
		if err := write(img, letters, t, scale); err != nil {
			return nil, err
		}
	}
	return img, nil
}

// stroke draws a line, each of its segments as a rectangle, longer than the segment by its width so that corners are closed.
func stroke(img *image.RGBA, l line, scale float64) {
	half := max(l.width*scale, 1) / 2
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range l.points {
		left, right = min(left, p.x*scale), max(right, p.x*scale)
		top, bottom = min(top, p.y*scale), max(bottom, p.y*scale)
	}
	margin := 2*half + 1
	box := image.Rect(int(left-margin), int(top-margin), int(right+margin)+1, int(bottom+margin)+1).Intersect(img.Rect)
	if box.Empty() {
		return
	}
	r := vector.NewRasterizer(box.Dx(), box.Dy())
	ox, oy := float64(box.Min.X), float64(box.Min.Y)
	for i := 1; i < len(l.points); i++ {
		ax, ay := l.points[i-1].x*scale-ox, l.points[i-1].y*scale-oy
		bx, by := l.points[i].x*scale-ox, l.points[i].y*scale-oy
		length := math.Hypot(bx-ax, by-ay)
		if length == 0 {
			continue
		}
		ux, uy := (bx-ax)/length*half, (by-ay)/length*half
		r.MoveTo(float32(ax-ux-uy), float32(ay-uy+ux))
		r.LineTo(float32(bx+ux-uy), float32(by+uy+ux))
		r.LineTo(float32(bx+ux+uy), float32(by+uy-ux))
		r.LineTo(float32(ax-ux+uy), float32(ay-uy-ux))
		r.ClosePath()
	}
	r.Draw(img, box, image.NewUniform(l.color), image.Point{})
}

func write(img *image.RGBA, letters *opentype.Font, t text, scale float64) error {
	face, err := opentype.NewFace(letters, &opentype.FaceOptions{Size: max(t.size*scale, 4), DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return err
	}
	defer face.Close()
	d := font.Drawer{Dst: img, Src: image.NewUniform(t.color), Face: face,
		Dot: fixed.Point26_6{X: fixed.Int26_6(t.at.x * scale * 64), Y: fixed.Int26_6(t.at.y * scale * 64)}}
	d.DrawString(t.text)
	return nil
}
