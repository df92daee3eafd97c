package dicom

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Charset decodes text by the values of Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 6.1). The zero value is the default
// repertoire. A Charset is a value: it can be copied, compared and used by any number of goroutines.
//
// Text that is as it is declared is decoded by the standard. Where it is not, and so could not be shown otherwise, Charset reads
// what was most likely meant, in this order:
//   - text that cannot be of the declared set but is well-formed UTF-8 is UTF-8, and so is text of ISO_IR 100 that makes letters in UTF-8 and no words in
//     Latin-1;
//   - text that cannot be of JIS X 0201 but is well-formed Shift JIS is that;
//   - text without a declared set, or that cannot be of it, or of ISO_IR 100 where that makes no words, and looks like Chinese in GBK or Big5 is that;
//   - characters above 7F where no set is designated for them are of the first declared set that has such, so that one missing
//     escape sequence costs nothing;
//   - bytes above 7F of the default repertoire, or of ISO_IR 192 in a text without any UTF-8 sequence, are Latin-1;
//   - 80 to 9F in Latin-1 are the punctuation of Windows-1252;
//   - what remains becomes U+FFFD.
type Charset struct {
	utf8   bool        // ISO_IR 192 is among the values
	whole  *byteCoding // GB18030, GBK: no code extensions (PS3.3 C.12.1.1.2)
	g0, g1 *graphicSet // designated where a value begins (PS3.5 6.1.2.5.3); nil: ISO 646, and nothing
}

// NewCharset makes the Charset of the values of Specific Character Set (PS3.3 C.12.1.1.2). Spellings of the field like
// "ISO-IR 100", "UTF-8" and "latin1" are understood; a value that is not is passed over.
func NewCharset(values []string) Charset {
	var c Charset
	for i, v := range values {
		r := repertoireOf(v)
		c.utf8 = c.utf8 || r.utf8
		if i == 0 {
			c.g0 = r.g0
		}
		if c.g1 == nil {
			c.g1 = r.g1
		}
		if c.whole == nil {
			c.whole = r.whole
		}
	}
	return c
}

// KnownCharset reports whether a value of Specific Character Set is a Defined Term, or a spelling of the field that NewCharset understands.
func KnownCharset(term string) bool {
	switch charsetKey(term) {
	case "", "6", "646", "ASCII", "USASCII", "87", "159":
		return true
	}
	return repertoireOf(term) != (repertoire{})
}

// Decode returns the text of an element's value as UTF-8, with the delimiters and the padding that it has.
func (c Charset) Decode(vr VR, b []byte) string { return string(c.decode(vr, b).text) }

// Split decodes an element's value, splits it at its delimiters if the VR can have several values, and removes what PS3.5 6.2
// calls padding: spaces at the end and, but for LT PN ST UC UR UT, at the beginning; NUL at the end, which belongs to UI only, is
// padding everywhere; so are the delimiters of a person name's empty groups at its end. A backslash that is part of a character of
// several bytes is no delimiter. It returns nil if there is nothing but padding, and one string for LT, ST, UR and UT.
func (c Charset) Split(vr VR, b []byte) []string {
	d := c.decode(vr, b)
	text, values, start := string(d.text), make([]string, 0, len(d.cuts)+1), 0
	for _, cut := range d.cuts {
		values = append(values, trimPadding(vr, text[start:cut]))
		start = cut + 1
	}
	values = append(values, trimPadding(vr, text[start:]))
	if len(values) == 1 && values[0] == "" {
		return nil
	}
	return values
}

// trimPadding removes the padding of one value (PS3.5 6.2).
func trimPadding(vr VR, s string) string {
	s = strings.TrimRight(s, " \x00")
	switch vr {
	case PN:
		return normalPersonName(s)
	case LT, ST, UC, UR, UT:
		return s
	}
	return strings.TrimLeft(s, " ")
}

// decoded is a text as UTF-8.
type decoded struct {
	text []byte
	cuts []int // where in text the backslashes are that separate values
	bad  int   // bytes that could not be read in the declared character set
}

func (c Charset) decode(vr VR, b []byte) decoded {
	if (c.g0 == nil || !vr.UsesCharset()) && isPlainASCII(b) {
		return decodedUTF8(vr, b)
	}
	mayBeUTF8 := utf8.Valid(b) && !hasEscape(b)
	if c.utf8 && mayBeUTF8 {
		return decodedUTF8(vr, b)
	}
	var d decoded
	switch {
	case c.whole != nil:
		d = c.whole.decode(vr, b)
	case c.g1 == latin1 && mayBeUTF8 && looksUTF8(b):
		d = decodedUTF8(vr, b)
	case c.g1 == latin1 && !mayBeUTF8 && looksChinese(b) && !looksLatin(b):
		d = gb18030.decode(vr, b)
	case c.g1 == latin1 && looksBig5(b):
		if d = big5.decode(vr, b); d.bad > 0 {
			d = c.decodeExtensions(vr, b)
		}
	case c.utf8 && c.g1 == nil && hasSequence(b, 2) && (hasSequence(b, 3) || !looksChinese(b)):
		d = decodedUTF8(vr, bytes.ToValidUTF8(b, []byte("\uFFFD")))
	default:
		d = c.decodeExtensions(vr, b)
	}
	if d.bad == 0 {
		return d
	}
	if mayBeUTF8 {
		return decodedUTF8(vr, b)
	}
	if c.g1 == katakana && !hasEscape(b) {
		if j := shiftJIS.decode(vr, b); j.bad == 0 {
			return j
		}
	}
	if looksBig5(b) {
		if chinese := big5.decode(vr, b); chinese.bad == 0 {
			return chinese
		}
	}
	if looksChinese(b) {
		if chinese := gb18030.decode(vr, b); chinese.bad == 0 {
			return chinese
		}
	}
	return d
}

// looksChinese reports whether the bytes above 7F are pairs that are characters of GB 2312, at least two behind each other in one place:
// other languages hardly write four accented letters in a row. The two may be the components of a name.
func looksChinese(b []byte) bool {
	hanzi, longest := 0, 0
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			if b[i] != '^' {
				hanzi = 0
			}
			i++
			continue
		}
		switch {
		case i+1 == len(b) || b[i+1] < 0xA1 || b[i+1] == 0xFF:
			return false
		case 0xB0 <= b[i] && b[i] <= 0xF7:
			hanzi++
			longest = max(longest, hanzi)
		case b[i] < 0xA1 || b[i] > 0xA9: // letters and signs
			return false
		}
		i += 2
	}
	return longest >= 2
}

// looksBig5 reports whether all words with bytes above 7F are pairs that are signs or frequent characters of Big5, three characters or more, two of
// them in one word, and no words of Latin-1: some second bytes are ASCII, some are not, and there are signs that are in no word
// (docs/adr/0051-big5-under-latin-1.md).
func looksBig5(b []byte) bool {
	var characters, signs, marks, word, longest int
	ascii, high, letters := false, false, false
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c < utf8.RuneSelf {
			if strings.IndexByte(" ^=\\,\r\n\t\x00", c) >= 0 {
				word, letters = 0, false
			} else if letters = true; word > 0 || c == escape {
				return false
			}
			continue
		}
		if i++; letters || c < 0xA1 || c > 0xC6 || i == len(b) || b[i] < 0x40 || b[i] == 0x7F || 0x80 <= b[i] && b[i] < 0xA1 || b[i] == 0xFF {
			return false
		}
		word++
		longest = max(longest, word)
		if c < 0xA4 {
			continue // of punctuation
		}
		characters++
		ascii, high = ascii || b[i] < utf8.RuneSelf, high || b[i] >= utf8.RuneSelf
		for _, c := range b[i-1 : i+1] {
			if strings.IndexByte("\xA2\xA3\xA4\xA5\xA6\xA7\xA8\xA9\xAC\xAE\xAF\xB1\xB6\xB8\xBC\xBD\xBE\xD7\xF7", c) >= 0 {
				signs++
			} else if 0xA1 <= c && c < 0xC0 { // one that does stand in words: ª º ° ´ · µ « »
				marks++
			}
		}
	}
	return characters >= 3 && longest >= 2 && signs >= 1 && 2*signs+marks >= 4 && ascii && high
}

// looksUTF8 reports whether well-formed UTF-8 was hardly meant as Latin-1, where each of its characters is an accented letter with signs behind it: there are
// two such, or it is one of three bytes, or a letter of Western Europe (docs/adr/0056-utf-8-under-latin-1.md).
func looksUTF8(b []byte) bool {
	n := 0
	for _, r := range string(b) {
		if r >= utf8.RuneSelf {
			n++
		}
		if r > 0x7FF || 0xC0 <= r && r < 0x180 || n > 1 {
			return true
		}
	}
	return false
}

// looksLatin reports whether bytes that look Chinese make words in Latin-1, too. Two characters of GB 2312 in one place begin with capitals or signs there; a sign or
// a small letter among them is in no word that people write. Those that begin with small letters are rare, and are believed to be Latin-1
// (docs/adr/0041-chinese-under-latin-1.md).
func looksLatin(b []byte) bool {
	pairs, capitals, words := 0, true, true
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] > 0xD7:
			return true
		case b[i] >= utf8.RuneSelf:
			pairs++
			capitals = capitals && isCapital(b[i]) && isCapital(b[i+1])
			words = words && (pairs < 2 || capitals)
			i++
		case b[i] != '^':
			pairs, capitals = 0, true
		}
	}
	return words
}

// isCapital reports whether the byte is a capital letter in Latin-1.
func isCapital(c byte) bool { return 0xC0 <= c && c <= 0xDE && c != 0xD7 }

// decodedUTF8 is a text that is UTF-8 already.
func decodedUTF8(vr VR, b []byte) decoded {
	d := decoded{text: b}
	n := bytes.Count(b, []byte{'\\'})
	if n == 0 || vr.IsSingleText() {
		return d
	}
	d.cuts = make([]int, 0, n)
	for i, c := range b {
		if c == '\\' {
			d.cuts = append(d.cuts, i)
		}
	}
	return d
}

// isPlainASCII reports whether b has neither bytes above 7F nor an escape.
func isPlainASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf || c == escape {
			return false
		}
	}
	return true
}

// hasSequence reports whether b has a character of at least so many bytes in well-formed UTF-8.
func hasSequence(b []byte, long int) bool {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if size >= long && r != utf8.RuneError {
			return true
		}
		i += size
	}
	return false
}

// repertoire is what one value of Specific Character Set declares.
type repertoire struct {
	utf8   bool
	whole  *byteCoding
	g0, g1 *graphicSet
}

// charsetKey is what a term has in common with its spellings.
func charsetKey(term string) string {
	key := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return -1
	}, term)
	for _, prefix := range [...]string{"ISO2022", "ISO", "IR"} {
		key = strings.TrimPrefix(key, prefix)
	}
	return key
}

// repertoireOf reads a Defined Term of PS3.3 C.12.1.1.2, in tables C.12-2 to C.12-5, or what is found in its place in the field:
// the term in another spelling, or the name that the IANA has for the set.
func repertoireOf(term string) repertoire {
	switch charsetKey(term) {
	case "100", "88591", "LATIN1", "CP1252", "WINDOWS1252":
		return repertoire{g1: latin1}
	case "101", "88592", "LATIN2":
		return repertoire{g1: latin2}
	case "109", "88593", "LATIN3":
		return repertoire{g1: latin3}
	case "110", "88594", "LATIN4":
		return repertoire{g1: latin4}
	case "144", "88595", "CYRILLIC":
		return repertoire{g1: cyrillic}
	case "127", "88596", "ARABIC":
		return repertoire{g1: arabic}
	case "126", "88597", "GREEK":
		return repertoire{g1: greek}
	case "138", "88598", "HEBREW":
		return repertoire{g1: hebrew}
	case "148", "88599", "LATIN5":
		return repertoire{g1: latin5}
	case "203", "885915", "LATIN9":
		return repertoire{g1: latin9}
	case "166", "885911", "TIS620":
		return repertoire{g1: thai}
	case "13", "JISX0201":
		return repertoire{g0: romaji, g1: katakana}
	case "149", "EUCKR", "KSX1001":
		return repertoire{g1: ksX1001}
	case "58":
		return repertoire{g1: gb2312}
	case "192", "UTF8", "10646UTF8":
		return repertoire{utf8: true}
	case "GB18030", "GBK", "GB2312":
		return repertoire{whole: gb18030}
	case "BIG5", "CP950":
		return repertoire{whole: big5}
	case "SHIFTJIS", "SJIS":
		return repertoire{whole: shiftJIS}
	}
	return repertoire{} // ISO 646, the sets of two bytes in G0, which only an escape sequence designates, and the unknown
}
