package deidentify

import (
	"iter"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// The words that stand where a text was.
const (
	removed   = "REMOVED"
	anonymous = "ANONYMOUS"
)

// nothing is what stands where bytes were.
var nothing = dicom.Bytes{0, 0}

// dummies are values of each VR that say nothing.
var dummies = map[dicom.VR]dicom.Value{
	dicom.AE: dicom.Strings{removed},
	dicom.AS: dicom.Strings{"000D"},
	dicom.AT: dicom.Tags{0},
	dicom.CS: dicom.Strings{removed},
	dicom.DA: dicom.Strings{"19000101"},
	dicom.DS: dicom.Strings{"0"},
	dicom.DT: dicom.Strings{"19000101000000"},
	dicom.FD: dicom.Floats{0},
	dicom.FL: dicom.Floats{0},
	dicom.IS: dicom.Strings{"0"},
	dicom.LO: dicom.Strings{removed},
	dicom.LT: dicom.Strings{removed},
	dicom.OB: nothing,
	dicom.OD: make(dicom.Bytes, 8),
	dicom.OF: make(dicom.Bytes, 4),
	dicom.OL: make(dicom.Bytes, 4),
	dicom.OV: make(dicom.Bytes, 8),
	dicom.OW: nothing,
	dicom.PN: dicom.Strings{anonymous},
	dicom.SH: dicom.Strings{removed},
	dicom.SL: dicom.Ints{0},
	dicom.SS: dicom.Ints{0},
	dicom.ST: dicom.Strings{removed},
	dicom.SV: dicom.Ints{0},
	dicom.TM: dicom.Strings{"000000"},
	dicom.UC: dicom.Strings{removed},
	dicom.UL: dicom.Ints{0},
	dicom.UN: nothing,
	dicom.UR: dicom.Strings{"urn:removed"},
	dicom.US: dicom.Ints{0},
	dicom.UT: dicom.Strings{removed},
	dicom.UV: dicom.Uints{0},
}

// dummyValue is a value of the element's VR that says nothing. An element without a value stays so. The items of a long sequence stand beside it.
func (p *Profile) dummyValue(e dicom.Element, items iter.Seq[*dicom.DataSet]) dicom.Value {
	if all, isSequence := e.Value.(dicom.Items); isSequence && len(all) > 0 {
		items = slices.Values(all)
	}
	switch {
	case items != nil && e.Tag == dicom.ContentSequence:
		return dicom.Items{dummyContent()}
	case items != nil:
		for first := range items {
			return dicom.Items{p.dummyItem(first)}
		}
		return nil
	case e.Value == nil:
		return nil
	case e.VR == dicom.UI:
		return p.replaceUIDs(e.Value)
	}
	return dummies[e.VR]
}

// dummyItem is an item that has what the first one had, with values that say nothing. Code strings stay: what they may be is
// enumerated, and other attributes have to agree with them.
func (p *Profile) dummyItem(item *dicom.DataSet) *dicom.DataSet {
	out := &dicom.DataSet{}
	for e, items := range item.Pieces() {
		switch action := actionOf(e.Tag); {
		case action == remove:
			continue
		case action == zero:
			e.Value = nil
		case e.VR != dicom.CS || action == dummy:
			e.Value = p.dummyValue(e, items)
		}
		out.Set(e)
	}
	return out
}

// dummyContent is the tree of a report that says nothing but that it was removed (PS3.3 C.17.3).
func dummyContent() *dicom.DataSet {
	item := &dicom.DataSet{}
	item.SetStrings(dicom.RelationshipType, dicom.CS, "CONTAINS")
	item.SetStrings(dicom.ValueType, dicom.CS, "TEXT")
	item.SetItems(dicom.ConceptNameCodeSequence, code("121106", "Comment"))
	item.SetStrings(dicom.TextValue, dicom.UT, removed)
	return item
}
