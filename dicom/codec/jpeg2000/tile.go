package jpeg2000

import (
	"fmt"
	"math"
)

// tile is one tile on its way from packets to samples.
type tile struct {
	area       rect // on the reference grid
	components []tileComponent
	data       []byte // the packets of all its tile-parts
	blocks     int    // code-blocks so far
	segments   int    // codeword segments so far
	limits     Limits
}

// tileComponent is one component of a tile.
type tileComponent struct {
	*componentParameters
	rect
	dx, dy      int
	resolutions []resolution // the lowest first
	// The coefficients, then the samples: of a reversible component in ints, else in floats. A sub-band lies where the
	// transform of its level expects it: LL top left, HL right of it, LH below, HH across.
	ints   []int32
	floats []float32
	stride int
}

// resolution is one resolution level of a tile-component (T.800 B.5, B.6).
type resolution struct {
	rect
	ppx, ppy   uint // log2 of the size of a precinct
	wide, high int  // precincts
	bands      []band
	precincts  []precinct
}

// band is a sub-band (T.800 B.5).
type band struct {
	rect
	orientation orientation
	planes      int     // magnitude bit-planes, Mb of T.800 equation E-2
	step        float32 // of quantization, 1 if the component is reversible
	x, y        int     // where it lies among the coefficients of the tile-component
}

// orientation tells in which directions a sub-band is high-pass.
type orientation uint8

const (
	bandLL orientation = iota
	bandHL             // in x
	bandLH             // in y
	bandHH
)

// precinct is a precinct of all sub-bands of a resolution (T.800 B.6).
type precinct struct {
	layer int    // the first one that was not read
	parts []part // of each band; nil as long as all packets were empty
}

// part is the share of a precinct in one sub-band: a grid of code-blocks (T.800 B.7).
type part struct {
	wide, high        int
	inclusion, planes tagTree
	blocks            []block
}

// block is a code-block.
type block struct {
	rect   // in its sub-band
	band   *band
	zero   uint8 // missing most significant bit-planes (T.800 B.10.5); with placeholder passes in T.814
	lblock uint8 // state of the lengths (T.800 B.10.7); 0 as long as the block was not included
	passes int
	chunks []chunk
}

// chunk is what one packet holds for a codeword segment of a code-block.
type chunk struct {
	offset int // in the data of the tile
	length int32
	passes uint8
	begins bool // a new codeword segment begins
}

// newTile lays out a tile. What it takes is bounded by maxPackets, since each packet takes at least one byte of packet
// headers; the code-blocks come later, when a packet has something for them.
func newTile(cs *codestream, index, maxPackets int, limits Limits) (*tile, error) {
	p := cs.tiles[index].parameters
	t := &tile{area: cs.size.tileArea(index), limits: limits, components: make([]tileComponent, len(p.components))}
	packets, precincts := 0, 0
	for i := range t.components {
		size := cs.size.components[i]
		c := &t.components[i]
		c.componentParameters, c.rect = &p.components[i], t.area.subsampled(size.dx, size.dy)
		c.dx, c.dy = size.dx, size.dy
		c.stride = c.width()
		c.resolutions = make([]resolution, c.levels+1)
		for r := range c.resolutions {
			res := c.layoutResolution(r)
			if res.wide > 0 && res.high > (maxPackets-packets)/p.layers/res.wide {
				return nil, fmt.Errorf("%d by %d precincts with %d layers in the %d bytes of the tile: %w",
					res.wide, res.high, p.layers, maxPackets, ErrTruncated)
			}
			packets += res.wide * res.high * p.layers
			if precincts += res.wide * res.high; precincts > limits.Blocks {
				return nil, fmt.Errorf("%d precincts, where %d are allowed: %w", precincts, limits.Blocks, ErrLimit)
			}
			res.precincts = make([]precinct, res.wide*res.high)
			if err := c.layoutBands(r, size.precision); err != nil {
				return nil, fmt.Errorf("component %d: %w", i, err)
			}
		}
	}
	return t, nil
}

// layoutResolution lays out the precincts of a resolution (T.800 equation B-16).
func (c *tileComponent) layoutResolution(r int) *resolution {
	res := &c.resolutions[r]
	res.rect = c.reduced(c.levels - r)
	res.ppx, res.ppy = c.precinct(r)
	if !res.empty() {
		res.wide = ceilShift(res.x1, res.ppx) - res.x0>>res.ppx
		res.high = ceilShift(res.y1, res.ppy) - res.y0>>res.ppy
	}
	return res
}

// layoutBands lays out the sub-bands of a resolution (T.800 B.5, E.1).
func (c *tileComponent) layoutBands(r, precision int) error {
	res := &c.resolutions[r]
	orientations, level := []orientation{bandHL, bandLH, bandHH}, c.levels-r+1
	if r == 0 {
		orientations, level = []orientation{bandLL}, c.levels
	}
	res.bands = make([]band, len(orientations))
	for i, o := range orientations {
		b := &res.bands[i]
		b.orientation, b.step = o, 1
		b.rect = c.band(level, int(o&1), int(o>>1))
		if o&1 != 0 {
			b.x = c.resolutions[r-1].width()
		}
		if o&2 != 0 {
			b.y = c.resolutions[r-1].height()
		}
		s, err := c.step(r, i)
		if err != nil {
			return err
		}
		b.planes = c.guard + int(s.exponent) - 1 + int(c.shift)
		if !c.reversible { // T.800 equation E-3; the gain of a sub-band is that of Table E.1
			gain := int(o&1 + o>>1)
			b.step = float32(math.Ldexp(1+float64(s.mantissa)/2048, precision+gain-int(s.exponent)))
		}
	}
	return nil
}

// precinctParts lays out the code-blocks of a precinct.
func (t *tile) precinctParts(c *tileComponent, r, index int) ([]part, error) {
	res := &c.resolutions[r]
	ppx, ppy := res.ppx, res.ppy
	px, py := res.x0>>ppx+index%res.wide, res.y0>>ppy+index/res.wide
	if r > 0 { // the precinct halves in the sub-bands
		ppx, ppy = ppx-1, ppy-1
	}
	area := rect{px << ppx, py << ppy, (px + 1) << ppx, (py + 1) << ppy}
	xcb, ycb := min(uint(c.blockW), ppx), min(uint(c.blockH), ppy) // T.800 equations B-17, B-18
	parts := make([]part, len(res.bands))
	for i := range parts {
		p, b := &parts[i], &res.bands[i]
		in := b.intersect(area)
		if in.empty() {
			continue
		}
		x0, y0 := in.x0>>xcb, in.y0>>ycb
		p.wide, p.high = ceilShift(in.x1, xcb)-x0, ceilShift(in.y1, ycb)-y0
		if p.wide > (t.limits.Blocks-t.blocks)/p.high {
			return nil, fmt.Errorf("a precinct of %d by %d code-blocks, where %d are allowed: %w", p.wide, p.high, t.limits.Blocks, ErrLimit)
		}
		t.blocks += p.wide * p.high
		p.inclusion, p.planes = newTagTree(p.wide, p.high), newTagTree(p.wide, p.high)
		p.blocks = make([]block, p.wide*p.high)
		for k := range p.blocks {
			x, y := x0+k%p.wide, y0+k/p.wide
			p.blocks[k].rect = rect{x << xcb, y << ycb, (x + 1) << xcb, (y + 1) << ycb}.intersect(in)
			p.blocks[k].band = b
		}
	}
	return parts, nil
}
