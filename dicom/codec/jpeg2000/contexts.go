package jpeg2000

// The flags of a code-block: one word for each column of a stripe, four samples high (T.800 D.1), with a margin of one word
// around. A word knows the significance of the samples in a window three columns wide and six rows high, row by row from bit
// 0 on, so that the neighbourhood of the k-th sample is the nine bits from 3k on, with the sample itself in their middle.
// The signs are those of the column itself, the row above and the row below included. A sample is coded once for each
// bit-plane, which flagVisited notes, and flagRefined that it was refined before. Significance, sign, flagRefined and
// flagVisited all move by three bits from one sample to the next, except for the sign of the row above.
const (
	flagSelfBit   = 4
	flagSelf      = 1 << flagSelfBit
	flagNeighbors = 0x1EF // of the nine bits, all but the sample
	flagLeft      = 1 << 3
	flagRight     = 1 << 5
	flagSignAbove = 1 << 18 // of the row above the stripe
	flagSign      = 1 << 19
	flagRefined   = 1 << 20
	flagVisited   = 1 << 21
	allVisited    = flagVisited * (1 + 1<<3 + 1<<6 + 1<<9)
	allSelf       = flagSelf * (1 + 1<<3 + 1<<6 + 1<<9)
)

// zeroContexts holds the context of zero coding for a neighbourhood of nine bits, of LL and LH, HL, and HH (T.800 Table D.1).
var zeroContexts = [4][512]uint8{
	bandLL: zeroContextTable(primaryZeroContext),
	bandHL: zeroContextTable(func(h, v, d int) uint8 { return primaryZeroContext(v, h, d) }),
	bandLH: zeroContextTable(primaryZeroContext),
	bandHH: zeroContextTable(diagonalZeroContext),
}

func zeroContextTable(context func(h, v, d int) uint8) (t [512]uint8) {
	for i := range t {
		bit := func(n int) int { return i >> n & 1 }
		t[i] = context(bit(3)+bit(5), bit(1)+bit(7), bit(0)+bit(2)+bit(6)+bit(8))
	}
	return t
}

func primaryZeroContext(h, v, d int) uint8 {
	switch {
	case h == 2:
		return 8
	case h == 1 && v >= 1:
		return 7
	case h == 1 && d >= 1:
		return 6
	case h == 1:
		return 5
	case v == 2:
		return 4
	case v == 1:
		return 3
	}
	return uint8(min(d, 2))
}

func diagonalZeroContext(h, v, d int) uint8 {
	switch hv := h + v; {
	case d >= 3:
		return 8
	case d == 2:
		return uint8(6 + min(hv, 1))
	case d == 1:
		return uint8(3 + min(hv, 2))
	default:
		return uint8(min(hv, 2))
	}
}

// signContexts holds, for what signIndex finds, the context of sign coding, and in bit 7 what the decision is to be inverted
// with (T.800 Table D.2, D.3).
var signContexts = signContextTable()

func signContextTable() (t [256]uint8) {
	for i := range t {
		contribution := func(n int) int { // 1 for a positive sample, -1 for a negative one
			return i >> n & 1 * (1 - i>>(n+4)&1*2)
		}
		sum := func(a, b int) int { return max(-1, min(1, contribution(a)+contribution(b))) }
		h, v := sum(1, 2), sum(0, 3)
		var invert uint8
		if h < 0 || h == 0 && v < 0 {
			h, v, invert = -h, -v, 0x80
		}
		// Contexts 9 to 13 of the table: (0,0), (0,1), (1,-1), (1,0), (1,1).
		t[i] = contextSign + uint8(3*h+v) | invert
	}
	return t
}

// signIndex collects, for the sample at shift (three times its row) of a stripe column, which of the neighbours above, left,
// right and below are significant, in bits 0 to 3, and which of them are negative, in bits 4 to 7.
func signIndex(f, left, right uint32, shift uint) uint32 {
	above := f >> 18 & 1
	if shift > 0 {
		above = f >> (16 + shift&31) & 1
	}
	g := f >> (shift & 31)
	return g>>1&1 | g>>2&2 | g>>3&4 | g>>4&8 | above<<4 | left>>(19+shift&31)&1<<5 | right>>(19+shift&31)&1<<6 | g>>22&1<<7
}
