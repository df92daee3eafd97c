package dicom

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// What DICOM JSON and XML have in common when they are read: values as text, and elements in any order.

// valueOf turns an empty value into nil.
func valueOf(v Value, n int, err error) (Value, error) {
	if n == 0 || err != nil {
		return nil, err
	}
	return v, nil
}

// textValue makes the value of a text VR. A text that cannot have several values was split at its backslashes by its writer.
func textValue(vr VR, texts []string, err error) (Value, error) {
	if vr.IsSingleText() && len(texts) > 1 {
		texts = []string{strings.Join(texts, `\`)}
	}
	if len(texts) == 1 && texts[0] == "" {
		texts = nil
	}
	return valueOf(Strings(texts), len(texts), err)
}

// parseFloat reads a number, NaN or an infinity, of VR FD or FL.
func parseFloat(vr VR, s string) (float64, error) {
	bits := 64
	if vr == FL {
		bits = 32
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(s), bits)
	if err != nil {
		return 0, fmt.Errorf("not a number of VR %s", vr)
	}
	return f, nil
}

// parseInt reads a whole number in the range of the VR (PS3.5 6.2), be it spelled 5, 5.0 or 5e0.
func parseInt(vr VR, s string) (int64, error) {
	s = strings.TrimSpace(s)
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return 0, errors.New("not a whole number")
		}
		n = int64(f)
	}
	if low, high := intRange(vr); n < low || n > high {
		return 0, fmt.Errorf("out of the range of VR %s", vr)
	}
	return n, nil
}

func intRange(vr VR) (low, high int64) {
	switch vr {
	case US:
		return 0, math.MaxUint16
	case SS:
		return math.MinInt16, math.MaxInt16
	case UL:
		return 0, math.MaxUint32
	case SL:
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}

func parseUint(vr VR, s string) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("not a whole number of VR %s", vr)
	}
	return n, nil
}

func parseTagValue(_ VR, s string) (Tag, error) {
	t, err := ParseTag(strings.TrimSpace(s))
	if err != nil {
		return 0, errors.New("not a tag of eight hexadecimal digits")
	}
	return t, nil
}

// sorted returns the elements in ascending order. No tag may occur twice.
func sorted(elements []Element) ([]Element, error) {
	slices.SortStableFunc(elements, func(a, b Element) int { return cmp.Compare(a.Tag, b.Tag) })
	for i := 1; i < len(elements); i++ {
		if elements[i-1].Tag == elements[i].Tag {
			return nil, fmt.Errorf("attribute %v twice in one data set", elements[i].Tag)
		}
	}
	return elements, nil
}
