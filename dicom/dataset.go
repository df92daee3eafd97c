package dicom

import (
	"iter"
	"log/slog"
	"slices"
	"strings"
)

// DataSet is an ordered set of data elements (PS3.5 7.1). The zero value is empty and ready for use. It is not safe for
// concurrent writes; any number of goroutines may read one that nobody writes.
type DataSet struct {
	elements []Element // ascending by Tag, no tag twice
	rest     *unread   // further elements, of a long text; nil if there are none
}

// Element is one data element: an Attribute with its value.
type Element struct {
	Tag   Tag
	VR    VR
	Value Value // nil: present, but empty
}

// HasValue reports whether there is anything but empty values.
func (e Element) HasValue() bool {
	s, text := e.Value.(Strings)
	return e.Value != nil && (!text || slices.ContainsFunc(s, func(v string) bool { return v != "" }))
}

// Value is what an element holds: Strings, Ints, Uints, Floats, Tags, Items, Bytes or Bulk; which of them follows from the VR
// (see each type), except that any VR listed in PS3.18 10.4.3.3.2 may hold a Bulk.
type Value interface{ isValue() }

// Strings are the values of AE AS CS DA DS DT IS LO PN SH TM UC UI and the single value of LT ST UR UT: UTF-8, without the
// padding that the stream had, DS and IS as they were written. A person name keeps its component groups joined by "=".
// An empty string among others is an empty value.
type Strings []string

// Ints are the values of SL SS SV UL US.
type Ints []int64

// Uints are the values of UV.
type Uints []uint64

// Floats are the values of FD and FL; FL holds what a float32 can.
type Floats []float64

// Tags are the values of AT.
type Tags []Tag

// Items are the items of SQ. None is nil.
type Items []*DataSet

// Bytes is the value of OB OD OF OL OV OW UN: little endian, padding included.
type Bytes []byte

// Bulk stands for a value that is kept elsewhere: the URI as DICOM JSON writes it (PS3.18 F.2.6). Inside Noctis it is relative
// to the instance: "bulkdata/" and the BulkPath of the element.
type Bulk struct{ URI string }

func (Strings) isValue() {}
func (Ints) isValue()    {}
func (Uints) isValue()   {}
func (Floats) isValue()  {}
func (Tags) isValue()    {}
func (Items) isValue()   {}
func (Bytes) isValue()   {}
func (Bulk) isValue()    {}

// Len returns the number of elements.
func (ds *DataSet) Len() int {
	if ds.rest == nil {
		return len(ds.elements)
	}
	parts := ds.rest.all()
	n := len(parts)
	for _, e := range ds.elements {
		if _, inText := place(parts, e.Tag); !inText {
			n++
		}
	}
	return n
}

// All yields the elements in ascending order of their tags.
func (ds *DataSet) All() iter.Seq[Element] {
	if ds.rest == nil {
		return slices.Values(ds.elements)
	}
	return func(yield func(Element) bool) {
		for e, p := range ds.merged() {
			if e == nil {
				read := ds.rest.read(p)
				e = &read
			}
			if !yield(*e) {
				return
			}
		}
	}
}

// Between yields the elements with tags from the first to the last.
func (ds *DataSet) Between(first, last Tag) iter.Seq[Element] {
	i, _ := ds.find(first)
	within := &DataSet{elements: ds.elements[i:]}
	if ds.rest != nil {
		parts := ds.rest.all()
		j, _ := place(parts, first)
		within.rest = &unread{ds.rest.text, ds.rest.pieces, parts[j:], ds.rest.seen, ds.rest.change}
	}
	return func(yield func(Element) bool) {
		for e := range within.All() {
			if e.Tag > last || !yield(e) {
				return
			}
		}
	}
}

// Referring yields the elements that may hold a Bulk, themselves or in their items.
func (ds *DataSet) Referring() iter.Seq[Element] {
	return func(yield func(Element) bool) {
		for e, p := range ds.merged() {
			if e == nil {
				if !ds.rest.refers(p) {
					continue
				}
				read := ds.rest.read(p)
				e = &read
			}
			switch e.Value.(type) {
			case Bulk, Items:
				if !yield(*e) {
					return
				}
			}
		}
	}
}

// Only returns a data set of those elements whose tags keep wants. Their values are shared.
func (ds *DataSet) Only(keep func(Tag) bool) *DataSet {
	left := &DataSet{rest: ds.rest.only(keep)}
	for _, e := range ds.elements {
		if keep(e.Tag) {
			left.Set(e)
		}
	}
	return left
}

// Over returns a data set of the elements of both; where both have one, that of ds is taken.
func (ds *DataSet) Over(base *DataSet) *DataSet {
	both := &DataSet{elements: make([]Element, 0, len(ds.elements)+len(base.elements)), rest: ds.rest}
	own := ds.elements
	for e := range base.All() {
		for len(own) > 0 && own[0].Tag < e.Tag {
			both.Set(own[0])
			own = own[1:]
		}
		if !ds.Has(e.Tag) {
			both.Set(e)
		}
	}
	both.elements = append(both.elements, own...)
	return both
}

// Grow makes room for n more elements, so that Set need not.
func (ds *DataSet) Grow(n int) { ds.elements = slices.Grow(ds.elements, n) }

// Set adds the element, or replaces the one with the same tag. Appending in ascending order costs O(1).
func (ds *DataSet) Set(e Element) {
	if n := len(ds.elements); n == 0 || ds.elements[n-1].Tag < e.Tag {
		ds.elements = append(ds.elements, e)
		return
	}
	i, found := ds.find(e.Tag)
	if found {
		ds.elements[i] = e
		return
	}
	ds.elements = slices.Insert(ds.elements, i, e)
}

// SetStrings sets a text element; without values the element is present and empty.
func (ds *DataSet) SetStrings(t Tag, vr VR, values ...string) {
	e := Element{Tag: t, VR: vr}
	if len(values) > 0 {
		e.Value = Strings(values)
	}
	ds.Set(e)
}

// SetInts sets an element of VR SL SS SV UL US.
func (ds *DataSet) SetInts(t Tag, vr VR, values ...int64) {
	ds.Set(Element{Tag: t, VR: vr, Value: Ints(values)})
}

// SetItems sets a sequence.
func (ds *DataSet) SetItems(t Tag, items ...*DataSet) {
	e := Element{Tag: t, VR: SQ}
	if len(items) > 0 {
		e.Value = Items(items)
	}
	ds.Set(e)
}

// Delete removes the element, if there is one.
func (ds *DataSet) Delete(t Tag) {
	if i, found := ds.find(t); found {
		ds.elements = slices.Delete(ds.elements, i, i+1)
	}
	if _, found := ds.rest.find(t); found {
		ds.rest = ds.rest.only(func(other Tag) bool { return other != t })
	}
}

// Get returns the element with the tag.
func (ds *DataSet) Get(t Tag) (Element, bool) {
	if i, found := ds.find(t); found {
		return ds.elements[i], true
	}
	if p, found := ds.rest.find(t); found {
		return ds.rest.get(p), true
	}
	return Element{}, false
}

// Has reports whether there is an element with the tag, be it empty.
func (ds *DataSet) Has(t Tag) bool {
	if _, found := ds.find(t); found {
		return true
	}
	_, found := ds.rest.find(t)
	return found
}

// Strings returns the values of a text element, nil if it is absent, empty or not text.
func (ds *DataSet) Strings(t Tag) []string {
	e, _ := ds.Get(t)
	s, _ := e.Value.(Strings)
	return s
}

// String returns the first value of a text element, "" if there is none.
func (ds *DataSet) String(t Tag) string {
	if s := ds.Strings(t); len(s) > 0 {
		return s[0]
	}
	return ""
}

// UID returns the first value of a UI element, "" if there is none.
func (ds *DataSet) UID(t Tag) UID { return UID(ds.String(t)) }

// Items returns the items of a sequence, nil if it is absent or empty.
func (ds *DataSet) Items(t Tag) []*DataSet {
	e, _ := ds.Get(t)
	items, _ := e.Value.(Items)
	return items
}

// EachItem yields the items of a sequence; false if it is absent, empty or no sequence. Those of a long text that were not read are read one at
// a time, and not kept.
func (ds *DataSet) EachItem(t Tag) (items iter.Seq[*DataSet], there bool) {
	if _, set := ds.find(t); !set {
		if p, found := ds.rest.find(t); found {
			if items = ds.rest.items(p); items != nil {
				return items, true
			}
		}
	}
	all := ds.Items(t)
	return slices.Values(all), len(all) > 0
}

// Clone returns a copy whose elements can be set and deleted without touching ds. Values are shared: they are never changed
// in place.
func (ds *DataSet) Clone() *DataSet { return &DataSet{slices.Clone(ds.elements), ds.rest} }

// LogValue keeps patient data out of logs by construction: of a data set only its UIDs can be logged.
func (ds *DataSet) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("sop_class", ds.String(SOPClassUID)),
		slog.String("ref", ds.Ref().Path()),
	)
}

// Ref returns the Study, Series and SOP Instance UIDs of the data set; of an instance of no patient its resource and SOP Instance UID.
func (ds *DataSet) Ref() Ref {
	if resource := ResourceOf(ds.UID(SOPClassUID)); resource != "" {
		return Ref{Resource: resource, Instance: ds.UID(SOPInstanceUID)}
	}
	return Ref{Study: ds.UID(StudyInstanceUID), Series: ds.UID(SeriesInstanceUID), Instance: ds.UID(SOPInstanceUID)}
}

func (ds *DataSet) find(t Tag) (int, bool) {
	return slices.BinarySearchFunc(ds.elements, t, func(e Element, t Tag) int {
		switch {
		case e.Tag < t:
			return -1
		case e.Tag > t:
			return 1
		}
		return 0
	})
}

// BulkPath names an element inside a data set for a URL: the tags and 1-based item numbers on the way to it, joined by full
// stops: "00281201", "54000100.1.54001010".
func BulkPath(parts ...string) string { return strings.Join(parts, ".") }
