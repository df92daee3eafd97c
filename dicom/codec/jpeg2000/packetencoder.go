package jpeg2000

import "math/bits"

// packetWriter writes packet headers (T.800 B.10): bits, of which a byte after FF has seven.
type packetWriter struct {
	out  []byte
	free uint8
	full uint8 // the byte before is FF
}

func (w *packetWriter) bit(v int) {
	if w.free == 0 {
		w.free = 8 - w.full
		w.out = append(w.out, 0)
	}
	w.free--
	last := &w.out[len(w.out)-1]
	*last |= byte(v&1) << w.free
	if w.free == 0 {
		w.full = 0
		if *last == 0xFF {
			w.full = 1
		}
	}
}

func (w *packetWriter) bits(v, n int) {
	for n--; n >= 0; n-- {
		w.bit(v >> n)
	}
}

// end pads the last byte; one that is FF is followed by another.
func (w *packetWriter) end() {
	if w.free == 0 && w.full == 1 {
		w.out = append(w.out, 0)
	}
	w.free, w.full = 0, 0
}

// passes writes the number of coding passes (T.800 Table B.4).
func (w *packetWriter) passes(n int) {
	switch {
	case n == 1:
		w.bits(0, 1)
	case n == 2:
		w.bits(0b10, 2)
	case n <= 5:
		w.bits(0b1100|(n-3), 4)
	case n <= 36:
		w.bits(0b1111<<5|(n-6), 9)
	default:
		w.bits(0b111111111<<7|(n-37), 16)
	}
}

// tagWriter is a tag tree as the encoder knows it.
type tagWriter struct {
	tagTree
	values [][]uint16 // of the nodes of each level
}

func newTagWriter(wide, high int, values []uint16) *tagWriter {
	t := &tagWriter{tagTree: newTagTree(wide, high), values: [][]uint16{values}}
	for k := 1; k < len(t.levels); k++ {
		below, above := t.levels[k-1], t.levels[k]
		v := make([]uint16, len(above.nodes))
		for i := range v {
			v[i] = 0xFFFF
		}
		for i, value := range t.values[k-1] {
			at := i/below.wide/2*above.wide + i%below.wide/2
			v[at] = min(v[at], value)
		}
		t.values = append(t.values, v)
	}
	return t
}

// below writes what a decoder needs to know whether a leaf is less than the threshold.
func (t *tagWriter) below(x, y int, threshold uint16, w *packetWriter) {
	low := uint16(0)
	for k := len(t.levels) - 1; k >= 0; k-- {
		at := (y>>k)*t.levels[k].wide + x>>k
		n := &t.levels[k].nodes[at]
		n.low = max(n.low, low)
		for n.low < threshold && !n.known {
			if n.known = n.low == t.values[k][at]; n.known {
				w.bit(1)
			} else {
				w.bit(0)
				n.low++
			}
		}
		low = n.low
	}
}

// encodedBlock is what the block encoder made of a code-block.
type encodedBlock struct {
	segment []byte
	passes  int     // 0: nothing is in it
	zero    int     // missing most significant bit-planes
	ends    []int32 // of the segment, where the decoder has what it needs for each pass; nil if the passes are not to be cut
}

// packet writes the only packet of a precinct (T.800 B.9, B.10).
func (w *packetWriter) packet(parts []part, encoded map[*block]encodedBlock) {
	w.bit(1)
	var bodies [][]byte
	for i := range parts {
		p := &parts[i]
		if len(p.blocks) == 0 {
			continue
		}
		absent, zero := make([]uint16, len(p.blocks)), make([]uint16, len(p.blocks))
		for k := range p.blocks {
			b := &p.blocks[k]
			zero[k] = uint16(encoded[b].zero)
			if encoded[b].passes == 0 {
				absent[k] = 1
			}
		}
		inclusion, planes := newTagWriter(p.wide, p.high, absent), newTagWriter(p.wide, p.high, zero)
		for k := range p.blocks {
			x, y, e := k%p.wide, k/p.wide, encoded[&p.blocks[k]]
			if inclusion.below(x, y, 1, w); e.passes == 0 {
				continue
			}
			planes.below(x, y, zero[k]+1, w)
			n := e.passes
			w.passes(n)
			width := max(3+bits.Len(uint(n))-1, bits.Len(uint(len(e.segment))))
			w.bits(1<<(width-2-bits.Len(uint(n))+1)-2, width-2-bits.Len(uint(n))+1)
			w.bits(len(e.segment), width)
			bodies = append(bodies, e.segment)
		}
	}
	w.end()
	for _, b := range bodies {
		w.out = append(w.out, b...)
	}
}
