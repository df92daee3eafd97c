package jpegls

import (
	"context"
	"fmt"
	"math/bits"
)

// Image is what Encode takes: samples side by side by pixel, row by row, unsigned and of Precision bits.
type Image struct {
	Width, Height int // 1 to 65535
	Components    int // 1 to 255
	Precision     int // 2 to 16
	Samples       []uint16
}

// Encode encodes an image with the default parameters of T.87 C.2.4.1.1, the components interleaved by line. Of fewer than 8 bits it
// writes them out, since decoders are about that have other defaults for these. No sample changes by more than near; 0 is lossless. The context's end stops it between lines.
func Encode(ctx context.Context, img Image, near int) ([]byte, error) {
	if img.Width < 1 || img.Width > 65535 || img.Height < 1 || img.Height > 65535 || img.Components < 1 || img.Components > 255 ||
		img.Precision < 2 || img.Precision > 16 || len(img.Samples) != img.Width*img.Height*img.Components {
		return nil, fmt.Errorf("an image of %dx%d with %d components of %d bits and %d samples",
			img.Width, img.Height, img.Components, img.Precision, len(img.Samples))
	}
	all := uint16(0)
	for _, v := range img.Samples {
		all |= v
	}
	if bits.Len16(all) > img.Precision {
		return nil, fmt.Errorf("a sample of more than %d bits", img.Precision)
	}
	if near < 0 {
		return nil, fmt.Errorf("error of %d", near)
	}
	p, err := newParams(preset{}, img.Precision, near)
	if err != nil {
		return nil, err
	}
	e := encoder{model: model{params: p, regions: p.quantized()}}
	e.header(img)
	if err := e.lines(ctx, img); err != nil {
		return nil, err
	}
	return append(e.w.end(), 0xFF, eoi), nil
}

// encoder encodes the samples of a scan.
type encoder struct {
	model
	w writer
}

// header writes what comes before the scan: SOI, SOF55, perhaps LSE, SOS (T.87 C.2).
func (e *encoder) header(img Image) {
	n := img.Components
	b := append(make([]byte, 0, len(img.Samples)+64), 0xFF, soi, 0xFF, sof55, byte((8+3*n)>>8), byte(8+3*n), byte(img.Precision),
		byte(img.Height>>8), byte(img.Height), byte(img.Width>>8), byte(img.Width), byte(n))
	for i := range n {
		b = append(b, byte(i+1), 0x11, 0)
	}
	if img.Precision < 8 {
		b = append(b, 0xFF, lse, 0, 13, 1, 0, byte(e.maxval), 0, byte(e.t1), 0, byte(e.t2), 0, byte(e.t3), 0, byte(e.params.reset))
	}
	b = append(b, 0xFF, sos, byte((6+2*n)>>8), byte(6+2*n), byte(n))
	for i := range n {
		b = append(b, byte(i+1), 0)
	}
	mode := byte(byLine)
	if n == 1 {
		mode = byComponent
	}
	e.w.out = append(b, byte(e.near), mode, 0)
}

// lines encodes the lines as decoder.lines decodes them.
func (e *encoder) lines(ctx context.Context, img Image) error {
	n, width := img.Components, img.Width
	above, current := make([][]int, n), make([][]int, n)
	for i := range n {
		above[i], current[i] = make([]int, width+2), make([]int, width+2)
	}
	runs := make([]int, n)
	e.begin()
	for y := range img.Height {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range n {
			above[i][width+1] = above[i][width]
			line := current[i]
			line[0] = above[i][1]
			row := img.Samples[y*width*n+i : (y+1)*width*n]
			for x := range width {
				line[x+1] = int(row[x*n])
			}
			e.line(above[i], line, &runs[i])
		}
		above, current = current, above
	}
	return nil
}

// line encodes a line, and puts what a decoder makes of its samples in their place.
func (e *encoder) line(above, line []int, run *int) {
	width := len(line) - 2
	above = above[:len(line)]
	ra, rc, rb := line[0], above[0], above[1]
	for x := 1; x <= width; {
		rd := above[x+1]
		if q := e.surroundings(ra, rb, rc, rd); q != 0 {
			ra = e.sample(q, ra, rb, rc, line[x])
			line[x] = ra
			rc, rb = rb, rd
			x++
			continue
		}
		from := x
		for x <= width && line[x]-ra <= e.near && ra-line[x] <= e.near {
			line[x] = ra
			x++
		}
		e.runLength(run, x-from, x > width)
		if x > width {
			return
		}
		line[x] = e.interrupt(ra, above[x], line[x], *run)
		*run = max(*run-1, 0)
		ra, rc, rb = line[x], above[x], above[x+1]
		x++
	}
}

// sample encodes a sample in regular mode, and returns what a decoder makes of it (T.87 A.4 to A.6).
func (e *encoder) sample(q, ra, rb, rc, v int) int {
	sign := q >> 63 // 0 or -1
	ctx := &e.regular[(q^sign)-sign]
	prediction := ra + rb - rc
	if low, high := min(ra, rb), max(ra, rb); rc >= high {
		prediction = low
	} else if rc <= low {
		prediction = high
	}
	prediction = min(max(prediction+(ctx.c^sign)-sign, 0), e.maxval)

	d := e.quantize((v - prediction ^ sign) - sign)
	k := golombParameter(ctx.a, ctx.n)
	mapped := d<<1 ^ d>>63 // 0, 1, 2 … of 0, -1, 1, -2, 2 …
	if k == 0 && e.near == 0 && 2*ctx.b <= -ctx.n {
		mapped = ^d<<1 ^ ^d>>63
	}
	e.w.golomb(mapped, k, e.limit, e.qbpp)
	e.learn(ctx, d)
	if e.near == 0 {
		return v
	}
	return e.reconstruct(prediction, (d^sign)-sign)
}

// quantize divides an error by the step, to the nearest, and brings it into range (T.87 A.4.4, A.4.5).
func (e *encoder) quantize(d int) int {
	if e.near > 0 {
		if d > 0 {
			d = (d + e.near) / e.step
		} else {
			d = -((e.near - d) / e.step)
		}
	}
	if d < -e.values/2 {
		d += e.values
	} else if d >= (e.values+1)/2 {
		d -= e.values
	}
	return d
}

// runLength encodes how many samples repeat the one to the left (T.87 A.7.1).
func (e *encoder) runLength(index *int, n int, endOfLine bool) {
	for n >= 1<<runLengths[*index] {
		e.w.put(1, 1)
		n -= 1 << runLengths[*index]
		*index = min(*index+1, 31)
	}
	switch {
	case !endOfLine:
		e.w.put(uint32(n), 1+runLengths[*index]) // a zero, and the rest
	case n > 0:
		e.w.put(1, 1)
	}
}

// interrupt encodes the sample that ends a run, and returns what a decoder makes of it (T.87 A.7.2).
func (e *encoder) interrupt(ra, rb, v, index int) int {
	alike, prediction, sign := 0, rb, 1
	if d := ra - rb; d <= e.near && d >= -e.near {
		alike, prediction = 1, ra
	} else if ra > rb {
		sign = -1
	}
	d := e.quantize(sign * (v - prediction))
	ctx := &e.run[alike]
	k := golombParameter(ctx.a+alike*(ctx.n>>1), ctx.n)
	positive := d > 0 && k == 0 && 2*ctx.negative < ctx.n
	negative := d < 0 && (k != 0 || 2*ctx.negative >= ctx.n)
	mapped := 2*max(d, -d) - alike
	if positive || negative {
		mapped--
	}
	e.w.golomb(mapped, k, e.limit-runLengths[index]-1, e.qbpp)
	e.learnRun(ctx, d, mapped, alike)
	return e.reconstruct(prediction, sign*d)
}
