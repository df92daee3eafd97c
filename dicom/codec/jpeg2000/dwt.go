package jpeg2000

import "context"

// strip is how many columns the vertical transforms take at a time: a cache line of them.
const strip = 16

// kernel is one of the two wavelet transforms in one dimension.
type kernel[T int32 | float32] interface {
	// row transforms one line in place: its low-pass half, then its high-pass half, become the samples. parity is that of the
	// position of the first sample; odd means that it is a high-pass one. buffer has room for the line.
	row(line, buffer []T, low, parity int)
	// column transforms a strip of columns, whose low-pass and high-pass rows were interleaved before.
	column(rows [][strip]T, parity int)
}

var (
	_ kernel[int32]   = transform53{}
	_ kernel[float32] = transform97{}
)

// synthesize is the inverse wavelet transform of a tile-component in place (T.800 F.3.1, F.3.2), from the lowest resolution
// up.
func synthesize[T int32 | float32, K kernel[T]](ctx context.Context, workers int, k K, c *tileComponent, data []T) error {
	rowBuffers := make([][]T, workers)
	columnBuffers := make([][][strip]T, workers)
	for r := 1; r < len(c.resolutions); r++ {
		area, lower := c.resolutions[r].rect, c.resolutions[r-1].rect
		w, h := area.width(), area.height()
		if area.empty() {
			continue
		}
		const rows = 16 // a task for one worker
		if err := parallel(ctx, workers, (h+rows-1)/rows, func(worker, i int) error {
			buffer := grown(&rowBuffers[worker], w)
			for y := i * rows; y < min(h, (i+1)*rows); y++ {
				k.row(data[y*c.stride:y*c.stride+w], buffer, lower.width(), area.x0&1)
			}
			return nil
		}); err != nil {
			return err
		}
		if err := parallel(ctx, workers, (w+strip-1)/strip, func(worker, i int) error {
			buffer, x := grown(&columnBuffers[worker], h), i*strip
			n := min(strip, w-x)
			for y := range h { // the low-pass rows come first in data, and alternate in the buffer
				to := 2*y + area.y0&1
				if y >= lower.height() {
					to = 2*(y-lower.height()) + 1 - area.y0&1
				}
				copy(buffer[to][:n], data[y*c.stride+x:y*c.stride+x+n])
			}
			k.column(buffer, area.y0&1)
			for y := range h {
				copy(data[y*c.stride+x:y*c.stride+x+n], buffer[y][:n])
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// grown is a slice of n elements of any content.
func grown[T any](s *[]T, n int) []T {
	if cap(*s) < n {
		*s = make([]T, n)
	}
	return (*s)[:n]
}

// mirror extends a line beyond its ends by reflection (T.800 equation F-4), as far as the lifting steps reach.
func mirror(i, n int) int {
	if i < 0 {
		i = -i
	}
	if i >= n {
		i = 2*(n-1) - i
	}
	return i
}
