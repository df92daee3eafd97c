package dicom

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deeply sequences may be nested in DICOM JSON, read or written. What is met in practice ends below 15.
const maxDepth = 64

// MarshalJSON writes the data set in the DICOM JSON model (PS3.18 F.2). AppendJSON says how.
func (ds *DataSet) MarshalJSON() ([]byte, error) { return ds.AppendJSON(nil) }

// AppendJSON appends the data set in the DICOM JSON model (PS3.18 F.2) to dst, without blanks, and returns the longer slice.
//
// Attributes are in ascending order of their tags, group lengths are left out, "vr" comes first, an empty attribute has nothing
// else (PS3.18 F.2.5). A Bulk is written as "BulkDataURI":"URI" just so, for those who complete relative URIs.
//
// A DS, IS, SV or UV is a number where JSON can write the text as it stands and a reader with IEEE doubles gets its value: "1.0"
// becomes 1.0, never 1. Else it is a string, which PS3.18 F.2.3 allows: "+5", ".5", "007", an integer above 2^53, or no number
// at all. NaN and the infinities, which an FL or FD may hold and JSON cannot, become the strings "NaN", "Infinity" and
// "-Infinity": the value is kept and the document stays readable, though F.2.3 knows no strings there.
//
// The output is valid UTF-8 whatever the values hold; a bad byte becomes U+FFFD. The error names the element whose Value does
// not go with its VR, or that sequences are nested more than 64 deep.
func (ds *DataSet) AppendJSON(dst []byte) ([]byte, error) { return ds.appendJSON(dst, 0) }

func (ds *DataSet) appendJSON(dst []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, fmt.Errorf("DICOM JSON: sequences nested more than %d deep", maxDepth)
	}
	dst = append(dst, '{')
	first := true
	if ds.rest != nil {
		dst = slices.Grow(dst, ds.rest.length())
	}
	begin, end := uint32(0), uint32(0) // parts that lie in the text as they are to be written are copied together
	for e, p := range ds.merged() {
		if e != nil && e.Tag.IsGroupLength() {
			continue
		}
		if e == nil && ds.rest.change != nil {
			read := ds.rest.read(p)
			e = &read
		}
		if e == nil && ds.rest.follows(p, begin, end) {
			end = p.at + p.length
			continue
		}
		dst = ds.rest.appendText(dst, begin, end)
		begin, end = 0, 0
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if e == nil {
			begin, end = p.at-uint32(partName), p.at+p.length
			continue
		}
		dst = appendName(dst, e.Tag)
		var err error
		if dst, err = e.appendJSON(dst, depth); err != nil {
			return dst, err
		}
	}
	dst = ds.rest.appendText(dst, begin, end)
	return append(dst, '}'), nil
}

// appendName appends the name of an attribute, as a member of a data set.
func appendName(dst []byte, t Tag) []byte {
	dst = append(dst, '"')
	dst = appendTag(dst, t)
	return append(dst, `":`...)
}

// appendJSON appends the object of an attribute.
func (e Element) appendJSON(dst []byte, depth int) ([]byte, error) {
	dst = append(dst, `{"vr":"`...)
	dst = append(dst, e.VR...)
	dst = append(dst, '"')
	dst, err := e.appendValue(dst, depth)
	return append(dst, '}'), err
}

// appendValue appends the value, with its name and the comma before it.
func (e Element) appendValue(dst []byte, depth int) ([]byte, error) {
	if !e.valueFits() {
		return dst, fmt.Errorf("DICOM JSON: element %v: VR %q cannot hold %T", e.Tag, string(e.VR), e.Value)
	}
	switch v := e.Value.(type) {
	case Bulk:
		dst = append(dst, `,"BulkDataURI":`...)
		return appendString(dst, v.URI), nil
	case Bytes:
		if len(v) > 0 {
			dst = append(dst, `,"InlineBinary":"`...)
			dst = base64.StdEncoding.AppendEncode(dst, v)
			dst = append(dst, '"')
		}
		return dst, nil
	case Items:
		return appendItems(dst, v, depth)
	case Strings:
		if len(v) == 1 && (v[0] == "" || e.VR == PN && normalPersonName(v[0]) == "") {
			return dst, nil
		}
		return appendValues(dst, v, textAppender(e.VR)), nil
	case Ints:
		return appendValues(dst, v, appendInt), nil
	case Uints:
		return appendValues(dst, v, appendUint), nil
	case Floats:
		if e.VR == FL {
			return appendValues(dst, v, appendFloat32), nil
		}
		return appendValues(dst, v, appendFloat), nil
	case Tags:
		return appendValues(dst, v, appendQuotedTag), nil
	}
	return dst, nil
}

// valueFits reports whether the kind of value is the one that the VR asks for.
func (e Element) valueFits() bool {
	switch e.Value.(type) {
	case nil:
		return e.VR.Valid()
	case Bulk:
		return e.VR.Valid() && e.VR != SQ
	case Strings:
		return e.VR.IsText()
	case Bytes:
		return e.VR.IsBinary()
	case Items:
		return e.VR == SQ
	case Ints:
		return e.VR == US || e.VR == SS || e.VR == UL || e.VR == SL || e.VR == SV
	case Uints:
		return e.VR == UV
	case Floats:
		return e.VR == FD || e.VR == FL
	case Tags:
		return e.VR == AT
	}
	return false
}

func appendItems(dst []byte, items Items, depth int) ([]byte, error) {
	if len(items) == 0 {
		return dst, nil
	}
	dst = append(dst, `,"Value":[`...)
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		if item == nil {
			dst = append(dst, "{}"...)
			continue
		}
		var err error
		if dst, err = item.appendJSON(dst, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// appendValues appends the Value array, or nothing if there are no values.
func appendValues[T any](dst []byte, values []T, appendValue func([]byte, T) []byte) []byte {
	if len(values) == 0 {
		return dst
	}
	dst = append(dst, `,"Value":[`...)
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendValue(dst, v)
	}
	return append(dst, ']')
}

// textAppender returns what writes one value of a text VR; an empty one is null (PS3.18 F.2.5).
func textAppender(vr VR) func([]byte, string) []byte {
	switch vr {
	case PN:
		return appendPersonName
	case DS, IS:
		return appendNumberText
	}
	return appendText
}

func appendText(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return appendString(dst, s)
}

// appendPersonName writes the component groups that are not empty (PS3.18 F.2.2).
func appendPersonName(dst []byte, s string) []byte {
	groups := PersonNameGroups(normalPersonName(s))
	if groups == [3]string{} {
		return append(dst, "null"...)
	}
	opening := byte('{')
	for i, name := range [...]string{`"Alphabetic":`, `"Ideographic":`, `"Phonetic":`} {
		if groups[i] == "" {
			continue
		}
		dst = append(dst, opening)
		dst = append(dst, name...)
		dst = appendString(dst, groups[i])
		opening = ','
	}
	return append(dst, '}')
}

func appendNumberText(dst []byte, s string) []byte {
	if isFaithfulNumber(s) {
		return append(dst, s...)
	}
	return appendText(dst, s)
}

// isFaithfulNumber reports whether the text is a number in the syntax of JSON (RFC 8259 6) that survives a reader with IEEE
// doubles: an integer of at most 2^53, or a decimal within their range. More digits than a double holds are no obstacle in a
// decimal: they are all written, and whoever computes with them rounds them in any case.
func isFaithfulNumber(s string) bool {
	n := jsonNumberLength(s)
	if n == 0 || n != len(s) || n > 300 {
		return false
	}
	if strings.ContainsAny(s, "eE") {
		f, err := strconv.ParseFloat(s, 64)
		mantissa := s[:strings.IndexAny(s, "eE")]
		return err == nil && (f != 0 || strings.Trim(mantissa, "-0.") == "")
	}
	whole := strings.TrimPrefix(s, "-")
	return strings.Contains(s, ".") || len(whole) < 16 || len(whole) == 16 && whole <= "9007199254740992"
}

// jsonNumberLength returns the length of the number in the syntax of JSON that s begins with, 0 if it begins with none.
func jsonNumberLength(s string) int {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	whole := digits(s[i:])
	if whole == 0 || whole > 1 && s[i] == '0' {
		return 0
	}
	i += whole
	if i < len(s) && s[i] == '.' {
		n := digits(s[i+1:])
		if n == 0 {
			return 0
		}
		i += 1 + n
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '+' || s[j] == '-') {
			j++
		}
		n := digits(s[j:])
		if n == 0 {
			return 0
		}
		i = j + n
	}
	return i
}

func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

func appendInt(dst []byte, n int64) []byte {
	if n > 1<<53 || n < -1<<53 {
		return append(strconv.AppendInt(append(dst, '"'), n, 10), '"')
	}
	return strconv.AppendInt(dst, n, 10)
}

func appendUint(dst []byte, n uint64) []byte {
	if n > 1<<53 {
		return append(strconv.AppendUint(append(dst, '"'), n, 10), '"')
	}
	return strconv.AppendUint(dst, n, 10)
}

// appendFloat32 writes the value of an FL with the digits of a double, since that is what JSON is read into: 0.1 as a float32 is
// the double 0.10000000149011612, and not 0.1.
func appendFloat32(dst []byte, f float64) []byte { return appendFloat(dst, float64(float32(f))) }

// appendFloat writes the shortest decimal that reads back as the same double.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}

const upperHex = "0123456789ABCDEF"

// appendTag writes the eight upper-case hexadecimal digits of a tag (PS3.18 F.2.2).
func appendTag(dst []byte, t Tag) []byte {
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, upperHex[t>>shift&0xF])
	}
	return dst
}

func appendQuotedTag(dst []byte, t Tag) []byte { return append(appendTag(append(dst, '"'), t), '"') }

// appendString writes a JSON string (RFC 8259 7), with U+FFFD for every byte that is no UTF-8. U+2028 and U+2029 are escaped,
// which pages that evaluate JSON as script need.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	plain := 0 // start of what needs no escape
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = append(dst, s[plain:i]...)
			dst = appendEscape(dst, c)
			i++
			plain = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(append(dst, s[plain:i]...), "\uFFFD"...)
			plain = i + size
		case r == '\u2028' || r == '\u2029':
			dst = append(append(dst, s[plain:i]...), `\u202`...)
			dst = append(dst, upperHex[r&0xF])
			plain = i + size
		}
		i += size
	}
	return append(append(dst, s[plain:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', upperHex[c>>4], upperHex[c&0xF])
}
