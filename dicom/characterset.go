package dicom

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// ErrNotInCharacterSet is why a text cannot be written in a character set: it has characters that are none of it.
var ErrNotInCharacterSet = errors.New("text has characters that are not in the character set")

// CharacterSet is a character set that text can be written in: that of a whole document under its IANA name, or that of the values of
// a data set under Specific Character Set.
type CharacterSet struct {
	name  string            // "ISO-8859-1", "" for a combination that the IANA has no name for
	terms []string          // "ISO_IR 100"
	text  encoding.Encoding // of a whole document, where that is not the encoding of a value
	plain bool              // a document is encoded like a value without code extensions

	whole  encoding.Encoding // of UTF-8, GB18030 and GBK; nil: sets of graphic characters
	g0, g1 *graphicSet       // designated where a value begins
	other  []designation     // what code extensions can designate
	ascii  string            // the escape sequence back to the first set of G0
}

// characterSets are those of PS3.18 table D-1, and the default repertoire. ISO-2022-KR and ISO-2022-CN are encodings of data sets
// only.
var characterSets = []*CharacterSet{
	{name: "UTF-8", terms: []string{"ISO_IR 192"}, whole: encoding.Nop, plain: true},
	{name: "US-ASCII", terms: []string{"ISO_IR 6"}, plain: true},
	{name: "ISO-8859-1", terms: []string{"ISO_IR 100"}, g1: latin1, plain: true},
	{name: "ISO-8859-2", terms: []string{"ISO_IR 101"}, g1: latin2, plain: true},
	{name: "ISO-8859-3", terms: []string{"ISO_IR 109"}, g1: latin3, plain: true},
	{name: "ISO-8859-4", terms: []string{"ISO_IR 110"}, g1: latin4, plain: true},
	{name: "ISO-8859-5", terms: []string{"ISO_IR 144"}, g1: cyrillic, plain: true},
	{name: "ISO-8859-6", terms: []string{"ISO_IR 127"}, g1: arabic, plain: true},
	{name: "ISO-8859-7", terms: []string{"ISO_IR 126"}, g1: greek, plain: true},
	{name: "ISO-8859-8", terms: []string{"ISO_IR 138"}, g1: hebrew, plain: true},
	{name: "ISO-8859-9", terms: []string{"ISO_IR 148"}, g1: latin5, plain: true},
	{name: "ISO-8859-15", terms: []string{"ISO_IR 203"}, g1: latin9, plain: true},
	{name: "TIS-620", terms: []string{"ISO_IR 166"}, g1: thai, plain: true},
	{terms: []string{"ISO_IR 13"}, g0: romaji, g1: katakana},
	named("ISO-2022-JP", japanese.ISO2022JP, "ISO 2022 IR 13", "ISO 2022 IR 87"),
	named("ISO-2022-KR", nil, "ISO 2022 IR 6", "ISO 2022 IR 149"),
	named("ISO-2022-CN", nil, "ISO 2022 IR 6", "ISO 2022 IR 58"),
	{name: "GB18030", terms: []string{"GB18030"}, whole: simplifiedchinese.GB18030, plain: true},
	{name: "GBK", terms: []string{"GBK"}, whole: simplifiedchinese.GBK, plain: true},
}

func named(name string, text encoding.Encoding, terms ...string) *CharacterSet {
	c, _ := extended(terms)
	c.name, c.text = name, text
	return c
}

// extensionPrefix begins the Defined Terms of character sets with code extensions (PS3.3 tables C.12-3 and C.12-4).
const extensionPrefix = "ISO 2022 IR "

// CharacterSetOf is the character set of an IANA name or of Defined Terms of Specific Character Set (PS3.18 8.8, table D-1), false if
// it is not known. Several terms, in one name or more, are sets with code extensions, in the order of Specific Character Set. Case
// does not matter.
func CharacterSetOf(names ...string) (*CharacterSet, bool) {
	key := strings.ToUpper(strings.Join(names, `\`))
	for _, c := range characterSets {
		if key != "" && (key == c.name || key == c.terms[0] && len(c.terms) == 1) {
			return c, true
		}
	}
	if !strings.HasPrefix(key, extensionPrefix) {
		return nil, false
	}
	var terms []string
	for _, number := range strings.Split(key, extensionPrefix)[1:] {
		terms = append(terms, extensionPrefix+strings.Trim(number, `\ ,`))
	}
	for _, c := range characterSets {
		if slices.Equal(terms, c.terms) {
			return c, true
		}
	}
	return extended(terms)
}

// CharacterSetNames are the names of PS3.18 table D-1, and US-ASCII.
func CharacterSetNames() []string {
	var names []string
	for _, c := range characterSets {
		if c.name != "" {
			names = append(names, c.name)
		}
	}
	return names
}

// HasExtensions reports whether a name is a Defined Term of a set with code extensions, which is one of several.
func HasExtensions(name string) bool {
	return strings.HasPrefix(strings.ToUpper(name), extensionPrefix)
}

// extended makes a character set of Defined Terms with code extensions; false if one is unknown.
func extended(terms []string) (*CharacterSet, bool) {
	c := &CharacterSet{terms: terms, ascii: "(B"}
	for i, term := range terms {
		number := strings.TrimPrefix(term, extensionPrefix)
		if number == "6" {
			continue
		}
		r := repertoireOf(number)
		if number == "87" {
			r.g0 = jisX0208
		}
		if number == "159" {
			r.g0 = jisX0212
		}
		if r.g0 == nil && r.g1 == nil || r.whole != nil || r.utf8 {
			return nil, false
		}
		for _, d := range designations {
			if d.set != nil && (d.set == r.g0 || d.set == r.g1) && d.sequence != "$@" {
				c.other = append(c.other, d)
			}
		}
		if i > 0 {
			continue
		}
		if c.g1 = r.g1; r.g0 == romaji {
			c.g0, c.ascii = romaji, "(J"
		}
	}
	return c, true
}

// Name is the name that the IANA has for the character set, "" if it has none.
func (c *CharacterSet) Name() string { return c.name }

// Terms are the values of Specific Character Set for it. They must not be changed.
func (c *CharacterSet) Terms() []string { return c.terms }

// IsUTF8 reports whether it is UTF-8.
func (c *CharacterSet) IsUTF8() bool { return c.whole == encoding.Nop }

// ForDocuments reports whether EncodeDocument can be called: there is a name and an encoding of whole documents.
func (c *CharacterSet) ForDocuments() bool { return c.plain || c.text != nil }

// EncodeDocument encodes a text that is UTF-8, as a whole. The error is ErrNotInCharacterSet.
func (c *CharacterSet) EncodeDocument(text string) ([]byte, error) {
	if c.text == nil {
		return c.Encode(UT, []string{text})
	}
	b, err := c.text.NewEncoder().Bytes([]byte(text))
	if err != nil {
		return nil, ErrNotInCharacterSet
	}
	return b, nil
}

// Encode encodes the values of an element, which are UTF-8, with their delimiters (PS3.5 6.1.2, 6.2). What the VR keeps to the
// default repertoire is not changed. The error is ErrNotInCharacterSet.
func (c *CharacterSet) Encode(vr VR, values []string) ([]byte, error) {
	text := strings.Join(values, `\`)
	if !vr.UsesCharset() || c.IsUTF8() {
		return []byte(text), nil
	}
	if c.whole != nil {
		b, err := c.whole.NewEncoder().Bytes([]byte(text))
		windows := c.whole == simplifiedchinese.GBK && strings.ContainsRune(text, '€') // a byte 80, which is none of GBK's
		if err != nil || windows {
			return nil, ErrNotInCharacterSet
		}
		return b, nil
	}
	w := extensionWriter{CharacterSet: c, vr: vr, out: make([]byte, 0, len(text)+len(text)/4)}
	w.now.g0, w.now.g1 = c.g0, c.g1
	for _, r := range text {
		if !w.character(r) {
			return nil, ErrNotInCharacterSet
		}
	}
	w.back()
	return w.out, nil
}

// extensionWriter writes one element's text with code extensions (PS3.5 6.1.2.5).
type extensionWriter struct {
	*CharacterSet
	vr  VR
	now struct{ g0, g1 *graphicSet } // designated at this place
	out []byte
}

// character writes one character, behind the escape sequence that it needs; false if no set has it.
func (w *extensionWriter) character(r rune) bool {
	switch {
	case r < 0x20, r == '\\' && !w.vr.IsSingleText(), w.vr == PN && (r == '^' || r == '='):
		w.back()
		w.now.g1 = w.g1 // nothing else is designated behind a delimiter (PS3.5 6.1.2.5.3)
		w.out = append(w.out, byte(r))
		return true
	case r < 0x7F && (w.g0 == nil || r != '\\' && r != '~'):
		w.left()
		w.out = append(w.out, byte(r))
		return true
	}
	if r < 0x7F { // which JIS X 0201 has other characters for
		if len(w.other) == 0 {
			return false
		}
		if w.now.g0 != nil {
			w.escape("(B")
			w.now.g0 = nil
		}
		w.out = append(w.out, byte(r))
		return true
	}
	if r == '¥' && !w.vr.IsSingleText() { // in JIS X 0201 it would separate values
		return w.put(w.now.g1, 0x80, r)
	}
	if w.put(w.now.g1, 0x80, r) || w.put(w.now.g0, 0, r) {
		return true
	}
	return w.designate(r)
}

// designate writes a character of a set that has to be designated first.
func (w *extensionWriter) designate(r rune) bool {
	for _, d := range w.other {
		if d.set.find(r) == "" {
			continue
		}
		w.escape(d.sequence)
		if d.g1 {
			w.now.g1 = d.set
			return w.put(d.set, 0x80, r)
		}
		w.now.g0 = d.set
		return w.put(d.set, 0, r)
	}
	return false
}

// put writes a character of a set that is designated; high is the bit of G1.
func (w *extensionWriter) put(set *graphicSet, high byte, r rune) bool {
	code := set.find(r)
	if code == "" {
		return false
	}
	if high != 0 && w.now.g0 != nil && w.now.g0.double != nil {
		w.left() // some readers take what follows for G0's
	}
	for _, c := range []byte(code) {
		w.out = append(w.out, c|high)
	}
	return true
}

// back designates what has to be where text ends, or one of its parts (PS3.5 6.1.2.5.3).
func (w *extensionWriter) back() {
	w.left()
	if w.g1 == nil || w.now.g1 == w.g1 {
		return
	}
	for _, d := range w.other {
		if d.g1 && d.set == w.g1 {
			w.escape(d.sequence)
		}
	}
	w.now.g1 = w.g1
}

// left designates the first set of G0 again.
func (w *extensionWriter) left() {
	if w.now.g0 != w.g0 {
		w.escape(w.ascii)
		w.now.g0 = w.g0
	}
}

func (w *extensionWriter) escape(sequence string) {
	w.out = append(append(w.out, escape), sequence...)
}

// codes has the characters of the sets that text was written in, and their codes without bit 8.
var codes sync.Map // *graphicSet to map[rune]string

// find is the code of a character in the set, without bit 8; "" if it is not in it.
func (s *graphicSet) find(r rune) string {
	if s == nil {
		return ""
	}
	of, there := codes.Load(s)
	if !there {
		of, _ = codes.LoadOrStore(s, s.codes())
	}
	return of.(map[rune]string)[r]
}

// codes lists the characters of the set: the codings that it is read by have more, which others would not read.
func (s *graphicSet) codes() map[rune]string {
	all := map[rune]string{}
	if s.single != nil {
		for c := byte(0x20); c < 0x80; c++ {
			if r := s.single(c); r != utf8.RuneError && r >= 0x80 {
				all[r] = string([]byte{c})
			}
		}
		return all
	}
	decoder := s.double.NewDecoder()
	for first := byte(0x21); first <= 0x7E; first++ {
		if s == jisX0208 && (first > 0x28 && first < 0x30 || first > 0x74) {
			continue // rows that makers have filled
		}
		for second := byte(0x21); second <= 0x7E; second++ {
			r, ok := decodeOne(decoder, append([]byte(s.prefix), first|0x80, second|0x80))
			if m, mapped := s.mapped[r]; mapped {
				r = m
			}
			if _, twice := all[r]; ok && !twice {
				all[r] = string([]byte{first, second})
			}
		}
	}
	return all
}

// Covers reports whether all text of a data set can be written in the character set.
func (c *CharacterSet) Covers(ds *DataSet) bool {
	for e := range ds.All() {
		switch v := e.Value.(type) {
		case Strings:
			if _, err := c.Encode(e.VR, v); err != nil {
				return false
			}
		case Items:
			for _, item := range v {
				if !c.Covers(item) {
					return false
				}
			}
		}
	}
	return true
}
