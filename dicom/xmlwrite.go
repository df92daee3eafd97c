package dicom

import "io"

// WriteXML writes the data set of a text that AppendJSON has made, as the document that AppendXML makes of it, with what uri makes of each
// BulkDataURI. It holds one value at a time, where a data set of a long text takes ten times its length. The error is that of w, or says at
// which byte the text is not what AppendJSON writes.
func WriteXML(w io.Writer, text []byte, uri func(string) string) error {
	x := xmlWriter{jsonReader: jsonReader{jsonScanner{text: stringOf(text)}}, w: w, uri: uri, out: make([]byte, 0, 2*xmlWritten)}
	x.out = append(x.out, xmlBegin...)
	if err := x.dataSet(0); err != nil {
		return err
	}
	if x.next(); x.pos < len(x.text) {
		return x.fail("end expected")
	}
	x.out = append(x.out, xmlEnd...)
	return x.write(0)
}

// xmlWritten is how much is written at once.
const xmlWritten = 32 << 10

// xmlWriter reads a text and writes a document.
type xmlWriter struct {
	jsonReader
	w   io.Writer
	uri func(string) string
	out []byte // not written yet
}

// write writes what there is, if it is more than least bytes.
func (x *xmlWriter) write(least int) error {
	if len(x.out) <= least {
		return nil
	}
	_, err := x.w.Write(x.out)
	x.out = x.out[:0]
	return err
}

func (x *xmlWriter) dataSet(depth int) error {
	if depth > maxDepth {
		return x.fail("sequences nested more than %d deep", maxDepth)
	}
	var private privateGroup
	return x.object(func(name string) error {
		t, err := ParseTag(name)
		if err != nil {
			return x.fail("tag expected")
		}
		if t.IsPrivateCreator() && t.Group() != private.group {
			if private, err = x.lookAhead(t); err != nil {
				return err
			}
		}
		if t.Group() != private.group {
			return x.attribute(t, "", depth)
		}
		if b, isCreator := private.blocks[t.Element()]; isCreator && b.used && b.name != "" {
			return x.skip(0)
		}
		return x.attribute(t, private.blocks[t.PrivateCreator().Element()].name, depth)
	})
}

// privateGroup is what the private creators of one group reserve in a data set.
type privateGroup struct {
	group  uint16
	blocks map[uint16]privateBlock // by the creator's element
}

type privateBlock struct {
	name string // of the creator
	used bool   // there are elements in the block
}

// lookAhead reads the rest of a group of which a creator has just been named: whether it is to be written depends on what comes later.
func (x *xmlWriter) lookAhead(creator Tag) (privateGroup, error) {
	back := x.pos
	defer func() { x.pos = back }()
	g := privateGroup{creator.Group(), map[uint16]privateBlock{}}
	for t := creator; ; {
		e := Element{Tag: t}
		if t.IsPrivateCreator() {
			var err error
			if e, err = x.jsonReader.attribute(t, 0); err != nil {
				return g, err
			}
			names, _ := e.Value.(Strings)
			g.blocks[t.Element()] = privateBlock{name: append(names, "")[0]}
		} else {
			if err := x.skip(0); err != nil {
				return g, err
			}
			if b, found := g.blocks[t.PrivateCreator().Element()]; found {
				b.used = true
				g.blocks[t.PrivateCreator().Element()] = b
			}
		}
		if x.next() != ',' {
			return g, nil
		}
		x.pos++
		name, err := x.string()
		if err != nil {
			return g, err
		}
		if t, err = ParseTag(name); err != nil || t.Group() != creator.Group() {
			return g, nil // the reader comes here, too
		}
		if err := x.expect(':'); err != nil {
			return g, err
		}
	}
}

func (x *xmlWriter) attribute(t Tag, creator string, depth int) error {
	e := Element{Tag: t}
	err := x.object(func(name string) (err error) {
		if name == "vr" {
			if e.VR, err = x.vr(t); err == nil {
				x.out = appendAttributeBegin(x.out, e, creator)
			}
			return err
		}
		if e.VR == "" {
			return x.fail("attribute %v: the vr comes first", t)
		}
		return x.content(&e, name, depth)
	})
	if err != nil {
		return err
	}
	if e.VR == "" {
		return x.fail("attribute %v: no vr", t)
	}
	x.out = append(x.out, xmlAttributeEnd...)
	return x.write(xmlWritten)
}

// content writes what a member has that holds a value.
func (x *xmlWriter) content(e *Element, member string, depth int) error {
	switch member {
	case "BulkDataURI":
		uri, err := x.string()
		x.out = append(appendAttribute(append(x.out, `<BulkData`...), "uri", x.uri(uri)), `/>`...)
		return err
	case "InlineBinary":
		text, err := x.string()
		x.out = append(x.out, `<InlineBinary>`...)
		x.out = append(appendXMLText(x.out, text), `</InlineBinary>`...)
		return err
	case "Value":
		return x.values(e, depth)
	}
	return x.fail("attribute %v: a member that AppendJSON does not write", e.Tag)
}

func (x *xmlWriter) values(e *Element, depth int) error {
	switch e.VR {
	case SQ:
		i := 0
		return x.array(func() error {
			x.out = appendNumbered(x.out, "Item", i)
			i++
			if err := x.dataSet(depth + 1); err != nil {
				return err
			}
			x.out = append(x.out, `</Item>`...)
			return nil
		})
	case PN:
		return writeValues(x, x.personName, appendXMLName)
	case FL, FD:
		return writeValues(x, func() (float64, error) { return x.float(e) }, valueAppender(appendXMLFloat))
	case SL, SS, SV, UL, US:
		return writeValues(x, func() (int64, error) { return x.int(e) }, valueAppender(appendXMLInt))
	case UV:
		return writeValues(x, func() (uint64, error) { return x.uint(e) }, valueAppender(appendXMLUint))
	case AT:
		return writeValues(x, func() (Tag, error) { return x.tag(e) }, valueAppender(appendTag))
	}
	if !e.VR.IsText() {
		return x.fail("attribute %v: Value with VR %s", e.Tag, e.VR)
	}
	return writeValues(x, x.scalar, valueAppender(appendXMLText))
}

// writeValues writes an array of values; nothing if it has none but a null, as UnmarshalJSON has it.
func writeValues[T any](x *xmlWriter, read func() (T, error), appendOne func([]byte, int, T) []byte) error {
	i := 0
	return x.array(func() error {
		if i == 0 && x.isLoneNull() {
			x.word("null")
			return nil
		}
		v, err := read()
		if err != nil {
			return err
		}
		x.out = appendOne(x.out, i, v)
		i++
		return x.write(xmlWritten)
	})
}
