package dicom

import (
	"sort"
	"strings"
	"sync"
)

//go:generate go run ../internal/gentags tags_gen.go

// Attribute is what the data dictionary (PS3.6) says of a tag.
type Attribute struct {
	Tag     Tag
	Keyword string // "PatientName"
	Name    string // "Patient's Name"
	VRs     string // the value representations it may have, joined by blanks: "US SS"
	VM      string // value multiplicity: "1-n"
	Retired bool
}

// VR returns the first of the value representations that the attribute may have.
func (a Attribute) VR() VR {
	first, _, _ := strings.Cut(a.VRs, " ")
	return VR(first)
}

// Lookup returns what the dictionary says of a tag. An element of a repeating group (PS3.5 7.6) is found under its own number: the
// Tag of the answer is t. Group lengths (PS3.5 7.2) and private creators (PS3.5 7.8.1) are found without a keyword. Private
// elements, and the item tags of group FFFE, which are no attributes, are not found.
func Lookup(t Tag) (Attribute, bool) {
	if t.Group() == 0xFFFE {
		return Attribute{}, false
	}
	for _, a := range shadowed {
		if a.Tag == t {
			return a, true
		}
	}
	if a, found := search(t); found {
		return a, true
	}
	switch {
	case t.IsGroupLength():
		return Attribute{Tag: t, Name: "Group Length", VRs: "UL", VM: "1", Retired: true}, true
	case t.IsPrivateCreator():
		return Attribute{Tag: t, Name: "Private Creator", VRs: "LO", VM: "1"}, true
	case t.IsPrivate():
		return Attribute{}, false
	}
	for _, r := range repeating {
		if first := t & r.mask; r.first <= first && first <= r.last {
			a, found := search(first)
			a.Tag = t
			return a, found
		}
	}
	return Attribute{}, false
}

// LookupKeyword returns the attribute with the keyword, which is case-sensitive: "PatientName". For an attribute of a repeating
// group the tag is that of the first group.
func LookupKeyword(keyword string) (Attribute, bool) {
	a, found := byKeyword()[keyword]
	if !found {
		return Attribute{}, false
	}
	return *a, true
}

// VR returns the value representation that the dictionary gives the tag, the first where there is a choice, and UN where the
// dictionary does not know the tag (PS3.5 6.2.2).
func (t Tag) VR() VR {
	if a, found := Lookup(t); found {
		return a.VR()
	}
	return UN
}

// Keyword returns the keyword of the tag, "" where the dictionary has none.
func (t Tag) Keyword() string {
	a, _ := Lookup(t)
	return a.Keyword
}

// repeating lists the attributes that PS3.6 writes with an "x" in their tags. The table has them with zeros in its place: a tag
// belongs to them when it lies between first and last after masking.
var repeating = [...]struct{ mask, first, last Tag }{
	{0xFFFFFF00, SourceImageIDs, SourceImageIDs},                         // (0020,31xx)
	{0xFFFFFF0F, RowsForNthOrderCoefficients, CoefficientCodingPointers}, // (0028,04x0) to (0028,04x3)
	{0xFFFFFF0F, CodeLabel, ImageDataLocation},                           // (0028,08x0) to (0028,08x8)
	{0xFFFF000F, EscapeTriplet, ShiftTableTriplet},                       // (1000,xxx0) to (1000,xxx5)
	{0xFFFF0000, ZonalMap, ZonalMap},                                     // (1010,xxxx)
	{0xFF00FFFF, 0x50000000, 0x5000FFFF},                                 // curves (50xx,eeee)
	{0xFF00FFFF, 0x60000000, 0x6000FFFF},                                 // overlays (60xx,eeee)
	{0xFF00FFFF, 0x7F000000, 0x7F00FFFF},                                 // variable pixel data (7Fxx,eeee)
}

// shadowed are the attributes whose tags the table gives to a repeating group that PS3.6 writes (0028,04x0) to (0028,04x3).
var shadowed = [...]Attribute{
	{0x00280400, "TransformLabel", "Transform Label", "LO", "1", true},
	{0x00280401, "TransformVersionNumber", "Transform Version Number", "LO", "1", true},
	{0x00280402, "NumberOfTransformSteps", "Number of Transform Steps", "US", "1", true},
	{0x00280403, "SequenceOfCompressedData", "Sequence of Compressed Data", "LO", "1-n", true},
}

func search(t Tag) (Attribute, bool) {
	i := sort.Search(len(dictionary), func(i int) bool { return dictionary[i].Tag >= t })
	if i == len(dictionary) || dictionary[i].Tag != t {
		return Attribute{}, false
	}
	return dictionary[i], true
}

var byKeyword = sync.OnceValue(func() map[string]*Attribute {
	m := make(map[string]*Attribute, len(dictionary)+len(shadowed))
	for i := range shadowed {
		m[shadowed[i].Keyword] = &shadowed[i]
	}
	for i := range dictionary {
		if a := &dictionary[i]; a.Tag.Group() != 0xFFFE {
			m[a.Keyword] = a
		}
	}
	return m
})
