package jpegdct

import (
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/dicom/codec/internal/t81"
)

// errCode explains bits that are no Huffman code: the end of the data, or damage.
func (w *walker) errCode() error {
	if w.bits.Ends() {
		return fmt.Errorf("the data ends: %w", io.ErrUnexpectedEOF)
	}
	return t81.ErrHuffman
}

// extend gives a value of so many bits, 1 to 16, its sign (T.81 F.2.2.1, EXTEND).
func extend(value uint32, size int) int32 {
	v := int32(value)
	if v < 1<<(size-1) {
		v += 1 - 1<<size
	}
	return v
}

// dcDifference reads a DC coefficient, which is coded as the difference from the one before (T.81 F.2.2.1).
func (w *walker) dcDifference(p *plane, dc *t81.Huffman) error {
	w.bits.Fill()
	size, ok := dc.Decode(w.bits)
	if !ok || size > 16 {
		return w.errCode()
	}
	if size > 0 {
		p.dc += extend(w.bits.Take(int(size)), int(size))
	}
	return nil
}

// sequential reads a whole block (T.81 F.2.2), and transforms it at once.
func (w *walker) sequential(p *plane, n int, dc, ac *t81.Huffman) error {
	if err := w.dcDifference(p, dc); err != nil {
		return err
	}
	var block [64]int32
	block[0] = p.dc * p.quant[0]
	b, last := w.bits, 0
	for k := 1; k < 64; k++ {
		if b.Available() < 32 {
			b.Fill()
		}
		value, ok := ac.Decode(b)
		if !ok {
			return w.errCode()
		}
		run, size := int(value>>4), int(value&15)
		if size == 0 {
			if run < 15 {
				break
			}
			k += 15
			continue
		}
		if k += run; k > 63 {
			return fmt.Errorf("coefficient %d of a block", k)
		}
		place := zigzag[k]
		block[place] = extend(b.Take(size), size) * p.quant[place]
		last = k
	}
	w.transform(p, n, &block, last)
	return nil
}

// block returns the coefficients of a block.
func (p *plane) block(n int) *[64]int16 { return (*[64]int16)(p.coefficients[64*n:]) }

// progressive returns the procedure for a scan: first or refinement, DC or AC (T.81 G.1.2, G.2).
func (w *walker) progressive(scan *t81.Scan) decodeBlock {
	switch {
	case scan.Ss == 0 && scan.Ah == 0:
		return func(p *plane, n int, dc, _ *t81.Huffman) error {
			err := w.dcDifference(p, dc)
			p.coefficients[64*n] = int16(p.dc << scan.Al)
			return err
		}
	case scan.Ss == 0:
		return func(p *plane, n int, _, _ *t81.Huffman) error {
			w.bits.Fill()
			p.coefficients[64*n] |= int16(w.bits.Take(1)) << scan.Al
			return nil
		}
	case scan.Ah == 0:
		return func(p *plane, n int, _, ac *t81.Huffman) error { return w.acFirst(p.block(n), ac, scan) }
	}
	return func(p *plane, n int, _, ac *t81.Huffman) error { return w.acRefine(p.block(n), ac, scan) }
}

// endOfBand reads the length of an end-of-band run, this block included (T.81 G.1.2.2).
func (w *walker) endOfBand(category int) {
	w.eobrun = 1 << category
	if category > 0 {
		w.eobrun += int(w.bits.Take(category))
	}
}

func (w *walker) acFirst(block *[64]int16, ac *t81.Huffman, scan *t81.Scan) error {
	if w.eobrun > 0 {
		w.eobrun--
		return nil
	}
	b := w.bits
	for k := scan.Ss; k <= scan.Se; k++ {
		b.Fill()
		value, ok := ac.Decode(b)
		if !ok {
			return w.errCode()
		}
		run, size := int(value>>4), int(value&15)
		if size == 0 {
			if run < 15 {
				w.endOfBand(run)
				w.eobrun--
				return nil
			}
			k += 15
			continue
		}
		if k += run; k > scan.Se {
			return fmt.Errorf("coefficient %d of a band that ends at %d", k, scan.Se)
		}
		block[zigzag[k]] = int16(extend(b.Take(size), size) << scan.Al)
	}
	return nil
}

// acRefine reads one more bit of each coefficient that is not zero, and the places of new ones (T.81 G.1.2.3).
func (w *walker) acRefine(block *[64]int16, ac *t81.Huffman, scan *t81.Scan) error {
	b, k := w.bits, scan.Ss
	if w.eobrun == 0 {
		for ; k <= scan.Se; k++ {
			b.Fill()
			value, ok := ac.Decode(b)
			if !ok {
				return w.errCode()
			}
			run, size := int(value>>4), int(value&15)
			if size > 1 {
				return fmt.Errorf("new coefficient of %d bits in a refinement", size)
			}
			if size == 0 && run < 15 {
				w.endOfBand(run)
				break
			}
			positive := size == 1 && b.Take(1) == 1
			if k = w.correct(block, k, run, scan); size == 1 {
				if k > scan.Se {
					return fmt.Errorf("new coefficient beyond the end of the band at %d", scan.Se)
				}
				block[zigzag[k]] = -1 << scan.Al
				if positive {
					block[zigzag[k]] = 1 << scan.Al
				}
			}
		}
	}
	if w.eobrun > 0 {
		w.correct(block, k, 64, scan)
		w.eobrun--
	}
	return nil
}

// correct takes the correction bits of the coefficients from k on that are not zero, up to the zero that comes after so many
// others; it returns where that is, or the end of the band and one.
func (w *walker) correct(block *[64]int16, k, zeros int, scan *t81.Scan) int {
	for ; k <= scan.Se; k++ {
		v := &block[zigzag[k]]
		if *v == 0 {
			if zeros == 0 {
				break
			}
			zeros--
			continue
		}
		if w.bits.Available() == 0 {
			w.bits.Fill()
		}
		if w.bits.Take(1) == 1 {
			if *v < 0 {
				*v -= 1 << scan.Al
			} else {
				*v += 1 << scan.Al
			}
		}
	}
	return k
}
