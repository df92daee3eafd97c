package jpeg2000

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// rect is an area: x0 and y0 are in it, x1 and y1 just outside.
type rect struct{ x0, y0, x1, y1 int }

func (r rect) width() int  { return r.x1 - r.x0 }
func (r rect) height() int { return r.y1 - r.y0 }
func (r rect) empty() bool { return r.x1 <= r.x0 || r.y1 <= r.y0 }

func (r rect) intersect(s rect) rect {
	return rect{max(r.x0, s.x0), max(r.y0, s.y0), min(r.x1, s.x1), min(r.y1, s.y1)}
}

// subsampled is the area in the coordinates of a component (T.800 equation B-12).
func (r rect) subsampled(dx, dy int) rect {
	return rect{ceilDiv(r.x0, dx), ceilDiv(r.y0, dy), ceilDiv(r.x1, dx), ceilDiv(r.y1, dy)}
}

// reduced is the area at a lower resolution (T.800 equation B-14).
func (r rect) reduced(n int) rect {
	return rect{ceilShift(r.x0, n), ceilShift(r.y0, n), ceilShift(r.x1, n), ceilShift(r.y1, n)}
}

// band is the area of a sub-band of decomposition level n, high-pass in x or y where that is 1 (T.800 equation B-15).
func (r rect) band(n, x, y int) rect {
	if n == 0 {
		return r
	}
	x, y = x<<(n-1), y<<(n-1)
	return rect{r.x0 - x, r.y0 - y, r.x1 - x, r.y1 - y}.reduced(n)
}

func ceilDiv(a, b int) int                   { return (a + b - 1) / b }
func ceilShift[N int | uint](a int, n N) int { return int((int64(a) + 1<<n - 1) >> n) }

// imageSize is SIZ (T.800 A.5.1): the image and the tiles on the reference grid.
type imageSize struct {
	area       rect // the image
	tile       rect // the first tile, which may begin left of and above the image
	components []componentSize
}

type componentSize struct {
	precision int
	signed    bool
	dx, dy    int
}

// maxGrid bounds the reference grid, so that no coordinate overflows on the way.
const maxGrid = 1<<31 - 1

func parseSize(s []byte) (imageSize, error) {
	if len(s) < 36 {
		return imageSize{}, fmt.Errorf("SIZ: %w", errShort)
	}
	var v [8]int
	for i := range v {
		u := binary.BigEndian.Uint32(s[2+4*i:])
		if u > maxGrid {
			return imageSize{}, fmt.Errorf("SIZ: a reference grid of %d: %w", u, ErrUnsupported)
		}
		v[i] = int(u)
	}
	if extensions := binary.BigEndian.Uint16(s); extensions&0x8000 != 0 {
		return imageSize{}, fmt.Errorf("SIZ: the extensions of T.801 (Rsiz %04X): %w", extensions, ErrUnsupported)
	}
	size := imageSize{area: rect{v[2], v[3], v[0], v[1]}, tile: rect{v[6], v[7], v[6] + v[4], v[7] + v[5]}}
	if size.area.empty() || size.tile.empty() || size.tile.x0 > size.area.x0 || size.tile.y0 > size.area.y0 ||
		size.tile.x1 <= size.area.x0 || size.tile.y1 <= size.area.y0 {
		return size, fmt.Errorf("SIZ: an image from (%d,%d) to (%d,%d) with a first tile from (%d,%d) to (%d,%d) (T.800 B.3)",
			v[2], v[3], v[0], v[1], size.tile.x0, size.tile.y0, size.tile.x1, size.tile.y1)
	}
	if int64(size.tilesWide())*int64(size.tilesHigh()) > 65535 {
		return size, errors.New("SIZ: more than 65,535 tiles")
	}
	n := int(binary.BigEndian.Uint16(s[34:]))
	if n == 0 || len(s) < 36+3*n {
		return size, fmt.Errorf("SIZ: %d components in %d bytes", n, len(s)-36)
	}
	for s = s[36:]; n > 0; n, s = n-1, s[3:] {
		c := componentSize{precision: int(s[0]&0x7F) + 1, signed: s[0]&0x80 != 0, dx: int(s[1]), dy: int(s[2])}
		if c.precision > 38 || c.dx == 0 || c.dy == 0 {
			return size, fmt.Errorf("SIZ: a component of %d bits with a sampling of %d by %d", c.precision, c.dx, c.dy)
		}
		size.components = append(size.components, c)
	}
	return size, nil
}

func (s *imageSize) tilesWide() int { return ceilDiv(s.area.x1-s.tile.x0, s.tile.width()) }
func (s *imageSize) tilesHigh() int { return ceilDiv(s.area.y1-s.tile.y0, s.tile.height()) }
func (s *imageSize) tiles() int     { return s.tilesWide() * s.tilesHigh() }

// tileArea is the area of a tile on the reference grid (T.800 equations B-7 to B-10).
func (s *imageSize) tileArea(index int) rect {
	x, y := s.tile.width()*(index%s.tilesWide()), s.tile.height()*(index/s.tilesWide())
	return rect{s.tile.x0 + x, s.tile.y0 + y, s.tile.x1 + x, s.tile.y1 + y}.intersect(s.area)
}
