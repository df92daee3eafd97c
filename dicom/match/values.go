package match

import (
	"errors"
	"fmt"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// Attribute is one as an index knows it: wherever its creator has reserved its block (PS3.5 7.8.1), if it is private.
type Attribute struct {
	Path    Path   // private tags as if their block were the first, 10
	Creator string // of the private tags in it; empty if there are none
}

// NewAttribute returns the attribute at a path. The creator is that of all private tags in it, which need one.
func NewAttribute(p Path, creator string) (Attribute, error) {
	a := Attribute{Creator: Normal(dicom.LO, creator)}
	private := false
	for _, t := range p {
		if t.IsPrivate() && !t.IsPrivateCreator() {
			private, t = true, dicom.NewTag(t.Group(), 0x1000|t.Element()&0xFF)
		}
		a.Path = append(a.Path, t)
	}
	switch {
	case private && a.Creator == "":
		return a, fmt.Errorf("%v is private: without its private creator it says nothing (PS3.5 7.8.1)", p)
	case !private && a.Creator != "":
		return a, fmt.Errorf("%s is not private, and has no private creator", p.Name())
	}
	return a, nil
}

// String returns the path as a URL spells it, and the creator if there is one.
func (a Attribute) String() string { return a.by(a.Path.String()) }

// Name is String with keywords.
func (a Attribute) Name() string { return a.by(a.Path.Name()) }

func (a Attribute) by(path string) string {
	if a.Creator == "" {
		return path
	}
	return fmt.Sprintf("%s of %q", path, a.Creator)
}

// VR returns that of the values, empty if only the elements know it.
func (a Attribute) VR() dicom.VR { return vrOf(a.Path[len(a.Path)-1]) }

// Indexable says why Values does not give everything that a Single, Wildcard, Range or list can be compared with. It does if the values are short
// texts, numbers, dates or times, which mean the same in every data set. DT does not: the zone of the data set counts. What leads to them must be
// sequences.
func (a Attribute) Indexable() error {
	if len(a.Path) == 0 || len(a.Path) > maxDepth {
		return errors.New("no attribute")
	}
	t, outer := a.Path[len(a.Path)-1], a.Path[:len(a.Path)-1]
	if slices.ContainsFunc(outer, func(t dicom.Tag) bool { return !t.IsPrivate() && t.VR() != dicom.SQ }) || slices.ContainsFunc(a.Path, dicom.Tag.IsPrivateCreator) {
		return fmt.Errorf("%v cannot be indexed: what leads to it is no sequence, or it is a private creator", a)
	}
	if t.IsPrivate() {
		return nil
	}
	if Computed(t) || t == dicom.SpecificCharacterSet || t == dicom.TimezoneOffsetFromUTC {
		return fmt.Errorf("%s cannot be indexed: it is computed, or says something of others", a.Name())
	}
	switch t.VR() {
	case dicom.AE, dicom.AS, dicom.CS, dicom.LO, dicom.PN, dicom.SH, dicom.UI, dicom.DA, dicom.TM,
		dicom.IS, dicom.DS, dicom.SL, dicom.SS, dicom.SV, dicom.UL, dicom.US, dicom.UV, dicom.FL, dicom.FD, dicom.AT:
		return nil
	}
	return fmt.Errorf("%s cannot be indexed: it is of VR %s", a.Name(), t.VR())
}

// AnyValue stands among Values for one of an attribute without a known VR that Forms cannot find: a name, a date or time, a long text.
const AnyValue = "*"

// maxForm is how long a value of an attribute without a known VR may be, in bytes, to be found by Forms.
const maxForm = 256

// Values returns the normal forms of the values that the attribute has in the data set, in any item of the sequences that lead to it, those of
// person names by component group; no empty ones.
func (a Attribute) Values(ds *dicom.DataSet) []string {
	return a.valuesAt(ds, a.Path)
}

func (a Attribute) valuesAt(ds *dicom.DataSet, path Path) (values []string) {
	switch len(path) {
	case 0:
		return nil
	case 1:
		e := find(ds, path[0], a.Creator)
		vr := a.VR()
		for _, text := range texts(e) {
			for _, form := range indexed(vr, e.VR, text) {
				if form != "" {
					values = append(values, form)
				}
			}
		}
		return values
	}
	at, _ := resolve(ds, path[0], a.Creator)
	for _, item := range ds.Items(at) {
		values = append(values, a.valuesAt(item, path[1:])...)
	}
	return values
}

// indexed returns the forms of a value by which it is found. Where the VR is not known before (""), that of the element counts.
func indexed(vr, own dicom.VR, text string) []string {
	if vr == dicom.PN {
		groups := NameGroups(text)
		return groups[:]
	}
	if vr != "" {
		return []string{Normal(vr, text)}
	}
	switch normal := Normal(own, text); {
	case normal == "":
		return nil
	case own == dicom.PN, own == dicom.DA, own == dicom.TM, own == dicom.DT, len(normal) > maxForm:
		return []string{AnyValue}
	default:
		return []string{normal}
	}
}

// Forms returns what Values may have for a value that is equal to this one, where nobody knows the VR.
func Forms(value string) []string {
	forms := []string{AnyValue}
	for _, vr := range []dicom.VR{dicom.LO, dicom.UT, dicom.DS, dicom.FL, dicom.AT} { // one of each rule of Normal
		if n := Normal(vr, value); n != "" && !slices.Contains(forms, n) {
			forms = append(forms, n)
		}
	}
	return forms
}
