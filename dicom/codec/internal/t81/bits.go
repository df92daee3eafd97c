package t81

import "encoding/binary"

// Bits reads the entropy-coded data of a scan up to the next marker, without the zero bytes that are stuffed after FF
// (ITU-T T.81 B.1.1.5). Beyond the end it delivers zeros and remembers that it did: see Overrun.
type Bits struct {
	data []byte
	pos  int
	acc  uint64 // the next bits, the first one topmost
	n    int    // how many bits of acc are valid
	pad  int    // how many of the lowest valid bits are not in the data
}

// Fill makes at least 56 bits available.
func (b *Bits) Fill() {
	if b.n >= 56 {
		return
	}
	if b.pos+8 <= len(b.data) {
		x := binary.BigEndian.Uint64(b.data[b.pos:])
		// No byte of x is FF when no byte of ^x is zero. Then whole bytes are taken at once; the rest of x that also gets into
		// acc is the beginning of the next byte, and taking that one later changes nothing.
		if y := ^x; (y-0x0101010101010101)&^y&0x8080808080808080 == 0 {
			b.acc |= x >> b.n
			b.pos += (63 - b.n) >> 3
			b.n |= 56
			return
		}
	}
	b.fillSlowly()
}

func (b *Bits) fillSlowly() {
	for b.n < 56 {
		switch {
		case b.atMarker():
			b.pad += 8
		case b.data[b.pos] == 0xFF:
			b.acc |= 0xFF << (56 - b.n)
			b.pos += 2
		default:
			b.acc |= uint64(b.data[b.pos]) << (56 - b.n)
			b.pos++
		}
		b.n += 8
	}
}

// atMarker reports whether a marker or the end of the data comes next.
func (b *Bits) atMarker() bool {
	return b.pos >= len(b.data) || b.data[b.pos] == 0xFF && (b.pos+1 >= len(b.data) || b.data[b.pos+1] != 0)
}

// Available is the number of bits that can be taken before Fill is due.
func (b *Bits) Available() int { return b.n }

// Skip takes k bits, at most as many as are available.
func (b *Bits) Skip(k int) {
	b.acc <<= k
	b.n -= k
}

// Take takes k bits, 1 to 32, as a number; at most as many as are available.
func (b *Bits) Take(k int) uint32 {
	v := uint32(b.acc >> (64 - k))
	b.Skip(k)
	return v
}

// Peek returns the next k bits, 1 to 32, and leaves them.
func (b *Bits) Peek(k int) uint32 { return uint32(b.acc >> (64 - k)) }

// Overrun reports whether more bits were taken than the data has.
func (b *Bits) Overrun() bool { return b.pad > b.n }

// Ends reports whether so few bits are left that what they begin may be cut off: less than the longest code.
func (b *Bits) Ends() bool { return b.n-b.pad < 16 }

// Restart goes to the next interval (T.81 F.2.1.3.1): the rest of a byte is dropped, and the marker RSTn must follow.
func (b *Bits) Restart(n int) bool {
	if b.n-b.pad >= 8 || !b.atMarker() {
		return false
	}
	for b.pos+1 < len(b.data) && b.data[b.pos+1] == 0xFF {
		b.pos++
	}
	if b.pos+1 >= len(b.data) || b.data[b.pos+1] != 0xD0|byte(n&7) {
		return false
	}
	b.pos += 2
	b.acc, b.n, b.pad = 0, 0, 0
	return true
}
