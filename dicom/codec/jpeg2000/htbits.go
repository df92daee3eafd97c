package jpeg2000

import "encoding/binary"

// melDecoder reads the adaptive run-length code of T.814 7.3.3, whose events tell whether quads with an all-zero context
// have a significant sample.
type melDecoder struct {
	data    []byte
	at      int
	current byte
	left    uint8
	k       uint8
	run     uint8 // zeros still to come
	one     bool  // and a one after them
}

// melExponents are those of T.814 Table 2.
var melExponents = [13]uint8{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5}

// start reads the bytes of MEL and VLC together but the last one, of which the lower half of the last belongs to the VLC.
func (m *melDecoder) start(data []byte) { *m = melDecoder{data: data} }

func (m *melDecoder) bit() uint8 {
	if m.left == 0 {
		m.left = 8
		if m.current == 0xFF {
			m.left = 7
		}
		m.current = 0xFF
		if m.at < len(m.data) {
			m.current = m.data[m.at]
			if m.at++; m.at == len(m.data) {
				m.current |= 0x0F
			}
		}
	}
	m.left--
	return m.current >> m.left & 1
}

func (m *melDecoder) event() bool {
	for m.run == 0 && !m.one {
		exponent := melExponents[m.k]
		if m.bit() == 1 {
			m.run = 1 << exponent
			m.k = min(m.k+1, 12)
			continue
		}
		for range exponent {
			m.run = m.run<<1 | m.bit()
		}
		m.one = true
		m.k -= min(m.k, 1)
	}
	if m.run > 0 {
		m.run--
		return false
	}
	m.one = false
	return true
}

// backwardBits reads bytes from the last to the first, and bits from the lowest to the highest: the VLC code and the
// magnitude refinement (T.814 7.1.3, 7.1.5). A byte that begins with 0 and seven ones after one above 8F has seven bits.
// Before the first byte there are zeros.
type backwardBits struct {
	data  []byte
	value uint64
	count uint
	above bool // the byte before was above 8F
}

// fill makes sure that there are 32 bits.
func (b *backwardBits) fill() {
	for b.count < 32 {
		if len(b.data) == 0 {
			b.count = 64
			return
		}
		v := b.data[len(b.data)-1]
		b.data = b.data[:len(b.data)-1]
		n := uint(8)
		if b.above && v&0x7F == 0x7F {
			n, v = 7, 0x7F
		}
		b.value |= uint64(v) << (b.count & 63)
		b.count += n
		b.above = v > 0x8F
	}
}

func (b *backwardBits) take(n uint) {
	b.value >>= n & 63
	b.count -= n
}

// startVLC begins with the upper half of the last byte but one (T.814 7.1.3).
func (b *backwardBits) startVLC(data []byte) {
	v := data[len(data)-2]
	*b = backwardBits{data: data[:len(data)-2], value: uint64(v >> 4), count: 4, above: v|0x0F > 0x8F}
	if b.value&7 == 7 {
		b.value, b.count = 7, 3
	}
}

// forwardBits reads bytes in their order, and bits from the lowest to the highest: the MagSgn and the significance propagation
// (T.814 7.1.2, 7.1.4). After a byte FF the next has seven bits.
type forwardBits struct {
	data    []byte
	at      int
	value   uint64
	count   uint
	stuffed uint // 1 after a byte FF
	filler  byte // what comes after the end
}

// fill makes sure that there are 32 bits.
func (b *forwardBits) fill() {
	if b.stuffed == 0 && b.at+8 <= len(b.data) {
		x := binary.LittleEndian.Uint64(b.data[b.at:])
		// No byte of x is FF when no byte of ^x is zero. Then whole bytes are taken at once; the rest of x that also gets into
		// value is the beginning of the next byte, and taking that one later changes nothing.
		if y := ^x; (y-0x0101010101010101)&^y&0x8080808080808080 == 0 {
			b.value |= x << (b.count & 63)
			b.at += int(63-b.count) >> 3
			b.count |= 56
			return
		}
	}
	b.fillSlowly()
}

func (b *forwardBits) fillSlowly() {
	for b.count < 32 {
		v := b.filler
		if b.at < len(b.data) {
			v = b.data[b.at]
			b.at++
		}
		v &= 0xFF >> b.stuffed
		b.value |= uint64(v) << (b.count & 63)
		b.count += 8 - b.stuffed
		b.stuffed = 0
		if v == 0xFF {
			b.stuffed = 1
		}
	}
}

func (b *forwardBits) bit() uint32 {
	if b.count == 0 {
		b.fill()
	}
	v := uint32(b.value) & 1
	b.value >>= 1
	b.count--
	return v
}
