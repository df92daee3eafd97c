package jpeg2000

import "context"

// analyze is the forward transform of a tile-component that begins at the origin, in place (T.800 F.4), from the highest
// resolution down. lift transforms lines that lie across the rows of a buffer.
func analyze[T int32 | float32](ctx context.Context, c *tileComponent, data []T, lift func([][strip]T)) error {
	buffer := make([][strip]T, max(c.width(), c.height()))
	for r := len(c.resolutions) - 1; r > 0; r-- {
		w, h := c.resolutions[r].width(), c.resolutions[r].height()
		for x := 0; x < w; x += strip { // columns first: the inverse ends with them
			if err := ctx.Err(); err != nil {
				return err
			}
			n := min(strip, w-x)
			for y := range h {
				copy(buffer[y][:n], data[y*c.stride+x:])
			}
			lift(buffer[:h])
			for y := range h {
				to := y / 2
				if y&1 == 1 {
					to += (h + 1) / 2
				}
				copy(data[to*c.stride+x:][:n], buffer[y][:n])
			}
		}
		for y := 0; y < h; y += strip { // rows, as many at a time as a strip has columns
			n := min(strip, h-y)
			for k := range n {
				for x, v := range data[(y+k)*c.stride:][:w] {
					buffer[x][k] = v
				}
			}
			lift(buffer[:w])
			for k := range n {
				line := data[(y+k)*c.stride:][:w]
				for x := range w {
					to := x / 2
					if x&1 == 1 {
						to += (w + 1) / 2
					}
					line[to] = buffer[x][k]
				}
			}
		}
	}
	return nil
}

// lift53 is the transform of lines that lie across the rows of the buffer (T.800 F.4.8.1): odd rows become high-pass, even
// ones low-pass.
func lift53(rows [][strip]int32) {
	n := len(rows)
	if n == 1 {
		return
	}
	for i := 1; i < n+2; i += 2 {
		if i < n {
			r, a, b := &rows[i], &rows[i-1], &rows[mirror(i+1, n)]
			for k := range r {
				r[k] -= (a[k] + b[k]) >> 1
			}
		}
		if j := i - 1; j < n { // both its neighbours are ready
			r, a, b := &rows[j], &rows[mirror(j-1, n)], &rows[mirror(j+1, n)]
			for k := range r {
				r[k] += (a[k] + b[k] + 2) >> 2
			}
		}
	}
}
