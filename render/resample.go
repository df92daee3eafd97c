package render

import (
	"image"
	"math"
)

// taps are the source pixels that make one pixel of the picture, in one direction: from first on, each with its weight. Weights
// are in units of 1/one and sum up to one.
type taps struct {
	first   int
	weights []int32
}

// one is the weight of a whole pixel.
const one = 1 << 14

// weigh makes the taps for each of so many pixels out of a run of from source pixels. Fewer pixels are means over the area that
// they cover, so that nothing is lost between them; more are interpolated by the cubic of Catmull and Rom.
func weigh(from, to int, flipped bool) []taps {
	scale := float64(from) / float64(to)
	all := make([]taps, to)
	for i := range all {
		var t taps
		switch {
		case from == to:
			t = taps{i, []int32{one}}
		case scale > 1:
			t = area(float64(i)*scale, float64(i+1)*scale, from)
		default:
			t = cubic((float64(i)+0.5)*scale-0.5, from)
		}
		if flipped {
			all[to-1-i] = t
		} else {
			all[i] = t
		}
	}
	return all
}

// area weighs source pixels by how much of them lies within [low, high).
func area(low, high float64, n int) taps {
	first := min(int(low), n-1)
	last := min(max(int(math.Ceil(high))-1, first), n-1)
	weights := make([]float64, last-first+1)
	for i := range weights {
		x := float64(first + i)
		weights[i] = max(min(x+1, high)-max(x, low), 0)
	}
	return taps{first, normalize(weights)}
}

// cubic weighs the four source pixels around x; those beyond the edge are the one at the edge.
func cubic(x float64, n int) taps {
	center := int(math.Floor(x))
	first := max(center-1, 0)
	last := min(center+2, n-1)
	weights := make([]float64, last-first+1)
	for i := center - 1; i <= center+2; i++ {
		weights[min(max(i, first), last)-first] += catmullRom(math.Abs(x - float64(i)))
	}
	return taps{first, normalize(weights)}
}

func catmullRom(d float64) float64 {
	switch {
	case d < 1:
		return (1.5*d-2.5)*d*d + 1
	case d < 2:
		return ((-0.5*d+2.5)*d-4)*d + 2
	}
	return 0
}

// normalize turns weights into integers whose sum is exactly one, so that a flat area stays as it is.
func normalize(weights []float64) []int32 {
	sum, greatest := 0.0, 0
	for i, w := range weights {
		sum += w
		if w > weights[greatest] {
			greatest = i
		}
	}
	rest := int32(one)
	fixed := make([]int32, len(weights))
	for i, w := range weights {
		fixed[i] = int32(math.Round(w / sum * one))
		rest -= fixed[i]
	}
	fixed[greatest] += rest
	return fixed
}

// fraction is how many bits below the gray level are kept between the two passes.
const fraction = 6

// resample fills out from the region of img at the corner: rows that are needed are scaled horizontally, once, into a ring of as
// many rows as one output row takes, and those vertically.
func resample(out, img *image.Gray, corner image.Point, columns, rows []taps) {
	width := out.Rect.Dx()
	depth := 1
	for _, t := range rows {
		depth = max(depth, len(t.weights))
	}
	ring := make([][]int32, depth)
	held := make([]int, depth)
	for i := range ring {
		ring[i], held[i] = make([]int32, width), -1
	}
	sums := make([]int32, width)
	for y, t := range rows {
		clear(sums)
		for k, w := range t.weights {
			source := t.first + k
			slot := source % depth
			if held[slot] != source {
				horizontal(ring[slot], img.Pix[img.PixOffset(corner.X, corner.Y+source):], columns)
				held[slot] = source
			}
			for x, v := range ring[slot] {
				sums[x] += v * w
			}
		}
		line := out.Pix[y*out.Stride:][:width]
		const round = one << fraction / 2
		for x, s := range sums {
			line[x] = clamp((s + round) >> (14 + fraction))
		}
	}
}

// horizontal scales one row; the result has fraction bits below the gray level.
func horizontal(dst []int32, src []uint8, columns []taps) {
	for x, t := range columns {
		sum := int32(0)
		for k, v := range src[t.first:][:len(t.weights)] {
			sum += int32(v) * t.weights[k]
		}
		dst[x] = (sum + one>>fraction/2) >> (14 - fraction)
	}
}
