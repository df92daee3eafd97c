package part10

import (
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// textState is which character set governs a data set (PS3.3 C.12.1.1.2) and what that means for the UTF-8 that Scan makes of it.
type textState struct {
	charset  dicom.Charset
	terms    []string // Specific Character Set, as it applies
	own      bool     // the data set has the attribute itself
	beyond   bool     // text that it governs has characters beyond ASCII
	governed *textState
}

// inherited is the state of an item before it says something else.
func (t *textState) inherited() textState {
	return textState{charset: t.charset, terms: t.terms, governed: t}
}

// declare takes note of a Specific Character Set. An empty one changes nothing: what it is in leaves it to its surroundings.
func (t *textState) declare(values dicom.Value) {
	t.own = true
	terms, ok := values.(dicom.Strings)
	if ok && !slices.Equal(terms, t.terms) {
		t.terms, t.charset = terms, dicom.NewCharset(terms)
	}
	if ok {
		t.governed = nil
	}
}

// decode splits a text value into its values. Charset keeps to ASCII what Specific Character Set does not govern.
func (t *textState) decode(vr dicom.VR, b []byte) dicom.Value {
	values := t.charset.Split(vr, b)
	if len(values) == 0 {
		return nil
	}
	if !t.beyond && slices.ContainsFunc(values, isBeyondASCII) {
		for at := t; at != nil; at = at.governed {
			at.beyond = true
		}
	}
	return dicom.Strings(values)
}

func isBeyondASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return true
		}
	}
	return false
}

// settleCharset makes Specific Character Set say what the text of the data set has become: UTF-8 (PS3.18 F.2). At the top level
// it says so wherever it is present, except that ISO_IR 6, which is ASCII, stays as harmless as it was; where it is absent or in
// an item, only if there is text beyond ASCII.
func (l *level) settleCharset(ds *dicom.DataSet) {
	t := &l.text
	top := l.up == nil && t.own && len(t.terms) > 0 && !slices.Equal(t.terms, []string{"ISO_IR 6"})
	if !l.meta && (top || t.beyond && (t.own || l.up == nil)) {
		ds.SetStrings(dicom.SpecificCharacterSet, dicom.CS, utf8Term)
	}
}
