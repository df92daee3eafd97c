package jpegls

import (
	"fmt"
	"math/bits"
)

// preset are coding parameters as a segment gives them; zero stands for the default (T.87 C.2.4.1.1).
type preset struct{ maxval, t1, t2, t3, reset int }

// params are the coding parameters of a scan, and what follows from them (T.87 A.2, C.2.4.1.1).
type params struct {
	near       int // greatest error of a sample; 0: lossless
	maxval     int // greatest sample
	reset      int // count at which a context is halved
	step       int // between two reconstructed errors: 2 near + 1
	values     int // RANGE: how many errors there are
	qbpp       int // bits of an error that is written as it is
	limit      int // bits of the longest code
	t1, t2, t3 int // thresholds of gradients
}

func newParams(p preset, precision, near int) (params, error) {
	c := params{near: near, maxval: 1<<precision - 1, reset: 64, step: 2*near + 1}
	if p.maxval != 0 {
		if p.maxval > c.maxval {
			return c, fmt.Errorf("greatest sample of %d with %d bits", p.maxval, precision)
		}
		c.maxval = p.maxval
	}
	if near > min(255, c.maxval/2) {
		return c, fmt.Errorf("error of %d with samples up to %d", near, c.maxval)
	}
	if p.reset != 0 {
		c.reset = p.reset
	}
	if c.reset < 3 || c.reset > max(255, c.maxval) {
		return c, fmt.Errorf("contexts halved at %d", c.reset)
	}
	c.values = (c.maxval+2*near)/c.step + 1
	c.qbpp = bits.Len(uint(c.values - 1))
	bpp := max(2, bits.Len(uint(c.maxval)))
	c.limit = 2 * (bpp + max(8, bpp))
	c.thresholds(p)
	if !(near < c.t1 && c.t1 <= c.t2 && c.t2 <= c.t3 && c.t3 <= c.maxval) {
		return c, fmt.Errorf("thresholds %d, %d, %d", c.t1, c.t2, c.t3)
	}
	return c, nil
}

// thresholds takes those given, and computes the others (T.87 C.2.4.1.1.1).
func (c *params) thresholds(p preset) {
	clamp := func(i, low int) int {
		if i > c.maxval || i < low {
			return low
		}
		return i
	}
	basic := [3]int{3, 7, 21}
	for i, v := range basic {
		if c.maxval >= 128 {
			factor := (min(c.maxval, 4095) + 128) / 256
			basic[i] = factor*(v-2-i) + 2 + i + (3+2*i)*c.near
		} else {
			factor := 256 / (c.maxval + 1)
			basic[i] = max(2+i, v/factor+(3+2*i)*c.near)
		}
	}
	c.t1, c.t2, c.t3 = p.t1, p.t2, p.t3
	if c.t1 == 0 {
		c.t1 = clamp(basic[0], c.near+1)
	}
	if c.t2 == 0 {
		c.t2 = clamp(basic[1], c.t1)
	}
	if c.t3 == 0 {
		c.t3 = clamp(basic[2], c.t2)
	}
}

// quantized is the table of regions -4 to 4 of gradients -maxval to maxval (T.87 A.3.3), the gradient 0 at index maxval.
func (c *params) quantized() []int8 {
	table := make([]int8, 2*c.maxval+1)
	for i := range table[:c.maxval+1] {
		region := int8(0)
		switch {
		case i >= c.t3:
			region = 4
		case i >= c.t2:
			region = 3
		case i >= c.t1:
			region = 2
		case i > c.near:
			region = 1
		}
		table[c.maxval+i], table[c.maxval-i] = region, -region
	}
	return table
}
