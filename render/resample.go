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

// resample fills out: rows that are needed are scaled horizontally by line, once, into a ring of as many rows as one output row
// takes, and those vertically.
func resample(out *image.Gray, line func(dst []int32, y int), rows []taps) {
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
				line(ring[slot], source)
				held[slot] = source
			}
			for x, v := range ring[slot][:len(sums)] {
				sums[x] += v * w
			}
		}
		row := out.Pix[y*out.Stride:][:width]
		const round = one << fraction / 2
		for x, s := range sums {
			row[x] = clamp((s + round) >> (14 + fraction))
		}
	}
}

// span is taps of which all have the same weight but the first, the last and one more; of these it has what they have more than that.
type span struct {
	at, n       int
	weight      int32
	first, last int32
	another     int // counted from the first
	more        int32
}

// spansOf finds the spans of taps, which are all that weigh makes: the whole pixels of an area weigh the same, but for the first of them,
// which has what rounding left; a cubic has four taps at most.
func spansOf(all []taps) []span {
	spans := make([]span, len(all))
	for i, t := range all {
		last := len(t.weights) - 1
		s := span{at: t.first, n: len(t.weights), weight: t.weights[(last+1)/2]}
		s.first = t.weights[0] - s.weight
		if last > 0 {
			s.last = t.weights[last] - s.weight
		}
		for k := 1; k < last; k++ {
			if more := t.weights[k] - s.weight; more != 0 {
				if s.more != 0 {
					panic("taps of more weights than a span has")
				}
				s.another, s.more = k, more
			}
		}
		spans[i] = s
	}
	return spans
}

// grayTable has a gray level for every sample that occurs.
type grayTable [1 << 16]uint8

// horizontal scales a row of samples, each by its gray level; the result has fraction bits below the gray level. Most samples are added
// up before they are weighed.
func horizontal[T uint8 | uint16](dst []int32, src []T, table *grayTable, columns []span) {
	const round = one >> fraction / 2
	for x := range dst {
		s := &columns[x]
		row, sum := src[s.at:][:s.n], int32(0)
		rest := row
		for ; len(rest) >= 4; rest = rest[4:] {
			four := (*[4]T)(rest)
			sum += int32(table[four[0]]) + int32(table[four[1]]) + int32(table[four[2]]) + int32(table[four[3]])
		}
		for _, v := range rest {
			sum += int32(table[v])
		}
		sum = sum*s.weight + int32(table[row[0]])*s.first + int32(table[row[len(row)-1]])*s.last
		if s.more != 0 {
			sum += int32(table[row[s.another]]) * s.more
		}
		dst[x] = (sum + round) >> (14 - fraction)
	}
}
