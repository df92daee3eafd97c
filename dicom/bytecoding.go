package dicom

import (
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// byteCoding is a coding of characters of different lengths without code extensions. Bytes below 80 are those of ISO 646 when they
// begin a character.
type byteCoding struct {
	encoding encoding.Encoding
	length   func(b []byte) int // of the character, of two or more bytes or above 7F, that b begins with
}

// The codings of PS3.3 table C.12-5, and two that are none of them: Shift JIS, which is met as ISO_IR 13, and Big5, as ISO_IR 100.
var (
	gb18030  = &byteCoding{simplifiedchinese.GB18030, gb18030Length} // GBK is a part of it
	shiftJIS = &byteCoding{japanese.ShiftJIS, func(b []byte) int {
		if 0xA1 <= b[0] && b[0] <= 0xDF {
			return 1
		}
		return 2
	}}
	big5 = &byteCoding{traditionalchinese.Big5, func([]byte) int { return 2 }}
)

func gb18030Length(b []byte) int {
	if len(b) >= 4 && '0' <= b[1] && b[1] <= '9' {
		return 4
	}
	return 2
}

func (e *byteCoding) decode(vr VR, b []byte) decoded {
	d := decoded{text: make([]byte, 0, len(b)+len(b)/2)}
	decoder := e.encoding.NewDecoder()
	for i := 0; i < len(b); {
		if c := b[i]; c < 0x80 {
			if c == '\\' && !vr.IsSingleText() {
				d.cuts = append(d.cuts, len(d.text))
			}
			d.text = append(d.text, c)
			i++
			continue
		}
		n := min(e.length(b[i:]), len(b)-i)
		r, ok := decodeOne(decoder, b[i:i+n])
		if !ok {
			n = 1 // what follows may be a character of its own
			d.bad++
		}
		d.text = utf8.AppendRune(d.text, r)
		i += n
	}
	return d
}

// decodeOne decodes the bytes of one character.
func decodeOne(d *encoding.Decoder, b []byte) (rune, bool) {
	var buf [16]byte
	n, used, err := d.Transform(buf[:], b, true)
	r, size := utf8.DecodeRune(buf[:n])
	if err != nil || used != len(b) || size != n || r == utf8.RuneError {
		return utf8.RuneError, false
	}
	return r, true
}
