package render

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"unsafe"
)

// taps are the source pixels that make one pixel of the picture, in one direction: from first on, each with its weight. Weights
// are in units of 1/one and sum up to one.
type taps struct {
	first   int
	weights []int32
}

// one is the weight of a whole pixel.
const one = 1 << 14

// scaler is memory for scaling a picture, which the next one uses again: it would be as much as the picture, and make the garbage of a burst
// of them be collected twice as often.
type scaler struct {
	columns, rows  []taps
	weights, below []int32 // of the taps
	across         []span
	sum            []int32
	running        []int64
}

var scalers = sync.Pool{New: func() any { return new(scaler) }}

// room is memory for n values, whose contents are what they were; that of the slice if it is enough.
func room[T any](in []T, n int) []T { return slices.Grow(in[:0], n)[:n] }

// weigh makes the taps for each of so many pixels out of a run of from source pixels. Fewer pixels are means over the area that
// they cover, so that nothing is lost between them; more are interpolated by the cubic of Catmull and Rom. It uses the memory of all and
// weights, if that is enough, and returns it.
func weigh(all []taps, weights []int32, from, to int, flipped bool) ([]taps, []int32) {
	scale := float64(from) / float64(to)
	all = room(all, to)
	weights = room(weights, to*(int(max(scale, 2))+2))[:0] // what all of them take at most: four, or the pixels that an area touches
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
	return all, weights
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

// resample makes the rows of a picture, so many samples to a pixel, out of rows of samples, each by its level. lines gives n of them from
// y on, each so many samples after the one before. The rows that make one of the picture are weighed and added up first, in the whole
// width that columns reach, and the last of them makes running sums; then the columns of these, once for each row of the picture.
func resample[T uint8 | uint16](in *scaler, out []uint8, channels int, lines func(y, n int) []T, stride int, table *levels) {
	columns, rows := in.columns, in.rows
	end := channels * reach(columns)
	smaller := len(columns) <= reach(columns) && len(rows) <= reach(rows)
	in.sum, in.running, in.across = room(in.sum, end), room(in.running, end+channels), spansOf(in.across, columns)
	sum, running, across := in.sum, in.running, in.across
	clear(sum)
	clear(running[:channels])
	begun := false // the first source row of the row of the picture to come is in sum
	for i := range rows {
		y, after := i, i+1
		if rows[0].first > rows[len(rows)-1].first { // flipped: the source is read from its first row all the same
			y, after = len(rows)-1-i, len(rows)-2-i
		}
		first, weights := rows[y].first, rows[y].weights
		if begun {
			first, weights = first+1, weights[1:]
		}
		for begun = false; len(weights) > 0; {
			row, n := lines(first, min(len(weights), 4)), 1 // the four of a cubic at once: the picture's next row has most of them, too
			last, weightNext := first+len(weights)-1, int32(0)
			if i+1 < len(rows) && rows[after].first == last && len(rows[after].weights) > 1 {
				weightNext, begun = rows[after].weights[0], true
			}
			switch {
			case len(weights) == 1:
				finish(running, channels, sum, row, table, weights[0], weightNext)
			case len(weights) > 4 && equal(weights):
				addFour(sum, row, row[stride:], row[2*stride:], row[3*stride:], table, weights[0])
				n = 4
			default:
				add(sum, row, table, weights[0])
			}
			first, weights = first+n, weights[n:]
		}
		if line := out[y*channels*len(columns):][:channels*len(columns)]; channels == 1 && smaller {
			addMeans(line, running, across)
		} else {
			addColumns(line, channels, running, across)
		}
	}
}

// reach is how many source pixels there are up to the last one that is used.
func reach(all []taps) int {
	return max(all[0].first+len(all[0].weights), all[len(all)-1].first+len(all[len(all)-1].weights))
}

// equal reports whether the first four weights are the same.
func equal(weights []int32) bool {
	return weights[0] == weights[1] && weights[1] == weights[2] && weights[2] == weights[3]
}

// add adds a row, weighed, to a sum of rows.
func add[T uint8 | uint16](sum []int32, row []T, table *levels, weight int32) {
	_ = table[0] // once, and not in the loop, it is looked whether there is one
	row = row[:len(sum)]
	for x := range sum {
		sum[x] += int32(table[row[x]]) * weight
	}
}

// addFour adds four rows of the same weight.
func addFour[T uint8 | uint16](sum []int32, a, b, c, d []T, table *levels, weight int32) {
	_ = table[0]
	a, b, c, d = a[:len(sum)], b[:len(sum)], c[:len(sum)], d[:len(sum)]
	x := 0
	if littleEndian && unsafe.Sizeof(a[0]) == 2 {
		// #nosec G103 -- as long as the sum, each of them
		x = addFourWide(sum, unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), unsafe.Pointer(&c[0]), unsafe.Pointer(&d[0]), table, weight)
	}
	for ; x < len(sum); x++ {
		sum[x] += (int32(table[a[x]]) + int32(table[b[x]]) + int32(table[c[x]]) + int32(table[d[x]])) * weight
	}
}

// littleEndian says that the first of four samples of 16 bits is the lowest part of a word of 64.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// addFourWide is addFour of samples of 16 bits, four of a row in one load, which takes a fifth of the time from it. It returns how many
// columns it has added, all but up to three.
func addFourWide(sum []int32, a, b, c, d unsafe.Pointer, table *levels, weight int32) int {
	_ = table[0]
	n := len(sum) &^ 3
	for x := 0; x < n; x += 4 {
		// #nosec G103 -- four samples from x on are there, and four of the sum
		i, j, k, l := *(*uint64)(unsafe.Add(a, 2*x)), *(*uint64)(unsafe.Add(b, 2*x)), *(*uint64)(unsafe.Add(c, 2*x)), *(*uint64)(unsafe.Add(d, 2*x))
		s := (*[4]int32)(sum[x:])
		s[0] += (int32(table[uint16(i)]) + int32(table[uint16(j)]) + int32(table[uint16(k)]) + int32(table[uint16(l)])) * weight
		s[1] += (int32(table[uint16(i>>16)]) + int32(table[uint16(j>>16)]) + int32(table[uint16(k>>16)]) + int32(table[uint16(l>>16)])) * weight
		s[2] += (int32(table[uint16(i>>32)]) + int32(table[uint16(j>>32)]) + int32(table[uint16(k>>32)]) + int32(table[uint16(l>>32)])) * weight
		s[3] += (int32(table[i>>48]) + int32(table[j>>48]) + int32(table[k>>48]) + int32(table[l>>48])) * weight
	}
	return n
}

// finish adds the last row to a sum, of which it makes running sums, one for each sample of a pixel. It leaves the sum that the next row
// of the picture begins with: of the same row, or, with a weight of 0, of none.
func finish[T uint8 | uint16](running []int64, channels int, sum []int32, row []T, table *levels, weight, weightNext int32) {
	_ = table[0]
	row, of := row[:len(sum)], running[channels:][:len(sum)]
	if channels == 1 { // the same as below, with the last sum at hand
		all := int64(0)
		for x := range sum {
			v := int32(table[row[x]])
			all += int64(sum[x] + v*weight)
			of[x] = all
			sum[x] = v * weightNext
		}
		return
	}
	for x := range sum {
		v := int32(table[row[x]])
		of[x] = running[x] + int64(sum[x]+v*weight)
		sum[x] = v * weightNext
	}
}

// addColumns makes a row of the picture out of running sums, which begin with zero: most columns are added up before they are weighed, as
// the difference of two of these.
func addColumns(out []uint8, channels int, running []int64, columns []span) {
	for x := range columns {
		s := &columns[x]
		for c := range channels {
			of := running[int(s.at)*channels+c:][:int(s.n)*channels+1]
			begin, end := of[0], of[len(of)-1]
			v := (end-begin)*int64(s.weight) + (of[channels]-begin)*int64(s.first) + (end-of[len(of)-1-channels])*int64(s.last)
			if s.third != 0 {
				v += (of[3*channels] - of[2*channels]) * int64(s.third)
			}
			out[x*channels+c] = clamp(int32((v + 1<<27) >> 28))
		}
	}
}

// addMeans is addColumns for pixels of one sample and means over areas, whose weights are all positive.
func addMeans(out []uint8, running []int64, columns []span) {
	out = out[:len(columns)]
	for x := range columns {
		s := &columns[x]
		from, to := int(s.at), int(s.at)+int(s.n)
		begin, end := running[from], running[to]
		v := (end-begin)*int64(s.weight) + (running[from+1]-begin)*int64(s.first) + (end-running[to-1])*int64(s.last)
		out[x] = uint8((v + 1<<27) >> 28)
	}
}

// span is taps of which all have the same weight but the first and the last; of these it has what they have more than that. A cubic,
// whose four may all differ, has the third so, too.
type span struct {
	at, n       int32
	weight      int32
	first, last int32
	third       int32
}

// spansOf finds the spans of taps, which are all that weigh makes. It uses the memory of spans, if that is enough.
func spansOf(spans []span, all []taps) []span {
	spans = room(spans, len(all))
	for i, t := range all {
		last := len(t.weights) - 1
		weight := t.weights[min(1, last)]
		s := span{at: int32(t.first), n: int32(len(t.weights)), weight: weight, first: t.weights[0] - weight}
		if last > 0 {
			s.last = t.weights[last] - weight
		}
		if last > 2 {
			s.third = t.weights[2] - weight
		}
		spans[i] = s
	}
	return spans
}

// levels has a level of the picture for every sample that occurs.
type levels [1 << 16]uint8
