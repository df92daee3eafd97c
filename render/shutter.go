package render

import (
	"math"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// Shutter hides what lies outside of its shapes (PS3.3 C.7.6.11): of several shapes only what all of them leave is seen. Rows and
// columns count from 1, as in the file; what lies on an edge is seen.
type Shutter struct {
	Rectangle *Rectangle
	Circle    *Circle
	Polygon   []Vertex // at least three, or none
	Bitmap    *Overlay // what it marks is hidden (PS3.3 C.7.6.15)
	Gray      uint16   // P-Value of what is hidden, 0 black
	Color     *[3]uint8
}

// Rectangle is a rectangular shutter by its edges.
type Rectangle struct{ Left, Right, Upper, Lower float64 }

// Circle is a circular shutter; Radius is in pixels along a row.
type Circle struct{ Row, Column, Radius float64 }

// Vertex is a corner of a polygonal shutter.
type Vertex struct{ Row, Column float64 }

// shutter reads the first place with a Display Shutter, nil if there is none that can be applied.
func (r reader) shutter(places []*dicom.DataSet, planes []Overlay) *Shutter {
	for _, p := range places {
		shapes := p.Strings(dicom.ShutterShape)
		if len(shapes) == 0 {
			continue
		}
		s := &Shutter{}
		gray, _ := number(p, dicom.ShutterPresentationValue)
		s.Gray = uint16(min(max(represent(gray, false), 0), math.MaxUint16))
		if lab := numbers(p, dicom.ShutterPresentationColorCIELabValue); len(lab) == 3 {
			rgb := fromLab(lab[0], lab[1], lab[2])
			s.Color = &rgb
		}
		for _, shape := range shapes {
			s.read(p, strings.ToUpper(strings.TrimSpace(shape)), planes)
		}
		if s.Rectangle == nil && s.Circle == nil && s.Polygon == nil && s.Bitmap == nil {
			return nil
		}
		return s
	}
	return nil
}

// read reads the attributes of one shape.
func (s *Shutter) read(p *dicom.DataSet, shape string, planes []Overlay) {
	switch shape {
	case "RECTANGULAR":
		left, ok1 := number(p, dicom.ShutterLeftVerticalEdge)
		right, ok2 := number(p, dicom.ShutterRightVerticalEdge)
		upper, ok3 := number(p, dicom.ShutterUpperHorizontalEdge)
		lower, ok4 := number(p, dicom.ShutterLowerHorizontalEdge)
		if ok1 && ok2 && ok3 && ok4 {
			s.Rectangle = &Rectangle{left, right, upper, lower}
		}
	case "CIRCULAR":
		center := numbers(p, dicom.CenterOfCircularShutter)
		radius, ok := number(p, dicom.RadiusOfCircularShutter)
		if ok && len(center) == 2 && finite(center[0]) && finite(center[1]) {
			s.Circle = &Circle{center[0], center[1], radius}
		}
	case "POLYGONAL":
		n := numbers(p, dicom.VerticesOfThePolygonalShutter)
		for i := 0; len(n) >= 6 && i+1 < len(n); i += 2 {
			if !finite(n[i]) || !finite(n[i+1]) {
				s.Polygon = nil
				return
			}
			s.Polygon = append(s.Polygon, Vertex{n[i], n[i+1]})
		}
	case "BITMAP":
		group, _ := number(p, dicom.ShutterOverlayGroup)
		for i, o := range planes {
			if float64(o.Group) == group {
				s.Bitmap = &planes[i]
			}
		}
	}
}

// each calls paint for each pixel of a picture that is hidden. aspect is the height of a pixel over its width.
func (s *Shutter) each(columns, rows int, aspect float64, paint func(x, y int)) {
	seen := make([]bool, columns)
	for y := range rows {
		row := float64(y + 1)
		for x := range seen {
			seen[x] = true
		}
		if r := s.Rectangle; r != nil {
			if row < r.Upper || row > r.Lower {
				clear(seen)
			}
			keep(seen, []float64{r.Left, r.Right})
		}
		if c := s.Circle; c != nil {
			reach := c.Radius*c.Radius - (row-c.Row)*aspect*(row-c.Row)*aspect
			if reach < 0 {
				clear(seen)
			}
			reach = math.Sqrt(max(reach, 0))
			keep(seen, []float64{c.Column - reach, c.Column + reach})
		}
		if s.Polygon != nil {
			keep(seen, crossings(s.Polygon, row))
		}
		for x, v := range seen {
			if !v {
				paint(x, y)
			}
		}
	}
	if s.Bitmap != nil {
		s.Bitmap.each(columns, rows, paint)
	}
}

// keep leaves those columns, counted from 1, that lie between the first and second, third and fourth … of the edges.
func keep(seen []bool, edges []float64) {
	for x := range seen {
		inside := false
		for i := 0; i+1 < len(edges); i += 2 {
			if column := float64(x + 1); column >= edges[i] && column <= edges[i+1] {
				inside = true
				break
			}
		}
		seen[x] = seen[x] && inside
	}
}

// crossings are the columns in which the polygon's sides cross a row, in ascending order. A side owns its upper end only, so that
// their number is even; the lowest row is that of the side's lower end.
func crossings(polygon []Vertex, row float64) []float64 {
	lowest := polygon[0].Row
	for _, v := range polygon {
		lowest = max(lowest, v.Row)
	}
	if row == lowest { // its own pixels are seen, as those of the other sides are
		row = math.Nextafter(row, math.Inf(-1))
	}
	var columns []float64
	for i, a := range polygon {
		b := polygon[(i+1)%len(polygon)]
		if a.Row > b.Row {
			a, b = b, a
		}
		if row >= a.Row && row < b.Row {
			columns = append(columns, a.Column+(row-a.Row)/(b.Row-a.Row)*(b.Column-a.Column))
		}
	}
	slices.Sort(columns)
	const rounding = 1e-6 // a corner that lies on a pixel is seen
	for i := range columns {
		columns[i] += rounding * float64(i%2*2-1)
	}
	return columns
}
