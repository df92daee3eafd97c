package jpeg2000

import (
	"math/bits"
	"slices"
)

// htEncoder encodes code-blocks of T.814, each in one cleanup pass that holds all bit-planes (T.814 7.3 the other way round).
// The names are those of htDecoder.
type htEncoder struct {
	mel      melEncoder
	vlc      backwardWriter
	magSgn   forwardWriter
	values   []uint32 // of the samples, twice the magnitude less two, and the sign; ^0 where the sample is 0
	patterns []uint8
	exponents,
	nextExponents []uint8
}

// noValue stands for a sample that is 0.
const noValue = ^uint32(0)

// htCode is how a quad is written: the codeword, its length, and e_k, the samples whose highest bit it tells.
type htCode struct{ codeword, length, known uint8 }

// htCodes are indexed by htIndex; of the codewords that fit, those that tell most.
var htCodes = htCodeTable()

func htIndex(first bool, context, pattern, offset, highest uint32) uint32 {
	i := context<<9 | pattern<<5 | offset<<4 | highest
	if first {
		i |= 1 << 12
	}
	return i
}

func htCodeTable() (t [1 << 13]htCode) {
	for k, rows := range [2][]uint32{vlcFirstRow[:], vlcOtherRows[:]} {
		for _, r := range rows {
			pattern, offset, known, ones := r>>24&15, r>>20&1, r>>16&15, r>>12&15
			for highest := range uint32(16) {
				if highest&known != ones {
					continue
				}
				c := &t[htIndex(k == 0, r>>28, pattern, offset, highest)]
				if c.length == 0 || bits.OnesCount8(c.known) < bits.OnesCount32(known) {
					*c = htCode{uint8(r >> 4), uint8(r & 15), uint8(known)}
				}
			}
		}
	}
	return t
}

// encode encodes a code-block.
func (h *htEncoder) encode(b *block, coefficients []int32, stride int) encodedBlock {
	width, height := b.width(), b.height()
	h.values = grown(&h.values, width*height)
	all, some := noValue, uint32(0)
	for y := range height {
		row := h.values[y*width:][:width]
		for x, v := range coefficients[y*stride:][:width] {
			sign := v >> 31
			value := uint32((v^sign)-sign-1)<<1 | uint32(sign)&1
			if v == 0 {
				value = noValue
			} else {
				some |= value
			}
			row[x] = value
			all &= value
		}
	}
	if all == noValue {
		return encodedBlock{}
	}
	if bits.Len32(some>>1) > b.band.planes {
		return encodedBlock{zero: -1}
	}
	h.start(width)
	for y := 0; y < height; y += 2 {
		h.quads(y, width, height)
		h.exponents, h.nextExponents = h.nextExponents, h.exponents
	}
	return encodedBlock{segment: h.segment(), passes: 1, zero: b.band.planes - 1}
}

func (h *htEncoder) start(width int) {
	h.mel = melEncoder{out: h.mel.out[:0], room: 8}
	h.vlc = backwardWriter{out: append(h.vlc.out[:0], 0), value: 15, count: 4, above: true}
	h.magSgn = forwardWriter{out: h.magSgn.out[:0]}
	h.patterns = cleared(h.patterns, width/2+4)
	h.exponents = cleared(h.exponents, width+6)
	h.nextExponents = cleared(h.nextExponents, width+6)
}

// segment joins the three streams (T.814 7.1.1).
func (h *htEncoder) segment() []byte {
	magSgn, mel, vlc := h.magSgn.end(), h.mel.end(), h.vlc.end()
	suffix := len(mel) + len(vlc)
	vlc[0], vlc[1] = byte(suffix>>4), vlc[1]&0xF0|byte(suffix&15)
	s := make([]byte, 0, len(magSgn)+suffix)
	s = append(append(append(s, magSgn...), mel...), vlc...)
	slices.Reverse(s[len(s)-len(vlc):])
	return s
}

// quads encodes a row of quads, in pairs.
func (h *htEncoder) quads(y, width, height int) {
	left, aboveLeft := uint32(0), uint32(0)
	for x := 0; x < width; x += 4 {
		var quads [2]htQuadValues
		for i := 0; i < 2 && x+2*i < width; i++ {
			q := &quads[i]
			h.quad(q, x+2*i, y, width, height)
			p := h.patterns[x/2+i:]
			above, aboveRight := uint32(p[1]), uint32(p[2])
			context := (left|left>>1)&1 | left>>1&6
			if y > 0 {
				context = (aboveLeft>>3|above>>1)&1 | (left>>1|left>>2)&2 | (above>>1|aboveRight<<1)&4
			}
			if context == 0 {
				h.mel.event(q.pattern != 0)
			}
			if context != 0 || q.pattern != 0 {
				offset := uint32(0)
				if q.u > 0 {
					offset = 1
				}
				c := htCodes[htIndex(y == 0, context, q.pattern, offset, q.highest)]
				h.vlc.put(uint32(c.codeword), uint(c.length))
				q.known = uint32(c.known)
			}
			left, aboveLeft = q.pattern, above
			p[1] = uint8(left)
		}
		h.residuals(quads[0].u, quads[1].u, y == 0)
		for i := range quads {
			h.magnitudes(&quads[i])
		}
	}
}

// htQuadValues are the values of a quad, and how they are coded.
type htQuadValues struct {
	values  [4]uint32
	pattern uint32
	bound   uint32 // of the exponents, U of T.814 equation 5
	u       uint32 // bound less the prediction
	highest uint32 // the samples whose exponent is the bound; 0 if u is
	known   uint32
}

// quad collects the values of a quad, and predicts its exponents by those above.
func (h *htEncoder) quad(q *htQuadValues, x, y, width, height int) {
	greatest := uint32(0)
	next := h.nextExponents[x+1 : x+3]
	next[0], next[1] = 0, 0
	for n := range 4 {
		sx, sy := x+n>>1, y+n&1
		if sx >= width || sy >= height {
			continue
		}
		v := h.values[sy*width+sx]
		if v == noValue {
			continue
		}
		q.values[n] = v
		q.pattern |= 1 << n
		greatest |= v
		if n&1 == 1 {
			next[n>>1] = uint8(bits.Len32(v | 1))
		}
	}
	if q.pattern == 0 {
		return
	}
	bound := uint32(1)
	if e := h.exponents[x : x+4]; q.pattern&(q.pattern-1) != 0 {
		bound = uint32(max(e[0], e[1], e[2], e[3], 2)) - 1
	}
	if exponent := uint32(bits.Len32(greatest | 1)); exponent > bound {
		q.u, bound = exponent-bound, exponent
		for n, v := range q.values {
			q.highest |= v >> (bound - 1) & 1 << n
		}
	}
	q.bound = bound
}

// residuals encodes the exponent residuals of a pair of quads (T.814 7.3.6).
func (h *htEncoder) residuals(a, b uint32, first bool) {
	if first && a > 0 && b > 0 {
		great := a > 2 && b > 2
		h.mel.event(great)
		if great {
			a, b = a-2, b-2
		} else if a > 2 { // a long prefix leaves but one bit for the second quad
			p := htResidual(a)
			h.vlc.put(p.prefix, p.length)
			h.vlc.put(b-1, 1)
			h.vlc.put(p.suffix, p.suffixLength)
			return
		}
	}
	p, q := htResidual(a), htResidual(b)
	h.vlc.put(p.prefix|q.prefix<<p.length, p.length+q.length)
	h.vlc.put(p.suffix|q.suffix<<p.suffixLength, p.suffixLength+q.suffixLength)
}

// uvlc is a code of T.814 Table 3.
type uvlc struct {
	prefix       uint32
	length       uint
	suffix       uint32
	suffixLength uint
}

func htResidual(u uint32) uvlc {
	switch {
	case u == 0:
		return uvlc{}
	case u <= 2:
		return uvlc{u, uint(u), 0, 0}
	case u <= 4:
		return uvlc{4, 3, u - 3, 1}
	}
	return uvlc{0, 3, u - 5, 5}
}

// magnitudes writes what is not known yet of the values (T.814 7.3.8).
func (h *htEncoder) magnitudes(q *htQuadValues) {
	for n, v := range q.values {
		if q.pattern>>n&1 != 0 {
			length := q.bound - q.known>>n&1
			h.magSgn.put(v&(1<<length-1), uint(length))
		}
	}
}
