package jpeg2000

import (
	"bytes"
	"math/bits"
)

// blockEncoder encodes code-blocks (T.800 Annex D), in one codeword segment each. It shares flags and stripes with the
// decoder; its samples are signs in bit 31 and magnitudes.
type blockEncoder struct {
	blockDecoder
	mq mqEncoder
}

// encode encodes a code-block. With lossy coefficients it tells where the passes end.
func (e *blockEncoder) encode(b *block, coefficients []int32, stride int) encodedBlock {
	e.width, e.height = b.width(), b.height()
	e.samples = cleared(e.samples, e.width*e.height)
	all := uint32(0)
	for y := range e.height {
		for x, v := range coefficients[y*stride : y*stride+e.width] {
			sign := uint32(v >> 31)
			magnitude := (uint32(v) ^ sign) - sign
			e.samples[y*e.width+x] = magnitude | sign<<31
			all |= magnitude
		}
	}
	planes := bits.Len32(all)
	if planes == 0 {
		return encodedBlock{}
	}
	result := encodedBlock{passes: 3*planes - 2, zero: b.band.planes - planes}
	e.blockDecoder.stride = e.width + 2
	e.flags = cleared(e.flags, e.blockDecoder.stride*((e.height+3)/4+2))
	e.mq.start()
	zero := &zeroContexts[b.band.orientation]
	for plane := planes - 1; plane >= 0; plane-- {
		if plane < planes-1 {
			e.propagate(zero, uint(plane))
			result.ends = append(result.ends, e.mq.reach())
			e.refine(uint(plane))
			result.ends = append(result.ends, e.mq.reach())
		}
		e.cleanup(zero, uint(plane))
		result.ends = append(result.ends, e.mq.reach())
	}
	result.segment = bytes.Clone(e.mq.flush())
	return result
}

// becomes codes the sign of a sample that becomes significant, and returns the flags of its column.
func (e *blockEncoder) becomes(at int, f uint32, shift uint, negative uint32) uint32 {
	sc := signContexts[signIndex(f, e.flags[at-1], e.flags[at+1], shift)&255]
	e.mq.encode(uint32(sc&31), negative^uint32(sc>>7))
	e.significant(at, shift, negative, false)
	return f | (flagSelf|negative<<19)<<(shift&31)
}

func (e *blockEncoder) propagate(zero *[512]uint8, plane uint) {
	for y := 0; y < e.height; y += 4 {
		s := e.stripe(y)
		for x, f := range s.flags {
			if f == 0 {
				continue
			}
			for todo := beside(f) & s.rows &^ f; todo != 0; {
				self := uint(bits.TrailingZeros32(todo)) & 31
				todo &= todo - 1
				shift, v := self-flagSelfBit, s.samples[x+int(rowOf[self])*e.width]
				bit := v >> (plane & 31) & 1
				e.mq.encode(uint32(zero[f>>(shift&31)&flagNeighbors]), bit)
				if bit != 0 {
					f = e.becomes(s.at+x, f, shift, v>>31)
					todo |= flagSelf << 3 << (shift & 31) & s.rows &^ f
				}
				f |= flagVisited << (shift & 31)
			}
			s.flags[x] = f
		}
	}
}

func (e *blockEncoder) refine(plane uint) {
	for y := 0; y < e.height; y += 4 {
		s := e.stripe(y)
		for x, f := range s.flags {
			near := beside(f)
			for todo := f & s.rows &^ (f / (flagVisited / flagSelf)); todo != 0; todo &= todo - 1 {
				self := uint(bits.TrailingZeros32(todo)) & 31
				cx := contextMagnitude + near>>self&1
				if f>>self&(flagRefined/flagSelf) != 0 {
					cx = contextMagnitude + 2
				}
				e.mq.encode(cx, s.samples[x+int(rowOf[self])*e.width]>>(plane&31)&1)
				s.flags[x] |= flagRefined / flagSelf << self
			}
		}
	}
}

func (e *blockEncoder) cleanup(zero *[512]uint8, plane uint) {
	for y := 0; y < e.height; y += 4 {
		s := e.stripe(y)
		for x, f := range s.flags {
			todo, run := s.rows&^(f|f/(flagVisited/flagSelf)), false
			if f == 0 && todo == allSelf {
				if todo = e.runLength(s.samples[x:], plane); todo == 0 {
					continue
				}
				run = true
			}
			for ; todo != 0; todo &= todo - 1 {
				self := uint(bits.TrailingZeros32(todo)) & 31
				shift, v := self-flagSelfBit, s.samples[x+int(rowOf[self])*e.width]
				bit := v >> (plane & 31) & 1
				if !run {
					e.mq.encode(uint32(zero[f>>(shift&31)&flagNeighbors]), bit)
				}
				run = false
				if bit != 0 {
					f = e.becomes(s.at+x, f, shift, v>>31)
				}
			}
			s.flags[x] = f &^ allVisited
		}
	}
}

// runLength codes how many samples come before the first significant one of four (T.800 Table D.5), and returns flagSelf of
// that and those that follow.
func (e *blockEncoder) runLength(column []uint32, plane uint) (todo uint32) {
	for first := range uint32(4) {
		if column[int(first)*e.width]>>(plane&31)&1 != 0 {
			e.mq.encode(contextRun, 1)
			e.mq.encode(contextUniform, first>>1)
			e.mq.encode(contextUniform, first&1)
			return allSelf &^ (1<<(3*first+flagSelfBit) - 1)
		}
	}
	e.mq.encode(contextRun, 0)
	return 0
}
