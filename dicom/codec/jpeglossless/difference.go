package jpeglossless

import (
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/dicom/codec/internal/t81"
)

// lookBits is how many bits are looked at at once: most codes with the bits that follow them are no longer.
const lookBits = 12

// table decodes differences (T.81 H.1.2.2, Table H.2).
type table struct {
	huffman *t81.Huffman
	whole   [1 << lookBits]entry // of the differences whose code and bits are no longer than lookBits
}

// entry is a difference and the number of bits that it takes, 0 if it is longer.
type entry struct {
	value int16
	bits  uint8
}

func newTable(h *t81.Huffman) *table {
	t := &table{huffman: h}
	for i := range t.whole {
		size, length := h.Lookup(uint16(i << (16 - lookBits)))
		total := length + int(size)
		if length == 0 || size > lookBits || total > lookBits {
			continue
		}
		rest := uint32(i) >> (lookBits - total) & (1<<size - 1)
		t.whole[i] = entry{int16(extend(rest, int(size))), uint8(total)}
	}
	return t
}

// extend gives a value of so many bits its sign (T.81 F.2.2.1, EXTEND).
func extend(value uint32, size int) int32 {
	v := int32(value)
	if size > 0 && v < 1<<(size-1) {
		v += 1 - 1<<size
	}
	return v
}

// reader reads the codes of a scan.
type reader struct {
	bits   *t81.Bits
	tables []*table // by component of the scan
}

// row reads the differences of a row, those of a pixel side by side.
func (r *reader) row(differences []int32) error {
	n := len(r.tables)
	for i := 0; i < len(differences); i += n {
		for k, t := range r.tables {
			if r.bits.Available() < 32 {
				r.bits.Fill()
			}
			if e := t.whole[r.bits.Peek(lookBits)]; e.bits != 0 {
				r.bits.Skip(int(e.bits))
				differences[i+k] = int32(e.value)
				continue
			}
			v, err := r.long(t)
			if err != nil {
				return err
			}
			differences[i+k] = v
		}
	}
	if r.bits.Overrun() {
		return fmt.Errorf("the data ends: %w", io.ErrUnexpectedEOF)
	}
	return nil
}

// long reads a difference that the table has not whole.
func (r *reader) long(t *table) (int32, error) {
	size, ok := t.huffman.Decode(r.bits)
	switch {
	case !ok && r.bits.Ends():
		return 0, fmt.Errorf("the data ends: %w", io.ErrUnexpectedEOF)
	case !ok || size > 16:
		return 0, t81.ErrHuffman
	case size == 0:
		return 0, nil
	case size == 16: // stands alone
		return 1 << 15, nil
	}
	return extend(r.bits.Take(int(size)), int(size)), nil
}
