package dicom

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

const escape = 0x1B

// graphicSet is a set of graphic characters that an escape sequence designates as G0 or G1 (PS3.5 6.1.2.5.1).
type graphicSet struct {
	single func(c byte) rune // sets of one byte: the character of 20 to 7F, or with bit 8 set; utf8.RuneError: none
	double encoding.Encoding // sets of two bytes: a coding in which the bytes, with bit 8 set, are the character
	prefix string            // what that coding has before the two bytes
	mapped map[rune]rune     // where that coding differs from the set
}

func charmapSet(m *charmap.Charmap) *graphicSet {
	return &graphicSet{single: func(c byte) rune { return m.DecodeByte(c | 0x80) }}
}

// The graphic sets of PS3.3 tables C.12-3 and C.12-4.
var (
	latin1   = charmapSet(charmap.ISO8859_1)
	latin2   = charmapSet(charmap.ISO8859_2)
	latin3   = charmapSet(charmap.ISO8859_3)
	latin4   = charmapSet(charmap.ISO8859_4)
	cyrillic = charmapSet(charmap.ISO8859_5)
	arabic   = charmapSet(charmap.ISO8859_6)
	greek    = charmapSet(charmap.ISO8859_7)
	hebrew   = charmapSet(charmap.ISO8859_8)
	latin5   = charmapSet(charmap.ISO8859_9)
	latin9   = charmapSet(charmap.ISO8859_15)
	thai     = charmapSet(charmap.Windows874) // from A0 it is ISO 8859-11
	katakana = &graphicSet{single: func(c byte) rune {
		if c &= 0x7F; c < 0x21 || c > 0x5F {
			return utf8.RuneError
		}
		return 0xFF61 + rune(c&0x7F) - 0x21
	}}
	romaji = &graphicSet{single: func(c byte) rune {
		switch c {
		case 0x5C:
			return '¥'
		case 0x7E:
			return '‾'
		}
		return rune(c)
	}}
	jisX0208 = &graphicSet{double: japanese.EUCJP, mapped: map[rune]rune{
		'～': '〜', '∥': '‖', '－': '−', '￠': '¢', '￡': '£', '￢': '¬', // Windows' choices back to those of JIS
	}}
	jisX0212 = &graphicSet{double: japanese.EUCJP, prefix: "\x8F"}
	ksX1001  = &graphicSet{double: korean.EUCKR}
	gb2312   = &graphicSet{double: simplifiedchinese.GBK}
)

// designation is an escape sequence, and what it designates.
type designation struct {
	sequence string // without the escape
	g1       bool   // as G1, else as G0
	set      *graphicSet
}

// designations are the escape sequences of PS3.3 tables C.12-3 and C.12-4.
var designations = [...]designation{
	{"(B", false, nil},       // ISO 646
	{"(J", false, romaji},    // ISO-IR 14
	{"$B", false, jisX0208},  // ISO-IR 87
	{"$@", false, jisX0208},  // ISO-IR 42, its edition of 1978
	{"$(D", false, jisX0212}, // ISO-IR 159
	{")I", true, katakana},   // ISO-IR 13
	{"$)C", true, ksX1001},   // ISO-IR 149
	{"$)A", true, gb2312},    // ISO-IR 58
	{"-A", true, latin1},     // ISO-IR 100
	{"-B", true, latin2},     // ISO-IR 101
	{"-C", true, latin3},     // ISO-IR 109
	{"-D", true, latin4},     // ISO-IR 110
	{"-L", true, cyrillic},   // ISO-IR 144
	{"-G", true, arabic},     // ISO-IR 127
	{"-F", true, greek},      // ISO-IR 126
	{"-H", true, hebrew},     // ISO-IR 138
	{"-M", true, latin5},     // ISO-IR 148
	{"-b", true, latin9},     // ISO-IR 203
	{"-T", true, thai},       // ISO-IR 166
}

// hasEscape reports whether b has one of the escape sequences.
func hasEscape(b []byte) bool {
	for {
		i := bytes.IndexByte(b, escape)
		if i < 0 {
			return false
		}
		b = b[i+1:]
		for _, d := range designations {
			if bytes.HasPrefix(b, []byte(d.sequence)) {
				return true
			}
		}
	}
}

// extension is the state of a text with code extensions (PS3.5 6.1.2.5) while it is decoded.
type extension struct {
	Charset
	vr      VR
	in      []byte
	now     struct{ g0, g1 *graphicSet } // designated at this place
	decoder *encoding.Decoder            // of the two-byte set that was used last
	decodes *graphicSet
	decoded
}

// decodeExtensions decodes a text of sets of graphic characters, with or without escape sequences. The sets designated at the
// beginning come back before each value, each line, and each component of a person name (PS3.5 6.1.2.5.3).
func (c Charset) decodeExtensions(vr VR, b []byte) decoded {
	x := extension{Charset: c, vr: vr, in: b}
	x.text = make([]byte, 0, len(b)+len(b)/2)
	x.reset()
	for len(x.in) > 0 {
		switch c := x.in[0]; {
		case c == escape:
			x.designate()
		case c < 0x20:
			x.literal()
			x.reset()
		case c < 0x80:
			x.left(c)
		default:
			x.right(c)
		}
	}
	return x.decoded
}

func (x *extension) reset() { x.now.g0, x.now.g1 = x.g0, x.g1 }

// literal passes one byte of ISO 646.
func (x *extension) literal() {
	x.text = append(x.text, x.in[0])
	x.in = x.in[1:]
}

// character passes n bytes that are the character r.
func (x *extension) character(r rune, n int) {
	x.text = utf8.AppendRune(x.text, r)
	x.in = x.in[n:]
}

// designate obeys an escape sequence. One that is none of PS3.3 stays in the text.
func (x *extension) designate() {
	for _, d := range designations {
		if !bytes.HasPrefix(x.in[1:], []byte(d.sequence)) {
			continue
		}
		if d.g1 {
			x.now.g1 = d.set
		} else {
			x.now.g0 = d.set
		}
		x.in = x.in[1+len(d.sequence):]
		return
	}
	x.literal()
}

// left passes a character of G0. A delimiter is looked for behind the characters of two bytes, whose bytes may look like one.
func (x *extension) left(c byte) {
	set := x.now.g0
	if set != nil && set.double != nil && isGraphic(x.in, 0) && isGraphic(x.in, 1) {
		r, ok := x.pair(set, c|0x80, x.in[1]|0x80)
		if !ok {
			x.bad += 2
		}
		x.character(r, 2)
		return
	}
	switch {
	case c == '\\' && !x.vr.IsSingleText():
		x.cuts = append(x.cuts, len(x.text))
		x.literal()
		x.reset()
	case x.vr == PN && (c == '^' || c == '='):
		x.literal()
		x.reset()
	case set != nil && set.single != nil:
		x.character(set.single(c), 1)
	default:
		x.literal()
	}
}

// isGraphic reports whether b[i] exists and stands for a graphic character of a set of 94.
func isGraphic(b []byte, i int) bool { return i < len(b) && 0x21 <= b[i] && b[i] <= 0x7E }

// right passes a character of G1. The two-byte sets are read with the extensions that Windows has for them (UHC, GBK), in which
// the second byte may lie below 80.
func (x *extension) right(c byte) {
	set := x.now.g1
	if set != nil && set.double != nil {
		if len(x.in) > 1 && x.in[1] >= 0x40 {
			if r, ok := x.pair(set, c, x.in[1]); ok {
				x.character(r, 2)
				return
			}
		}
		x.bad++
		x.character(utf8.RuneError, 1)
		return
	}
	switch {
	case set == nil || set == latin1 && c < 0xA0:
		x.bad++
		x.character(charmap.Windows1252.DecodeByte(c), 1)
	case c < 0xA0:
		x.bad++
		x.character(rune(c), 1)
	default:
		r := set.single(c)
		if r == utf8.RuneError {
			x.bad++
		}
		x.character(r, 1)
	}
}

// pair decodes a character of a two-byte set.
func (x *extension) pair(set *graphicSet, first, second byte) (rune, bool) {
	if x.decodes != set {
		x.decoder, x.decodes = set.double.NewDecoder(), set
	}
	r, ok := decodeOne(x.decoder, append([]byte(set.prefix), first, second))
	if m, found := set.mapped[r]; found {
		r = m
	}
	return r, ok
}
