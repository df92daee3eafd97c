package jpegls

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Interleave modes (T.87 C.2.3).
const (
	byComponent = 0
	byLine      = 1
	bySample    = 2
)

// scan decodes the components of one scan (T.87 C.2.3).
func (d *decoder) scan(ctx context.Context, p []byte) error {
	if d.ids == nil {
		return errors.New("scan before the frame header")
	}
	if len(p) < 1 || len(p) < 4+2*int(p[0]) {
		return errors.New("scan header is too short")
	}
	components, err := d.components(p)
	if err != nil {
		return err
	}
	rest := p[1+2*len(components):]
	near, mode := int(rest[0]), int(rest[1])
	if rest[2] != 0 {
		return fmt.Errorf("%w: point transform", ErrFeature)
	}
	if mode > bySample || mode == byComponent && len(components) > 1 {
		return fmt.Errorf("interleave mode %d of %d components", mode, len(components))
	}
	if len(components) == 1 {
		mode = byComponent // all modes are the same, but for the end of a run
	}
	if d.samples == nil {
		if err := d.begin(); err != nil {
			return err
		}
	}
	parameters, err := newParams(d.preset, d.header.Precision, near)
	if err != nil {
		return err
	}
	c := coder{model{params: parameters, regions: parameters.quantized()}, reader{data: d.data, pos: d.pos}}
	if err := d.lines(ctx, &c, components, mode); err != nil {
		return err
	}
	d.pos = c.bits.pos
	return nil
}

// components finds the components that a scan header names.
func (d *decoder) components(p []byte) ([]int, error) {
	var components []int
	if d.scanned == nil {
		d.scanned = make([]bool, d.header.Components)
	}
	for i := range int(p[0]) {
		index := -1
		for k, id := range d.ids {
			if id == p[1+2*i] && !d.scanned[k] {
				index = k
				break
			}
		}
		if index < 0 {
			return nil, fmt.Errorf("scan of component %d, which the frame has not, or which was scanned before", p[1+2*i])
		}
		if p[2+2*i] != 0 {
			return nil, fmt.Errorf("%w: mapping table", ErrFeature)
		}
		d.scanned[index] = true
		components = append(components, index)
	}
	if len(components) == 0 {
		return nil, errors.New("scan of no component")
	}
	return components, nil
}

// begin asks whether the image is wanted, before the first scan.
func (d *decoder) begin() error {
	if err := d.accept(d.header); err != nil {
		return err
	}
	// A line takes one bit at the very least.
	if h := d.header; h.Height > 8*len(d.data) {
		return fmt.Errorf("expected %d lines, found %d bytes: %w", h.Height, len(d.data), io.ErrUnexpectedEOF)
	}
	d.samples = make([]uint16, d.header.Width*d.header.Height*d.header.Components)
	return nil
}

// lines decodes the lines of a scan. A line has a sample before its first and one after its last: above the first line there are
// zeros, left of a line is the sample above, and beyond the end the last one is repeated (T.87 A.2.1).
func (d *decoder) lines(ctx context.Context, c *coder, components []int, mode int) error {
	n, width := len(components), d.header.Width
	before, current := make([][]int, n), make([][]int, n)
	for i := range n {
		before[i], current[i] = make([]int, width+2), make([]int, width+2)
	}
	runs := make([]int, n) // RUNindex of each component
	c.begin()
	interval, restarts := d.restart, 0
	for y := range d.header.Height {
		if err := ctx.Err(); err != nil {
			return err
		}
		if interval > 0 && y > 0 && y%interval == 0 {
			if !c.bits.next(restarts) {
				return fmt.Errorf("line %d of %d: expected marker RST%d", y, d.header.Height, restarts&7)
			}
			restarts++
			c.begin()
			for i := range n {
				clear(before[i])
				runs[i] = 0
			}
		}
		for i := range n {
			current[i][0], before[i][width+1] = before[i][1], before[i][width]
		}
		var err error
		if mode == bySample {
			err = c.interleavedLine(before, current, &runs[0])
		} else {
			for i := range n {
				if err = c.line(before[i], current[i], &runs[i]); err != nil {
					break
				}
			}
		}
		if c.bits.overrun() {
			err = fmt.Errorf("the data ends: %w", io.ErrUnexpectedEOF)
		}
		if err != nil {
			return fmt.Errorf("line %d of %d: %w", y, d.header.Height, err)
		}
		for i, component := range components {
			d.store(y, component, current[i][1:width+1])
		}
		before, current = current, before
	}
	return nil
}

// store puts a line of a component among the samples.
func (d *decoder) store(y, component int, line []int) {
	n := d.header.Components
	row := d.samples[y*d.header.Width*n+component:]
	for x, v := range line {
		row[x*n] = uint16(v)
	}
}

// line decodes a line of one component.
func (c *coder) line(above, line []int, run *int) error {
	width := len(line) - 2
	ra, rc, rb := line[0], above[0], above[1]
	for x := 1; x <= width; {
		rd := above[x+1]
		if q := c.surroundings(ra, rb, rc, rd); q != 0 {
			v, err := c.sample(q, ra, rb, rc)
			if err != nil {
				return err
			}
			line[x] = v
			ra, rc, rb = v, rb, rd
			x++
			continue
		}
		n, err := c.runLength(run, width+1-x)
		if err != nil {
			return err
		}
		for i := range n {
			line[x+i] = ra
		}
		if x += n; x > width {
			break
		}
		if line[x], err = c.interrupt(ra, above[x], *run, true); err != nil {
			return err
		}
		*run = max(*run-1, 0)
		ra, rc, rb = line[x], above[x], above[x+1]
		x++
	}
	return nil
}

// interleavedLine decodes a line of components that alternate by sample: they run together (T.87 B.1.3).
func (c *coder) interleavedLine(above, lines [][]int, run *int) error {
	width := len(lines[0]) - 2
	q := make([]int, len(lines))
	for x := 1; x <= width; x++ {
		flat := true
		for i, line := range lines {
			q[i] = c.surroundings(line[x-1], above[i][x], above[i][x-1], above[i][x+1])
			flat = flat && q[i] == 0
		}
		if !flat {
			for i, line := range lines {
				v, err := c.sample(q[i], line[x-1], above[i][x], above[i][x-1])
				if err != nil {
					return err
				}
				line[x] = v
			}
			continue
		}
		n, err := c.runLength(run, width+1-x)
		if err != nil {
			return err
		}
		for _, line := range lines {
			for i := range n {
				line[x+i] = line[x-1]
			}
		}
		if x += n; x > width {
			break
		}
		for i, line := range lines {
			if line[x], err = c.interrupt(line[x-1], above[i][x], *run, false); err != nil {
				return err
			}
		}
		*run = max(*run-1, 0)
	}
	return nil
}
