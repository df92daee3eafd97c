// Package stroke draws lines with smooth edges.
package stroke

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// Point is a place in a picture, in pixels from its upper left corner.
type Point struct{ X, Y float64 }

// Line draws a line of a width in pixels through the points, each of its segments as a rectangle, longer than the segment by its width so
// that corners are closed. What lies outside of the picture costs nothing.
func Line(img draw.Image, points []Point, width float64, c color.Color) {
	half := max(width, 1) / 2
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range points {
		left, right = min(left, p.X), max(right, p.X)
		top, bottom = min(top, p.Y), max(bottom, p.Y)
	}
	bounds := img.Bounds()
	cut := func(v float64, low, high int) int { return int(min(max(v, float64(low)), float64(high))) }
	margin := 2*half + 1
	box := image.Rect(cut(left-margin, bounds.Min.X, bounds.Max.X), cut(top-margin, bounds.Min.Y, bounds.Max.Y),
		cut(right+margin+1, bounds.Min.X, bounds.Max.X), cut(bottom+margin+1, bounds.Min.Y, bounds.Max.Y))
	if box.Empty() {
		return
	}
	r := vector.NewRasterizer(box.Dx(), box.Dy())
	ox, oy := float64(box.Min.X), float64(box.Min.Y)
	for i := 1; i < len(points); i++ {
		ax, ay := points[i-1].X-ox, points[i-1].Y-oy
		bx, by := points[i].X-ox, points[i].Y-oy
		length := math.Hypot(bx-ax, by-ay)
		if length == 0 || !finite(length) {
			continue
		}
		ux, uy := (bx-ax)/length*half, (by-ay)/length*half
		r.MoveTo(float32(ax-ux-uy), float32(ay-uy+ux))
		r.LineTo(float32(bx+ux-uy), float32(by+uy+ux))
		r.LineTo(float32(bx+ux+uy), float32(by+uy-ux))
		r.LineTo(float32(ax-ux+uy), float32(ay-uy-ux))
		r.ClosePath()
	}
	r.Draw(img, box, image.NewUniform(c), image.Point{})
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
