package jpeg2000

import "math/bits"

// mqDecoder is the arithmetic decoder of T.800 Annex C.
//
// A decision whose sub-interval neither loses the more probable symbol nor needs renormalization takes Qe from both
// registers, A and Chigh. So a caller keeps one number, the slack: how much can be taken from both until either A falls
// under 0x8000 or Chigh under 0. Most decisions are then a subtraction and a test:
//
//	s := m.contexts[cx]
//	slack -= int32(s >> 16)
//	bit := s & 1
//	if slack < 0 {
//		slack, bit = m.exchange(slack, cx)
//	}
type mqDecoder struct {
	contexts [32]uint32 // the state of each context, as in mqStates; 19 of them are used
	a        int32      // register A, less the slack
	c        int64      // register C, less the slack in its upper half
	count    uint32     // CT
	data     []byte     // the codeword segment, followed by FF FF
	at       int        // BP
}

// mqRows are the rows of T.800 Table C.2: Qe, the states that follow an MPS and an LPS, and whether the sense of the MPS
// switches.
var mqRows = [47]struct {
	qe         uint32
	nmps, nlps uint32
	swap       uint32
}{
	{0x5601, 1, 1, 1}, {0x3401, 2, 6, 0}, {0x1801, 3, 9, 0}, {0x0AC1, 4, 12, 0}, {0x0521, 5, 29, 0}, {0x0221, 38, 33, 0},
	{0x5601, 7, 6, 1}, {0x5401, 8, 14, 0}, {0x4801, 9, 14, 0}, {0x3801, 10, 14, 0}, {0x3001, 11, 17, 0}, {0x2401, 12, 18, 0},
	{0x1C01, 13, 20, 0}, {0x1601, 29, 21, 0}, {0x5601, 15, 14, 1}, {0x5401, 16, 14, 0}, {0x5101, 17, 15, 0}, {0x4801, 18, 16, 0},
	{0x3801, 19, 17, 0}, {0x3401, 20, 18, 0}, {0x3001, 21, 19, 0}, {0x2801, 22, 19, 0}, {0x2401, 23, 20, 0}, {0x2201, 24, 21, 0},
	{0x1C01, 25, 22, 0}, {0x1801, 26, 23, 0}, {0x1601, 27, 24, 0}, {0x1401, 28, 25, 0}, {0x1201, 29, 26, 0}, {0x1101, 30, 27, 0},
	{0x0AC1, 31, 28, 0}, {0x09C1, 32, 29, 0}, {0x08A1, 33, 30, 0}, {0x0521, 34, 31, 0}, {0x0441, 35, 32, 0}, {0x02A1, 36, 33, 0},
	{0x0221, 37, 34, 0}, {0x0141, 38, 35, 0}, {0x0111, 39, 36, 0}, {0x0085, 40, 37, 0}, {0x0049, 41, 38, 0}, {0x0025, 42, 39, 0},
	{0x0015, 43, 40, 0}, {0x0009, 44, 41, 0}, {0x0005, 45, 42, 0}, {0x0001, 45, 43, 0}, {0x5601, 46, 46, 0},
}

// mqStates holds each row for either sense of the MPS, at 2*row+MPS: Qe in bits 16 to 31, the index of the state that
// follows an MPS in bits 8 to 14, that of the one that follows an LPS in bits 1 to 7, and the MPS in bit 0.
var mqStates = mqStateTable()

func mqStateTable() (t [128]uint32) {
	for i, r := range mqRows {
		for mps := range uint32(2) {
			t[2*i+int(mps)] = r.qe<<16 | (2*r.nmps+mps)<<8 | (2*r.nlps+mps^r.swap)<<1 | mps
		}
	}
	return t
}

// The contexts (T.800 Table D.1 to D.4): nine of zero coding, five of sign coding, three of magnitude refinement, then these.
const (
	contextSign      = 9
	contextMagnitude = 14
	contextRun       = 17
	contextUniform   = 18
)

// reset puts all contexts in their initial states (T.800 Table D.7).
func (m *mqDecoder) reset() {
	for i := range m.contexts {
		m.contexts[i] = mqStates[0]
	}
	m.contexts[0], m.contexts[contextRun], m.contexts[contextUniform] = mqStates[2*4], mqStates[2*3], mqStates[2*46]
}

// start begins a codeword segment, which two bytes FF follow (T.800 C.3.5), and returns the slack.
func (m *mqDecoder) start(data []byte) int32 {
	m.data, m.at = data, 0
	m.c = int64(data[0]) << 16
	m.byteIn()
	m.c <<= 7
	m.count -= 7
	m.a = 0x8000
	return 0
}

// byteIn feeds C (T.800 C.3.4). At the end of the segment it feeds ones.
func (m *mqDecoder) byteIn() {
	next := m.data[m.at+1]
	switch {
	case m.data[m.at] != 0xFF:
		m.c += int64(next) << 8
		m.count = 8
		m.at++
	case next > 0x8F:
		m.c += 0xFF00
		m.count = 8
	default:
		m.c += int64(next) << 9
		m.count = 7
		m.at++
	}
}

// exchange ends a decision that has used up the slack: it decides by the conditional exchange of T.800 C.3.2, renormalizes as
// C.3.3, and returns the new slack.
func (m *mqDecoder) exchange(slack int32, context uint32) (newSlack int32, bit uint32) {
	cx := &m.contexts[context&31]
	s := *cx
	qe := int32(s >> 16)
	a, c := m.a+slack, m.c+int64(slack)<<16
	bit = s & 1
	lower := a < qe
	if c < 0 { // the sub-interval of the LPS, whose size is Qe
		c += int64(qe) << 16
		a, lower = qe, !lower
	}
	next := s >> 8
	if lower {
		next = s >> 1
		bit ^= 1
	}
	*cx = mqStates[next&127]
	shift, count := uint32(bits.LeadingZeros16(uint16(a))), m.count
	for shift > count {
		a, m.c = a<<(count&31), c<<(count&63)
		shift -= count
		m.byteIn()
		c, count = m.c, m.count
	}
	a, c = a<<(shift&31), c<<(shift&63)
	slack = min(a-0x8000, int32(c>>16))
	m.a, m.c, m.count = a-slack, c-int64(slack)<<16, count-shift
	return slack, bit
}

// decode is one decision, where speed does not matter.
func (m *mqDecoder) decode(slack int32, context uint32) (int32, uint32) {
	s := m.contexts[context&31]
	if slack -= int32(s >> 16); slack < 0 {
		return m.exchange(slack, context)
	}
	return slack, s & 1
}
