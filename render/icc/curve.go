package icc

import (
	"encoding/binary"
	"errors"
	"math"
)

// curve is a function of 0 to 1 to 0 to 1.
type curve func(float64) float64

var errCurve = errors.New("neither a curve nor the parameters of one")

// parametric are how many parameters the types of parametricCurveType have (ISO 15076-1 10.18).
var parametric = []int{1, 3, 4, 5, 7}

// parseCurve reads a curveType or parametricCurveType, and says how many bytes it has (ISO 15076-1 10.6, 10.18).
func parseCurve(b []byte) (c curve, size int, err error) {
	if len(b) < 12 {
		return nil, 0, errCurve
	}
	be := binary.BigEndian
	switch string(b[:4]) {
	case "curv":
		n := int(be.Uint32(b[8:]))
		if n > (len(b)-12)/2 {
			return nil, 0, errCurve
		}
		size = 12 + 2*n
		switch n {
		case 0:
			return clip(func(x float64) float64 { return x }), size, nil
		case 1:
			gamma := float64(be.Uint16(b[12:])) / 256
			return clip(func(x float64) float64 { return math.Pow(x, gamma) }), size, nil
		}
		return sampled(words(b[12:size])), size, nil
	case "para":
		kind := int(be.Uint16(b[8:]))
		if kind >= len(parametric) || len(b) < 12+4*parametric[kind] {
			return nil, 0, errCurve
		}
		var p [7]float64 // g a b c d e f
		for i := range parametric[kind] {
			p[i] = fixed(b[12+4*i:])
		}
		return clip(parameters(kind, p)), 12 + 4*parametric[kind], nil
	}
	return nil, 0, errCurve
}

// parameters is the function of ISO 15076-1 Table 68.
func parameters(kind int, p [7]float64) curve {
	g, a, b, c, d, e, f := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	switch kind {
	case 0:
		a, b, d, e, f = 1, 0, 0, 0, 0
	case 1:
		d, c, e, f = -b/a, 0, 0, 0
	case 2:
		d, e, f, c = -b/a, c, c, 0
	case 3:
		e, f = 0, 0
	}
	return func(x float64) float64 {
		if x >= d {
			return math.Pow(max(a*x+b, 0), g) + e
		}
		return c*x + f
	}
}

// clip keeps what goes in and what comes out between 0 and 1; what is no number is 0.
func clip(c curve) curve {
	return func(x float64) float64 { return unit(c(unit(x))) }
}

func unit(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	return min(x, 1)
}

// sampled interpolates between values that spread over 0 to 1.
func sampled(values []float64) curve {
	last := len(values) - 1
	return func(x float64) float64 {
		x = unit(x) * float64(last)
		i := min(int(x), last)
		return values[i] + (values[min(i+1, last)]-values[i])*(x-float64(i))
	}
}

// words and octets are numbers of 16 and 8 bits as shares of 1.
func words(b []byte) []float64 {
	values := make([]float64, len(b)/2)
	for i := range values {
		values[i] = float64(binary.BigEndian.Uint16(b[2*i:])) / math.MaxUint16
	}
	return values
}

func octets(b []byte) []float64 {
	values := make([]float64, len(b))
	for i, v := range b {
		values[i] = float64(v) / math.MaxUint8
	}
	return values
}
