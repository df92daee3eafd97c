package jpeglossless

// predictor computes the prediction of a sample from those to the left (a), above (b), and above to the left (c).
type predictor func(a, b, c int32) int32

// predictors are those of T.81 Table H.1.
var predictors = map[int]predictor{
	1: nil, // a; it is common, and has a loop of its own
	2: func(a, b, c int32) int32 { return b },
	3: func(a, b, c int32) int32 { return c },
	4: func(a, b, c int32) int32 { return a + b - c },
	5: func(a, b, c int32) int32 { return a + (b-c)>>1 },
	6: func(a, b, c int32) int32 { return b + (a-c)>>1 },
	7: func(a, b, c int32) int32 { return (a + b) >> 1 },
}

// reconstruct makes a row of samples of a component out of its differences, which are step apart. In the first row of a scan or a
// restart interval every sample is predicted by the one to the left; the first sample of another row by the one above (T.81
// H.1.2.1). Sums are modulo 2^16.
func (d *decoder) reconstruct(y, component int, differences []int32, step int, first bool, predict predictor, low int) {
	n := len(d.frame.Components)
	stride := d.frame.Width * n
	row := d.samples[y*stride+component : (y+1)*stride]
	left := int32(1) << (d.frame.Precision - low - 1)
	var above []uint16
	if !first {
		above = d.samples[(y-1)*stride+component : y*stride]
		left = int32(above[0])
	}
	left = int32(uint16(left + differences[0]))
	row[0] = uint16(left)
	if first || predict == nil {
		for i, k := n, step; i < len(row); i, k = i+n, k+step {
			left += differences[k]
			row[i] = uint16(left)
		}
		return
	}
	corner := int32(above[0])
	for i, k := n, step; i < len(row); i, k = i+n, k+step {
		b := int32(above[i])
		left = int32(uint16(predict(left, b, corner) + differences[k]))
		row[i] = uint16(left)
		corner = b
	}
}
