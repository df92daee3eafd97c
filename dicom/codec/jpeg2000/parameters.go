package jpeg2000

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The code-block styles (T.800 Table A.19, T.814 A.4).
const (
	styleBypass      = 1 << iota // selective arithmetic coding bypass
	styleReset                   // contexts start anew at each coding pass
	styleTerminate               // each coding pass is a codeword segment
	styleCausal                  // contexts do not look into the stripe below
	stylePredictable             // predictable termination
	styleSymbols                 // segmentation symbols
	styleHT                      // code-blocks of T.814
	styleMixed                   // with styleHT: some of them only
)

// parameters say how the tiles are coded: COD, COC, QCD, QCC, RGN and POC of the main header, as a tile may change them.
type parameters struct {
	coded, quantized bool // COD and QCD were there
	order            Progression
	layers           int
	colorTransform   bool
	components       []componentParameters
	changes          []progressionChange
	changedByTile    bool
	tile             bool
}

// componentParameters say how one component is coded.
type componentParameters struct {
	coding
	quantization
	ownCoding, ownQuantization bool  // set by COC, QCC: COD and QCD of the same header do not count (T.800 A.6.2, A.6.5)
	shift                      uint8 // of the region of interest (T.800 A.6.3)
}

// coding is SPcod or SPcoc (T.800 Table A.15).
type coding struct {
	levels     int
	blockW     uint8 // log2 of the width of a code-block: 2 to 10
	blockH     uint8
	style      uint8
	reversible bool
	precincts  []uint8 // of each resolution, PPx in the lower half and PPy in the upper (T.800 Table A.21); nil: all 15
}

// quantization is Sqcd and SPqcd (T.800 Table A.28).
type quantization struct {
	guard   int
	derived bool // one step for LL, the others follow from it
	steps   []step
}

// step is a quantization step: 2^(R-exponent) * (1 + mantissa/2048) (T.800 E.1.1).
type step struct {
	exponent uint8
	mantissa uint16
}

// progressionChange is one entry of POC (T.800 A.6.6).
type progressionChange struct {
	order                         Progression
	resolution, component         int // the first ones
	layers, resolutions, compsEnd int // those after the last ones
}

func newParameters(components int) *parameters {
	return &parameters{components: make([]componentParameters, components)}
}

// forTile copies the parameters of the main header for a tile that changes them.
func (p *parameters) forTile() *parameters {
	t := *p
	t.tile = true
	t.components = slices.Clone(p.components)
	for i := range t.components {
		t.components[i].ownCoding, t.components[i].ownQuantization = false, false
	}
	return &t
}

// complete reports what a main header must not lack.
func (p *parameters) complete() error {
	if !p.coded || !p.quantized {
		return errors.New("main header: COD or QCD is missing (T.800 A.3)")
	}
	return nil
}

var errShort = errors.New("marker segment too short")

// segment reads one marker segment. Those that say nothing a decoder needs (TLM, PLM, PLT, CRG, COM, CPF) and unknown ones are
// skipped.
func (p *parameters) segment(marker int, s []byte) error {
	var err error
	switch marker {
	case markCOD:
		err = p.readCOD(s)
	case markCOC:
		err = p.readCOC(s)
	case markQCD:
		err = p.readQCD(s)
	case markQCC:
		err = p.readQCC(s)
	case markRGN:
		err = p.readRGN(s)
	case markPOC:
		err = p.readPOC(s)
	}
	if err != nil {
		return fmt.Errorf("marker segment %04X: %w", marker, err)
	}
	return nil
}

// readCOD reads the coding style default (T.800 A.6.1). Whether SOP and EPH are used is seen in the packets.
func (p *parameters) readCOD(s []byte) error {
	if len(s) < 10 {
		return errShort
	}
	p.coded = true
	if p.order = Progression(s[1]); p.order > CPRL {
		return fmt.Errorf("progression order %d", p.order)
	}
	if p.layers = int(binary.BigEndian.Uint16(s[2:])); p.layers == 0 {
		return errors.New("no layers")
	}
	if s[4] > 1 {
		return fmt.Errorf("multiple component transform %d: %w", s[4], ErrUnsupported)
	}
	p.colorTransform = s[4] == 1
	c, err := parseCoding(s[5:], s[0]&1 != 0)
	if err != nil {
		return err
	}
	for i := range p.components {
		if !p.components[i].ownCoding {
			p.components[i].coding = c
		}
	}
	return nil
}

// readCOC reads the coding style of one component (T.800 A.6.2).
func (p *parameters) readCOC(s []byte) error {
	c, s, err := p.component(s)
	if err != nil {
		return err
	}
	if len(s) < 6 {
		return errShort
	}
	c.ownCoding = true
	c.coding, err = parseCoding(s[1:], s[0]&1 != 0)
	return err
}

// component reads the index of a component, which takes two bytes where there are more than 256.
func (p *parameters) component(s []byte) (*componentParameters, []byte, error) {
	i, n, err := p.index(s)
	if err != nil {
		return nil, nil, err
	}
	if i >= len(p.components) {
		return nil, nil, fmt.Errorf("component %d of %d", i, len(p.components))
	}
	return &p.components[i], s[n:], nil
}

func (p *parameters) index(s []byte) (index, length int, err error) {
	switch {
	case len(p.components) < 257 && len(s) >= 1:
		return int(s[0]), 1, nil
	case len(p.components) >= 257 && len(s) >= 2:
		return int(binary.BigEndian.Uint16(s)), 2, nil
	}
	return 0, 0, errShort
}

func parseCoding(s []byte, precincts bool) (coding, error) {
	c := coding{levels: int(s[0]), blockW: s[1]&15 + 2, blockH: s[2]&15 + 2, style: s[3], reversible: s[4] == 1}
	if c.levels > 32 {
		return c, fmt.Errorf("%d decomposition levels", c.levels)
	}
	if c.blockW > 10 || c.blockH > 10 || c.blockW+c.blockH > 12 {
		return c, fmt.Errorf("code-blocks of 2^%d by 2^%d (T.800 Table A.18)", c.blockW, c.blockH)
	}
	if s[4] > 1 {
		return c, fmt.Errorf("wavelet transform %d: %w", s[4], ErrUnsupported)
	}
	if c.style&styleMixed != 0 {
		return c, fmt.Errorf("code-blocks of T.800 and of T.814 in one tile-component (T.814 A.4): %w", ErrUnsupported)
	}
	if precincts {
		if len(s) < 6+c.levels {
			return c, errShort
		}
		c.precincts = slices.Clone(s[5 : 6+c.levels])
		for r, size := range c.precincts {
			if r > 0 && (size&15 == 0 || size>>4 == 0) {
				return c, fmt.Errorf("precincts of one sample at resolution %d (T.800 Table A.21)", r)
			}
		}
	}
	return c, nil
}

// precinct returns the log2 of the size of the precincts of a resolution.
func (c *coding) precinct(resolution int) (x, y uint) {
	if c.precincts == nil {
		return 15, 15
	}
	size := c.precincts[resolution]
	return uint(size & 15), uint(size >> 4)
}

// readQCD reads the quantization default (T.800 A.6.4).
func (p *parameters) readQCD(s []byte) error {
	q, err := parseQuantization(s)
	if err != nil {
		return err
	}
	p.quantized = true
	for i := range p.components {
		if !p.components[i].ownQuantization {
			p.components[i].quantization = q
		}
	}
	return nil
}

// readQCC reads the quantization of one component (T.800 A.6.5).
func (p *parameters) readQCC(s []byte) error {
	c, s, err := p.component(s)
	if err != nil {
		return err
	}
	c.ownQuantization = true
	c.quantization, err = parseQuantization(s)
	return err
}

func parseQuantization(s []byte) (quantization, error) {
	if len(s) < 2 {
		return quantization{}, errShort
	}
	q := quantization{guard: int(s[0] >> 5), derived: s[0]&31 == 1}
	switch s[0] & 31 {
	case 0:
		for _, v := range s[1:] {
			q.steps = append(q.steps, step{exponent: v >> 3})
		}
	case 1, 2:
		for s = s[1:]; len(s) >= 2; s = s[2:] {
			v := binary.BigEndian.Uint16(s)
			q.steps = append(q.steps, step{exponent: uint8(v >> 11), mantissa: v & 0x7FF})
		}
	default:
		return q, fmt.Errorf("quantization style %d", s[0]&31)
	}
	if q.steps == nil {
		return q, errShort
	}
	return q, nil
}

// step returns that of a sub-band: LL, or by resolution the bands HL, LH and HH (T.800 E.1.1).
func (q *quantization) step(resolution, band int) (step, error) {
	if q.derived { // T.800 equation E-5
		s := q.steps[0]
		if resolution > 1 {
			if int(s.exponent) < resolution-1 {
				return s, fmt.Errorf("the quantization exponent of resolution %d is negative", resolution)
			}
			s.exponent -= uint8(resolution - 1)
		}
		return s, nil
	}
	i := 0
	if resolution > 0 {
		i = 3*(resolution-1) + band + 1
	}
	if i >= len(q.steps) {
		return step{}, fmt.Errorf("%d quantization steps, too few for resolution %d", len(q.steps), resolution)
	}
	return q.steps[i], nil
}

// readRGN reads the shift of a region of interest (T.800 A.6.3).
func (p *parameters) readRGN(s []byte) error {
	c, s, err := p.component(s)
	if err != nil {
		return err
	}
	if len(s) < 2 {
		return errShort
	}
	if s[0] != 0 {
		return fmt.Errorf("region of interest of style %d: %w", s[0], ErrUnsupported)
	}
	c.shift = s[1]
	return nil
}

// readPOC reads changes of the progression order (T.800 A.6.6). Those of a tile replace those of the main header.
func (p *parameters) readPOC(s []byte) error {
	if p.tile && !p.changedByTile {
		p.changes, p.changedByTile = nil, true
	}
	changes := slices.Clone(p.changes)
	for len(s) > 0 {
		var c progressionChange
		c.resolution = int(s[0])
		first, n, err := p.index(s[1:])
		if err != nil {
			return err
		}
		if s = s[1+n:]; len(s) < 4+n {
			return errShort
		}
		c.component, c.layers, c.resolutions = first, int(binary.BigEndian.Uint16(s)), int(s[2])
		if c.compsEnd, _, err = p.index(s[3:]); err != nil {
			return err
		}
		if c.compsEnd == 0 { // 256 where it has one byte only
			c.compsEnd = len(p.components)
		}
		if c.order = Progression(s[3+n]); c.order > CPRL {
			return fmt.Errorf("progression order %d", c.order)
		}
		changes = append(changes, c)
		s = s[4+n:]
	}
	p.changes = changes
	return nil
}
