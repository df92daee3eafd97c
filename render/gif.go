package render

import (
	"image"
	"image/color"
	"image/gif"
	"io"
	"slices"
	"sync"
)

// mostColors is what the table of a GIF has room for.
const mostColors = 256

// encodeGIF writes a gray picture with all its levels, one of up to 256 colors with these, and any other with the 256 that are best for it.
func encodeGIF(w io.Writer, img image.Image) error {
	if gray, ok := img.(*image.Gray); ok {
		levels := make(color.Palette, white+1)
		for i := range levels {
			levels[i] = color.Gray{Y: uint8(i)}
		}
		return gif.Encode(w, &image.Paletted{Pix: gray.Pix, Stride: gray.Stride, Rect: gray.Rect, Palette: levels}, nil)
	}
	rgba, ok := img.(*image.RGBA)
	if !ok {
		rgba = Colored(img)
	}
	indices := newGray(rgba.Rect.Dx(), rgba.Rect.Dy())
	defer Recycle(indices)
	palette, few := fewColors(rgba, indices)
	if !few {
		palette = chosenColors(rgba, indices)
	}
	return gif.Encode(w, &image.Paletted{Pix: indices.Pix, Stride: indices.Stride, Rect: indices.Rect, Palette: palette}, nil)
}

// eachColor calls see with each pixel of the picture, and keeps what it returns.
func eachColor(img *image.RGBA, indices *image.Gray, see func(r, g, b uint8) uint8) {
	width := img.Rect.Dx()
	for y := range img.Rect.Dy() {
		row, out := img.Pix[y*img.Stride:][:4*width], indices.Pix[y*indices.Stride:][:width]
		for x := range out {
			out[x] = see(row[4*x], row[4*x+1], row[4*x+2])
		}
	}
}

// fewColors makes a palette of the colors themselves, if they are few enough.
func fewColors(img *image.RGBA, indices *image.Gray) (color.Palette, bool) {
	known := map[uint32]uint8{}
	last, index := ^uint32(0), uint8(0)
	var palette color.Palette
	width := img.Rect.Dx()
	for y := range img.Rect.Dy() {
		row, out := img.Pix[y*img.Stride:][:4*width], indices.Pix[y*indices.Stride:][:width]
		for x := range out {
			r, g, b := row[4*x], row[4*x+1], row[4*x+2]
			if c := uint32(r)<<16 | uint32(g)<<8 | uint32(b); c != last {
				i, found := known[c]
				if !found {
					if len(palette) == mostColors {
						return nil, false
					}
					i = uint8(len(palette))
					known[c] = i
					palette = append(palette, color.RGBA{r, g, b, 0xFF})
				}
				last, index = c, i
			}
			out[x] = index
		}
	}
	return palette, true
}

// census counts the pixels of a picture in cells of the colors, 4 levels wide in each direction.
type census struct {
	count, index [1 << 18]uint32    // index: of the color that stands for the cell
	beyond       [3][1 << 18]uint32 // sums of how far red, green and blue lie above the cell's edge
}

const (
	cellBits = 6
	cellMask = 1<<cellBits - 1
	within   = 8 - cellBits // bits of a color that say where in its cell it lies
)

var censuses = sync.Pool{New: func() any { return new(census) }}

func cellOf(r, g, b uint8) int {
	return int(r>>within)<<(2*cellBits) | int(g>>within)<<cellBits | int(b>>within)
}

// chosenColors finds 256 colors by dividing those of the picture again and again, where that takes most of the squared error away.
func chosenColors(img *image.RGBA, indices *image.Gray) color.Palette {
	c := censuses.Get().(*census)
	defer censuses.Put(c)
	*c = census{}
	eachColor(img, indices, func(r, g, b uint8) uint8 {
		i := cellOf(r, g, b)
		c.count[i]++
		for k, v := range [...]uint8{r, g, b} {
			c.beyond[k][i] += uint32(v & (1<<within - 1))
		}
		return 0
	})
	boxes := []box{c.all()}
	for len(boxes) < mostColors {
		worst := 0
		for i, b := range boxes {
			if b.err > boxes[worst].err {
				worst = i
			}
		}
		low, high := boxes[worst].divide()
		if len(low.cells) == 0 || len(high.cells) == 0 {
			break // all that is left are cells
		}
		boxes[worst] = low
		boxes = append(boxes, high)
	}
	palette := make(color.Palette, len(boxes))
	for i, b := range boxes {
		palette[i] = color.RGBA{uint8(b.mean[0] + 0.5), uint8(b.mean[1] + 0.5), uint8(b.mean[2] + 0.5), 0xFF}
		for _, cell := range b.cells {
			c.index[cell.at] = uint32(i)
		}
	}
	eachColor(img, indices, func(r, g, b uint8) uint8 { return uint8(c.index[cellOf(r, g, b)]) })
	return palette
}

// cell is the mean color of the pixels in a cell, and how many there are.
type cell struct {
	at    int
	count float64
	mean  [3]float64
}

// box is some cells, their mean color, and the squared error of having that one for all.
type box struct {
	cells []cell
	mean  [3]float64
	axis  int // in which they are spread most
	err   float64
}

// all is the box of all that was counted.
func (c *census) all() box {
	var cells []cell
	for i, n := range c.count {
		if n == 0 {
			continue
		}
		x := cell{at: i, count: float64(n)}
		for k := range x.mean {
			edge := i >> (cellBits * (2 - k)) & cellMask << within
			x.mean[k] = float64(edge) + float64(c.beyond[k][i])/float64(n)
		}
		cells = append(cells, x)
	}
	return boxOf(cells)
}

func boxOf(cells []cell) box {
	b := box{cells: cells}
	var count float64
	var squares [3]float64
	for _, c := range cells {
		count += c.count
		for k, v := range c.mean {
			b.mean[k] += c.count * v
			squares[k] += c.count * v * v
		}
	}
	if count == 0 {
		return b
	}
	for k := range squares {
		b.mean[k] /= count
		squares[k] -= count * b.mean[k] * b.mean[k]
		b.err += squares[k]
		if squares[k] > squares[b.axis] {
			b.axis = k
		}
	}
	return b
}

// divide parts the cells at their mean, along the axis in which they are spread most. It orders them anew.
func (b box) divide() (low, high box) {
	slices.SortFunc(b.cells, func(x, y cell) int {
		switch d := x.mean[b.axis] - y.mean[b.axis]; {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return x.at - y.at
	})
	n := slices.IndexFunc(b.cells, func(c cell) bool { return c.mean[b.axis] > b.mean[b.axis] })
	if n < 0 {
		n = len(b.cells)
	}
	return boxOf(b.cells[:n]), boxOf(b.cells[n:])
}
