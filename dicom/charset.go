package dicom

import "strings"

// Charset decodes text by Specific Character Set (0008,0005). The zero value is the default repertoire.
type Charset struct{}

// NewCharset makes the Charset of the values of Specific Character Set (PS3.3 C.12.1.1.2).
func NewCharset(values []string) Charset { return Charset{} }

// Decode returns the text of b as UTF-8.
func (c Charset) Decode(vr VR, b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// Split decodes b, splits it into its values and removes their padding; nil if it is empty.
func (c Charset) Split(vr VR, b []byte) []string {
	s := strings.Trim(c.Decode(vr, b), " \x00")
	if s == "" {
		return nil
	}
	if vr.IsSingleText() {
		return []string{s}
	}
	return strings.Split(s, `\`)
}
