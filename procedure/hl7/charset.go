package hl7

import (
	"strings"
	"unicode/utf8"

	"github.com/noctis-dicom/noctis/dicom"
)

// charset decodes the text of a message. DICOM knows the same sets by other names.
type charset struct {
	dicom.Charset
	utf8 bool
}

// charsetTerms are the character sets of HL7 Table 0211, letters and digits alone, and as senders spell them besides; with the Defined Term of
// Specific Character Set for each (PS3.3 C.12.1.1.2).
var charsetTerms = map[string]string{
	"": "", "ASCII": "", "USASCII": "", "IR6": "",
	"88591": "ISO_IR 100", "88592": "ISO_IR 101", "88593": "ISO_IR 109", "88594": "ISO_IR 110", "88595": "ISO_IR 144", "88596": "ISO_IR 127",
	"88597": "ISO_IR 126", "88598": "ISO_IR 138", "88599": "ISO_IR 148", "885911": "ISO_IR 166", "885915": "ISO_IR 203",
	"IR100": "ISO_IR 100", "IR101": "ISO_IR 101", "IR109": "ISO_IR 109", "IR110": "ISO_IR 110", "IR144": "ISO_IR 144", "IR127": "ISO_IR 127",
	"IR126": "ISO_IR 126", "IR138": "ISO_IR 138", "IR148": "ISO_IR 148", "IR166": "ISO_IR 166", "IR203": "ISO_IR 203",
	"IR13": "ISO 2022 IR 13", "IR14": "ISO 2022 IR 13", "IR87": "ISO 2022 IR 87", "IR159": "ISO 2022 IR 159", "KSX1001": "ISO 2022 IR 149",
	"GB18030": "GB18030", "GB180302000": "GB18030",
	"UNICODE": "ISO_IR 192", "UNICODEUTF8": "ISO_IR 192", "UTF8": "ISO_IR 192", "UNICODEUTF16": "ISO_IR 192", "IR192": "ISO_IR 192",
}

// charsetOf finds the character set that MSH-18 names. A message that names none is UTF-8 if it can be, else ISO 8859-1: senders forget to.
func charsetOf(names []string, raw []byte) (charset, bool) {
	var terms []string
	for _, name := range names {
		key := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' {
				return r - 'a' + 'A'
			}
			if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, name)
		term, known := charsetTerms[strings.TrimPrefix(key, "ISO")]
		if !known {
			return charset{}, false
		}
		terms = append(terms, term)
	}
	if strings.Join(terms, "") == "" {
		terms = []string{"ISO_IR 100"}
		if utf8.Valid(raw) {
			terms = []string{"ISO_IR 192"}
		}
	}
	return charset{dicom.NewCharset(terms), terms[0] == "ISO_IR 192"}, true
}

func (c charset) decode(b []byte) string {
	if c.utf8 {
		return strings.ToValidUTF8(string(b), "�")
	}
	return c.Decode(dicom.UT, b)
}
