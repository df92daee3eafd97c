package jpegscan

import (
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/dicom/codec/internal/t81"
)

// errCode explains bits that are no Huffman code: the end of the data, or damage.
func (v *verifier) errCode() error {
	if v.bits.Overrun() {
		return fmt.Errorf("the data ends: %w", io.ErrUnexpectedEOF)
	}
	return t81.ErrHuffman
}

// dcDifference reads a DC difference (T.81 F.2.2.1).
func (v *verifier) dcDifference(dc *t81.Huffman) error {
	v.bits.Fill()
	size, ok := dc.Decode(v.bits)
	if !ok || size > 16 {
		return v.errCode()
	}
	v.bits.Skip(int(size))
	return nil
}

// sequential reads a whole block (T.81 F.2.2).
func (v *verifier) sequential(_ *plane, _ int, dc, ac *t81.Huffman) error {
	if err := v.dcDifference(dc); err != nil {
		return err
	}
	b := v.bits
	for k := 1; k < 64; {
		if b.Available() < 32 {
			b.Fill()
		}
		value, ok := ac.Decode(b)
		if !ok {
			return v.errCode()
		}
		run, size := int(value>>4), int(value&15)
		if size == 0 {
			if run < 15 {
				break
			}
			k += 16
			continue
		}
		if k += run + 1; k > 64 {
			return fmt.Errorf("coefficient %d of a block", k)
		}
		b.Skip(size)
	}
	return nil
}

// progressive returns the procedure for a scan: first or refinement, DC or AC (T.81 G.1.2, G.2).
func (v *verifier) progressive(scan *t81.Scan) decodeBlock {
	switch {
	case scan.Ss == 0 && scan.Ah == 0:
		return func(_ *plane, _ int, dc, _ *t81.Huffman) error { return v.dcDifference(dc) }
	case scan.Ss == 0:
		return func(*plane, int, *t81.Huffman, *t81.Huffman) error {
			v.bits.Fill()
			v.bits.Skip(1)
			return nil
		}
	case scan.Ah == 0:
		return func(p *plane, block int, _, ac *t81.Huffman) error {
			return v.acFirst(&p.coefficients[block], ac, scan.Ss, scan.Se)
		}
	}
	return func(p *plane, block int, _, ac *t81.Huffman) error {
		return v.acRefine(&p.coefficients[block], ac, scan.Ss, scan.Se)
	}
}

// endOfBand reads the length of an end-of-band run, this block included (T.81 G.1.2.2).
func (v *verifier) endOfBand(category int) {
	v.eobrun = 1 << category
	if category > 0 {
		v.eobrun += int(v.bits.Take(category))
	}
}

func (v *verifier) acFirst(nonzero *uint64, ac *t81.Huffman, k, end int) error {
	if v.eobrun > 0 {
		v.eobrun--
		return nil
	}
	b := v.bits
	for k <= end {
		b.Fill()
		value, ok := ac.Decode(b)
		if !ok {
			return v.errCode()
		}
		run, size := int(value>>4), int(value&15)
		if size == 0 {
			if run < 15 {
				v.endOfBand(run)
				v.eobrun--
				return nil
			}
			k += 16
			continue
		}
		if k += run; k > end {
			return fmt.Errorf("coefficient %d of a band that ends at %d", k, end)
		}
		*nonzero |= 1 << k
		b.Skip(size)
		k++
	}
	return nil
}

// acRefine reads one more bit of each coefficient that is not zero, and the places of new ones (T.81 G.1.2.3).
func (v *verifier) acRefine(nonzero *uint64, ac *t81.Huffman, k, end int) error {
	b := v.bits
	if v.eobrun == 0 {
		for ; k <= end; k++ {
			b.Fill()
			value, ok := ac.Decode(b)
			if !ok {
				return v.errCode()
			}
			run, size := int(value>>4), int(value&15)
			if size > 1 {
				return fmt.Errorf("new coefficient of %d bits in a refinement", size)
			}
			if size == 0 && run < 15 {
				v.endOfBand(run)
				break
			}
			b.Skip(size) // the sign
			if k = v.correct(*nonzero, k, end, run); size == 1 {
				if k > end {
					return fmt.Errorf("new coefficient beyond the end of the band at %d", end)
				}
				*nonzero |= 1 << k
			}
		}
	}
	if v.eobrun > 0 {
		v.correct(*nonzero, k, end, 64)
		v.eobrun--
	}
	return nil
}

// correct takes the correction bits of the coefficients from k on that are not zero, up to the zero that comes after so many
// others; it returns where that is, or end+1.
func (v *verifier) correct(nonzero uint64, k, end, zeros int) int {
	for ; k <= end; k++ {
		if nonzero>>k&1 == 1 {
			if v.bits.Available() == 0 {
				v.bits.Fill()
			}
			v.bits.Skip(1)
			continue
		}
		if zeros == 0 {
			break
		}
		zeros--
	}
	return k
}
