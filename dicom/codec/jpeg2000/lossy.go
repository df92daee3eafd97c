package jpeg2000

import (
	"context"
	"math"
)

// norms97 are how much an error of 1 in a coefficient of LL, HL and LH, or HH matters in the image, by level: the L2 norms of the
// basis vectors of the 9-7 transform, with the gains of T.800 Table E.1. A level more doubles them.
var norms97 = [3][5]float64{
	{1.000, 1.965, 4.177, 8.403, 16.90},
	{2.022, 3.989, 8.355, 17.04, 34.27},
	{2.080, 3.865, 8.307, 17.18, 34.71},
}

func norm97(kind, level int) float64 {
	if last := len(norms97[0]) - 1; level > last {
		return math.Ldexp(norms97[kind][last], level-last)
	}
	return norms97[kind][level]
}

// irreversibleSteps are the quantization steps of a component (T.800 E.1.1), such that an error of half a step in any sub-band
// matters alike. They are finer than any ratio leaves them: it is coding passes that are left out.
func irreversibleSteps(c Component, levels int) []byte {
	const finest = 0.5
	step := math.Ldexp(finest, max(0, c.Precision-16))
	b := []byte{guardBits | 2}
	add := func(kind, level int) {
		// Relative to 2^R, where the gain of the sub-band cancels out.
		fraction, exponent := math.Frexp(step / norm97(kind, level) / math.Ldexp(1, c.Precision))
		mantissa := min(int((2*fraction-1)*2048+0.5), 2047)
		v := (1-exponent)<<11 | mantissa
		b = append(b, byte(v>>8), byte(v))
	}
	add(0, levels)
	for level := levels - 1; level >= 0; level-- {
		add(1, level)
		add(1, level)
		add(2, level)
	}
	return b
}

// transformLossy makes quantized coefficients of level-shifted samples: ICT, 9-7 transform, quantization.
func (t *tile) transformLossy(ctx context.Context, img *Image, workers int) error {
	for i := range t.components {
		c := &t.components[i]
		c.floats = make([]float32, len(c.ints))
		for k, v := range c.ints {
			c.floats[k] = float32(v)
		}
	}
	if img.ColorTransform {
		ict(t.components[0].floats, t.components[1].floats, t.components[2].floats)
	}
	return parallel(ctx, workers, len(t.components), func(_, i int) error {
		c := &t.components[i]
		if err := analyze(ctx, c, c.floats, lift97Forward); err != nil {
			return err
		}
		for r := range c.resolutions {
			for k := range c.resolutions[r].bands {
				c.quantize(&c.resolutions[r].bands[k])
			}
		}
		c.floats = nil
		return nil
	})
}

// ict is the forward irreversible component transform (T.800 G.3.1).
func ict(r, g, b []float32) {
	for i := range r {
		x, y, z := r[i], g[i], b[i]
		r[i] = 0.299*x + 0.587*y + 0.114*z
		g[i] = -0.168736*x - 0.331264*y + 0.5*z
		b[i] = 0.5*x - 0.418688*y - 0.081312*z
	}
}

// lift97Forward is the forward 9-7 transform of lines that lie across the rows of the buffer (T.800 F.4.8.2).
func lift97Forward(rows [][strip]float32) {
	n := len(rows)
	if n == 1 {
		return
	}
	for k := len(steps97) - 1; k >= 0; k-- {
		s := steps97[k]
		for i := s.high; i < n; i += 2 {
			r, a, b := &rows[i], &rows[mirror(i-1, n)], &rows[mirror(i+1, n)]
			for k := range r {
				r[k] += s.factor * (a[k] + b[k])
			}
		}
	}
	for i := range rows {
		factor := float32(1 / scale97)
		if i&1 == 1 {
			factor = scale97
		}
		r := &rows[i]
		for k := range r {
			r[k] *= factor
		}
	}
}

// quantize divides the coefficients of a sub-band by its step (T.800 E.2), with a dead zone around 0.
func (c *tileComponent) quantize(b *band) {
	inverse := 1 / b.step
	for y := range b.height() {
		at := (b.y+y)*c.stride + b.x
		to := c.ints[at:][:b.width()]
		for i, v := range c.floats[at:][:b.width()] {
			to[i] = int32(v * inverse)
		}
	}
}

// bytes is the size of the samples, each in whole bytes.
func (img *Image) bytes() int {
	n := 0
	for _, c := range img.Components {
		n += img.Width * img.Height * ((c.Precision + 7) / 8)
	}
	return n
}

// writeWithin writes packets of no more than so many bytes, or of nothing but their headers where that is more.
func (t *tile) writeWithin(ctx context.Context, p *parameters, tasks []blockTask, blocks []encodedBlock, most int) ([]byte, error) {
	for budget := most; ; {
		kept := within(blocks, budget)
		body, err := t.writePackets(ctx, p, tasks, kept)
		if err != nil || len(body) <= most || budget <= 0 {
			return body, err
		}
		budget -= len(body) - most // that is what the headers take, nearly
	}
}

// within leaves out coding passes, until what is left has no more than so many bytes. A pass of a bit-plane matters alike in all
// code-blocks, because the steps do; so the same passes are left out of all, and one more of as many blocks as there is room for.
func within(blocks []encodedBlock, budget int) []encodedBlock {
	kept := make([]encodedBlock, len(blocks))
	cut := func(i, least int) int {
		kept[i] = blocks[i].cut(blocks[i].passes - least)
		return len(kept[i].segment)
	}
	size := func(least int) (n int) {
		for i := range blocks {
			n += cut(i, least)
		}
		return n
	}
	low, high := 0, maxPasses // leaving out high passes fits
	for low < high {
		if middle := (low + high) / 2; size(middle) > budget {
			low = middle + 1
		} else {
			high = middle
		}
	}
	left := budget - size(high)
	for i := range blocks {
		if high == 0 {
			break
		}
		before := len(kept[i].segment)
		if more := cut(i, high-1) - before; more <= left {
			left -= more
		} else {
			cut(i, high)
		}
	}
	return kept
}

// cut keeps so many passes of a block.
func (b encodedBlock) cut(passes int) encodedBlock {
	if passes <= 0 {
		return encodedBlock{}
	}
	if passes < b.passes {
		b.segment, b.passes = b.segment[:min(int(b.ends[passes-1]), len(b.segment))], passes
	}
	return b
}
