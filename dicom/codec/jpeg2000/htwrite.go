package jpeg2000

// melEncoder writes what melDecoder reads.
type melEncoder struct {
	out  []byte
	byte byte
	room uint8 // bits left in the byte
	k    uint8
	run  uint8 // zeros so far
}

func (m *melEncoder) bit(v uint8) {
	m.room--
	m.byte |= v << m.room
	if m.room == 0 {
		m.out = append(m.out, m.byte)
		m.room = 8
		if m.byte == 0xFF {
			m.room = 7
		}
		m.byte = 0
	}
}

func (m *melEncoder) event(one bool) {
	exponent := melExponents[m.k]
	if !one {
		if m.run++; m.run == 1<<exponent {
			m.bit(1)
			m.run, m.k = 0, min(m.k+1, 12)
		}
		return
	}
	m.bit(0)
	for exponent > 0 {
		exponent--
		m.bit(m.run >> exponent & 1)
	}
	m.run, m.k = 0, m.k-min(m.k, 1)
}

// end returns the bytes, of which the last is not FF.
func (m *melEncoder) end() []byte {
	if m.run > 0 {
		m.bit(1) // more zeros than there are quads: nobody asks for them
	}
	if m.room < 8 {
		m.out = append(m.out, m.byte)
	}
	return m.out
}

// backwardWriter writes what backwardBits reads, the last byte first.
type backwardWriter struct {
	out   []byte
	value uint32 // of the byte that is not full yet
	count uint
	above bool // the byte before was above 8F
}

// put writes the lowest n bits of v; the others are zero.
func (b *backwardWriter) put(v uint32, n uint) {
	for n > 0 {
		room := 8 - b.count
		if b.above && room > 1 {
			room-- // the highest bit may have to stay free
		}
		k := min(room, n)
		b.value |= v & (1<<k - 1) << b.count
		v, n, b.count = v>>k, n-k, b.count+k
		if b.count == 8 || b.count == 7 && b.above && b.value == 0x7F {
			b.flush()
		}
	}
}

func (b *backwardWriter) flush() {
	b.out = append(b.out, byte(b.value))
	b.above = b.value > 0x8F
	b.value, b.count = 0, 0
}

func (b *backwardWriter) end() []byte {
	if b.count > 0 {
		b.flush()
	}
	return b.out
}

// forwardWriter writes what forwardBits reads.
type forwardWriter struct {
	out     []byte
	value   uint64
	count   uint // bits in value, less than 8 between two calls
	stuffed uint // 1 after a byte FF
}

// put writes the lowest n bits of v, at most 32; the others are zero.
func (f *forwardWriter) put(v uint32, n uint) {
	f.value |= uint64(v) << f.count
	f.count += n
	for f.count >= 8-f.stuffed {
		b := byte(f.value) & (0xFF >> f.stuffed)
		f.value >>= 8 - f.stuffed
		f.count -= 8 - f.stuffed
		f.out = append(f.out, b)
		f.stuffed = 0
		if b == 0xFF {
			f.stuffed = 1
		}
	}
}

// end fills the last byte with ones; FF is left out at the end, since it is what a decoder takes for what is missing.
func (f *forwardWriter) end() []byte {
	if f.count > 0 {
		missing := 8 - f.stuffed - f.count
		f.put(1<<missing-1, missing)
	}
	if n := len(f.out); n > 0 && f.out[n-1] == 0xFF {
		return f.out[:n-1]
	}
	return f.out
}
