package match

import (
	"iter"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// subject is what the evaluation of a query knows beside the data set at hand.
type subject struct {
	fuzzy bool
	zone  string // Timezone Offset From UTC of the whole data set
}

// satisfies reports whether the data set satisfies the key, whose path from here on is path.
func (s subject) satisfies(ds *dicom.DataSet, k Key, path Path) bool {
	if universal(k.Condition) {
		return true
	}
	if len(path) == 0 {
		return false
	}
	if len(path) > 1 {
		return anyItem(ds, path[0], k.Creator, func(item *dicom.DataSet) bool { return s.satisfies(item, k, path[1:]) })
	}
	if c, ok := k.Condition.(Sequence); ok {
		return anyItem(ds, path[0], k.Creator, func(item *dicom.DataSet) bool { return s.all(item, c.Keys) })
	}
	e := find(ds, path[0], k.Creator)
	vr := k.vr()
	if vr == "" || vr == dicom.UN {
		vr = e.VR
	}
	return s.holds(ds, e, vr, k)
}

func (s subject) all(ds *dicom.DataSet, keys []Key) bool {
	for _, k := range keys {
		if !s.satisfies(ds, k, k.Path) {
			return false
		}
	}
	return true
}

// anyItem reports whether an item of a sequence satisfies something; if it has none, whether an empty one does.
func anyItem(ds *dicom.DataSet, t dicom.Tag, creator string, satisfies func(*dicom.DataSet) bool) bool {
	at, _ := resolve(ds, t, creator)
	items, there := ds.EachItem(at)
	if !there {
		return satisfies(&dicom.DataSet{})
	}
	for item := range items {
		if satisfies(item) {
			return true
		}
	}
	return false
}

// find returns the element that the tag means: of a private one, that in the block which the creator reserved here, and of a
// private creator all that there are in the group, because a block may lie anywhere (PS3.5 7.8.1). An absent element is
// empty.
func find(ds *dicom.DataSet, t dicom.Tag, creator string) dicom.Element {
	if t.IsPrivateCreator() {
		return dicom.Element{Tag: t, VR: dicom.LO, Value: dicom.Strings(creators(ds, t))}
	}
	t, _ = resolve(ds, t, creator)
	e, _ := ds.Get(t)
	return e
}

func creators(ds *dicom.DataSet, t dicom.Tag) []string {
	var names []string
	for e := range reservations(ds, t) {
		names = append(names, texts(e)...)
	}
	return names
}

// reservations yields the private creators in the group of a tag.
func reservations(ds *dicom.DataSet, t dicom.Tag) iter.Seq[dicom.Element] {
	return ds.Between(dicom.NewTag(t.Group(), 0x10), dicom.NewTag(t.Group(), 0xFF))
}

// resolve returns the tag that a private attribute has in this data set; false if its creator reserved no block here.
func resolve(ds *dicom.DataSet, t dicom.Tag, creator string) (dicom.Tag, bool) {
	if creator == "" || !t.IsPrivate() || t.IsPrivateCreator() {
		return t, true
	}
	for e := range reservations(ds, t) {
		if hasCreator(e, creator) {
			return dicom.NewTag(t.Group(), e.Tag.Element()<<8|t.Element()&0xFF), true
		}
	}
	return 0, false
}

func hasCreator(e dicom.Element, creator string) bool {
	return slices.ContainsFunc(texts(e), func(name string) bool {
		return Normal(dicom.LO, name) == Normal(dicom.LO, creator)
	})
}

// holds reports whether the condition of the key is true of the element, which lies in ds.
func (s subject) holds(ds *dicom.DataSet, e dicom.Element, vr dicom.VR, k Key) bool {
	switch c := k.Condition.(type) {
	case Empty:
		return empty(e, vr)
	case AnyOf:
		return slices.ContainsFunc(c.Conditions, func(one Condition) bool {
			k.Condition = one
			return universal(one) || s.holds(ds, e, vr, k)
		})
	case Multiple:
		for _, v := range c.Values {
			k.Condition = Single{v}
			if !s.holds(ds, e, vr, k) {
				return false
			}
		}
		return true
	case Range, DateTimeRange:
		return s.between(ds, e, vr, k)
	case Single:
		if vr == dicom.DA || vr == dicom.TM || vr == dicom.DT {
			return s.between(ds, e, vr, k)
		}
	}
	return slices.ContainsFunc(texts(e), func(value string) bool { return s.equal(k.Condition, vr, value) })
}

// equal reports whether one value matches a Single, UIDList or Wildcard.
func (s subject) equal(c Condition, vr dicom.VR, value string) bool {
	normal := Normal(vr, value)
	if normal == "" {
		return false
	}
	switch c := c.(type) {
	case Single:
		if vr == dicom.PN {
			return nameIs(c.Value, value) || s.fuzzy && fuzzyName(c.Value, value)
		}
		return normal == Normal(vr, c.Value)
	case UIDList:
		return slices.ContainsFunc(c.UIDs, func(u dicom.UID) bool { return normal == Normal(dicom.UI, string(u)) })
	case Wildcard:
		if vr == dicom.PN {
			return nameCovered(c.Pattern, value) || s.fuzzy && fuzzyName(c.Pattern, value)
		}
		return Covers(c.Pattern, normal)
	}
	return false
}

// between reports whether a value of the element lies between the bounds of the key.
func (s subject) between(ds *dicom.DataSet, e dicom.Element, vr dicom.VR, k Key) bool {
	low, high, ok := k.bounds(vr)
	if !ok {
		return false
	}
	beside, paired := TimeOf(e.Tag)
	dtr, combined := k.Condition.(DateTimeRange)
	if combined {
		beside = dtr.Time
	}
	var clocks []string
	if combined || paired && vr == dicom.DA && k.Zone != "" {
		clocks = texts(find(ds, beside, k.Creator))
	}
	for i, value := range texts(e) {
		clock := ""
		if i < len(clocks) {
			clock = clocks[i]
		}
		if moment := s.moment(value, clock, vr, k.Zone, combined); moment != "" && within(moment, low, high) {
			return true
		}
	}
	return false
}

// moment returns the comparable form of a value, read off a clock in the zone of the key where that differs from the zone of
// the data set (PS3.18 8.3.4.1.1). A date without a time cannot be moved to another zone.
func (s subject) moment(value, clock string, vr dicom.VR, zone string, combined bool) string {
	switch vr {
	case dicom.DT:
		at, _ := NormalDateTime(value, s.zone)
		return at
	case dicom.TM:
		at, ok := NormalTime(value)
		if !ok {
			return ""
		}
		return shift("20000102"+at, s.ahead(zone))[8:]
	case dicom.DA:
		day, ok := NormalDate(value)
		if !ok {
			return ""
		}
		at, timed := NormalTime(clock)
		if !timed {
			at = "000000.000000"
		} else if ahead := s.ahead(zone); ahead != 0 {
			moved := shift(day+at, ahead)
			day, at = moved[:8], moved[8:]
		}
		if combined {
			return day + at
		}
		return day
	}
	return ""
}

// ahead returns by how many minutes clocks in the zone of a key are ahead of those of the data set; 0 if one of them is
// unknown.
func (s subject) ahead(zone string) int {
	there, ok := parseZone(zone)
	here, known := parseZone(s.zone)
	if !ok || !known {
		return 0
	}
	return there - here
}

// separated splits a list of values: PS3.18 8.3.1 parts them by commas, PS3.5 6.4 by backslashes.
func separated(s string) []string {
	var values []string
	for v := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == '\\' }) {
		if v = strings.Trim(v, " \x00"); v != "" {
			values = append(values, v)
		}
	}
	return values
}
