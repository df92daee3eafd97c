package store

import (
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/giveway"
)

// Merged is what the instances of a study (or series) say about it together. Its instances should agree on every attribute, but
// do not always; then the one with the smallest SOP Instance UID (in byte order) that has a value for the attribute decides.
// This does not depend on the order in which instances arrive, so an index rebuilt from the files is equal to the live one.
type Merged struct {
	DataSet *dicom.DataSet
	Sources map[dicom.Tag]dicom.UID // the instance that decided each attribute of DataSet
}

// Add takes in the attributes of one more instance and reports whether that changed anything.
func (m *Merged) Add(instance dicom.UID, attributes *dicom.DataSet) bool {
	if m.DataSet == nil {
		m.DataSet, m.Sources = &dicom.DataSet{}, map[dicom.Tag]dicom.UID{}
	}
	changed := false
	for e := range attributes.All() {
		if old, ok := m.DataSet.Get(e.Tag); ok {
			empty, wasEmpty := isEmpty(e.Value), isEmpty(old.Value)
			if empty && !wasEmpty || empty == wasEmpty && m.Sources[e.Tag] <= instance {
				continue
			}
		}
		m.DataSet.Set(e)
		m.Sources[e.Tag] = instance
		changed = true
	}
	return changed
}

// Drop takes back what an instance that has gone had decided, and notes those attributes in open: whether there was a value. The
// others of the study or series have to be offered to Refill then, in ascending order, until nothing is open.
func (m *Merged) Drop(instance dicom.UID, open map[dicom.Tag]bool) {
	for t, source := range m.Sources {
		if source == instance {
			e, _ := m.DataSet.Get(t)
			open[t] = open[t] || !isEmpty(e.Value)
			m.DataSet.Delete(t)
			delete(m.Sources, t)
		}
	}
}

// Refill takes in what an instance says about the open attributes, and closes those that no later instance can decide.
func (m *Merged) Refill(instance dicom.UID, attributes *dicom.DataSet, open map[dicom.Tag]bool) {
	wanted := &dicom.DataSet{}
	for e := range attributes.All() {
		if _, ok := open[e.Tag]; ok {
			wanted.Set(e)
		}
	}
	m.Add(instance, wanted)
	for t, valued := range open {
		if e, ok := m.DataSet.Get(t); ok && m.Sources[t] <= instance && !(valued && isEmpty(e.Value)) {
			delete(open, t)
		}
	}
}

// maxMerged bounds the values that a study or series takes from its instances, in bytes of memory.
const maxMerged = 64 << 10

// Split returns the attributes of an instance that describe its study and its series. Values that are long, or that only the
// instance's own file can deliver (dicom.Bulk), are left to the instance; what is computed is not taken from a file that has it. Of Study Date, Study Time and Modality, by which studies are ordered and
// grouped, the first value counts if a file breaks their value multiplicity of 1.
func Split(ds *dicom.DataSet) (study, series *dicom.DataSet) {
	study, series = &dicom.DataSet{}, &dicom.DataSet{}
	var pacer giveway.Pacer
	n := 0
	above := ds.Only(func(t dicom.Tag) bool {
		if n++; n%1024 == 0 {
			pacer.Pace()
		}
		return match.LevelOf(t) != match.Instance && !match.Computed(t)
	})
	for e := range above.All() {
		if hasBulk(e.Value) || valueSize(e.Value) > maxMerged {
			continue
		}
		switch match.LevelOf(e.Tag) {
		case match.Study:
			study.Set(first(e))
		case match.Series:
			series.Set(first(e))
		}
	}
	return study, series
}

// first cuts the attributes that have one value by decree to their first value that is not empty.
func first(e dicom.Element) dicom.Element {
	values, ok := e.Value.(dicom.Strings)
	if !ok || len(values) < 2 || e.Tag != dicom.StudyDate && e.Tag != dicom.StudyTime && e.Tag != dicom.Modality {
		return e
	}
	e.Value = nil
	for _, v := range values {
		if strings.Trim(v, " \x00") != "" {
			e.Value = dicom.Strings{v}
			break
		}
	}
	return e
}

// isEmpty reports whether there is no value, or nothing but empty ones.
func isEmpty(v dicom.Value) bool {
	switch v := v.(type) {
	case nil:
		return true
	case dicom.Strings:
		for _, s := range v {
			if strings.Trim(s, " \x00") != "" {
				return false
			}
		}
		return true
	}
	return false
}

// SeriesModality is the modality that a series contributes to Modalities in Study (0008,0061), "" if it has none.
func SeriesModality(merged *dicom.DataSet) string {
	if merged == nil {
		return ""
	}
	return match.Normal(dicom.CS, merged.String(dicom.Modality))
}

func hasBulk(v dicom.Value) bool {
	switch v := v.(type) {
	case dicom.Bulk:
		return true
	case dicom.Items:
		for _, item := range v {
			for e := range item.All() {
				if hasBulk(e.Value) {
					return true
				}
			}
		}
	}
	return false
}

// valueSize estimates the memory of a value.
func valueSize(v dicom.Value) int64 {
	n := int64(0)
	switch v := v.(type) {
	case dicom.Strings:
		for _, s := range v {
			n += 16 + int64(len(s))
		}
	case dicom.Ints:
		n = 8 * int64(len(v))
	case dicom.Uints:
		n = 8 * int64(len(v))
	case dicom.Floats:
		n = 8 * int64(len(v))
	case dicom.Tags:
		n = 4 * int64(len(v))
	case dicom.Bytes:
		n = int64(len(v))
	case dicom.Items:
		for _, item := range v {
			n += 32
			for e := range item.All() {
				n += 48 + valueSize(e.Value)
			}
		}
	}
	return n
}
