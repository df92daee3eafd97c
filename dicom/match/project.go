package match

import (
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// Highest returns the highest level whose attributes a result has without being asked for: that of the resource (PS3.18
// Table 10.6.1-4). A resource below a study or series leaves out what is the same in all of its results.
func (q Query) Highest() Level {
	switch {
	case q.Level == Study || q.Scope.Study == "":
		return Study
	case q.Level == Series || q.Scope.Series == "":
		return Series
	}
	return Instance
}

// Project returns what the answer to the query says of a match (PS3.18 10.6.3.3): of ds, the virtual data set of the entity,
// the attributes of Returns for the level and for those above it down from Highest; the unique keys of all levels down to
// it; what the keys and Include name, as far as it is not of a level below and present, in sequences too; with IncludeAll
// everything but pixel data. Of a sequence with keys only the items are left that satisfy them (PS3.4 C.2.2.2.6). A private
// attribute comes with its creator. Required attributes without a value are there, and empty; RetrieveURL is left to whoever
// knows the request. ds is not changed; the result shares its values.
func (q Query) Project(ds *dicom.DataSet) *dicom.DataSet {
	returned := q.returned(ds.UID(dicom.SOPClassUID))
	wanted := q.wanted(returned)
	s := subject{fuzzy: q.Fuzzy, zone: ds.String(dicom.TimezoneOffsetFromUTC)}
	var cut []*want // of what is left
	var tags []dicom.Tag
	result := ds.Only(func(t dicom.Tag) bool {
		if LevelOf(t) > q.Level && !t.IsPrivate() || t.Group() == 0x7FE0 || t.IsGroupLength() {
			return false
		}
		w, named := wanted.child(ds, t)
		if named {
			w.whole = w.whole || q.IncludeAll
			cut, tags = append(cut, w), append(tags, t)
		}
		return named || q.IncludeAll
	})
	for i, w := range cut {
		if w.whole && len(w.keys) == 0 {
			continue
		}
		result.Set(s.cut(result, tags[i], w))
	}
	for _, r := range returned {
		if r.Type == RequiredKey && len(r.Path) == 1 && !result.Has(r.Path[0]) {
			result.Set(dicom.Element{Tag: r.Path[0], VR: r.Path[0].VR()})
		}
	}
	return result
}

// returned are the attributes that a result has without being asked for; where the query is for instances of no patient, those of the
// SOP Class.
func (q Query) returned(class dicom.UID) []Return {
	if q.Scope.Resource != "" {
		return NonPatientReturns(class)
	}
	var rows []Return
	for l := Study; l <= q.Level; l++ {
		for _, r := range Returns(l) {
			if l >= q.Highest() || r.Type == Unique {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

// want is an attribute that the answer has: whole, or with those of the children that are there.
type want struct {
	tag      dicom.Tag
	creator  string  // of a private attribute; of a private creator its own value
	whole    bool    // the value as it is, not only the children
	required bool    // in an item: there even if empty
	keys     []Key   // that an item must satisfy; at the root those of the query
	children []*want // of the items; at the root of the data set
}

// wanted is the tree of all that the query asks for, and of what is returned unasked.
func (q Query) wanted(returned []Return) *want {
	root := &want{keys: q.Keys}
	for _, r := range returned {
		w := root.add(r.Path, "")
		w.whole, w.required = true, r.Type == RequiredKey
	}
	root.addKeys(q.Keys)
	for _, path := range q.Include {
		root.add(path, "").whole = true
	}
	return root
}

// add returns the want for the path, which starts below w. Without a creator, the keys beside a private attribute tell it.
func (w *want) add(path Path, creator string) *want {
	for _, t := range path {
		if creator == "" {
			creator = creatorIn(w.keys, t)
		}
		i := slices.IndexFunc(w.children, func(c *want) bool { return c.tag == t && c.creator == creator })
		if i < 0 {
			i = len(w.children)
			w.children = append(w.children, &want{tag: t, creator: creator})
		}
		w, creator = w.children[i], ""
	}
	return w
}

func (w *want) addKeys(keys []Key) {
	for _, k := range keys {
		creator := k.Creator
		if c, ok := k.Condition.(Single); ok && len(k.Path) == 1 && k.Path[0].IsPrivateCreator() {
			creator = c.Value
		}
		child := w.add(k.Path, creator)
		switch c := k.Condition.(type) {
		case Sequence:
			child.keys = append(child.keys, c.Keys...)
			child.addKeys(c.Keys)
			continue
		case DateTimeRange:
			w.add(Path{c.Time}, "").whole = true
		}
		child.whole = true
	}
}

// child returns what is wanted of the element of ds with the tag, if anything.
func (w *want) child(ds *dicom.DataSet, t dicom.Tag) (*want, bool) {
	for _, c := range w.children {
		if c.means(ds, t) || t.IsPrivateCreator() && c.reservedBy(ds, t) {
			return c, true
		}
	}
	return nil, false
}

// means reports whether the element is the one wanted. A private creator is wanted by its name, wherever its block lies.
func (w *want) means(ds *dicom.DataSet, t dicom.Tag) bool {
	if w.tag.Group() != t.Group() {
		return false
	}
	if w.tag.IsPrivateCreator() && w.creator != "" {
		e, _ := ds.Get(t)
		return t.IsPrivateCreator() && hasCreator(e, w.creator)
	}
	at, there := resolve(ds, w.tag, w.creator)
	return there && at == t
}

// reservedBy reports whether the private attribute wanted is in ds, in the block of this creator.
func (w *want) reservedBy(ds *dicom.DataSet, creator dicom.Tag) bool {
	at, there := resolve(ds, w.tag, w.creator)
	return there && at.IsPrivate() && !at.IsPrivateCreator() && at.PrivateCreator() == creator && ds.Has(at)
}

// cut is an element of ds; of a sequence what is wanted of its items.
func (s subject) cut(ds *dicom.DataSet, t dicom.Tag, w *want) dicom.Element {
	items, isSequence := ds.EachItem(t)
	if !isSequence || w.whole && len(w.keys) == 0 {
		e, _ := ds.Get(t)
		return e
	}
	var left dicom.Items
	for item := range items {
		if !s.all(item, w.keys) {
			continue
		}
		if w.whole {
			left = append(left, item)
			continue
		}
		left = append(left, s.cutItem(item, w))
	}
	e := dicom.Element{Tag: t, VR: dicom.SQ}
	if len(left) > 0 {
		e.Value = left
	}
	return e
}

func (s subject) cutItem(item *dicom.DataSet, w *want) *dicom.DataSet {
	result := &dicom.DataSet{}
	for e := range item.All() {
		if c, named := w.child(item, e.Tag); named {
			result.Set(s.cut(item, e.Tag, c))
		}
	}
	for _, c := range w.children {
		if c.required && !result.Has(c.tag) {
			result.Set(dicom.Element{Tag: c.tag, VR: c.tag.VR()})
		}
	}
	return result
}
