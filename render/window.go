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

// fewValues is the number of samples of a 32-bit or float frame that are looked at.
const fewValues = 1 << 18

// automatic finds a window for a frame that has none; Render says by which rule.
func automatic(f *pixel.Frame, a Attributes) voi {
	if f.BitsAllocated == 1 {
		return Window{Center: 0.5, Width: 1, Function: LinearExact}.at
	}
	h := observe(f, a)
	if len(h) == 0 {
		return func(float64) float64 { return 0 }
	}
	slices.SortFunc(h, func(x, y level) int { return cmp.Compare(x.stored, y.stored) })
	spread := h[len(h)-1].stored - h[0].stored
	slices.SortFunc(h, func(x, y level) int { return cmp.Compare(x.value, y.value) })
	low, high := h[0].value, h[len(h)-1].value
	if f.Float || spread >= manyLevels {
		if l, h := percentiles(h); l < h {
			low, high = l, h
		}
	}
	if low == high {
		return constant(f, a, low)
	}
	// Halves, so that the ends of the range of float64 do not overflow.
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

// level is a stored value, what the modality transformation makes of it, and how many pixels have it.
type level struct {
	stored, value float64
	count         int
}

// observe counts the pixels that are no padding and finite. If there are none of those, padding is all there is to see.
func observe(f *pixel.Frame, a Attributes) []level {
	h := levels(f, a)
	if len(h) == 0 && a.Padding != nil {
		a.Padding = nil
		h = levels(f, a)
	}
	return h
}

func levels(f *pixel.Frame, a Attributes) []level {
	var h []level
	add := func(stored float64, count int) {
		if a.Padding != nil && stored >= a.Padding.Low && stored <= a.Padding.High {
			return
		}
		if value := a.modality(stored); finite(value) {
			h = append(h, level{stored, value, count})
		}
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
		step := max(n/fewValues, 1)
		for i := 0; i < n; i += step {
			add(storedAt(f, i), 1)
		}
	}
	return h
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
