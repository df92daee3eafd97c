package match

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/noctis-dicom/noctis/dicom"
)

// MaxValue is the most bytes that the value of a key may have.
const MaxValue = 16 << 10

// Normal returns the normal form of one value: two values of an attribute are equal (PS3.4 C.2.2.2.1) if their normal forms
// are the same text, and a value is empty if its normal form is. The rules are those of PS3.5 6.2: padding is cut off,
// numbers are compared by value ("+007" and "7" are one), dates and times by what they mean, names without regard to case;
// everything else is compared as it is written. A value that breaks its VR keeps its text.
func Normal(vr dicom.VR, value string) string {
	trimmed := strings.Trim(value, " \x00")
	switch vr {
	case dicom.LT, dicom.ST, dicom.UC, dicom.UR, dicom.UT:
		return strings.TrimRight(value, " \x00")
	case dicom.IS, dicom.DS, dicom.SL, dicom.SS, dicom.SV, dicom.UL, dicom.US, dicom.UV, dicom.FD:
		return normalOr(trimmed, decimal)
	case dicom.FL:
		return normalOr(trimmed, single)
	case dicom.DA:
		return normalOr(trimmed, NormalDate)
	case dicom.TM:
		return normalOr(trimmed, NormalTime)
	case dicom.DT:
		return normalOr(trimmed, func(s string) (string, bool) { return NormalDateTime(s, "") })
	case dicom.AT:
		return strings.ToUpper(trimmed)
	case dicom.PN:
		return FoldName(value)
	}
	return trimmed
}

func normalOr(value string, normal func(string) (string, bool)) string {
	if n, ok := normal(value); ok {
		return n
	}
	return value
}

// decimal writes a decimal number in the one way that depends on its value only: without superfluous signs, zeros and
// points, with an exponent where the number is no integer of up to 20 digits. It computes nothing, so that no digit is lost.
func decimal(s string) (string, bool) {
	sign := ""
	switch {
	case strings.HasPrefix(s, "-"):
		sign, s = "-", s[1:]
	case strings.HasPrefix(s, "+"):
		s = s[1:]
	}
	exponent := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, err := strconv.Atoi(s[i+1:])
		if err != nil || n < -1e6 || n > 1e6 {
			return "", false
		}
		s, exponent = s[:i], n
	}
	whole, fraction, _ := strings.Cut(s, ".")
	digits := whole + fraction
	if digits == "" || !allDigits(digits) {
		return "", false
	}
	exponent -= len(fraction)
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return "0", true
	}
	short := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(short)
	switch {
	case exponent == 0:
		return sign + short, true
	case exponent > 0 && len(short)+exponent <= 20:
		return sign + short + strings.Repeat("0", exponent), true
	}
	return sign + short + "e" + strconv.Itoa(exponent), true
}

// single is decimal for the VR FL: numbers that are the same in single precision are equal.
func single(s string) (string, bool) {
	if _, ok := decimal(s); !ok {
		return "", false
	}
	f, err := strconv.ParseFloat(s, 32)
	if err != nil {
		return "", false
	}
	return decimal(strconv.FormatFloat(f, 'g', -1, 32))
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// texts returns the values of the element as text; none for sequences, for bulk data, and for bytes that are not text. UN,
// which is what private elements become in Implicit VR, is text if it looks like it.
func texts(e dicom.Element) []string {
	switch v := e.Value.(type) {
	case dicom.Strings:
		return v
	case dicom.Ints:
		return each(v, func(n int64) string { return strconv.FormatInt(n, 10) })
	case dicom.Uints:
		return each(v, func(n uint64) string { return strconv.FormatUint(n, 10) })
	case dicom.Floats:
		return each(v, func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) })
	case dicom.Tags:
		return each(v, dicom.Tag.String)
	case dicom.Bytes:
		if e.VR == dicom.UN && len(v) <= MaxValue && printable(v) {
			return strings.Split(string(v), `\`)
		}
	}
	return nil
}

func each[T any](values []T, text func(T) string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = text(v)
	}
	return out
}

func printable(b dicom.Bytes) bool {
	text := strings.TrimRight(string(b), " \x00")
	control := func(r rune) bool { return r < ' ' && r != '\r' && r != '\n' && r != '\t' }
	return utf8.ValidString(text) && !strings.ContainsFunc(text, control)
}

// empty reports whether the element has no value (PS3.4 C.2.2.2.7): nothing but empty ones, that is.
func empty(e dicom.Element, vr dicom.VR) bool {
	switch v := e.Value.(type) {
	case nil:
		return true
	case dicom.Items:
		return len(v) == 0
	case dicom.Bulk:
		return false
	case dicom.Bytes:
		return len(v) == 0
	}
	for _, text := range texts(e) {
		if Normal(vr, text) != "" {
			return false
		}
	}
	return true
}
