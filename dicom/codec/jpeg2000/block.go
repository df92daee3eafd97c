package jpeg2000

import (
	"errors"
	"fmt"
	"math/bits"
)

// blockDecoder decodes code-blocks one after the other (T.800 Annex D). Its buffers serve all of them.
type blockDecoder struct {
	mq  mqDecoder
	raw rawBits
	// slack is that of the arithmetic decoder between two passes.
	slack int32
	// samples are the coefficients, row by row: the sign in bit 31, then twice the magnitude, so that the bit below the last
	// one decoded is a half (T.800 E.1.1.2).
	samples       []uint32
	flags         []uint32
	width, height int
	stride        int // of flags
	data          []byte
	ht            *htDecoder
}

// maxPlanes bounds the bit-planes of a code-block, so that sign, magnitude and half fit into 32 bits.
const maxPlanes = 30

// decode decodes a code-block. The samples stay in d.samples until the next.
func (d *blockDecoder) decode(b *block, c *tileComponent, data []byte) error {
	d.width, d.height = b.width(), b.height()
	planes := b.band.planes - int(b.zero)
	if planes > maxPlanes {
		return fmt.Errorf("a code-block with %d bit-planes, where %d are decoded: %w", planes, maxPlanes, ErrUnsupported)
	}
	d.samples = cleared(d.samples, d.width*d.height)
	if c.style&styleHT != 0 {
		return d.decodeHT(b, c, data)
	}
	d.stride = d.width + 2
	d.flags = cleared(d.flags, d.stride*((d.height+3)/4+2))
	d.mq.reset()
	pass := 0
	for i := 0; i < len(b.chunks); {
		d.data = d.data[:0]
		passes := 0
		for first := i; i < len(b.chunks) && (i == first || !b.chunks[i].begins); i++ {
			chunk := b.chunks[i]
			d.data = append(d.data, data[chunk.offset:][:chunk.length]...)
			passes += int(chunk.passes)
		}
		if err := d.decodeSegment(b.band.orientation, c.style, planes, pass, passes); err != nil {
			return err
		}
		pass += passes
	}
	return nil
}

// cleared is s with n zeros.
func cleared[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// decodeSegment decodes the passes of the codeword segment in d.data, the first of which is pass, counted from the cleanup
// pass of the most significant bit-plane (T.800 D.3, D.4).
func (d *blockDecoder) decodeSegment(o orientation, style uint8, planes, pass, passes int) error {
	raw := style&styleBypass != 0 && pass >= 10 && pass%3 != 0 // T.800 D.6
	d.data = append(d.data, 0xFF, 0xFF)
	if raw {
		d.raw = rawBits{data: d.data[:len(d.data)-2]}
	} else {
		d.slack = d.mq.start(d.data)
	}
	for ; passes > 0; pass, passes = pass+1, passes-1 {
		plane := planes - 1 - (pass+2)/3
		if plane < 0 {
			return nil // passes below the last bit-plane say nothing
		}
		bit := uint32(2) << plane // its weight, where 1 is a half
		causal := style&styleCausal != 0
		switch {
		case pass%3 == 0:
			d.cleanup(&zeroContexts[o], bit, causal)
			if style&styleSymbols != 0 && !d.segmentationSymbol() {
				return errors.New("damaged code-block: no segmentation symbol (T.800 D.5)")
			}
		case pass%3 == 1 && raw:
			d.propagateRaw(bit, causal)
		case pass%3 == 1:
			d.propagate(&zeroContexts[o], bit, causal)
		case raw:
			d.refineRaw(bit)
		default:
			d.refine(bit)
		}
		if style&styleReset != 0 {
			d.mq.reset()
		}
	}
	return nil
}

func (d *blockDecoder) segmentationSymbol() bool {
	symbol, bit := uint32(0), uint32(0)
	for range 4 {
		d.slack, bit = d.mq.decode(d.slack, contextUniform)
		symbol = symbol<<1 | bit
	}
	return symbol == 0xA
}

// significant notes in the neighbouring words that the sample at shift of the word at i is significant. The caller notes it
// in the word itself.
func (d *blockDecoder) significant(i int, shift uint, negative uint32, causal bool) {
	flags := d.flags
	flags[i-1] |= flagRight << (shift & 31)
	flags[i+1] |= flagLeft << (shift & 31)
	if shift == 0 && !causal { // the stripe above sees it in its row below; with causal contexts it does not (T.800 D.7)
		up := flags[i-d.stride-1 : i-d.stride+2]
		up[0] |= 1 << 17
		up[1] |= 1<<16 | negative<<31
		up[2] |= 1 << 15
	}
	if shift == 9 {
		down := flags[i+d.stride-1 : i+d.stride+2]
		down[0] |= 1 << 2
		down[1] |= 1<<1 | negative<<18
		down[2] |= 1 << 0
	}
}

// stripe is four rows of a code-block, or fewer at its end.
type stripe struct {
	at      int      // of the first word in the flags of the code-block
	flags   []uint32 // one for each column
	samples []uint32
	rows    uint32 // flagSelf of each row
}

// stripe returns the one that begins at row y.
func (d *blockDecoder) stripe(y int) stripe {
	at := (y/4+1)*d.stride + 1
	return stripe{at, d.flags[at : at+d.width], d.samples[y*d.width:], uint32(allSelf) >> (3 * max(0, y+4-d.height)) & allSelf}
}

// rowOf tells the row of a stripe from the place of its flagSelf.
var rowOf = [32]uint8{4: 0, 7: 1, 10: 2, 13: 3}

// propagate is the significance propagation pass (T.800 D.3.1).
func (d *blockDecoder) propagate(zero *[512]uint8, bit uint32, causal bool) {
	m, slack, value := &d.mq, d.slack, bit|bit>>1
	for y := 0; y < d.height; y += 4 {
		s := d.stripe(y)
		for x, f := range s.flags {
			if f == 0 {
				continue
			}
			for todo := beside(f) & s.rows &^ f; todo != 0; {
				self := uint(bits.TrailingZeros32(todo)) & 31
				todo &= todo - 1
				shift := self - flagSelfBit
				cx := uint32(zero[f>>(shift&31)&flagNeighbors])
				state := m.contexts[cx&31]
				slack -= int32(state >> 16)
				decision := state & 1
				if slack < 0 {
					slack, decision = m.exchange(slack, cx)
				}
				if decision != 0 {
					var negative uint32
					slack, negative = d.decodeSign(slack, s.at+x, f, shift)
					s.samples[x+int(rowOf[self])*d.width] = value | negative<<31
					f |= (flagSelf | negative<<19) << (shift & 31)
					d.significant(s.at+x, shift, negative, causal)
					todo |= flagSelf << 3 << (shift & 31) & s.rows &^ f // the sample below has a significant neighbour now
				}
				f |= flagVisited << (shift & 31)
			}
			s.flags[x] = f
		}
	}
	d.slack = slack
}

// beside returns flagSelf for each row of a stripe column in which a sample has a significant neighbour.
func beside(f uint32) uint32 {
	return f<<4 | f<<3 | f<<2 | f<<1 | f>>1 | f>>2 | f>>3 | f>>4
}

// decodeSign decodes the sign of a sample that becomes significant (T.800 D.3.2): 1 if it is negative.
func (d *blockDecoder) decodeSign(slack int32, at int, f uint32, shift uint) (newSlack int32, negative uint32) {
	sc := signContexts[signIndex(f, d.flags[at-1], d.flags[at+1], shift)&255]
	cx := uint32(sc & 31)
	s := d.mq.contexts[cx]
	slack -= int32(s >> 16)
	negative = s & 1
	if slack < 0 {
		slack, negative = d.mq.exchange(slack, cx)
	}
	return slack, negative ^ uint32(sc>>7)
}

// refine is the magnitude refinement pass (T.800 D.3.3).
func (d *blockDecoder) refine(bit uint32) {
	m, slack, half := &d.mq, d.slack, bit>>1
	for y := 0; y < d.height; y += 4 {
		s := d.stripe(y)
		for x, f := range s.flags {
			todo := f & s.rows &^ (f / (flagVisited / flagSelf))
			if todo == 0 {
				continue
			}
			near := beside(f)
			for refined := uint32(0); ; {
				self := uint(bits.TrailingZeros32(todo)) & 31
				cx := contextMagnitude + near>>self&1
				if f>>self&(flagRefined/flagSelf) != 0 {
					cx = contextMagnitude + 2
				}
				state := m.contexts[cx&31]
				slack -= int32(state >> 16)
				decision := state & 1
				if slack < 0 {
					slack, decision = m.exchange(slack, cx)
				}
				// The half of the plane above is the bit that is decided here, and becomes 0 or stays 1.
				s.samples[x+int(rowOf[self])*d.width] ^= half | bit&(decision-1)
				refined |= flagRefined / flagSelf << self
				if todo &= todo - 1; todo == 0 {
					s.flags[x] = f | refined
					break
				}
			}
		}
	}
	d.slack = slack
}

// cleanup is the cleanup pass (T.800 D.3.4).
func (d *blockDecoder) cleanup(zero *[512]uint8, bit uint32, causal bool) {
	m, slack, value := &d.mq, d.slack, bit|bit>>1
	for y := 0; y < d.height; y += 4 {
		s := d.stripe(y)
		for x, f := range s.flags {
			todo, run := s.rows&^(f|f/(flagVisited/flagSelf)), false
			if f == 0 && todo == allSelf {
				var first uint32
				if slack, first = d.runLength(slack); first == 4 {
					continue
				}
				todo, run = todo&^(1<<(3*first+flagSelfBit)-1), true
			}
			for ; todo != 0; todo &= todo - 1 {
				self := uint(bits.TrailingZeros32(todo)) & 31
				shift := self - flagSelfBit
				if !run {
					cx := uint32(zero[f>>(shift&31)&flagNeighbors])
					state := m.contexts[cx&31]
					slack -= int32(state >> 16)
					decision := state & 1
					if slack < 0 {
						slack, decision = m.exchange(slack, cx)
					}
					if decision == 0 {
						continue
					}
				}
				run = false // the sample that ends a run is known to be significant
				var negative uint32
				slack, negative = d.decodeSign(slack, s.at+x, f, shift)
				s.samples[x+int(rowOf[self])*d.width] = value | negative<<31
				f |= (flagSelf | negative<<19) << (shift & 31)
				d.significant(s.at+x, shift, negative, causal)
			}
			s.flags[x] = f &^ allVisited
		}
	}
	d.slack = slack
}

// runLength decodes how many samples of a stripe column come before the first significant one (T.800 Table D.5): 4 if there
// is none.
func (d *blockDecoder) runLength(slack int32) (newSlack int32, length uint32) {
	slack, decision := d.mq.decode(slack, contextRun)
	if decision == 0 {
		return slack, 4
	}
	slack, high := d.mq.decode(slack, contextUniform)
	slack, low := d.mq.decode(slack, contextUniform)
	return slack, high<<1 | low
}
