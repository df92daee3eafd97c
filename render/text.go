package render

import (
	"image/color"
	"image/draw"
	"math"

	"github.com/noctis-dicom/noctis/render/lettering"
)

// draw writes the text into its box, or beside its anchor; with a line to the anchor if that is to be seen.
func (t Text) draw(picture draw.Image, c canvas, ink color.Color, thickness float64, ended func() error) error {
	if err := ended(); err != nil {
		return err
	}
	b := picture.Bounds()
	size := min(max(float64(min(b.Dx(), b.Dy()))/textShare, 11), largestText)
	low, width := Point{}, math.Inf(1)
	var anchor Point
	if t.Anchor != nil {
		anchor = c.at(*t.Anchor, t.AnchorDisplay)
		low = Point{anchor.X + 6*thickness, anchor.Y - size}
	}
	if t.Box != nil {
		p, q := c.at(t.Box[0], t.Display), c.at(t.Box[1], t.Display)
		low, width = Point{min(p.X, q.X), min(p.Y, q.Y)}, math.Abs(p.X-q.X)
		if t.Anchor != nil && t.AnchorVisible {
			nearest := Point{min(max(anchor.X, low.X), low.X+width), min(max(anchor.Y, low.Y), max(p.Y, q.Y))}
			line := pen{width: thickness, bounds: b}
			line.line([]Point{anchor, nearest})
			if err := line.fill(picture, ink, ended); err != nil {
				return err
			}
		}
	}
	if !(math.Abs(low.X) < farAway && math.Abs(low.Y) < farAway) {
		return nil
	}
	texts := lettering.Readable(t.Lines)
	face, err := fitting(texts, size, int(min(width, farAway)*20/19)+1)
	if err != nil {
		return err
	}
	defer face.Close()
	height := face.Metrics().Height.Ceil()
	for i, line := range texts {
		x := low.X
		if room := width - float64(face.Width(line)); t.Box != nil && room > 0 {
			x += room * map[string]float64{"CENTER": 0.5, "RIGHT": 1}[t.Justify]
		}
		burn(picture, face, line, int(x), int(low.Y)+face.Metrics().Ascent.Ceil()+i*height, ink)
	}
	return nil
}
