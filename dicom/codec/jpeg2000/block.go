package jpeg2000

import (
	"errors"
	"fmt"
)

// blockDecoder decodes code-blocks one after the other (T.800 Annex D). Its buffers serve all of them.
type blockDecoder struct {
	mq  mqDecoder
	raw rawBits
	// slack is that of the arithmetic decoder between two passes.
	slack int32
	// samples are the coefficients, row by row: the sign in bit 31, then twice the magnitude, so that the bit below the last one
	// decoded is a half (T.800 E.1.1.2).
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
			d.data = append(d.data, data[chunk.offset:chunk.offset+chunk.length]...)
			passes += chunk.passes
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

// decodeSegment decodes the passes of the codeword segment in d.data, the first of which is pass, counted from the cleanup pass of
// the most significant bit-plane (T.800 D.3, D.4).
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

// significant notes in the neighbouring words that the sample at shift of the word at i is significant. The caller notes it in the
// word itself.
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

// propagate is the significance propagation pass (T.800 D.3.1).
func (d *blockDecoder) propagate(zero *[512]uint8, bit uint32, causal bool) {
	m, slack, value := &d.mq, d.slack, bit|bit>>1
	for y := 0; y < d.height; y += 4 {
		rows := uint(min(4, d.height-y)) * 3
		at := (y/4+1)*d.stride + 1
		flags, samples := d.flags[at:at+d.width], d.samples[y*d.width:]
		for x, f := range flags {
			if f == 0 {
				continue // nothing significant around
			}
			for shift, k := uint(0), x; shift < rows; shift, k = shift+3, k+d.width {
				g := f >> (shift & 31)
				if g&flagSelf != 0 || g&flagNeighbors == 0 {
					continue
				}
				cx := uint32(zero[g&flagNeighbors])
				s := m.contexts[cx&31]
				slack -= int32(s >> 16)
				decision := s & 1
				if slack < 0 {
					slack, decision = m.exchange(slack, cx)
				}
				if decision != 0 {
					var negative uint32
					slack, negative = d.decodeSign(slack, at+x, f, shift)
					samples[k] = value | negative<<31
					f |= (flagSelf | negative<<19) << (shift & 31)
					d.significant(at+x, shift, negative, causal)
				}
				f |= flagVisited << (shift & 31)
			}
			flags[x] = f
		}
	}
	d.slack = slack
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
		rows := uint(min(4, d.height-y)) * 3
		at := (y/4+1)*d.stride + 1
		flags, samples := d.flags[at:at+d.width], d.samples[y*d.width:]
		for x, f := range flags {
			if f&allSelf == 0 {
				continue
			}
			for shift, k := uint(0), x; shift < rows; shift, k = shift+3, k+d.width {
				g := f >> (shift & 31)
				if g&(flagSelf|flagVisited) != flagSelf {
					continue
				}
				cx := uint32(contextMagnitude)
				if g&flagRefined != 0 {
					cx = contextMagnitude + 2
				} else if g&flagNeighbors != 0 {
					cx = contextMagnitude + 1
				}
				s := m.contexts[cx&31]
				slack -= int32(s >> 16)
				decision := s & 1
				if slack < 0 {
					slack, decision = m.exchange(slack, cx)
				}
				// The half of the plane above is the bit that is decided here, and becomes 0 or stays 1.
				samples[k] ^= half | bit&(decision-1)
				f |= flagRefined << (shift & 31)
			}
			flags[x] = f
		}
	}
	d.slack = slack
}

// cleanup is the cleanup pass (T.800 D.3.4).
func (d *blockDecoder) cleanup(zero *[512]uint8, bit uint32, causal bool) {
	m, slack, value := &d.mq, d.slack, bit|bit>>1
	for y := 0; y < d.height; y += 4 {
		rows := uint(min(4, d.height-y)) * 3
		at := (y/4+1)*d.stride + 1
		flags, samples := d.flags[at:at+d.width], d.samples[y*d.width:]
		for x := range flags {
			f := flags[x]
			first, run := uint(0), false
			if f == 0 && rows == 12 {
				s := m.contexts[contextRun]
				slack -= int32(s >> 16)
				decision := s & 1
				if slack < 0 {
					slack, decision = m.exchange(slack, contextRun)
				}
				if decision == 0 {
					continue
				}
				var high, low uint32
				slack, high = m.decode(slack, contextUniform)
				slack, low = m.decode(slack, contextUniform)
				first, run = uint(high<<1|low)*3, true
			}
			for shift, k := first, x+int(first)/3*d.width; shift < rows; shift, k = shift+3, k+d.width {
				g := f >> (shift & 31)
				if g&(flagSelf|flagVisited) != 0 {
					continue
				}
				decision := uint32(1)
				if run {
					run = false // the sample that ended the run is known to be significant
				} else {
					cx := uint32(zero[g&flagNeighbors])
					s := m.contexts[cx&31]
					slack -= int32(s >> 16)
					decision = s & 1
					if slack < 0 {
						slack, decision = m.exchange(slack, cx)
					}
				}
				if decision != 0 {
					var negative uint32
					slack, negative = d.decodeSign(slack, at+x, f, shift)
					samples[k] = value | negative<<31
					f |= (flagSelf | negative<<19) << (shift & 31)
					d.significant(at+x, shift, negative, causal)
				}
			}
			flags[x] = f &^ allVisited
		}
	}
	d.slack = slack
}
