package render

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// numbers returns the values of a DS, IS, FD, FL, US, SS, UL or SL element. A value that is no number is NaN.
func numbers(ds *dicom.DataSet, t dicom.Tag) []float64 {
	e, _ := ds.Get(t)
	switch v := e.Value.(type) {
	case dicom.Strings:
		return convert(v, func(s string) float64 {
			n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
			if err != nil {
				return math.NaN()
			}
			return n
		})
	case dicom.Floats:
		return v
	case dicom.Ints:
		return convert(v, func(n int64) float64 { return float64(n) })
	case dicom.Bytes: // US or SS that came as UN
		return convert(words(v), func(n uint16) float64 { return float64(n) })
	}
	return nil
}

func convert[T any](values []T, f func(T) float64) []float64 {
	n := make([]float64, len(values))
	for i, v := range values {
		n[i] = f(v)
	}
	return n
}

// number returns the first value of an element; ok is false if there is none, or it is not finite.
func number(ds *dicom.DataSet, t dicom.Tag) (value float64, ok bool) {
	n := numbers(ds, t)
	if len(n) == 0 || !finite(n[0]) {
		return 0, false
	}
	return n[0], true
}

// keyword returns the first value of a CS element, as it should have been written.
func keyword(ds *dicom.DataSet, t dicom.Tag) string {
	return strings.ToUpper(strings.TrimSpace(ds.String(t)))
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// words are 16-bit values in little endian.
func words(b []byte) []uint16 {
	w := make([]uint16, len(b)/2)
	for i := range w {
		w[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return w
}
