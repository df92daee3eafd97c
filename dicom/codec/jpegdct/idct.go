package jpegdct

import "context"

// zigzag is the place of each coefficient, in the order in which they are coded, within a block by rows (T.81 Figure A.6).
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
}

// transformAll makes the samples of a progressive component, when all its scans were read.
func (w *walker) transformAll(ctx context.Context, p *plane) error {
	for y := range p.high {
		if err := ctx.Err(); err != nil {
			return err
		}
		for x := range p.wide {
			n := y*p.stride + x
			var block [64]int32
			for i, v := range p.block(n) {
				block[i] = int32(v) * p.quant[i]
			}
			w.transform(p, n, &block, 63)
		}
	}
	return nil
}

// transform makes the samples of a block; those of its coefficients that come after the last one are zero.
func (w *walker) transform(p *plane, n int, block *[64]int32, last int) {
	at := n/p.stride*8*p.out.Stride + n%p.stride*8
	if p.out.U8 != nil {
		inverse(p.out.U8[at:], p.out.Stride, block, last, 8, 2)
	} else {
		inverse(p.out.U16[at:], p.out.Stride, block, last, w.frame.Precision, 1)
	}
}

// Factors of the algorithm of Loeffler, Ligtenberg and Moschytz in 13-bit fixed point, as the IJG's library uses it ("islow").
const (
	scale = 13

	f0298 = 2446  // 0.298631336
	f0390 = 3196  // 0.390180644
	f0541 = 4433  // 0.541196100
	f0765 = 6270  // 0.765366865
	f0899 = 7373  // 0.899976223
	f1175 = 9633  // 1.175875602
	f1501 = 12299 // 1.501321110
	f1847 = 15137 // 1.847759065
	f1961 = 16069 // 1.961570560
	f2053 = 16819 // 2.053119869
	f2562 = 20995 // 2.562915447
	f3072 = 25172 // 3.072711026
)

// inverse transforms a block of the precision and writes its 8 rows. Between the two passes so many bits are kept below the integer.
func inverse[T uint8 | uint16](dst []T, stride int, block *[64]int32, last, precision, keep int) {
	center, greatest := int32(1)<<(precision-1), int32(1)<<precision-1
	if last == 0 {
		// Both passes of a block that is all DC come to this.
		dc := (block[0]<<keep + 1<<(keep+2)) >> (keep + 3)
		level := T(min(max(dc+center, 0), greatest))
		for y := range 8 {
			line := dst[y*stride:][:8]
			for x := range line {
				line[x] = level
			}
		}
		return
	}
	var turned [64]int32
	pass(block, &turned, scale-keep)
	pass(&turned, block, scale+keep+3)
	for y := range 8 {
		line := dst[y*stride:][:8]
		for x, v := range block[8*y:][:8] {
			line[x] = T(min(max(v+center, 0), greatest))
		}
	}
}

// pass transforms the columns of in and writes them as the rows of out, without so many of their last bits, rounded.
func pass(in, out *[64]int32, drop int) {
	half := int32(1) << (drop - 1)
	for x := range 8 {
		v0, v1, v2, v3, v4, v5, v6, v7 := in[x], in[8+x], in[16+x], in[24+x], in[32+x], in[40+x], in[48+x], in[56+x]
		row := out[8*x:][:8]
		if v1|v2|v3|v4|v5|v6|v7 == 0 {
			dc := (v0<<scale + half) >> drop
			for i := range row {
				row[i] = dc
			}
			continue
		}
		z1 := (v2 + v6) * f0541
		even2 := z1 - v6*f1847
		even3 := z1 + v2*f0765
		even0 := (v0+v4)<<scale + half
		even1 := (v0-v4)<<scale + half
		a0, a3, a1, a2 := even0+even3, even0-even3, even1+even2, even1-even2

		z5 := (v7 + v3 + v5 + v1) * f1175
		z1, z2 := -(v7+v1)*f0899, -(v5+v3)*f2562
		z3, z4 := z5-(v7+v3)*f1961, z5-(v5+v1)*f0390
		o0 := v7*f0298 + z1 + z3
		o1 := v5*f2053 + z2 + z4
		o2 := v3*f3072 + z2 + z3
		o3 := v1*f1501 + z1 + z4

		row[0], row[7] = (a0+o3)>>drop, (a0-o3)>>drop
		row[1], row[6] = (a1+o2)>>drop, (a1-o2)>>drop
		row[2], row[5] = (a2+o1)>>drop, (a2-o1)>>drop
		row[3], row[4] = (a3+o0)>>drop, (a3-o0)>>drop
	}
}
