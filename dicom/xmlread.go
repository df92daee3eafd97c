package dicom

import (
	"bufio"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// ErrNotXML is the error, wrapped, of what is no XML document at all (ParseXML).
var ErrNotXML = errors.New("not well-formed")

// ParseXML reads a document of the Native DICOM Model (PS3.19 A.1) to its end. Its memory is bounded by the length of the
// document, which the caller limits.
//
// What clients are known to write is understood: attributes in any order and spelled "Tag" or "VR", as in examples of PS3.18, a
// keyword in place of the tag, no vr (the dictionary knows it), namespaces or none, white space around values whose VR does not
// keep it. A private attribute with a privateCreator is put into the block of that creator, which is reserved if it is not
// there. Refused are bad syntax, declarations of entities, an attribute twice, a value that its VR cannot hold, values out of
// order, and sequences nested more than 64 deep. The error has the byte offset and no content.
func ParseXML(r io.Reader) (*DataSet, error) {
	x := xmlReader{xml.NewDecoder(utf8Reader(r))}
	x.decoder.CharsetReader = declaredReader
	var ds *DataSet
	for {
		token, err := x.decoder.Token()
		switch {
		case err == io.EOF && ds != nil:
			return ds, nil
		case err == io.EOF:
			return nil, x.syntax(ErrNotXML)
		case err != nil:
			return nil, x.syntax(err)
		}
		switch token := token.(type) {
		case xml.Directive:
			return nil, x.fail("document type declarations are not allowed")
		case xml.StartElement:
			if ds != nil || token.Name.Local != "NativeDicomModel" {
				return nil, x.fail("one NativeDicomModel expected, and nothing else")
			}
			if ds, err = x.dataSet(0); err != nil {
				return nil, err
			}
		}
	}
}

// utf8Reader turns UTF-16, which its first characters tell (XML 1.0 F.1), into UTF-8.
func utf8Reader(r io.Reader) io.Reader {
	in := bufio.NewReader(r)
	head, _ := in.Peek(2)
	endian := unicode.BigEndian
	switch string(head) {
	case "\xFF\xFE", "<\x00":
		endian = unicode.LittleEndian
	case "\xFE\xFF", "\x00<":
	default:
		return in
	}
	return unicode.UTF16(endian, unicode.UseBOM).NewDecoder().Reader(in)
}

// declaredReader reads the other character sets in which tools write these documents. What could be read up to where it says that it is UTF-16 is not, or no longer.
func declaredReader(label string, r io.Reader) (io.Reader, error) {
	switch key := charsetKey(label); {
	case strings.HasPrefix(key, "UTF16"), key == "UCS2", key == "10646UCS2":
		return r, nil
	case repertoireOf(label).g1 == latin1:
		return charmap.ISO8859_1.NewDecoder().Reader(r), nil
	}
	return nil, errors.New("character set is neither UTF-8, UTF-16 nor ISO 8859-1")
}

// xmlReader reads the Native DICOM Model.
type xmlReader struct{ decoder *xml.Decoder }

func (x *xmlReader) fail(format string, args ...any) error {
	return fmt.Errorf("DICOM XML, byte %d: %s", x.decoder.InputOffset(), fmt.Sprintf(format, args...))
}

// syntax makes an error of one of the decoder, whose text may quote the document. An error of the source is kept.
func (x *xmlReader) syntax(err error) error {
	var bad *xml.SyntaxError
	if errors.As(err, &bad) {
		err = ErrNotXML
	}
	return fmt.Errorf("DICOM XML, byte %d: %w", x.decoder.InputOffset(), err)
}

// children calls child for each element inside the one that was just opened, until that is closed. child reads to the end of
// its element.
func (x *xmlReader) children(child func(start xml.StartElement) error) error {
	for {
		token, err := x.decoder.Token()
		if err != nil {
			return x.syntax(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if err := child(token); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

func (x *xmlReader) skip() error {
	if err := x.decoder.Skip(); err != nil {
		return x.syntax(err)
	}
	return nil
}

// text reads the text of the element that was just opened.
func (x *xmlReader) text() (string, error) {
	var b strings.Builder
	for {
		token, err := x.decoder.Token()
		if err != nil {
			return "", x.syntax(err)
		}
		switch token := token.(type) {
		case xml.CharData:
			b.Write(token)
		case xml.StartElement:
			return "", x.fail("text expected, not an element")
		case xml.EndElement:
			return b.String(), nil
		}
	}
}

func (x *xmlReader) dataSet(depth int) (*DataSet, error) {
	if depth > maxDepth {
		return nil, x.fail("sequences nested more than %d deep", maxDepth)
	}
	var elements []Element
	var private []privateElement
	err := x.children(func(start xml.StartElement) error {
		if start.Name.Local != "DicomAttribute" {
			return x.skip()
		}
		e, creator, err := x.attribute(start, depth)
		switch {
		case err != nil:
			return err
		case creator != "" && e.Tag.IsPrivate(): // one that ends in 00 looks like a group length without its block
			private = append(private, privateElement{e, creator})
		case e.Tag.IsGroupLength():
		default:
			elements = append(elements, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if elements, err = placePrivate(elements, private); err == nil {
		elements, err = sorted(elements)
	}
	if err != nil {
		return nil, x.fail("%v", err)
	}
	return &DataSet{elements: elements}, nil
}

// attribute reads a DicomAttribute, and returns the name of its private creator with it.
func (x *xmlReader) attribute(start xml.StartElement, depth int) (e Element, creator string, err error) {
	tag, vr := attr(start, "tag"), VR(strings.ToUpper(attr(start, "vr")))
	if tag == "" {
		tag = attr(start, "keyword")
	}
	t, ok := tagOrKeyword(tag)
	if !ok {
		return e, "", x.fail("DicomAttribute without a tag")
	}
	if vr == "" {
		vr = t.VR()
	}
	if !vr.Valid() {
		return e, "", x.fail("attribute %v: unknown vr", t)
	}
	e = Element{Tag: t, VR: vr}
	var c xmlContent
	if err := x.children(func(start xml.StartElement) error { return x.content(&c, e, start, depth) }); err != nil {
		return e, "", err
	}
	if e.VR == UN && len(c.texts) > 0 {
		e.VR = t.VR() // as for JSON, a Value tells that the writer knew better (PS3.5 6.2.2)
	}
	if e.Value, err = c.value(e.VR); err != nil {
		return e, "", x.fail("attribute %v: %v", t, err)
	}
	return e, strings.TrimSpace(attr(start, "privateCreator")), nil
}

// attr returns an attribute of an element by its name in any case.
func attr(start xml.StartElement, name string) string {
	for _, a := range start.Attr {
		if strings.EqualFold(a.Name.Local, name) {
			return a.Value
		}
	}
	return ""
}

// xmlContent is what stood in a DicomAttribute.
type xmlContent struct {
	kind  string // the name of its elements
	texts []string
	items Items
	bytes Bytes
	bulk  string
}

// content reads one element of a DicomAttribute into c.
func (x *xmlReader) content(c *xmlContent, e Element, start xml.StartElement, depth int) (err error) {
	kind, place := start.Name.Local, len(c.texts)+len(c.items)+1
	switch kind {
	case "Value", "PersonName", "Item":
		if n := attr(start, "number"); n != "" && n != strconv.Itoa(place) {
			return x.fail("attribute %v: %s %d has another number", e.Tag, kind, place)
		}
	case "BulkData", "InlineBinary":
		if c.kind != "" {
			return x.fail("attribute %v: both %s and %s", e.Tag, c.kind, kind)
		}
	default:
		return x.skip()
	}
	if c.kind != "" && c.kind != kind {
		return x.fail("attribute %v: both %s and %s", e.Tag, c.kind, kind)
	}
	if kind == "Item" && e.VR != SQ || kind == "PersonName" && e.VR != PN {
		return x.fail("attribute %v: %s with VR %s", e.Tag, kind, e.VR)
	}
	c.kind = kind
	var s string
	switch kind {
	case "Value":
		s, err = x.text()
		c.texts = append(c.texts, s)
	case "PersonName":
		s, err = x.personName()
		c.texts = append(c.texts, s)
	case "Item":
		var item *DataSet
		item, err = x.dataSet(depth + 1)
		c.items = append(c.items, item)
	case "BulkData":
		c.bulk = attr(start, "uri")
		if c.bulk == "" || e.VR == SQ {
			return x.fail("attribute %v: BulkData without a uri, or of a sequence", e.Tag)
		}
		err = x.skip()
	case "InlineBinary":
		if s, err = x.text(); err != nil {
			return err
		}
		if c.bytes, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), "")); err != nil {
			return x.fail("attribute %v: InlineBinary is not base64", e.Tag)
		}
		if !e.VR.IsBinary() && len(c.bytes) > 0 {
			return x.fail("attribute %v: InlineBinary with VR %s", e.Tag, e.VR)
		}
	}
	return err
}

// personName reads the component groups of a PersonName.
func (x *xmlReader) personName() (string, error) {
	var groups [len(nameGroups)]string
	err := x.children(func(start xml.StartElement) error {
		g := index(nameGroups[:], start.Name.Local)
		if g < 0 {
			return x.skip()
		}
		var components [len(nameComponents)]string
		err := x.children(func(start xml.StartElement) (err error) {
			c := index(nameComponents[:], start.Name.Local)
			if c < 0 {
				return x.skip()
			}
			components[c], err = x.text()
			return err
		})
		groups[g] = strings.Join(components[:], "^")
		return err
	})
	return JoinPersonName(groups), err
}

func index(names []string, name string) int {
	for i := range names {
		if names[i] == name {
			return i
		}
	}
	return -1
}

// value makes the value of what was read; nil if it is empty.
func (c *xmlContent) value(vr VR) (Value, error) {
	switch c.kind {
	case "":
		return nil, nil
	case "Item":
		return c.items, nil
	case "BulkData":
		return Bulk{URI: c.bulk}, nil
	case "InlineBinary":
		return valueOf(c.bytes, len(c.bytes), nil)
	}
	if len(c.texts) == 1 && strings.TrimSpace(c.texts[0]) == "" {
		return nil, nil
	}
	switch vr {
	case FL, FD:
		floats, err := parseAll(vr, c.texts, parseFloat)
		return valueOf(Floats(floats), len(floats), err)
	case SL, SS, SV, UL, US:
		ints, err := parseAll(vr, c.texts, parseInt)
		return valueOf(Ints(ints), len(ints), err)
	case UV:
		uints, err := parseAll(vr, c.texts, parseUint)
		return valueOf(Uints(uints), len(uints), err)
	case AT:
		tags, err := parseAll(vr, c.texts, parseTagValue)
		return valueOf(Tags(tags), len(tags), err)
	case LT, ST, UC, UT:
		return textValue(vr, c.texts, nil)
	}
	if !vr.IsText() {
		return nil, fmt.Errorf("Value with VR %s", vr)
	}
	for i, s := range c.texts {
		c.texts[i] = strings.TrimSpace(s)
		if vr == PN {
			c.texts[i] = trimComponents(s)
		}
	}
	return textValue(vr, c.texts, nil)
}

// trimComponents removes empty components at the end of each group, which the model does not know.
func trimComponents(name string) string {
	groups := PersonNameGroups(name)
	for i := range groups {
		groups[i] = strings.TrimRight(strings.TrimSpace(groups[i]), "^ \t\r\n")
	}
	return JoinPersonName(groups)
}

func parseAll[T any](vr VR, texts []string, parse func(VR, string) (T, error)) ([]T, error) {
	values := make([]T, len(texts))
	for i, s := range texts {
		v, err := parse(vr, s)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

// privateElement is a private element that knows its creator, and of its place only the last two digits.
type privateElement struct {
	Element
	creator string
}

// placePrivate adds private elements to others, in blocks that belong to their creators (PS3.5 7.8.1). A creator that has no
// block in its group gets the first that is free. Two elements in one place of a block are of two blocks of one creator.
func placePrivate(elements []Element, private []privateElement) ([]Element, error) {
	if len(private) == 0 {
		return elements, nil
	}
	creators, taken := map[Tag]string{}, map[Tag]bool{}
	for _, e := range elements {
		switch {
		case e.Tag.IsPrivateCreator():
			names, _ := e.Value.(Strings)
			creators[e.Tag] = strings.Join(names, `\`)
		case e.Tag.IsPrivate():
			taken[e.Tag] = true
			if _, reserved := creators[e.Tag.PrivateCreator()]; !reserved {
				creators[e.Tag.PrivateCreator()] = ""
			}
		}
	}
	for _, p := range private {
		block, isNew := blockFor(p, creators, taken)
		if block == 0 {
			return nil, fmt.Errorf("no block left for private attributes in group %04X", p.Tag.Group())
		}
		if isNew {
			creators[block] = p.creator
			elements = append(elements, Element{block, LO, Strings{p.creator}})
		}
		p.Tag = placeIn(block, p.Tag)
		taken[p.Tag] = true
		elements = append(elements, p.Element)
	}
	return elements, nil
}

// blockFor returns the tag of the creator in whose block the element goes, and whether that has to be reserved; 0 if all are
// taken.
func blockFor(p privateElement, creators map[Tag]string, taken map[Tag]bool) (block Tag, isNew bool) {
	for n := uint16(0x10); n <= 0xFF; n++ {
		t := NewTag(p.Tag.Group(), n)
		name, reserved := creators[t]
		if reserved && name == p.creator && !taken[placeIn(t, p.Tag)] {
			return t, false
		}
		if !reserved && block == 0 {
			block = t
		}
	}
	return block, true
}

// placeIn is the tag in the block of a creator that has the last two digits of t.
func placeIn(creator, t Tag) Tag { return NewTag(t.Group(), creator.Element()<<8|t.Element()&0xFF) }
