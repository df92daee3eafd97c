package match

import (
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// Highest returns the highest level whose attributes a result has without being asked for: that of the resource (PS3.18 Table
// 10.6.1-4). A resource below a study or series leaves out what is the same in all of its results.
func (q Query) Highest() Level {
	switch {
	case q.Level == Study || q.Scope.Study == "":
		return Study
	case q.Level == Series || q.Scope.Series == "":
		return Series
	}
	return Instance
}

// Project returns what the answer to the query says of a match (PS3.18 10.6.3.3): of ds, the virtual data set of the entity, the
// attributes of Returns for the level and for those above it down from Highest; the unique keys of all levels down to it; what the
// keys and Include name, as far as it is of these levels and present, in sequences too; everything with IncludeAll. Of a sequence
// with keys only the items are left that satisfy them (PS3.4 C.2.2.2.6). A private attribute comes with its creator. ds is not
// changed; the result shares its values.
func (q Query) Project(ds *dicom.DataSet) *dicom.DataSet {
	wanted := q.wanted()
	s := subject{fuzzy: q.Fuzzy, zone: ds.String(dicom.TimezoneOffsetFromUTC)}
	result := &dicom.DataSet{}
	for e := range ds.All() {
		if LevelOf(e.Tag) > q.Level || e.Tag.Group() == 0x7FE0 || e.Tag.IsGroupLength() {
			continue
		}
		switch w, named := wanted.child(ds, e.Tag); {
		case named:
			result.Set(s.cut(e, w))
		case q.IncludeAll:
			result.Set(e)
		}
	}
	for l := q.Highest(); l <= q.Level; l++ {
		for _, r := range Returns(l) {
			if r.Type == RequiredKey && len(r.Path) == 1 && !result.Has(r.Path[0]) {
				result.Set(dicom.Element{Tag: r.Path[0], VR: r.Path[0].VR()})
			}
		}
	}
	return result
}

// want is an attribute that the answer has: whole, or with those of the children that are there.
type want struct {
	whole    bool
	required bool    // in an item: there even if empty
	creator  string  // of a private attribute
	keys     []Key   // that an item must satisfy
	children []*want // of the items; at the root of the data set
	tag      dicom.Tag
}

// wanted is the tree of all that the query asks for.
func (q Query) wanted() *want {
	root := &want{}
	for l := Study; l <= q.Level; l++ {
		for _, r := range Returns(l) {
			if l >= q.Highest() || r.Type == Unique {
				root.add(r.Path, "").required = r.Type == RequiredKey
			}
		}
	}
	root.addKeys(q.Keys)
	for _, path := range q.Include {
		if len(path) > 0 {
			root.add(path, creatorIn(q.Keys, path[0])).whole = true
		}
	}
	return root
}

// add returns the want for the path, which starts below w.
func (w *want) add(path Path, creator string) *want {
	for _, t := range path {
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
		if len(k.Path) == 0 {
			continue
		}
		child := w.add(k.Path, k.Creator)
		switch c := k.Condition.(type) {
		case Sequence:
			child.keys = append(child.keys, c.Keys...)
			child.addKeys(c.Keys)
		case DateTimeRange:
			w.add(Path{c.Time}, "").whole = true
			child.whole = true
		default:
			child.whole = true
		}
	}
}

// child returns what is wanted of the element of ds with the tag, if anything.
func (w *want) child(ds *dicom.DataSet, t dicom.Tag) (*want, bool) {
	for _, c := range w.children {
		if at, there := resolve(ds, c.tag, c.creator); there && at == t {
			return c, true
		}
		if t.IsPrivateCreator() && c.reserves(ds, t) {
			return &want{whole: true}, true
		}
	}
	return nil, false
}

// reserves reports whether the creator with the tag t is that of the wanted attribute, or is wanted itself.
func (w *want) reserves(ds *dicom.DataSet, t dicom.Tag) bool {
	if w.tag.IsPrivateCreator() {
		return false
	}
	at, there := resolve(ds, w.tag, w.creator)
	return there && at.IsPrivate() && at.PrivateCreator() == t && ds.Has(at)
}

// cut reduces a sequence to what is wanted of its items.
func (s subject) cut(e dicom.Element, w *want) dicom.Element {
	items, isSequence := e.Value.(dicom.Items)
	if !isSequence || w.whole && len(w.keys) == 0 {
		return e
	}
	var left dicom.Items
	for _, item := range items {
		if !s.all(item, w.keys) {
			continue
		}
		if w.whole {
			left = append(left, item)
			continue
		}
		left = append(left, s.cutItem(item, w))
	}
	e.Value = nil
	if len(left) > 0 {
		e.Value = left
	}
	return e
}

func (s subject) cutItem(item *dicom.DataSet, w *want) *dicom.DataSet {
	result := &dicom.DataSet{}
	for e := range item.All() {
		if c, named := w.child(item, e.Tag); named {
			result.Set(s.cut(e, c))
		}
	}
	for _, c := range w.children {
		if c.required && !result.Has(c.tag) {
			result.Set(dicom.Element{Tag: c.tag, VR: c.tag.VR()})
		}
	}
	return result
}
