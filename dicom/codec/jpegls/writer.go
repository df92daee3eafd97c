package jpegls

import "encoding/binary"

// writer writes the bits of a scan; the byte after FF has seven, behind a zero (T.87 A.1, C.1).
type writer struct {
	out []byte
	acc uint64 // the lowest n bits are not yet in out
	n   int    // less than 32 between two calls
	ff  bool   // the last byte is FF
}

// put writes the lowest n bits of v, at most 32; the others are zero.
func (w *writer) put(v uint32, n int) {
	w.acc, w.n = w.acc<<n|uint64(v), w.n+n
	if w.n < 32 {
		return
	}
	x := uint32(w.acc >> (w.n - 32))
	if y := ^x; !w.ff && (y-0x01010101)&^y&0x80808080 == 0 { // no byte of x is FF
		w.out = binary.BigEndian.AppendUint32(w.out, x)
		w.n -= 32
		return
	}
	for w.n >= 8 {
		w.byte()
	}
}

// room is the number of bits in the next byte.
func (w *writer) room() int {
	if w.ff {
		return 7
	}
	return 8
}

// byte moves the next byte to the output; there must be the bits for it.
func (w *writer) byte() {
	room := w.room()
	w.n -= room
	b := byte(w.acc>>w.n) & (1<<room - 1)
	w.out, w.ff = append(w.out, b), b == 0xFF
}

// golomb writes a value by the limited-length Golomb code of parameter k (T.87 A.5.3).
func (w *writer) golomb(v, k, limit, qbpp int) {
	zeros := v >> k
	if zeros+1+k <= 32 && zeros < limit-qbpp-1 {
		w.put(1<<k|uint32(v)&(1<<k-1), zeros+1+k)
		return
	}
	rest, bits := uint32(v)&(1<<k-1), k
	if most := limit - qbpp - 1; zeros >= most {
		zeros, rest, bits = most, uint32(v-1), qbpp
	}
	for ; zeros > 31; zeros -= 31 {
		w.put(0, 31)
	}
	w.put(1, zeros+1)
	w.put(rest, bits)
}

// end fills the last byte with zeros, and returns what was written. FF is not the last byte of a scan.
func (w *writer) end() []byte {
	for w.n > 0 || w.ff {
		if w.n < w.room() {
			w.acc, w.n = w.acc<<(w.room()-w.n), w.room()
		}
		w.byte()
	}
	return w.out
}
