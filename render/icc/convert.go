package icc

import (
	"image"
	"math"
)

// matrix is by rows.
type matrix [3][3]float64

func (m *matrix) times(v [3]float64) (p [3]float64) {
	for i, row := range m {
		p[i] = row[0]*v[0] + row[1]*v[1] + row[2]*v[2]
	}
	return p
}

// inverse is that of a matrix that has one, as those of the spaces do.
func (m *matrix) inverse() (inv matrix) {
	minor := func(r, c int) float64 {
		r1, r2, c1, c2 := (r+1)%3, (r+2)%3, (c+1)%3, (c+2)%3
		return m[r1][c1]*m[r2][c2] - m[r1][c2]*m[r2][c1]
	}
	determinant := m[0][0]*minor(0, 0) + m[0][1]*minor(0, 1) + m[0][2]*minor(0, 2)
	for r := range inv {
		for c := range inv[r] {
			inv[r][c] = minor(c, r) / determinant
		}
	}
	return inv
}

// Convert has the colors of the picture, which are those of from, in the other space.
func Convert(img *image.RGBA, from Colors, to *Space) {
	var last, converted [3]uint8
	known := false
	for y := range img.Rect.Dy() {
		row := img.Pix[y*img.Stride:][:4*img.Rect.Dx()]
		for ; len(row) >= 4; row = row[4:] {
			if c := [3]uint8(row[:3]); !known || c != last {
				last, known = c, true
				for i, v := range to.back.times(from.xyz(c)) {
					converted[i] = to.level(v)
				}
			}
			copy(row, converted[:])
		}
	}
}

// FromLab is the color of 8 bits that lies nearest to one of CIELab: L* of 0 to 100, a* and b* around 0.
func (s *Space) FromLab(lightness, a, b float64) (c [3]uint8) {
	for i, v := range s.back.times(xyzOfLab(lightness, a, b)) {
		c[i] = s.level(v)
	}
	return c
}

func xyzOfLab(lightness, a, b float64) [3]float64 {
	fy := (lightness + 16) / 116
	return [3]float64{white[0] * cube(fy+a/500), white[1] * cube(fy), white[2] * cube(fy-b/200)}
}

// cube inverts the cube root of CIELab, linear near black.
func cube(f float64) float64 {
	if f > 6.0/29 {
		return f * f * f
	}
	return 3 * 36.0 / 841 * (f - 4.0/29)
}

// encoder inverts a tone curve to 8 bits, to the nearest level.
type encoder struct {
	above [math.MaxUint8]float64 // above[i] is the linear value from which on the level is more than i
	guess [1 << 10]uint8         // a level at or below that of the values in its share of 0 to 1
}

func newEncoder(linear func(float64) float64) *encoder {
	e := &encoder{}
	for i := range e.above {
		e.above[i] = linear((float64(i) + 0.5) / math.MaxUint8)
	}
	for i := range e.guess {
		e.guess[i] = e.from(0, float64(i)/float64(len(e.guess)))
	}
	return e
}

// level is the level of a linear value, the least or greatest of one outside of 0 to 1.
func (e *encoder) level(v float64) uint8 {
	if !(v > 0) {
		return 0
	}
	return e.from(e.guess[int(min(v, 1)*float64(len(e.guess)-1))], v)
}

func (e *encoder) from(level uint8, v float64) uint8 {
	for level < math.MaxUint8 && v >= e.above[level] {
		level++
	}
	return level
}
