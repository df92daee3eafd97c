package jpeg2000

import (
	"errors"
	"fmt"
	"math/bits"
)

// htDecoder decodes the HT cleanup pass (T.814 7.3). It works on quads, two by two samples, of which the first is top left,
// the second below it, the third top right. Of the row of quads above it needs the patterns and the exponents.
type htDecoder struct {
	mel      melDecoder
	vlc      backwardBits
	magSgn   forwardBits
	patterns []uint8 // of the row above, then of this one; quad q is at q+1
	exponents,
	nextExponents []uint8 // of the lower samples of the row above and of this one; column x is at x+1
	significant []uint8 // for the refinement passes: the samples, with a margin
}

// nextHTSegment returns how many passes are in the next codeword segment (T.814 B.1): a cleanup pass with the placeholders
// before it, or the one or two refinement passes that follow.
func nextHTSegment(b *block, passes int) (n int, begins bool, err error) {
	switch {
	case b.passes == 0:
		placeholders := (passes - 1) / 3
		if b.zero += uint8(placeholders); int(b.zero) >= b.band.planes {
			return 0, false, fmt.Errorf("%d coding passes for %d bit-planes", passes, b.band.planes)
		}
		return 3*placeholders + 1, true, nil
	case b.passes%3 == 0:
		return 0, false, fmt.Errorf("a code-block with a second set of HT passes: %w", ErrUnsupported)
	}
	k := b.passes % 3
	return min(passes, 3-k), k == 1, nil
}

// vlcFirst and vlcOthers find the pattern and the rest of a quad by its context, in bits 7 to 9, and the next seven bits of
// VLC.
var vlcFirst, vlcOthers = vlcTable(vlcFirstRow[:]), vlcTable(vlcOtherRows[:])

// A quad, as vlcTable and the decoder hold it.
const (
	quadLength  = 7      // of the codeword
	quadOffset  = 1 << 3 // u_off
	quadPattern = 4      // the significance pattern is in the bits from here on
	quadKnown   = 8      // e_k
	quadOnes    = 12     // e_1
)

func vlcTable(rows []uint32) (t [1024]uint16) {
	for _, r := range rows {
		length := r & 15
		quad := length | r>>20&1<<3 | r>>24&15<<quadPattern | r>>16&15<<quadKnown | r>>12&15<<quadOnes
		for rest := range uint32(128) >> length {
			t[r>>28<<7|rest<<length|r>>4&0xFF] = uint16(quad)
		}
	}
	return t
}

// decodeHT decodes a code-block of T.814.
func (d *blockDecoder) decodeHT(b *block, c *tileComponent, data []byte) error {
	if b.band.planes > maxPlanes {
		return fmt.Errorf("an HT code-block of %d bit-planes, where %d are decoded: %w", b.band.planes, maxPlanes, ErrUnsupported)
	}
	if c.shift != 0 {
		return fmt.Errorf("HT code-blocks with a region of interest: %w", ErrUnsupported)
	}
	d.data = d.data[:0]
	cleanup := 0
	for i, chunk := range b.chunks {
		d.data = append(d.data, data[chunk.offset:][:chunk.length]...)
		if i == 0 {
			cleanup = int(chunk.length)
		}
	}
	if cleanup == 0 {
		if len(d.data) > 0 {
			return errors.New("damaged code-block: refinement without a cleanup pass")
		}
		return nil
	}
	below := b.band.planes - 1 - int(b.zero) // bit-planes that the cleanup pass leaves out
	if d.ht == nil {
		d.ht = &htDecoder{}
	}
	if err := d.htCleanup(d.data[:cleanup], uint(below), uint32(b.zero)+2); err != nil {
		return err
	}
	if passes := (b.passes - 1) % 3; passes > 0 && below > 0 {
		d.htRefine(d.data[cleanup:], uint(below), passes > 1, c.style&styleCausal != 0)
	}
	return nil
}

// start divides the segment of the cleanup pass into its three streams (T.814 7.1.1).
func (h *htDecoder) start(data []byte, width int) error {
	n := len(data)
	if n < 2 {
		return fmt.Errorf("damaged code-block: a cleanup pass of %d bytes", n)
	}
	suffix := int(data[n-1])<<4 | int(data[n-2]&15)
	if suffix < 2 || suffix > n || suffix > 4079 {
		return fmt.Errorf("damaged code-block: MEL and VLC have %d of %d bytes", suffix, n)
	}
	h.magSgn = forwardBits{data: data[:n-suffix], filler: 0xFF}
	h.mel.start(data[n-suffix : n-1])
	h.vlc.startVLC(data[n-suffix:])
	h.patterns = cleared(h.patterns, width/2+4)
	h.exponents = cleared(h.exponents, width+6)
	h.nextExponents = cleared(h.nextExponents, width+6)
	return nil
}

var errMagnitude = errors.New("damaged code-block: a magnitude with more bits than the sub-band has")

// htCleanup decodes the cleanup pass. Twice a magnitude less one, over the planes below, has at most so many bits.
func (d *blockDecoder) htCleanup(data []byte, below uint, most uint32) error {
	h := d.ht
	if err := h.start(data, d.width); err != nil {
		return err
	}
	for y := 0; y < d.height; y += 2 {
		left, aboveLeft := uint32(0), uint32(0) // patterns of the neighbouring quads
		for x := 0; x < d.width; x += 4 {
			h.vlc.fill() // 30 bits are the most that two quads take
			var quads [2]uint32
			for i := 0; i < 2 && x+2*i < d.width; i++ {
				p := h.patterns[x/2+i:]
				above, aboveRight := uint32(p[1]), uint32(p[2])
				context, table := (left|left>>1)&1|left>>1&6, &vlcFirst
				if y > 0 {
					context = (aboveLeft>>3|above>>1)&1 | (left>>1|left>>2)&2 | (above>>1|aboveRight<<1)&4
					table = &vlcOthers
				}
				if context != 0 || h.mel.event() {
					quads[i] = uint32(table[context<<7|uint32(h.vlc.value)&0x7F])
					h.vlc.take(uint(quads[i] & quadLength))
				}
				left, aboveLeft = quads[i]>>quadPattern&15, above
				p[1] = uint8(left)
			}
			u := h.residuals(quads, y == 0)
			for i := 0; i < 2 && x+2*i < d.width; i++ {
				if err := d.htQuad(quads[i], u[i], x+2*i, y, below, most); err != nil {
					return err
				}
			}
		}
		h.exponents, h.nextExponents = h.nextExponents, h.exponents
	}
	return nil
}

// htPrefixes are the prefixes of the U-VLC code by the next three bits (T.814 Table 3): their length, that of the suffix,
// and the value.
var htPrefixes = [8]struct{ length, suffix, value uint8 }{
	{3, 5, 5}, {1, 0, 1}, {2, 0, 2}, {1, 0, 1}, {3, 1, 3}, {1, 0, 1}, {2, 0, 2}, {1, 0, 1},
}

// residuals decodes the exponent residuals of a pair of quads (T.814 7.3.6).
func (h *htDecoder) residuals(quads [2]uint32, first bool) (u [2]uint32) {
	v := &h.vlc
	both := quads[0]&quads[1]&quadOffset != 0
	if first && both && h.mel.event() {
		u[0], u[1] = 2, 2
	} else if first && both && v.value&3 == 0 { // a long prefix leaves but one bit for the second quad
		p := htPrefixes[v.value&7]
		v.take(3)
		u[1] = uint32(v.value&1) + 1
		v.take(1)
		u[0] = uint32(p.value) + uint32(v.value)&(1<<p.suffix-1)
		v.take(uint(p.suffix))
		return u
	}
	var suffix [2]uint8
	for i, q := range quads {
		if q&quadOffset != 0 {
			p := htPrefixes[v.value&7]
			v.take(uint(p.length))
			u[i] += uint32(p.value)
			suffix[i] = p.suffix
		}
	}
	for i, n := range suffix {
		u[i] += uint32(v.value) & (1<<n - 1)
		v.take(uint(n))
	}
	return u
}

// htQuad decodes the magnitudes and signs of a quad (T.814 7.3.7, 7.3.8).
func (d *blockDecoder) htQuad(quad, u uint32, x, y int, below uint, most uint32) error {
	h := d.ht
	e, next := h.exponents[x:x+4], h.nextExponents[x+1:x+3]
	next[0], next[1] = 0, 0
	pattern := quad >> quadPattern & 15
	if pattern == 0 {
		return nil
	}
	bound := uint32(1) // of the exponents, U of T.814 equation 5
	if pattern&(pattern-1) != 0 {
		bound = uint32(max(e[0], e[1], e[2], e[3], 2)) - 1
	}
	if bound += u; bound > most {
		return errMagnitude
	}
	m := &h.magSgn
	value, count := m.value, m.count
	whole := x+1 < d.width && y+1 < d.height
	for rest := pattern; rest != 0; rest &= rest - 1 {
		n := bits.TrailingZeros32(rest)
		if count < 32 {
			m.value, m.count = value, count
			m.fill()
			value, count = m.value, m.count
		}
		length := bound - quad>>(quadKnown+n)&1
		v := uint32(value)&(1<<length-1) | quad>>(quadOnes+n)&1<<length
		value >>= length & 63
		count -= uint(length)
		if n&1 == 1 {
			next[n>>1] = uint8(bits.Len32(v | 1))
		}
		// v is twice the magnitude less one, and the sign.
		if sx, sy := x+n>>1, y+n&1; whole || sx < d.width && sy < d.height {
			d.samples[sy*d.width+sx] = v<<31 | (v|1+2)<<below
		}
	}
	m.value, m.count = value, count
	return nil
}
