package render

import (
	"image"
	"image/draw"
)

// Size is the size of what is shown of an image, in pixels of it: the whole image, or the displayed area of a presentation state
// as it lies after turning.
func (a Attributes) Size(columns, rows int) (width, height int) {
	if a.State == nil {
		return columns, rows
	}
	area := a.State.area(columns, rows)
	if a.State.Quarters%2 == 1 {
		return area.Height, area.Width
	}
	return area.Width, area.Height
}

// aspectAsShown is the height of a pixel over its width after turning.
func (a Attributes) aspectAsShown() float64 {
	r := a.aspect()
	if s := a.State; s != nil {
		if s.Area != nil && s.Area.Aspect > 0 {
			r = usableAspect(s.Area.Aspect)
		}
		if s.Quarters%2 == 1 {
			r = 1 / r
		}
	}
	return r
}

// area is the displayed area in an image of this size.
func (s *State) area(columns, rows int) Area {
	if s.Area == nil {
		return Area{Width: columns, Height: rows}
	}
	return *s.Area
}

// magnification is that of the displayed area, 0 if it is scaled to fit.
func (s *State) magnification() float64 {
	if s == nil || s.Area == nil || s.Area.Mode != Magnify {
		return 0
	}
	return s.Area.Magnification
}

// turn makes the displayed area of a picture of the whole image: cut out, with black where there is no image, turned, and flipped.
func (s *State) turn(img draw.Image) draw.Image {
	b := img.Bounds()
	area := s.area(b.Dx(), b.Dy())
	if s.Quarters == 0 && !s.Flip && area.Left == 0 && area.Top == 0 && area.Width == b.Dx() && area.Height == b.Dy() {
		return img
	}
	width, height := Attributes{State: s}.Size(b.Dx(), b.Dy())
	size := image.Rect(0, 0, width, height)
	switch img := img.(type) {
	case *image.Gray:
		out := image.NewGray(size)
		s.copy(out.Pix, img.Pix, 1, b, area, width, height)
		return out
	case *image.Gray16:
		out := image.NewGray16(size)
		s.copy(out.Pix, img.Pix, 2, b, area, width, height)
		return out
	}
	from := img.(*image.RGBA)
	out := image.NewRGBA(size)
	for i := 3; i < len(out.Pix); i += 4 {
		out.Pix[i] = white
	}
	s.copy(out.Pix, from.Pix, 4, b, area, width, height)
	return out
}

// copy fills a picture of the displayed area, of so many bytes a pixel, from one of the image without gaps between its rows.
func (s *State) copy(to, from []byte, bytes int, image image.Rectangle, area Area, width, height int) {
	for y := range height {
		for x := range width {
			u, v := s.source(x, y, area)
			if u, v = u+area.Left, v+area.Top; u >= 0 && u < image.Dx() && v >= 0 && v < image.Dy() {
				copy(to[(y*width+x)*bytes:][:bytes], from[(v*image.Dx()+u)*bytes:])
			}
		}
	}
}

// source is the pixel of the area that is shown at x, y: the flip is undone first, then the turn, since it was turned first
// (PS3.3 C.10.6).
func (s *State) source(x, y int, area Area) (u, v int) {
	w, h := area.Width, area.Height
	if s.Flip {
		if x = w - 1 - x; s.Quarters%2 == 1 {
			x += h - w
		}
	}
	switch s.Quarters {
	case 1:
		return y, h - 1 - x
	case 2:
		return w - 1 - x, h - 1 - y
	case 3:
		return w - 1 - y, x
	}
	return x, y
}

// canvas is where graphics of a presentation state are drawn: the picture, by how it was made of the image.
type canvas struct {
	state         *State
	crop          placement
	columns, rows int // of the image
}

// at is where a point of the image, or of the displayed area if display is set, lies in the picture.
func (c canvas) at(p Point, display bool) Point {
	area := c.state.area(c.columns, c.rows)
	w, h := float64(area.Width), float64(area.Height)
	width, height := Attributes{State: c.state}.Size(c.columns, c.rows)
	if display {
		p = Point{p.X * float64(width), p.Y * float64(height)}
	} else {
		p = Point{p.X - float64(area.Left), p.Y - float64(area.Top)}
		switch c.state.Quarters {
		case 1:
			p = Point{h - p.Y, p.X}
		case 2:
			p = Point{w - p.X, h - p.Y}
		case 3:
			p = Point{p.Y, w - p.X}
		}
		if c.state.Flip {
			p.X = float64(width) - p.X
		}
	}
	r := c.crop.region
	return Point{(p.X - float64(r.Min.X)) * float64(c.crop.width) / float64(r.Dx()),
		(p.Y - float64(r.Min.Y)) * float64(c.crop.height) / float64(r.Dy())}
}
