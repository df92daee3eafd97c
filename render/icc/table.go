package icc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// table converts by curves, a grid of colors, and curves again: lut8Type, lut16Type or lutAToBType (ISO 15076-1 10.10 to 10.12). What
// of them a profile does not have is nil.
type table struct {
	before  [3]curve
	grid    *grid
	middle  *[3]curve
	matrix  *matrix
	offset  [3]float64
	after   [3]curve
	connect func([3]float64) [3]float64 // from what comes out, 0 to 1, to XYZ
}

func (t *table) xyz(samples [3]uint8) [3]float64 {
	var v [3]float64
	for i, s := range samples {
		v[i] = t.before[i](float64(s) / math.MaxUint8)
	}
	if t.grid != nil {
		v = t.grid.at(v)
	}
	if t.middle != nil {
		v = each(*t.middle, v)
	}
	if t.matrix != nil {
		v = t.matrix.times(v)
		for i := range v {
			v[i] += t.offset[i]
		}
	}
	return t.connect(each(t.after, v))
}

func each(curves [3]curve, v [3]float64) [3]float64 {
	for i := range v {
		v[i] = curves[i](v[i])
	}
	return v
}

var errTable = errors.New("a table of an ICC profile is cut off, or not from three colors to three")

// parseTable reads a table whose output is CIELab or XYZ.
func parseTable(b []byte, lab bool) (Colors, error) {
	if len(b) < 32 || b[8] != 3 || b[9] != 3 {
		return nil, errTable
	}
	t := &table{connect: xyzConnection}
	var err error
	switch kind := string(b[:4]); kind {
	case "mft1":
		err = t.parseOld(b, 48, 256, 256, 1)
		if lab {
			t.connect = labConnection(1)
		}
	case "mft2":
		if len(b) < 52 {
			return nil, errTable
		}
		err = t.parseOld(b, 52, int(binary.BigEndian.Uint16(b[48:])), int(binary.BigEndian.Uint16(b[50:])), 2)
		if lab {
			t.connect = labConnection(65535.0 / 65280)
		}
	case "mAB ":
		err = t.parseNew(b)
		if lab {
			t.connect = labConnection(1)
		}
	default:
		err = fmt.Errorf("a table of type %q in an ICC profile", kind)
	}
	return t, err
}

// xyzConnection undoes the encoding of XYZ, of which 1 is 1 + 32767/32768.
func xyzConnection(v [3]float64) [3]float64 {
	for i := range v {
		v[i] *= 1 + 32767.0/32768
	}
	return v
}

// labConnection undoes the encoding of CIELab: 0 to 100 and -128 to 127, or, as 16 bits of version 2 have it, a little more of each.
func labConnection(stretch float64) func([3]float64) [3]float64 {
	return func(v [3]float64) [3]float64 {
		return xyzOfLab(v[0]*stretch*100, v[1]*stretch*255-128, v[2]*stretch*255-128)
	}
}

// parseOld reads lut8Type or lut16Type: curves of so many entries of so many bytes. Their matrix is for XYZ only.
func (t *table) parseOld(b []byte, from, entriesIn, entriesOut, width int) error {
	points := int(b[10])
	sizes := []int{3 * entriesIn * width, points * points * points * 3 * width, 3 * entriesOut * width}
	if entriesIn < 2 || entriesOut < 2 || points < 2 || len(b) < from+sizes[0]+sizes[1]+sizes[2] {
		return errTable
	}
	values := octets
	if width == 2 {
		values = words
	}
	in := values(b[from:][:sizes[0]])
	inside := values(b[from+sizes[0]:][:sizes[1]])
	out := values(b[from+sizes[0]+sizes[1]:][:sizes[2]])
	for i := range 3 {
		t.before[i] = sampled(in[i*entriesIn:][:entriesIn])
		t.after[i] = sampled(out[i*entriesOut:][:entriesOut])
	}
	t.grid = &grid{[3]int{points, points, points}, inside}
	return nil
}

// parseNew reads lutAToBType, of whose parts all but the last curves may be absent.
func (t *table) parseNew(b []byte) (err error) {
	part := func(i int) []byte {
		if from := uint64(binary.BigEndian.Uint32(b[12+4*i:])); from > 0 && from < uint64(len(b)) {
			return b[from:]
		}
		return nil
	}
	if t.after, err = curves(part(0)); err != nil {
		return err
	}
	if m := part(1); m != nil {
		if len(m) < 48 {
			return errTable
		}
		t.matrix = &matrix{}
		for i := range 9 {
			t.matrix[i/3][i%3] = fixed(m[4*i:])
		}
		for i := range 3 {
			t.offset[i] = fixed(m[36+4*i:])
		}
	}
	if m := part(2); m != nil {
		middle, err := curves(m)
		if err != nil {
			return err
		}
		t.middle = &middle
	}
	identity := clip(func(x float64) float64 { return x })
	t.before = [3]curve{identity, identity, identity}
	if g := part(3); g != nil {
		if t.grid, err = parseGrid(g); err != nil {
			return err
		}
		t.before, err = curves(part(4))
	}
	return err
}

// curves reads three curves, each of which starts at a multiple of four bytes.
func curves(b []byte) (all [3]curve, err error) {
	for i := range all {
		c, size, err := parseCurve(b)
		if err != nil {
			return all, err
		}
		all[i] = c
		b = b[min((size+3)&^3, len(b)):]
	}
	return all, nil
}

// parseGrid reads the grid of lutAToBType.
func parseGrid(b []byte) (*grid, error) {
	if len(b) < 20 {
		return nil, errTable
	}
	g, size := &grid{}, 3
	for i := range g.points {
		g.points[i] = int(b[i])
		if size *= g.points[i]; g.points[i] < 2 {
			return nil, errTable
		}
	}
	switch width := int(b[16]); {
	case width == 1 && len(b) >= 20+size:
		g.values = octets(b[20:][:size])
	case width == 2 && len(b) >= 20+2*size:
		g.values = words(b[20:][:2*size])
	default:
		return nil, errTable
	}
	return g, nil
}

// grid has colors at the points of a cube, the last axis changing fastest.
type grid struct {
	points [3]int
	values []float64
}

// at interpolates in the tetrahedron that the color lies in: from the corner nearest to black along the axes, the one first of which it
// has come farthest. So grays stay gray.
func (g *grid) at(v [3]float64) (out [3]float64) {
	strides := [3]int{3 * g.points[1] * g.points[2], 3 * g.points[2], 3}
	var part [3]float64
	var step [3]int
	corner := 0
	for i := range v {
		x := unit(v[i]) * float64(g.points[i]-1)
		n := min(int(x), g.points[i]-2)
		part[i], step[i] = x-float64(n), strides[i]
		corner += n * strides[i]
	}
	order := [3]int{0, 1, 2}
	if part[order[0]] < part[order[1]] {
		order[0], order[1] = order[1], order[0]
	}
	if part[order[1]] < part[order[2]] {
		order[1], order[2] = order[2], order[1]
	}
	if part[order[0]] < part[order[1]] {
		order[0], order[1] = order[1], order[0]
	}
	copy(out[:], g.values[corner:])
	for _, axis := range order {
		next := corner + step[axis]
		for k := range out {
			out[k] += (g.values[next+k] - g.values[corner+k]) * part[axis]
		}
		corner = next
	}
	return out
}
