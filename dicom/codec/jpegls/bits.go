package jpegls

import (
	"encoding/binary"
	"math/bits"
)

// reader reads the bits of a scan up to the next marker. A byte after FF holds seven (T.87 A.1, C.1). Beyond the end it delivers
// zeros and remembers that it did: see overrun.
type reader struct {
	data []byte
	pos  int
	acc  uint64 // the next bits, the first one topmost
	n    int    // how many bits of acc are valid
	pad  int    // how many of the lowest valid bits are not in the data
	ff   bool   // the byte before pos is FF
}

// fill makes at least 56 bits available.
func (r *reader) fill() {
	if r.n >= 56 {
		return
	}
	if !r.ff && r.pos+8 <= len(r.data) {
		x := binary.BigEndian.Uint64(r.data[r.pos:])
		// No byte of x is FF when no byte of ^x is zero. Then whole bytes are taken at once; the rest of x that also gets into
		// acc is the beginning of the next byte, and taking that one later changes nothing.
		if y := ^x; (y-0x0101010101010101)&^y&0x8080808080808080 == 0 {
			r.acc |= x >> r.n
			r.pos += (63 - r.n) >> 3
			r.n |= 56
			return
		}
	}
	r.fillSlowly()
}

func (r *reader) fillSlowly() {
	for r.n < 56 {
		switch {
		case r.atEnd():
			r.pad += 8
			r.n += 8
		case r.ff:
			r.acc |= uint64(r.data[r.pos]) << (57 - r.n)
			r.n += 7
			r.ff = false
			r.pos++
		default:
			b := r.data[r.pos]
			r.acc |= uint64(b) << (56 - r.n)
			r.n += 8
			r.ff = b == 0xFF
			r.pos++
		}
	}
}

// atEnd reports whether a marker or the end of the data comes next.
func (r *reader) atEnd() bool {
	return r.pos >= len(r.data) ||
		r.data[r.pos] == 0xFF && !r.ff && (r.pos+1 >= len(r.data) || r.data[r.pos+1] >= 0x80)
}

// overrun reports whether more bits were taken than the data has.
func (r *reader) overrun() bool { return r.pad > r.n }

// take takes k bits, 0 to 32, as a number.
func (r *reader) take(k int) int {
	if r.n < k {
		r.fill()
	}
	v := int(r.acc >> (64 - k))
	r.acc <<= k
	r.n -= k
	return v
}

// golomb reads a value by the limited-length Golomb code of parameter k (T.87 A.5.3): zeros, a one, and k bits; or as many zeros as
// the limit leaves room for, a one, and qbpp bits. It returns -1 for what is no such code.
func (r *reader) golomb(k, limit, qbpp int) int {
	if r.n < 32 {
		r.fill()
	}
	most := limit - qbpp - 1
	zeros := bits.LeadingZeros64(r.acc)
	if zeros < most && zeros+1+k <= r.n {
		r.acc <<= zeros + 1
		v := zeros<<k | int(r.acc>>(64-k))
		r.acc <<= k
		r.n -= zeros + 1 + k
		return v
	}
	zeros = 0
	for r.take(1) == 0 {
		if zeros++; zeros > most {
			return -1
		}
	}
	if zeros < most {
		return zeros<<k | r.take(k)
	}
	return r.take(qbpp) + 1
}

// next goes to the next restart interval: the rest of a byte is dropped, and the marker RSTn must follow.
func (r *reader) next(n int) bool {
	if r.ff && r.pos < len(r.data) && r.data[r.pos] < 0x80 {
		r.pos, r.ff = r.pos+1, false // the byte that follows FF, all padding
	}
	if r.n-r.pad >= 8 || !r.atEnd() || r.pos+1 >= len(r.data) || r.data[r.pos+1] != rst0|byte(n&7) {
		return false
	}
	*r = reader{data: r.data, pos: r.pos + 2}
	return true
}
