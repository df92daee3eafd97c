package dicom

import (
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// UnmarshalJSON reads a data set in the DICOM JSON model (PS3.18 F.2) and replaces what ds holds; JSON null changes nothing.
//
// What clients are known to write is understood: tags in lower case, keywords in place of tags, members in any order, no "vr"
// (the dictionary knows it), null or [] for an empty value, numbers as strings and strings as numbers, a person name as a
// string. A number keeps its spelling in DS and IS. Group lengths are dropped. Anything else is refused: bad syntax or UTF-8, an
// attribute twice, two of Value, InlineBinary and BulkDataURI, a value that its VR cannot hold, sequences nested more than
// 64 deep. The error has the byte offset and no content. The data set keeps no part of data.
func (ds *DataSet) UnmarshalJSON(data []byte) error { return ds.readJSON(string(data)) }

// ReadJSON is UnmarshalJSON for a text that AppendJSON has made and nobody changes any more: the data set keeps it, where that of a long
// text would take several times as much again. The elements of a long one are read when they are asked for.
func ReadJSON(text []byte) (*DataSet, error) {
	ds := &DataSet{}
	if len(text) >= longText && utf8.Valid(text) {
		if ds.rest = partsOf(stringOf(text)); ds.rest != nil {
			return ds, nil
		}
	}
	return ds, ds.readJSON(stringOf(text))
}

// stringOf is a text that nobody changes as long as the string is used.
func stringOf(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) } // #nosec G103 -- see above

func (ds *DataSet) readJSON(text string) error {
	r := jsonReader{jsonScanner{text: text}}
	if !utf8.ValidString(r.text) {
		return errors.New("DICOM JSON: not UTF-8")
	}
	if strings.TrimSpace(r.text) == "null" {
		return nil
	}
	read, err := r.dataSet(0)
	if err != nil {
		return err
	}
	if r.next(); r.pos < len(r.text) {
		return r.fail("end expected")
	}
	*ds = *read
	return nil
}

// jsonReader reads the DICOM JSON model.
type jsonReader struct{ jsonScanner }

func (r *jsonReader) dataSet(depth int) (*DataSet, error) {
	if depth > maxDepth {
		return nil, r.fail("sequences nested more than %d deep", maxDepth)
	}
	ds := new(DataSet)
	ascending := true
	err := r.object(func(name string) error {
		t, ok := tagOrKeyword(name)
		if !ok {
			return r.fail("the name of an attribute is neither a tag nor a keyword")
		}
		if t.IsGroupLength() {
			return r.skip(0)
		}
		e, err := r.attribute(t, depth)
		if err != nil {
			return err
		}
		if n := len(ds.elements); n > 0 && ds.elements[n-1].Tag >= t {
			ascending = false
		}
		ds.elements = append(ds.elements, e)
		return nil
	})
	if err != nil || ascending {
		return ds, err
	}
	if ds.elements, err = sorted(ds.elements); err != nil {
		return nil, r.fail("%v", err)
	}
	return ds, nil
}

func tagOrKeyword(name string) (Tag, bool) {
	if t, err := ParseTag(name); err == nil {
		return t, true
	}
	a, found := LookupKeyword(name)
	return a.Tag, found
}

// attribute reads the object of one attribute. A value that comes before its vr is passed and read when the object has ended.
func (r *jsonReader) attribute(t Tag, depth int) (Element, error) {
	e := Element{Tag: t}
	content, behind := "", 0
	err := r.object(func(name string) (err error) {
		switch name {
		case "vr":
			e.VR, err = r.vr(t)
			return err
		case "Value", "InlineBinary", "BulkDataURI":
			if r.word("null") {
				return nil
			}
			if content != "" {
				return r.fail("attribute %v: both %s and %s", t, content, name)
			}
			content = name
			if e.VR == "" {
				r.next()
				behind = r.pos
				return r.skip(0)
			}
			e.Value, err = r.content(&e, content, depth)
			return err
		}
		for _, known := range [...]string{"vr", "Value", "InlineBinary", "BulkDataURI"} {
			if strings.EqualFold(name, known) {
				return r.fail("attribute %v: the member is spelled %q", t, known)
			}
		}
		return r.skip(0)
	})
	if err != nil {
		return e, err
	}
	if e.VR == "" {
		e.VR = t.VR()
	}
	if behind > 0 {
		end := r.pos
		r.pos = behind
		e.Value, err = r.content(&e, content, depth)
		r.pos = end
	}
	return e, err
}

func (r *jsonReader) vr(t Tag) (VR, error) {
	if r.word("null") {
		return "", nil
	}
	s, err := r.string()
	if err != nil {
		return "", err
	}
	vr := VR(strings.ToUpper(s))
	if vr != "" && !vr.Valid() {
		return "", r.fail("attribute %v: unknown vr", t)
	}
	return vr, nil
}

// content reads what stands behind one of the three members that hold a value. Where the VR is UN and there is a Value, the
// dictionary's VR takes its place (PS3.5 6.2.2).
func (r *jsonReader) content(e *Element, name string, depth int) (Value, error) {
	switch name {
	case "BulkDataURI":
		uri, err := r.string()
		if err != nil {
			return nil, err
		}
		if e.VR == SQ {
			return nil, r.fail("attribute %v: BulkDataURI of a sequence", e.Tag)
		}
		return Bulk{URI: uri}, nil
	case "InlineBinary":
		return r.inlineBinary(e)
	}
	if e.VR == UN {
		e.VR = e.Tag.VR()
	}
	return r.value(e, depth)
}

func (r *jsonReader) inlineBinary(e *Element) (Value, error) {
	s, err := r.string()
	if err != nil || s == "" {
		return nil, err
	}
	if !e.VR.IsBinary() {
		return nil, r.fail("attribute %v: InlineBinary with VR %s", e.Tag, e.VR)
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		b, err = base64.RawStdEncoding.DecodeString(s)
	}
	if err != nil {
		return nil, r.fail("attribute %v: InlineBinary is not base64", e.Tag)
	}
	return Bytes(b), nil
}

// value reads the Value array into what the VR asks for; nil if it is empty, which [null] is too.
func (r *jsonReader) value(e *Element, depth int) (Value, error) {
	switch e.VR {
	case SQ:
		items, err := values(r, func() (*DataSet, error) {
			if r.word("null") {
				return new(DataSet), nil
			}
			return r.dataSet(depth + 1)
		})
		return valueOf(Items(items), len(items), err)
	case PN:
		names, err := values(r, r.personName)
		return textValue(e.VR, names, err)
	case FL, FD:
		floats, err := values(r, func() (float64, error) { return r.float(e) })
		return valueOf(Floats(floats), len(floats), err)
	case SL, SS, SV, UL, US:
		ints, err := values(r, func() (int64, error) { return r.int(e) })
		return valueOf(Ints(ints), len(ints), err)
	case UV:
		uints, err := values(r, func() (uint64, error) { return r.uint(e) })
		return valueOf(Uints(uints), len(uints), err)
	case AT:
		tags, err := values(r, func() (Tag, error) { return r.tag(e) })
		return valueOf(Tags(tags), len(tags), err)
	}
	if e.VR.IsText() {
		texts, err := values(r, r.scalar)
		return textValue(e.VR, texts, err)
	}
	none, err := values(r, func() (struct{}, error) {
		return struct{}{}, r.fail("attribute %v: Value with VR %s", e.Tag, e.VR)
	})
	return valueOf(Bytes(nil), len(none), err)
}

// values reads an array of values with one for each; nil for [] and [null].
func values[T any](r *jsonReader, one func() (T, error)) ([]T, error) {
	var all []T
	err := r.array(func() error {
		if len(all) == 0 && r.isLoneNull() {
			r.word("null")
			return nil
		}
		v, err := one()
		all = append(all, v)
		return err
	})
	return all, err
}

// isLoneNull reports whether null and the end of the array are next.
func (r *jsonReader) isLoneNull() bool {
	start := r.pos
	lone := r.word("null") && r.next() == ']'
	r.pos = start
	return lone
}

// scalar reads a string, a number as it is spelled, or null for an empty value.
func (r *jsonReader) scalar() (string, error) {
	switch {
	case r.next() == '"':
		return r.string()
	case r.word("null"):
		return "", nil
	}
	return r.number()
}

func (r *jsonReader) personName() (string, error) {
	if r.next() != '{' {
		s, err := r.scalar()
		return normalPersonName(s), err
	}
	var groups [3]string
	err := r.object(func(name string) (err error) {
		switch name {
		case "Alphabetic":
			groups[0], err = r.scalar()
		case "Ideographic":
			groups[1], err = r.scalar()
		case "Phonetic":
			groups[2], err = r.scalar()
		default:
			err = r.skip(0)
		}
		return err
	})
	return JoinPersonName(groups), err
}

// float reads a number; null, which is what JavaScript makes of it, is NaN.
func (r *jsonReader) float(e *Element) (float64, error) {
	if r.word("null") {
		return math.NaN(), nil
	}
	return number(r, e, parseFloat)
}

func (r *jsonReader) int(e *Element) (int64, error) { return number(r, e, parseInt) }

func (r *jsonReader) uint(e *Element) (uint64, error) { return number(r, e, parseUint) }

func (r *jsonReader) tag(e *Element) (Tag, error) { return number(r, e, parseTagValue) }

// number reads a value that may be spelled as a string or as a number.
func number[T any](r *jsonReader, e *Element, parse func(VR, string) (T, error)) (T, error) {
	s, err := r.scalar()
	if err != nil {
		var none T
		return none, err
	}
	v, err := parse(e.VR, s)
	if err != nil {
		return v, r.fail("attribute %v: %v", e.Tag, err)
	}
	return v, nil
}
