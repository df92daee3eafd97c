package jpeg2000

import (
	"context"
	"errors"
	"math"
)

// store undoes the component transform of a tile, shifts the levels and stores the samples in the planes of the image.
func (t *tile) store(ctx context.Context, cs *codestream, index, workers int, img *Image) error {
	if cs.tiles[index].parameters.colorTransform {
		if err := t.undoColorTransform(ctx, workers); err != nil {
			return err
		}
	}
	for i := range t.components {
		c, to := &t.components[i], &img.Components[i]
		if c.empty() {
			continue
		}
		if img.Planes[i] == nil {
			if c.width() == to.Width && c.height() == to.Height && c.reversible {
				img.Planes[i] = c.ints // the tile is the image
			} else {
				img.Planes[i] = make([]int32, to.Width*to.Height)
			}
		}
		area := cs.size.area.subsampled(c.dx, c.dy)
		if err := parallel(ctx, workers, (c.height()+63)/64, func(_, k int) error {
			for y := k * 64; y < min(c.height(), k*64+64); y++ {
				line := img.Planes[i][(c.y0-area.y0+y)*to.Width+c.x0-area.x0:][:c.width()]
				if c.reversible {
					shiftLevels(line, c.ints[y*c.stride:][:c.width()], *to)
				} else {
					roundLevels(line, c.floats[y*c.stride:][:c.width()], *to)
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// bounds are the least and the greatest sample, and what unsigned samples were shifted down by (T.800 G.1).
func (c Component) bounds() (low, high, shift int32) {
	high = 1<<(c.Precision-1) - 1
	low = -high - 1
	if !c.Signed {
		return low, high, -low
	}
	return low, high, 0
}

// shiftLevels undoes the level shift. What lies outside the range of the precision, as layers that were cut off leave it, is
// clamped.
func shiftLevels(dst, src []int32, c Component) {
	low, high, shift := c.bounds()
	for i, v := range src {
		dst[i] = max(low, min(high, v)) + shift
	}
}

// roundLevels does the same with real numbers, rounded to the nearest integer, or the even one of two.
func roundLevels(dst []int32, src []float32, c Component) {
	low, high, shift := c.bounds()
	least, greatest := float64(low), float64(high)
	const integer = 1<<52 + 1<<51 // from here on a float64 has no fraction, and its lower bits are the integer
	for i, v := range src {
		f := float64(v)
		if !(f > least) { // not a number is no sample either
			f = least
		}
		if f > greatest {
			f = greatest
		}
		dst[i] = int32(math.Float64bits(f+integer)) + shift
	}
}

// undoColorTransform is the inverse RCT (T.800 G.2.2) or ICT (T.800 G.3.2) of the first three components.
func (t *tile) undoColorTransform(ctx context.Context, workers int) error {
	if len(t.components) < 3 {
		return errors.New("a component transform of fewer than three components (T.800 G.2)")
	}
	a, b, c := &t.components[0], &t.components[1], &t.components[2]
	if a.rect != b.rect || a.rect != c.rect || a.reversible != b.reversible || a.reversible != c.reversible {
		return errors.New("a component transform of components that differ in size or wavelet transform (T.800 G.2)")
	}
	const run = 1 << 14
	n := a.width() * a.height()
	return parallel(ctx, workers, (n+run-1)/run, func(_, k int) error {
		from, to := k*run, min(n, k*run+run)
		if a.reversible {
			undoRCT(a.ints[from:to], b.ints[from:to], c.ints[from:to])
		} else {
			undoICT(a.floats[from:to], b.floats[from:to], c.floats[from:to])
		}
		return nil
	})
}

func undoRCT(y, u, v []int32) {
	u, v = u[:len(y)], v[:len(y)]
	for i := range y {
		g := y[i] - (u[i]+v[i])>>2
		y[i], u[i], v[i] = v[i]+g, g, u[i]+g
	}
}

func undoICT(y, cb, cr []float32) {
	cb, cr = cb[:len(y)], cr[:len(y)]
	for i := range y {
		l, b, r := y[i], cb[i], cr[i]
		y[i] = l + 1.402*r
		cb[i] = l - 0.344136*b - 0.714136*r
		cr[i] = l + 1.772*b
	}
}
