package render

import (
	"cmp"
	"math"
	"slices"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// tail is the share of the darkest and of the brightest pixels that an automatic window may cut.
const tail = 0.005

// manyLevels is how far samples must be spread for the tails to be cut. Below that they all can be told apart in the picture:
// screens, ultrasound, label maps.
const manyLevels = 256

// fewValues is the number of samples of 32-bit or float frames that are looked at.
const fewValues = 1 << 18

// automatic is the window of a frame that has none, over the values of a range, or its own if that is nil; Render says by which rule.
// Where all the frames that the range was found in have one value, a frame of other values finds its own.
func automatic(f *pixel.Frame, a Attributes, r *Range) voi {
	if f.BitsAllocated == 1 {
		return Window{Center: 0.5, Width: 1, Function: LinearExact}.at
	}
	if r == nil || r.Low == r.High {
		var own Survey
		own.Add(f, a)
		r = own.Range()
	}
	switch {
	case r == nil:
		return func(float64) float64 { return 0 }
	case r.Low == r.High:
		return constant(f, a, r.Low)
	}
	// Halves, so that the ends of the range of float64 do not overflow.
	low, high := r.Low, r.High
	w := Window{Center: low/2 + high/2, Width: high - low, Function: LinearExact}
	if !w.valid() {
		return func(x float64) float64 { return ramp(x, low, high, (x/2-low/2)/(high/2-low/2)) }
	}
	return w.at
}

// constant shows a frame of one value.
func constant(f *pixel.Frame, a Attributes, value float64) voi {
	gray := 0.0
	switch {
	case f.BitsStored <= 8 && !f.Signed && a.ModalityLUT == nil && a.Rescale == nil:
		gray = value / float64(uint(1)<<f.BitsStored-1) * white
	case value != 0:
		gray = (white + 1) / 2
	}
	return func(float64) float64 { return gray }
}

// Survey finds the range of values that the automatic window of several frames shows, by the rule that Render has for one.
// The zero value has seen no frame.
type Survey struct {
	Frames  int // how many frames are to come, 0: one; of large samples the fewer are looked at in each
	float   bool
	pixels  histogram
	padding histogram // of frames of nothing else: padding is all there is to see, unless others have more
}

// Add looks at a frame of gray levels. It keeps nothing of it.
func (s *Survey) Add(f *pixel.Frame, a Attributes) {
	s.float = s.float || f.Float
	few := fewValues / max(s.Frames, 1)
	if s.pixels.add(f, a, few); len(s.pixels.levels) == 0 && a.Padding != nil {
		a.Padding = nil
		s.padding.add(f, a, few)
	}
}

// Range returns the range, nil if no frame had a finite value.
func (s *Survey) Range() *Range {
	h := s.pixels
	if len(h.levels) == 0 {
		h = s.padding
	}
	if len(h.levels) == 0 {
		return nil
	}
	h.order()
	if s.float || h.high-h.low >= manyLevels {
		if low, high := percentiles(h.levels); low < high {
			return &Range{low, high}
		}
	}
	return &Range{h.levels[0].value, h.levels[len(h.levels)-1].value}
}

// histogram counts values, and knows the lowest and highest stored one.
type histogram struct {
	levels    []level
	low, high float64
}

// level is a value that the modality transformation makes, and how many pixels have it.
type level struct {
	value float64
	count int
}

// order makes the levels ascend.
func (h *histogram) order() {
	slices.SortFunc(h.levels, func(x, y level) int { return cmp.Compare(x.value, y.value) })
}

// add counts the pixels of a frame that are no padding and finite: about few of them where there are more values than can be counted.
func (h *histogram) add(f *pixel.Frame, a Attributes, few int) {
	more := len(h.levels) > 0
	h.count(f, a, few)
	if !more {
		return
	}
	h.order()
	merged := h.levels[:1]
	for _, l := range h.levels[1:] {
		if last := &merged[len(merged)-1]; last.value == l.value {
			last.count += l.count
		} else {
			merged = append(merged, l)
		}
	}
	h.levels = merged
}

func (h *histogram) count(f *pixel.Frame, a Attributes, few int) {
	add := func(stored float64, count int) {
		if a.Padding != nil && stored >= a.Padding.Low && stored <= a.Padding.High {
			return
		}
		value := a.modality(stored)
		if !finite(value) {
			return
		}
		if len(h.levels) == 0 {
			h.low, h.high = stored, stored
		}
		h.low, h.high = min(h.low, stored), max(h.high, stored)
		h.levels = append(h.levels, level{value, count})
	}
	switch {
	case f.U8 != nil:
		var counts [1 << 8]int
		for _, v := range f.U8 {
			counts[v]++
		}
		for v, n := range counts {
			if n > 0 {
				add(stored8(uint8(v), f.Signed), n)
			}
		}
	case f.U16 != nil:
		counts := make([]int32, 1<<16)
		for _, v := range f.U16 {
			counts[v]++
		}
		for v, n := range counts {
			if n > 0 {
				add(stored16(uint16(v), f.Signed), int(n))
			}
		}
	default:
		n := f.Pixels()
		step := max(n/few, 1)
		for i := 0; i < n; i += step {
			add(storedAt(f, i), 1)
		}
	}
}

// percentiles returns the values at the tails of levels that ascend by value.
func percentiles(h []level) (low, high float64) {
	total := 0
	for _, l := range h {
		total += l.count
	}
	cut := int(math.Ceil(tail * float64(total)))
	low, high = h[0].value, h[len(h)-1].value
	for i, n := 0, 0; i < len(h); i++ {
		if n += h[i].count; n >= cut {
			low = h[i].value
			break
		}
	}
	for i, n := len(h)-1, 0; i >= 0; i-- {
		if n += h[i].count; n >= cut {
			high = h[i].value
			break
		}
	}
	return low, high
}
