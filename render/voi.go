package render

import "math"

// white is the greatest gray level of a picture; 0 is black.
const white = 255

// valid reports whether the window can be applied: finite, and of a width that its function is defined for.
func (w Window) valid() bool {
	least := 0.0
	if w.Function == Linear {
		least = 1
	}
	return finite(w.Center) && finite(w.Width) && w.Width > 0 && w.Width >= least
}

// at maps a value to 0 to white. What is no number is black.
func (w Window) at(x float64) float64 {
	switch w.Function {
	case LinearExact:
		return ramp(x, w.Center-w.Width/2, w.Center+w.Width/2, (x-w.Center)/w.Width+0.5)
	case Sigmoid: // PS3.3 C.11.2.1.3.1
		y := white / (1 + math.Exp(-4*(x-w.Center)/w.Width))
		if math.IsNaN(y) {
			return 0
		}
		return y
	}
	c, half := w.Center-0.5, (w.Width-1)/2 // PS3.3 C.11.2.1.2.1
	return ramp(x, c-half, c+half, (x-c)/(w.Width-1)+0.5)
}

// ramp is black up to low, white above high, and the share of white between them (PS3.3 C.11.2.1.2).
func ramp(x, low, high, share float64) float64 {
	switch {
	case x > high:
		return white
	case x > low && share > 0:
		return min(share, 1) * white
	}
	return 0
}

// voi is a VOI LUT transformation (PS3.3 C.11.2): values to 0 to white.
type voi func(x float64) float64

// at maps through a VOI LUT Sequence's table, whose whole range of output is that of the picture.
func (l *LUT) voi(x float64) float64 { return l.at(x) / l.max() * white }
