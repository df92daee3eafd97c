package render

import "math"

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
	weights := make([]int32, 0, to*(int(max(scale, 2))+2)) // what all of them take at most: four, or the pixels that an area touches
	exact := make([]float64, 0, 16)
	for i := range all {
		first := i
		exact = append(exact[:0], 1)
		switch {
		case scale > 1:
			first, exact = area(exact[:0], float64(i)*scale, float64(i+1)*scale, from)
		case scale < 1:
			first, exact = cubic(exact[:0], (float64(i)+0.5)*scale-0.5, from)
		}
		n := len(weights)
		weights = normalize(weights, exact)
		t := taps{first, weights[n:len(weights):len(weights)]}
		if flipped {
			all[to-1-i] = t
		} else {
			all[i] = t
		}
	}
	return all
}

// area weighs source pixels by how much of them lies within [low, high): those from the first on.
func area(weights []float64, low, high float64, n int) (int, []float64) {
	first := min(int(low), n-1)
	last := min(max(int(math.Ceil(high))-1, first), n-1)
	for i := first; i <= last; i++ {
		x := float64(i)
		weights = append(weights, max(min(x+1, high)-max(x, low), 0))
	}
	return first, weights
}

// cubic weighs the four source pixels around x; those beyond the edge are the one at the edge.
func cubic(weights []float64, x float64, n int) (int, []float64) {
	center := int(math.Floor(x))
	first := max(center-1, 0)
	last := min(center+2, n-1)
	weights = append(weights, 0, 0, 0, 0)[:last-first+1]
	for i := center - 1; i <= center+2; i++ {
		weights[min(max(i, first), last)-first] += catmullRom(math.Abs(x - float64(i)))
	}
	return first, weights
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

// normalize appends weights as integers whose sum is exactly one, so that a flat area stays as it is. The first has what rounding left:
// those of whole pixels stay the same.
func normalize(to []int32, weights []float64) []int32 {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	rest, first := int32(one), len(to)
	for _, w := range weights {
		v := int32(math.Round(w / sum * one))
		to = append(to, v)
		rest -= v
	}
	to[first] += rest
	return to
}

// resample makes the rows of a picture, so many samples to a pixel, out of rows of samples, each by its level. The rows that make one of
// the picture are weighed and added up first, in the whole width that columns reach; then the columns of the sum, once for each row of the
// picture.
func resample[T uint8 | uint16](out []uint8, channels int, line func(y int) []T, table *levels, columns, rows []taps) {
	end := 0
	for _, c := range columns {
		end = max(end, channels*(c.first+len(c.weights)))
	}
	sum, next, running := make([]int32, end), make([]int32, end), make([]int64, end+channels)
	across := spansOf(columns)
	begun := -1 // the source row that is in next, as that of the row of the picture to come
	for i := range rows {
		y, after := i, i+1
		if rows[0].first > rows[len(rows)-1].first { // flipped: the source is read from its first row all the same
			y, after = len(rows)-1-i, len(rows)-2-i
		}
		t := rows[y]
		first, weights := t.first, t.weights
		if first == begun {
			first, weights = first+1, weights[1:]
		} else {
			clear(sum)
		}
		begun = -1
		for len(weights) > 0 {
			n := equal(weights)
			switch last := first + len(weights) - 1; {
			case n == 4:
				addFour(sum, line(first), line(first+1), line(first+2), line(first+3), table, weights[0])
			case first == last && i+1 < len(rows) && rows[after].first == last && len(rows[after].weights) > 1:
				addToBoth(sum, next, line(first), table, weights[0], rows[after].weights[0])
				begun, n = last, 1
			default:
				add(sum, line(first), table, weights[0])
				n = 1
			}
			first, weights = first+n, weights[n:]
		}
		addColumns(out[y*channels*len(columns):][:channels*len(columns)], channels, sum, running, across)
		sum, next = next, sum
	}
}

// equal is how many of the first four weights are the same as the first.
func equal(weights []int32) int {
	n := 1
	for n < len(weights) && n < 4 && weights[n] == weights[0] {
		n++
	}
	return n
}

// add adds a row, weighed, to a sum of rows.
func add[T uint8 | uint16](sum []int32, row []T, table *levels, weight int32) {
	row = row[:len(sum)]
	for x := range sum {
		sum[x] += int32(table[row[x]]) * weight
	}
}

// addFour adds four rows of the same weight.
func addFour[T uint8 | uint16](sum []int32, a, b, c, d []T, table *levels, weight int32) {
	a, b, c, d = a[:len(sum)], b[:len(sum)], c[:len(sum)], d[:len(sum)]
	for x := range sum {
		sum[x] += (int32(table[a[x]]) + int32(table[b[x]]) + int32(table[c[x]]) + int32(table[d[x]])) * weight
	}
}

// addToBoth adds a row to the sum that it is the last of, and begins the one with it that it is the first of.
func addToBoth[T uint8 | uint16](sum, next []int32, row []T, table *levels, weight, weightNext int32) {
	row, next = row[:len(sum)], next[:len(sum)]
	for x := range sum {
		v := int32(table[row[x]])
		sum[x] += v * weight
		next[x] = v * weightNext
	}
}

// addColumns makes a row of the picture out of a sum of rows. Most columns are added up before they are weighed: as the difference of two
// of the running sums, which begin with zero.
func addColumns(out []uint8, channels int, sum []int32, running []int64, columns []span) {
	after := running[channels:][:len(sum)]
	if all := int64(0); channels == 1 { // the same as below, with the last sum at hand
		for x, v := range sum {
			all += int64(v)
			after[x] = all
		}
	} else {
		for x, v := range sum {
			after[x] = running[x] + int64(v)
		}
	}
	for x := range columns {
		s := &columns[x]
		for c := range channels {
			of := running[s.at*channels+c:][:s.n*channels+1]
			last := of[s.n*channels]
			v := (last-of[0])*s.weight + (of[channels]-of[0])*s.first + (last-of[(s.n-1)*channels])*s.last
			if s.third != 0 {
				v += (of[3*channels] - of[2*channels]) * s.third
			}
			out[x*channels+c] = clamp(int32((v + 1<<27) >> 28))
		}
	}
}

// span is taps of which all have the same weight but the first and the last; of these it has what they have more than that. A cubic,
// whose four may all differ, has the third so, too.
type span struct {
	at, n       int
	weight      int64
	first, last int64
	third       int64
}

// spansOf finds the spans of taps, which are all that weigh makes.
func spansOf(all []taps) []span {
	spans := make([]span, len(all))
	for i, t := range all {
		last := len(t.weights) - 1
		weight := t.weights[min(1, last)]
		s := span{at: t.first, n: len(t.weights), weight: int64(weight), first: int64(t.weights[0] - weight)}
		if last > 0 {
			s.last = int64(t.weights[last] - weight)
		}
		if last > 2 {
			s.third = int64(t.weights[2] - weight)
		}
		spans[i] = s
	}
	return spans
}

// levels has a level of the picture for every sample that occurs.
type levels [1 << 16]uint8
