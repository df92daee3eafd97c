package store

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/valid"
)

// Coercion changes an attribute of instances that are stored (PS3.18 10.5.2).
type Coercion struct {
	Tag    dicom.Tag
	Values []string // as it is to be; none: the attribute is removed
	Absent bool     // only where the attribute is missing or empty
	When   []match.Key
}

// ParseCoercion reads a rule:
//
//	InstitutionName=St. Mary if Modality=MR&StationName=MR*
//	IssuerOfPatientID?=HOSP
//	-OtherPatientIDs
//
// "=" replaces a value or sets it, "?=" sets one that is missing or empty, and a hyphen removes the attribute. Behind " if " there are
// keys as a search has them, joined by "&": the instance has to match all of them, with the attributes as they came.
func ParseCoercion(text string) (Coercion, error) {
	action, condition, _ := strings.Cut(text, " if ")
	name, value, sets := strings.Cut(action, "=")
	c := Coercion{}
	if c.Absent = sets && strings.HasSuffix(name, "?"); c.Absent {
		name = strings.TrimSuffix(name, "?")
	}
	name = strings.TrimSpace(name)
	removes := strings.HasPrefix(name, "-")
	if removes == sets {
		return c, errors.New("it is neither ATTRIBUTE=VALUE, ATTRIBUTE?=VALUE nor -ATTRIBUTE")
	}
	path, err := match.ParsePath(strings.TrimPrefix(name, "-"))
	switch {
	case err != nil:
		return c, err
	case len(path) != 1 || !coercible(path[0]):
		return c, fmt.Errorf("%s cannot be coerced: only text at the top level can, and nothing that identifies the instance or its encoding", path)
	}
	c.Tag = path[0]
	if sets {
		c.Values = strings.Split(strings.TrimSpace(value), `\`)
		ds := &dicom.DataSet{}
		ds.SetStrings(c.Tag, c.Tag.VR(), c.Values...)
		for _, f := range valid.Check(ds, mostFindings) {
			if f.Path == c.Tag.String() {
				return c, errors.New(f.String())
			}
		}
	}
	c.When, err = parseKeys(condition)
	return c, err
}

func parseKeys(condition string) ([]match.Key, error) {
	if condition == "" {
		return nil, nil
	}
	var keys []match.Key
	for text := range strings.SplitSeq(condition, "&") {
		name, value, _ := strings.Cut(text, "=")
		path, err := match.ParsePath(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		key, err := match.ParseKey(path, strings.TrimSpace(value), match.ParseOptions{EmptyValue: true})
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// coercible reports whether an attribute may be changed: what says which instance it is, of what kind and how it is encoded may not.
func coercible(t dicom.Tag) bool {
	switch t {
	case dicom.SpecificCharacterSet, dicom.SOPClassUID, dicom.SOPInstanceUID, dicom.StudyInstanceUID, dicom.SeriesInstanceUID,
		dicom.PhotometricInterpretation, dicom.NumberOfFrames:
		return false
	}
	return t.VR().IsText() && t.Group() >= 8 && !t.IsPrivate()
}

// coerce applies rules to the data set of an instance and returns the coerced one, with its new item of Original Attributes Sequence
// (PS3.3 C.12.1.1.9); nil where nothing changes. at is the time that the item names. Conditions may ask for File Meta Information too:
// the sender's AE title is there, (0002,0016) or (0002,0017).
func coerce(rules []Coercion, ds, meta *dicom.DataSet, at string) (coerced, originals *dicom.DataSet) {
	subject, before := ds.Clone(), &dicom.DataSet{}
	for e := range meta.All() {
		subject.Set(e)
	}
	coerced = ds.Clone()
	for _, c := range rules {
		old, there := coerced.Get(c.Tag)
		values, _ := old.Value.(dicom.Strings)
		switch {
		case !match.Query{Level: match.Instance, Keys: c.When}.Match(subject):
			continue
		case c.Values == nil && !there, c.Absent && len(values) > 0, c.Values != nil && equal(values, c.Values):
			continue
		}
		if !before.Has(c.Tag) { // one that was not there is named, without a value
			first, there := ds.Get(c.Tag)
			if !there {
				first = dicom.Element{Tag: c.Tag, VR: c.Tag.VR()}
			}
			before.Set(first)
		}
		if coerced.Delete(c.Tag); c.Values != nil {
			coerced.SetStrings(c.Tag, c.Tag.VR(), c.Values...)
		}
	}
	if before.Len() == 0 {
		return nil, nil
	}
	originals = &dicom.DataSet{}
	originals.SetItems(dicom.ModifiedAttributesSequence, before)
	originals.SetStrings(dicom.AttributeModificationDateTime, dicom.DT, at)
	originals.SetStrings(dicom.ModifyingSystem, dicom.LO, modifyingSystem)
	originals.SetStrings(dicom.SourceOfPreviousValues, dicom.LO)
	originals.SetStrings(dicom.ReasonForTheAttributeModification, dicom.CS, "COERCE")
	items := ds.Items(dicom.OriginalAttributesSequence)
	coerced.SetItems(dicom.OriginalAttributesSequence, append(items[:len(items):len(items)], originals)...)
	return coerced, originals
}

const modifyingSystem = "NOCTIS"

func equal(a dicom.Strings, b []string) bool {
	return len(a) == len(b) && strings.Join(a, `\`) == strings.Join(b, `\`)
}

// coercedAt is the time of a coercion that is made now, as DT; that of the stored instance where that has been coerced before: the same
// file gives the same bytes then, and sending it again is a success.
func coercedAt(stored *dicom.DataSet, now time.Time) string {
	if stored != nil {
		items := stored.Items(dicom.OriginalAttributesSequence)
		if n := len(items); n > 0 && items[n-1].String(dicom.ModifyingSystem) == modifyingSystem {
			return items[n-1].String(dicom.AttributeModificationDateTime)
		}
	}
	return now.UTC().Format("20060102150405") + "+0000"
}
