package jpeg2000

// mqEncoder is the arithmetic encoder of T.800 C.2.
type mqEncoder struct {
	contexts [32]uint32 // as in mqDecoder
	a, c     uint32
	count    uint32
	out      []byte // the first byte is none of the segment; a carry never reaches it
}

func (m *mqEncoder) start() {
	var initial mqDecoder
	initial.reset()
	m.contexts = initial.contexts
	m.a, m.c, m.count, m.out = 0x8000, 0, 12, append(m.out[:0], 0)
}

func (m *mqEncoder) encode(context, bit uint32) {
	cx := &m.contexts[context&31]
	s := *cx
	qe := s >> 16
	m.a -= qe
	if bit == s&1 {
		if m.a&0x8000 != 0 {
			m.c += qe
			return
		}
		*cx = mqStates[s>>8&127]
	} else {
		*cx = mqStates[s>>1&127]
	}
	// The larger of the two sub-intervals is that of the MPS: conditional exchange (T.800 C.2.5).
	if (m.a < qe) == (bit == s&1) {
		m.a = qe
	} else {
		m.c += qe
	}
	for m.a&0x8000 == 0 {
		m.a, m.c = m.a<<1, m.c<<1
		if m.count--; m.count == 0 {
			m.byteOut()
		}
	}
}

// byteOut moves a byte from C to the segment (T.800 C.2.8).
func (m *mqEncoder) byteOut() {
	last := &m.out[len(m.out)-1]
	if *last != 0xFF && m.c&0x8000000 != 0 {
		*last++
		m.c &= 0x7FFFFFF
	}
	if *last == 0xFF {
		m.out = append(m.out, byte(m.c>>20))
		m.c &= 0xFFFFF
		m.count = 7
		return
	}
	m.out = append(m.out, byte(m.c>>19))
	m.c &= 0x7FFFF
	m.count = 8
}

// reach returns how many bytes hold what was encoded so far: those that are written, and as many as the registers may become.
func (m *mqEncoder) reach() int32 { return int32(len(m.out) - 1 + 5) }

// flush ends the segment and returns it (T.800 C.2.9).
func (m *mqEncoder) flush() []byte {
	top := m.c + m.a
	m.c |= 0xFFFF
	if m.c >= top {
		m.c -= 0x8000
	}
	m.c <<= m.count
	m.byteOut()
	m.c <<= m.count
	m.byteOut()
	if n := len(m.out) - 1; m.out[n] == 0xFF {
		m.out = m.out[:n]
	}
	return m.out[1:]
}
