package t81

import "errors"

// fastBits is the length of the codes that are decoded by one look into a table.
const fastBits = 9

// Huffman is a table of Huffman codes, up to 16 bits long (T.81 Annex C, F.2.2.3).
type Huffman struct {
	fast   [1 << fastBits]uint16 // length<<8 | value of the code that the bits begin with; 0: it is longer
	limit  [17]uint32            // by length: the first code that is too great, aligned to 16 bits
	offset [17]int               // by length: index into values less the code
	values []byte
}

// ErrHuffman is the error of a table that is none, and of bits that are no code of the table.
var ErrHuffman = errors.New("bad Huffman code")

// newHuffman makes a table of counts, the number of codes of 1 to 16 bits, and their values in order.
func newHuffman(counts *[16]byte, values []byte) (*Huffman, error) {
	h := &Huffman{values: append([]byte(nil), values...)}
	code, index := 0, 0
	for length := 1; length <= 16; length++ {
		n := int(counts[length-1])
		h.offset[length] = index - code
		if code+n > 1<<length {
			return nil, ErrHuffman
		}
		if length <= fastBits {
			for i := range n {
				first := (code + i) << (fastBits - length)
				for k := range 1 << (fastBits - length) {
					h.fast[first+k] = uint16(length)<<8 | uint16(values[index+i])
				}
			}
		}
		code, index = code+n, index+n
		h.limit[length] = uint32(code) << (16 - length)
		code <<= 1
	}
	return h, nil
}

// Decode takes one code, of which all bits must be available, and returns its value; ok is false if it is none.
func (h *Huffman) Decode(b *Bits) (value byte, ok bool) {
	if e := h.fast[b.acc>>(64-fastBits)]; e != 0 {
		b.Skip(int(e >> 8))
		return byte(e), true
	}
	next := b.Peek(16)
	for length := fastBits + 1; length <= 16; length++ {
		if next < h.limit[length] {
			b.Skip(length)
			return h.values[int(next>>(16-length))+h.offset[length]], true
		}
	}
	return 0, false
}

// Lookup returns the value of the code that 16 bits begin with, and its length; 0 if it is none.
func (h *Huffman) Lookup(bits uint16) (value byte, length int) {
	b := Bits{acc: uint64(bits) << 48, n: 16}
	value, ok := h.Decode(&b)
	if !ok {
		return 0, 0
	}
	return value, 16 - b.n
}
