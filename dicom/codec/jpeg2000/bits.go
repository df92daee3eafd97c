package jpeg2000

// headerBits reads the bits of packet headers (T.800 B.10.1): after a byte FF the next one has seven.
type headerBits struct {
	data    []byte
	at      int
	current byte
	left    uint8
	ended   bool // a bit was wanted after the end
}

func (b *headerBits) bit() int {
	if b.left == 0 {
		if b.at >= len(b.data) {
			b.ended = true
			return 1 // ends every search for a 1; no header has more bits of this kind than limits allow
		}
		b.left = 8
		if b.current == 0xFF {
			b.left = 7
		}
		b.current = b.data[b.at]
		b.at++
	}
	b.left--
	return int(b.current>>b.left) & 1
}

func (b *headerBits) bits(n int) int {
	v := 0
	for ; n > 0; n-- {
		v = v<<1 | b.bit()
	}
	return v
}

// align ends a header: the rest of the byte is padding, and if it is FF, so is the next byte.
func (b *headerBits) align() {
	if b.current == 0xFF {
		b.at++
	}
	b.left, b.current = 0, 0
	if b.at > len(b.data) {
		b.at, b.ended = len(b.data), true
	}
}
