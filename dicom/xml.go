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

// AppendXML appends the data set as a document of the Native DICOM Model (PS3.19 A.1) to dst and returns the longer slice.
//
// It says what AppendJSON says, in the mapping of PS3.18 F.3.1: ascending tags, no group lengths, empty values as empty elements.
// A private attribute has its creator beside it and zeros in place of its block number, and the creator itself is left out; a
// creator that nothing refers to, and a private attribute without one, are written as they are. A Bulk is written as
// <BulkData uri="URI"/> just so. Characters that XML 1.0 cannot carry, like the escape, become U+FFFD.
//
// The error names the element whose Value does not go with its VR, or that sequences are nested more than 64 deep.
func (ds *DataSet) AppendXML(dst []byte) ([]byte, error) {
	if ds.rest != nil {
		dst = slices.Grow(dst, ds.rest.length()*5/2) // about what it takes
	}
	dst, err := ds.appendXML(append(dst, xmlBegin...), 0)
	return append(dst, xmlEnd...), err
}

// What stands around the document, and behind an attribute.
const (
	xmlBegin        = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<NativeDicomModel xml:space="preserve">`
	xmlEnd          = `</NativeDicomModel>`
	xmlAttributeEnd = `</DicomAttribute>`
)

func (ds *DataSet) appendXML(dst []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, fmt.Errorf("DICOM XML: sequences nested more than %d deep", maxDepth)
	}
	for e := range ds.All() {
		if e.Tag.IsGroupLength() || e.Tag.IsPrivateCreator() && ds.reserves(e) {
			continue
		}
		if !e.valueFits() {
			return dst, fmt.Errorf("DICOM XML: element %v: VR %q cannot hold %T", e.Tag, string(e.VR), e.Value)
		}
		dst = appendAttributeBegin(dst, e, ds.creatorOf(e.Tag))
		var err error
		if dst, err = e.appendXML(dst, depth); err != nil {
			return dst, err
		}
		dst = append(dst, xmlAttributeEnd...)
	}
	return dst, nil
}

// appendAttributeBegin opens the DicomAttribute of an element, in the block of a creator if that is not "".
func appendAttributeBegin(dst []byte, e Element, creator string) []byte {
	t := e.Tag
	if creator != "" {
		t = NewTag(t.Group(), t.Element()&0xFF)
	}
	dst = append(appendTag(append(dst, `<DicomAttribute tag="`...), t), '"')
	dst = appendAttribute(dst, "vr", string(e.VR))
	if keyword := e.Tag.Keyword(); keyword != "" {
		dst = appendAttribute(dst, "keyword", keyword)
	}
	if creator != "" {
		dst = appendAttribute(dst, "privateCreator", creator)
	}
	return append(dst, '>')
}

// reserves reports whether the private creator has a name, and elements in its block.
func (ds *DataSet) reserves(creator Element) bool {
	block := creator.Tag.Element() << 8
	for range ds.Between(NewTag(creator.Tag.Group(), block), NewTag(creator.Tag.Group(), block|0xFF)) {
		return ds.String(creator.Tag) != ""
	}
	return false
}

// creatorOf returns the name of the private creator that reserves the block of t (PS3.5 7.8.1), "" if there is none.
func (ds *DataSet) creatorOf(t Tag) string {
	if creator := t.PrivateCreator(); creator.IsPrivateCreator() {
		return ds.String(creator)
	}
	return ""
}

// appendXML appends what is inside the DicomAttribute.
func (e Element) appendXML(dst []byte, depth int) ([]byte, error) {
	switch v := e.Value.(type) {
	case Bulk:
		return append(appendAttribute(append(dst, `<BulkData`...), "uri", v.URI), `/>`...), nil
	case Bytes:
		if len(v) > 0 {
			dst = append(dst, `<InlineBinary>`...)
			dst = base64.StdEncoding.AppendEncode(dst, v)
			dst = append(dst, `</InlineBinary>`...)
		}
	case Items:
		for i, item := range v {
			dst = appendNumbered(dst, "Item", i)
			if item != nil {
				var err error
				if dst, err = item.appendXML(dst, depth+1); err != nil {
					return dst, err
				}
			}
			dst = append(dst, `</Item>`...)
		}
	case Strings:
		if e.VR == PN {
			return appendPersonNames(dst, v), nil
		}
		if len(v) > 1 || len(v) == 1 && v[0] != "" {
			dst = appendXMLValues(dst, v, appendXMLText)
		}
	case Ints:
		dst = appendXMLValues(dst, v, appendXMLInt)
	case Uints:
		dst = appendXMLValues(dst, v, appendXMLUint)
	case Floats:
		dst = appendXMLValues(dst, v, appendXMLFloat)
	case Tags:
		dst = appendXMLValues(dst, v, appendTag)
	}
	return dst, nil
}

func appendXMLValues[T any](dst []byte, values []T, appendValue func([]byte, T) []byte) []byte {
	appendOne := valueAppender(appendValue)
	for i, v := range values {
		dst = appendOne(dst, i, v)
	}
	return dst
}

// valueAppender returns what appends a value with its place, counted from 0.
func valueAppender[T any](appendValue func([]byte, T) []byte) func([]byte, int, T) []byte {
	return func(dst []byte, i int, v T) []byte {
		return append(appendValue(appendNumbered(dst, "Value", i), v), `</Value>`...)
	}
}

func appendXMLInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

func appendXMLUint(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

// appendXMLFloat spells NaN and the infinities as XML Schema does.
func appendXMLFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(dst, "INF"...)
	case math.IsInf(f, -1):
		return append(dst, "-INF"...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

// The elements of a PersonName, in the order of PS3.5 6.2.1.1.
var (
	nameGroups     = [...]string{"Alphabetic", "Ideographic", "Phonetic"}
	nameComponents = [...]string{"FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"}
)

func appendPersonNames(dst []byte, names []string) []byte {
	if len(names) == 1 && normalPersonName(names[0]) == "" {
		return dst
	}
	for i, name := range names {
		dst = appendXMLName(dst, i, name)
	}
	return dst
}

func appendXMLName(dst []byte, i int, name string) []byte {
	dst = appendNumbered(dst, "PersonName", i)
	for g, group := range PersonNameGroups(normalPersonName(name)) {
		if group == "" {
			continue
		}
		dst = append(append(append(dst, '<'), nameGroups[g]...), '>')
		for c, component := range strings.SplitN(group, "^", len(nameComponents)) {
			if component != "" {
				dst = append(append(append(dst, '<'), nameComponents[c]...), '>')
				dst = appendXMLText(dst, component)
				dst = append(append(append(dst, "</"...), nameComponents[c]...), '>')
			}
		}
		dst = append(append(append(dst, "</"...), nameGroups[g]...), '>')
	}
	dst = append(dst, `</PersonName>`...)
	return dst
}

// appendNumbered opens an element whose number, counted from 1, says its place.
func appendNumbered(dst []byte, name string, i int) []byte {
	dst = append(append(append(dst, '<'), name...), ` number="`...)
	return append(strconv.AppendInt(dst, int64(i)+1, 10), `">`...)
}

func appendAttribute(dst []byte, name, value string) []byte {
	dst = append(append(append(dst, ' '), name...), `="`...)
	return append(appendXMLText(dst, value), '"')
}

// appendXMLText escapes what XML 1.0 (2.2, 2.4) does not allow in text or in an attribute.
func appendXMLText(dst []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '"':
			dst = append(dst, "&#34;"...)
		case r == '\t', r == '\n', r == '\r':
			dst = append(strconv.AppendInt(append(dst, "&#"...), int64(r), 10), ';')
		case r < 0x20, r == 0xFFFE, r == 0xFFFF:
			dst = utf8.AppendRune(dst, utf8.RuneError)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
