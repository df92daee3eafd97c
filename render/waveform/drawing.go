package waveform

import "image/color"

// Drawing is a sheet of paper with lines and texts on it, all in millimeters from its upper left corner.
type Drawing struct {
	Width, Height float64
	lines         []line
	texts         []text
	points        int // of all lines
}

// mostPoints bounds the points of a drawing: 32 MiB of them.
const mostPoints = 2 << 20

type point struct{ x, y float64 }

type line struct {
	points []point
	width  float64
	color  color.RGBA
}

type text struct {
	at    point // the left end of its base line
	size  float64
	color color.RGBA
	text  string
}

// The colors of paper and ink.
var (
	paper     = color.RGBA{0xFF, 0xFF, 0xFF, 0xFF}
	fineGrid  = color.RGBA{0xFB, 0xDD, 0xDD, 0xFF}
	thickGrid = color.RGBA{0xF0, 0xA8, 0xA8, 0xFF}
	ink       = color.RGBA{0x10, 0x10, 0x18, 0xFF}
	remark    = color.RGBA{0x20, 0x50, 0xB0, 0xFF}
)

func (d *Drawing) line(width float64, c color.RGBA, points ...point) {
	d.lines = append(d.lines, line{points, width, c})
	d.points += len(points)
}

func (d *Drawing) text(x, y, size float64, c color.RGBA, s string) {
	d.texts = append(d.texts, text{point{x, y}, size, c, s})
}

// grid rules a field: a line every millimeter, a thicker one every five.
func (d *Drawing) grid(left, top, right, bottom float64) {
	for _, pass := range []struct {
		step, width float64
		color       color.RGBA
	}{{1, 0.1, fineGrid}, {5, 0.2, thickGrid}} {
		for x := left; x <= right+1e-9; x += pass.step {
			d.line(pass.width, pass.color, point{x, top}, point{x, bottom})
		}
		for y := top; y <= bottom+1e-9; y += pass.step {
			d.line(pass.width, pass.color, point{left, y}, point{right, y})
		}
	}
}
