package part10

import (
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// sign is what is known of the Pixel Representation that governs a data set.
type sign int8

const (
	unknownSign sign = iota
	unsigned
	signed
)

// ambiguity is an element that the dictionary gives as US or SS, by Pixel Representation, and that was read as US.
type ambiguity struct {
	ds  *dicom.DataSet // nil: the data set that is being read
	tag dicom.Tag
}

// vrOfTag returns the VR of an element whose stream does not tell it: that of the dictionary (PS3.6); OW where OB or OW is
// possible (PS3.5 A.1); UN for what is private or unknown. perSign says that it is US, or SS where Pixel Representation is 1.
func vrOfTag(t dicom.Tag) (vr dicom.VR, perSign bool) {
	a, found := dicom.Lookup(t)
	if !found {
		return dicom.UN, false
	}
	switch a.VRs {
	case "US SS":
		return dicom.US, true
	case "OB OW", "US OW", "US SS OW":
		return dicom.OW, false
	}
	return a.VR(), false
}

// noteSign remembers Pixel Representation when it goes by.
func (l *level) noteSign(e dicom.Element) {
	if v, ok := e.Value.(dicom.Ints); ok && e.Tag == dicom.PixelRepresentation {
		l.signed = unsigned
		if v[0] == 1 {
			l.signed = signed
		}
	}
}

// perSign gives an element that is US or SS its VR: by the Pixel Representation of its own data set or of the nearest one around
// it, and later, when the data set is closed, if that has not been read yet.
func (l *level) perSign(e dicom.Element) dicom.Element {
	for at := l; at != nil; at = at.up {
		switch at.signed {
		case signed:
			return asSigned(e)
		case unsigned:
			return e
		}
	}
	l.open = append(l.open, ambiguity{tag: e.Tag})
	return e
}

// settleSigns settles the open ambiguities of a data set that is complete, or passes them on to the one around it.
func (l *level) settleSigns(ds *dicom.DataSet) {
	for _, a := range l.open {
		if a.ds == nil {
			a.ds = ds
		}
		switch {
		case l.signed == signed:
			if e, ok := a.ds.Get(a.tag); ok && e.VR == dicom.US {
				a.ds.Set(asSigned(e))
			}
		case l.signed == unknownSign && l.up != nil:
			l.up.open = append(l.up.open, a)
		}
	}
	l.open = nil
}

// asSigned reads the numbers of a US element as SS.
func asSigned(e dicom.Element) dicom.Element {
	e.VR = dicom.SS
	if v, ok := e.Value.(dicom.Ints); ok {
		v = slices.Clone(v)
		for i, n := range v {
			v[i] = int64(int16(n))
		}
		e.Value = v
	}
	return e
}
