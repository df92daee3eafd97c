package render

import (
	"cmp"
	"errors"
	"image/color"
	"math"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// Layer is a graphic layer (PS3.3 C.10.7) with what is drawn in it (C.10.5).
type Layer struct {
	Name    string
	Color   color.Color // recommended; color.Gray16 where the state recommends no color
	Shapes  []Shape
	Texts   []Text
	ordered float64
}

// Shape is a graphic object.
type Shape struct {
	Kind      string // POINT, POLYLINE, INTERPOLATED, CIRCLE or ELLIPSE
	Display   bool   // points are shares of the displayed area, else pixels of the image
	Points    []Point
	Filled    bool
	Color     color.Color // nil: the layer's
	Thickness float64     // of lines, 0: as the picture's size suggests
}

// Text is a text object: in a box, or, where that is nil, beside its anchor.
type Text struct {
	Lines   []string
	Box     *[2]Point // corners as shown, in any order
	Display bool      // the box's unit is the displayed area
	Justify string    // LEFT, RIGHT or CENTER

	Anchor        *Point
	AnchorDisplay bool
	AnchorVisible bool
	Color         color.Color // nil: the layer's
}

// Point is a position: 0,0 is the top left corner of the image's first pixel, or of the displayed area.
type Point struct{ X, Y float64 }

// Bounds on what a presentation state draws on a frame: more cannot be told apart by anyone, but would keep a processor busy.
const (
	maxShapes = 10000
	maxPoints = 1 << 17
	maxText   = 1 << 17 // bytes
	maxLayers = 100
)

// readLayers reads the layers and what they hold for the frame, in their order.
func readLayers(state *dicom.DataSet, to subject) ([]Layer, error) {
	var layers []Layer
	for _, item := range state.Items(dicom.GraphicLayerSequence) {
		l := Layer{Name: keyword(item, dicom.GraphicLayer), Color: layerColor(item)}
		l.ordered, _ = number(item, dicom.GraphicLayerOrder)
		layers = append(layers, l)
	}
	if len(layers) > maxLayers {
		return nil, errors.New("more than 100 graphic layers")
	}
	slices.SortStableFunc(layers, func(a, b Layer) int { return cmp.Compare(a.ordered, b.ordered) })
	shapes, points, text := 0, 0, 0
	for _, item := range state.Items(dicom.GraphicAnnotationSequence) {
		name := keyword(item, dicom.GraphicLayer)
		i := slices.IndexFunc(layers, func(l Layer) bool { return l.Name == name })
		if i < 0 || !to.is(item) {
			continue
		}
		for _, o := range item.Items(dicom.GraphicObjectSequence) {
			if s, ok := readShape(o); ok {
				layers[i].Shapes = append(layers[i].Shapes, s)
				points += len(s.Points)
			}
		}
		for _, o := range item.Items(dicom.TextObjectSequence) {
			if t, ok := readText(o); ok {
				layers[i].Texts = append(layers[i].Texts, t)
				for _, line := range t.Lines {
					text += len(line)
				}
			}
			shapes++
		}
		if shapes += len(item.Items(dicom.GraphicObjectSequence)); shapes > maxShapes || points > maxPoints || text > maxText {
			return nil, errors.New("more graphic objects, points or text than are drawn here")
		}
	}
	return layers, nil
}

// layerColor is the recommended color of a layer: of CIELab, else gray, else white.
func layerColor(item *dicom.DataSet) color.Color {
	if c := labColor(item, dicom.GraphicLayerRecommendedDisplayCIELabValue); c != nil {
		return c
	}
	if gray, ok := number(item, dicom.GraphicLayerRecommendedDisplayGrayscaleValue); ok {
		return color.Gray16{Y: uint16(min(max(represent(gray, false), 0), math.MaxUint16))}
	}
	return color.White
}

// labColor is a color of CIELab, nil if there is none.
func labColor(item *dicom.DataSet, t dicom.Tag) color.Color {
	lab := numbers(item, t)
	if len(lab) != 3 {
		return nil
	}
	c := fromLab(represent(lab[0], false), represent(lab[1], false), represent(lab[2], false))
	return color.RGBA{c[0], c[1], c[2], white}
}

// readShape reads an item of the Graphic Object Sequence; false if it draws nothing.
func readShape(item *dicom.DataSet) (Shape, bool) {
	s := Shape{Kind: keyword(item, dicom.GraphicType), Display: keyword(item, dicom.GraphicAnnotationUnits) == "DISPLAY",
		Filled: keyword(item, dicom.GraphicFilled) == "Y", Points: points(item, dicom.GraphicData)}
	for _, style := range item.Items(dicom.LineStyleSequence) {
		s.Color = labColor(style, dicom.PatternOnColorCIELabValue)
		s.Thickness, _ = number(style, dicom.LineThickness)
	}
	for _, style := range item.Items(dicom.FillStyleSequence) {
		if c := labColor(style, dicom.PatternOnColorCIELabValue); c != nil && s.Filled {
			s.Color = c
		}
	}
	least, known := map[string]int{"POINT": 1, "POLYLINE": 2, "INTERPOLATED": 2, "CIRCLE": 2, "ELLIPSE": 4}[s.Kind]
	return s, known && len(s.Points) >= least
}

// points reads pairs of column and row, nil if one of them is no number.
func points(item *dicom.DataSet, t dicom.Tag) []Point {
	n := numbers(item, t)
	all := make([]Point, 0, len(n)/2)
	for i := 0; i+1 < len(n); i += 2 {
		if !finite(n[i]) || !finite(n[i+1]) {
			return nil
		}
		all = append(all, Point{n[i], n[i+1]})
	}
	return all
}

// readText reads an item of the Text Object Sequence; false if it has no text or no place.
func readText(item *dicom.DataSet) (Text, bool) {
	t := Text{Display: keyword(item, dicom.BoundingBoxAnnotationUnits) == "DISPLAY",
		AnchorDisplay: keyword(item, dicom.AnchorPointAnnotationUnits) == "DISPLAY",
		AnchorVisible: keyword(item, dicom.AnchorPointVisibility) == "Y",
		Justify:       keyword(item, dicom.BoundingBoxTextHorizontalJustification)}
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\f", "\n").Replace(item.String(dicom.UnformattedTextValue))
	if text = strings.TrimRight(text, " \n"); text != "" {
		t.Lines = strings.Split(text, "\n")
	}
	tl, br := points(item, dicom.BoundingBoxTopLeftHandCorner), points(item, dicom.BoundingBoxBottomRightHandCorner)
	if len(tl) == 1 && len(br) == 1 {
		t.Box = &[2]Point{tl[0], br[0]}
	}
	if p := points(item, dicom.AnchorPoint); len(p) == 1 {
		t.Anchor = &p[0]
	}
	for _, style := range item.Items(dicom.TextStyleSequence) {
		t.Color = labColor(style, dicom.TextColorCIELabValue)
	}
	return t, len(t.Lines) > 0 && (t.Box != nil || t.Anchor != nil)
}

// colorful reports whether something is drawn in a color that is no gray.
func (s *State) colorful(overlays []Overlay) bool {
	for i, l := range s.Layers {
		used := len(l.Shapes)+len(l.Texts) > 0 || slices.ContainsFunc(overlays, func(o Overlay) bool { return o.Layer == i })
		if used && isColor(l.Color) {
			return true
		}
		if slices.ContainsFunc(l.Shapes, func(x Shape) bool { return isColor(x.Color) }) ||
			slices.ContainsFunc(l.Texts, func(x Text) bool { return isColor(x.Color) }) {
			return true
		}
	}
	return false
}

func isColor(c color.Color) bool {
	rgb, ok := c.(color.RGBA)
	return ok && (rgb.R != rgb.G || rgb.G != rgb.B)
}
