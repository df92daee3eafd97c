package render

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"math"

	raster "golang.org/x/image/vector"
)

// draw draws the layers of the state over the picture, the later ones over the earlier, at the resolution of the picture, so that
// lines and text stay sharp. Overlays lie below: they are part of the image's pixels. An error of ended ends it: there may be much to draw.
func (s *State) draw(picture draw.Image, c canvas, ended func() error) error {
	if ended == nil {
		ended = func() error { return nil }
	}
	b := picture.Bounds()
	thickness := max(1, float64(min(b.Dx(), b.Dy()))/400)
	collected := func(shape Shape) *pen {
		p := &pen{width: thickness, bounds: b}
		if shape.Thickness > 0 {
			p.width = min(max(shape.Thickness, 1), maxThickness)
		}
		p.shape(shape, c)
		return p
	}
	painted := 0 // found before anything is drawn; kept, the polygons of all shapes would take many times the memory of their points
	for _, l := range s.Layers {
		for _, shape := range l.Shapes {
			if err := ended(); err != nil {
				return err
			}
			box := collected(shape).box()
			if painted += box.Dx() * box.Dy(); painted > mostPainted {
				return errTooMuch
			}
		}
	}
	for _, l := range s.Layers {
		for _, shape := range l.Shapes {
			if err := collected(shape).fill(picture, either(shape.Color, l.Color), ended); err != nil {
				return err
			}
		}
		for _, t := range l.Texts {
			if err := t.draw(picture, c, either(t.Color, l.Color), thickness, ended); err != nil {
				return err
			}
		}
	}
	return nil
}

// mostPainted bounds the pixels of the rectangles around all shapes, since they are some seconds of a processor.
const mostPainted = 1 << 30

var errTooMuch = errors.New("the graphics of the presentation state cover too much of the picture too often; a smaller viewport may do")

// maxThickness is the most pixels that a line may be wide, whatever its style says.
const maxThickness = 32

func either(c, otherwise color.Color) color.Color {
	if c != nil {
		return c
	}
	return otherwise
}

// pen collects polygons that are filled together.
type pen struct {
	width    float64
	bounds   image.Rectangle
	polygons [][]Point
}

// shape collects what a graphic object looks like.
func (p *pen) shape(s Shape, c canvas) {
	at := make([]Point, len(s.Points))
	for i, point := range s.Points {
		at[i] = c.at(point, s.Display)
		if !(math.Abs(at[i].X) < farAway && math.Abs(at[i].Y) < farAway) {
			return
		}
	}
	switch s.Kind {
	case "POINT":
		for _, a := range at {
			arm := 4 * p.width
			p.line([]Point{{a.X - arm, a.Y}, {a.X + arm, a.Y}})
			p.line([]Point{{a.X, a.Y - arm}, {a.X, a.Y + arm}})
		}
		return
	case "INTERPOLATED":
		at = interpolated(at)
	case "CIRCLE":
		r := math.Hypot(at[1].X-at[0].X, at[1].Y-at[0].Y)
		at = ellipse(at[0], Point{r, 0}, Point{0, r})
	case "ELLIPSE": // the ends of its major and of its minor axis
		middle := Point{(at[0].X + at[1].X) / 2, (at[0].Y + at[1].Y) / 2}
		at = ellipse(middle, Point{(at[1].X - at[0].X) / 2, (at[1].Y - at[0].Y) / 2},
			Point{(at[3].X - at[2].X) / 2, (at[3].Y - at[2].Y) / 2})
	}
	if s.Filled {
		p.area(at)
	}
	p.line(at)
}

// farAway is beyond any picture; what lies there is not drawn.
const farAway = 1 << 20

// ellipse is a closed curve around the middle, by its half axes.
func ellipse(middle, a, b Point) []Point {
	n := min(max(int(math.Hypot(a.X, a.Y)+math.Hypot(b.X, b.Y)), 16), 360)
	curve := make([]Point, n+1)
	for i := range curve {
		sin, cos := math.Sincos(2 * math.Pi * float64(i%n) / float64(n))
		curve[i] = Point{middle.X + a.X*cos + b.X*sin, middle.Y + a.Y*cos + b.Y*sin}
	}
	return curve
}

// interpolated is a curve through the points, of cubics by Catmull and Rom; closed if its ends meet.
func interpolated(at []Point) []Point {
	const steps = 16
	n := len(at)
	closed := n > 3 && at[0] == at[n-1]
	point := func(i int) Point {
		switch {
		case closed:
			return at[(i+n-1)%(n-1)]
		case i < 0:
			return at[0]
		case i >= n:
			return at[n-1]
		}
		return at[i]
	}
	curve := []Point{at[0]}
	for i := range n - 1 {
		a, b, c, d := point(i-1), point(i), point(i+1), point(i+2)
		cubic := func(a, b, c, d, t float64) float64 {
			return b + t/2*(c-a+t*(2*a-5*b+4*c-d+t*(3*(b-c)+d-a)))
		}
		for k := 1; k <= steps; k++ {
			t := float64(k) / steps
			curve = append(curve, Point{cubic(a.X, b.X, c.X, d.X, t), cubic(a.Y, b.Y, c.Y, d.Y, t)})
		}
	}
	return curve
}

// line collects the segments of a line, each a rectangle with ends that cover the joints.
func (p *pen) line(at []Point) {
	half := p.width / 2
	for i := 1; i < len(at); i++ {
		a, b, ok := p.clip(at[i-1], at[i])
		if !ok {
			continue
		}
		dx, dy := b.X-a.X, b.Y-a.Y
		length := math.Hypot(dx, dy)
		if length == 0 {
			dx, length = 1, 1
		}
		dx, dy = dx/length*half, dy/length*half
		p.polygons = append(p.polygons, []Point{{a.X - dx - dy, a.Y - dy + dx}, {b.X + dx - dy, b.Y + dy + dx},
			{b.X + dx + dy, b.Y + dy - dx}, {a.X - dx + dy, a.Y - dy - dx}})
	}
}

// clip cuts a segment to the picture and a margin around it, so that what lies outside costs nothing.
func (p *pen) clip(a, b Point) (Point, Point, bool) {
	margin := 2 * p.width
	from, to := 0.0, 1.0
	cut := func(start, delta, low, high float64) bool {
		if delta == 0 {
			return start >= low && start <= high
		}
		t0, t1 := (low-start)/delta, (high-start)/delta
		from, to = max(from, min(t0, t1)), min(to, max(t0, t1))
		return from <= to
	}
	d := Point{b.X - a.X, b.Y - a.Y}
	if !cut(a.X, d.X, float64(p.bounds.Min.X)-margin, float64(p.bounds.Max.X)+margin) ||
		!cut(a.Y, d.Y, float64(p.bounds.Min.Y)-margin, float64(p.bounds.Max.Y)+margin) {
		return a, b, false
	}
	return Point{a.X + from*d.X, a.Y + from*d.Y}, Point{a.X + to*d.X, a.Y + to*d.Y}, true
}

// area collects the inside of a curve, turned as the segments of lines are, so that both add up.
func (p *pen) area(at []Point) {
	inside, twice := make([]Point, len(at)), 0.0
	for i, a := range at {
		b := at[(i+1)%len(at)]
		twice += a.X*b.Y - b.X*a.Y
		inside[i] = Point{min(max(a.X, -far), float64(p.bounds.Max.X)+far), min(max(a.Y, -far), float64(p.bounds.Max.Y)+far)}
	}
	if twice > 0 {
		for i, j := 0, len(inside)-1; i < j; i, j = i+1, j-1 {
			inside[i], inside[j] = inside[j], inside[i]
		}
	}
	p.polygons = append(p.polygons, inside)
}

// far is how far beyond the picture corners of a filled shape may lie.
const far = 1 << 12

// box is the part of the picture that what was collected lies in.
func (p *pen) box() image.Rectangle {
	box := image.Rectangle{}
	for _, polygon := range p.polygons {
		for _, a := range polygon {
			x, y := int(math.Floor(a.X)), int(math.Floor(a.Y))
			box = box.Union(image.Rect(x, y, x+2, y+2))
		}
	}
	return box.Intersect(p.bounds)
}

// fill paints what was collected, unless an error of ended ends it.
func (p *pen) fill(picture draw.Image, c color.Color, ended func() error) error {
	box := p.box()
	if box.Empty() {
		return nil
	}
	r := raster.NewRasterizer(box.Dx(), box.Dy())
	for n, polygon := range p.polygons {
		if n%polygonsAtOnce == 0 {
			if err := ended(); err != nil {
				return err
			}
		}
		for i, a := range polygon {
			x, y := float32(a.X-float64(box.Min.X)), float32(a.Y-float64(box.Min.Y))
			if i == 0 {
				r.MoveTo(x, y)
			} else {
				r.LineTo(x, y)
			}
		}
		r.ClosePath()
	}
	r.Draw(picture, box, image.NewUniform(c), image.Point{})
	return nil
}

// polygonsAtOnce is after how many polygons it is asked whether the picture is still wanted: each may cross thousands of rows.
const polygonsAtOnce = 256
