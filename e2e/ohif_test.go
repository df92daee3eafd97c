//go:build e2e

package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// cells is the number of cells on a side of a grid, in which pictures are compared.
const cells = 32

// grid is a picture as the mean grey (0 to 255) of its cells, row by row.
type grid [cells * cells]float64

// distance is the mean difference of two pictures in grey levels.
func (g *grid) distance(other *grid) float64 {
	sum := 0.0
	for i := range g {
		sum += math.Abs(g[i] - other[i])
	}
	return sum / float64(len(g))
}

// gridOf makes a grid of a picture by the grey of its pixels.
func gridOf(columns, rows int, grey func(x, y int) float64) *grid {
	var sums, counts grid
	for y := range rows {
		for x := range columns {
			i := y*cells/rows*cells + x*cells/columns
			sums[i] += grey(x, y)
			counts[i]++
		}
	}
	for i := range sums {
		sums[i] /= counts[i]
	}
	return &sums
}

// expected is what a viewer has to show of a native monochrome instance of 16 bits, with a window (PS3.3 C.11.2.1.2.1).
func expected(in dicomtest.Instance, center, width float64) *grid {
	ds := in.DataSet
	number := func(tag dicom.Tag) int {
		e, _ := ds.Get(tag)
		return int(e.Value.(dicom.Ints)[0])
	}
	native, _ := ds.Get(dicom.PixelData)
	data := native.Value.(dicom.Bytes)
	columns := number(dicom.Columns)
	return gridOf(columns, number(dicom.Rows), func(x, y int) float64 {
		sample := binary.LittleEndian.Uint16(data[2*(y*columns+x):])
		v := float64(sample)
		if number(dicom.PixelRepresentation) == 1 {
			v = float64(int16(sample))
		}
		grey := 255 * min(1, max(0, (v-(center-0.5))/(width-1)+0.5))
		if ds.String(dicom.PhotometricInterpretation) == "MONOCHROME1" {
			grey = 255 - grey
		}
		return grey
	})
}

// expectedFrame is what a viewer has to show of a frame of JPEG baseline, in grey.
func expectedFrame(t *testing.T, frame []byte) *grid {
	t.Helper()
	picture, err := jpeg.Decode(bytes.NewReader(frame))
	if err != nil {
		t.Fatal(err)
	}
	size := picture.Bounds().Size()
	return gridOf(size.X, size.Y, func(x, y int) float64 { return brightness(picture, x, y) })
}

func brightness(picture image.Image, x, y int) float64 {
	r, g, b, _ := picture.At(x, y).RGBA()
	return float64(r+g+b) / 3 / 257
}

// ohif is a tab with a study in OHIF.
type ohif struct{ *tab }

// opened waits until OHIF shows a picture, and clears away what it shows to those who come for the first time.
func (o ohif) opened() {
	o.t.Helper()
	o.until("a viewport is there", canvas)
	const skip = `[...document.querySelectorAll('.shepherd-element button')].find(e => e.textContent === 'Skip all')`
	o.until("an introduction is offered", skip)
	o.eval(skip+`.click()`, nil)
	o.until("the introduction is gone", `!document.querySelector('.shepherd-element')`)
	o.click(`[data-cy=confirm-and-hide-button]`)
	o.until("the picture is not black", brightest+` > 40`)
}

// canvas is what OHIF draws on, and its pixels are four bytes each.
const (
	canvas = `document.querySelector('canvas.cornerstone-canvas')`
	pixels = `(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data)(` + canvas + `)`
)

// brightest is the brightest grey of the canvas, coloured the number of its pixels that are not grey.
const (
	brightest = `(d => { let max = 0; for (let i = 0; i < d.length; i += 4) max = Math.max(max, d[i]); return max })(` + pixels + `)`
	coloured  = `(d => {
		let n = 0;
		for (let i = 0; i < d.length; i += 4) n += Math.abs(d[i] - d[i + 1]) + Math.abs(d[i + 1] - d[i + 2]) > 30;
		return n;
	})(` + pixels + `)`
)

// shown is what the viewport shows of an image of so many columns and rows, which OHIF fits into it.
func (o ohif) shown(columns, rows int) *grid {
	o.t.Helper()
	var means []float64
	o.eval(fmt.Sprintf(`((canvas, data) => {
		const scale = Math.min(canvas.width / %[1]d, canvas.height / %[2]d);
		const width = %[1]d * scale, height = %[2]d * scale, n = %[3]d;
		const left = (canvas.width - width) / 2, top = (canvas.height - height) / 2;
		const sums = new Array(n * n).fill(0), counts = new Array(n * n).fill(0);
		for (let y = Math.ceil(top); y < Math.floor(top + height); y++) {
			for (let x = Math.ceil(left); x < Math.floor(left + width); x++) {
				const cell = Math.floor((y - top) * n / height) * n + Math.floor((x - left) * n / width);
				const at = 4 * (y * canvas.width + x);
				sums[cell] += (data[at] + data[at + 1] + data[at + 2]) / 3;
				counts[cell]++;
			}
		}
		return sums.map((sum, i) => sum / counts[i]);
	})(%[4]s, %[5]s)`, columns, rows, cells, canvas, pixels), &means)
	if len(means) != cells*cells {
		o.t.Fatalf("%d cells of the viewport", len(means))
	}
	return (*grid)(means)
}

// shows waits until the viewport shows the picture, which is compared cell by cell.
func (o ohif) shows(what string, columns, rows int, want *grid, tolerance float64) {
	o.t.Helper()
	distance := math.Inf(1)
	for range 100 {
		if distance = o.shown(columns, rows).distance(want); distance <= tolerance {
			return
		}
		o.run(chromedp.Sleep(pause))
	}
	o.t.Fatalf("%s: what is shown differs by %.1f grey levels from what it has to be, want at most %.1f", what, distance, tolerance)
}

// The texts over the picture: the number of the image, and the window.
const (
	overlay    = `(side => (document.querySelector('[data-cy=viewport-overlay-' + side + ']')?.innerText ?? '').trim().replace(/\s+/g, ' '))`
	imageText  = overlay + `('bottom-right')`
	windowText = overlay + `('bottom-left')`
)

// window is the window that OHIF says it uses.
func (o ohif) window() (center, width float64) {
	o.t.Helper()
	text := o.text(windowText)
	if _, err := fmt.Sscanf(text, "W: %g L: %g", &width, &center); err != nil {
		o.t.Fatalf("the window is %q: %v", text, err)
	}
	return center, width
}

// middle is the middle of the viewport.
func (o ohif) middle() (x, y float64) {
	o.t.Helper()
	var at []float64
	o.eval(`(r => [r.x + r.width / 2, r.y + r.height / 2])(`+canvas+`.getBoundingClientRect())`, &at)
	return at[0], at[1]
}

// wheel turns the wheel of the mouse over the viewport by one notch.
func (o ohif) wheel(notch float64) {
	o.t.Helper()
	x, y := o.middle()
	o.run(input.DispatchMouseEvent(input.MouseWheel, x, y).WithDeltaX(0).WithDeltaY(100 * notch))
}

// drag drags with the left button from the middle of the viewport.
func (o ohif) drag(dx, dy float64) {
	o.t.Helper()
	const steps = 10
	x, y := o.middle()
	event := func(kind input.MouseType, share float64) chromedp.Action {
		return input.DispatchMouseEvent(kind, x+share*dx, y+share*dy).WithButton(input.Left).WithButtons(1).WithClickCount(1)
	}
	o.run(input.DispatchMouseEvent(input.MouseMoved, x, y), event(input.MousePressed, 0))
	for i := range steps {
		o.run(event(input.MouseMoved, float64(i+1)/steps), chromedp.Sleep(pause))
	}
	o.run(event(input.MouseReleased, 1))
}
