package codestream

// bitReader reads bits, the highest or the lowest of each byte first. Beyond the end it reads zeros and says short.
type bitReader struct {
	b        []byte
	at       int
	lowFirst bool
	short    bool
}

func (r *bitReader) bits(n int) uint32 {
	v := uint32(0)
	for i := range n {
		if r.at/8 >= len(r.b) {
			r.short = true
			return 0
		}
		shift := 7 - r.at%8
		if r.lowFirst {
			shift = r.at % 8
		}
		bit := uint32(r.b[r.at/8]>>shift) & 1
		if r.at++; r.lowFirst {
			v |= bit << i
		} else {
			v = v<<1 | bit
		}
	}
	return v
}

func (r *bitReader) flag() bool { return r.bits(1) == 1 }

// golomb reads an unsigned Exp-Golomb code (ISO/IEC 23008-2 9.2).
func (r *bitReader) golomb() uint32 {
	zeros := 0
	for !r.flag() {
		if zeros++; zeros > 31 || r.short {
			r.short = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.bits(zeros)
}

// signedGolomb reads a signed one (ISO/IEC 14496-10 9.1.1).
func (r *bitReader) signedGolomb() int32 {
	n := r.golomb()
	if n%2 == 0 {
		return -int32(n / 2)
	}
	return int32(n/2 + 1)
}
