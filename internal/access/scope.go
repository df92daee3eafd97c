package access

import (
	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Scope is the part of an archive that a principal may see: the studies that satisfy every limit that is set, each by one of its
// values. The zero value is everything.
type Scope struct {
	Patients   []string    // Patient ID
	Studies    []dicom.UID // Study Instance UID
	Facilities []string    // Institution Name
	Physicians []string    // Referring Physician's Name
}

// Everything reports whether the scope has no limits.
func (s Scope) Everything() bool {
	return len(s.Patients)+len(s.Studies)+len(s.Facilities)+len(s.Physicians) == 0
}

// Keys are the limits as matching keys, to be joined with those of a search; nil for everything. They hold for the virtual data set of a
// study, series or instance.
func (s Scope) Keys() []match.Key {
	var keys []match.Key
	add := func(t dicom.Tag, values []string) {
		if len(values) == 0 {
			return
		}
		any := match.AnyOf{}
		for _, v := range values {
			any.Conditions = append(any.Conditions, match.Single{Value: v})
		}
		keys = append(keys, match.Key{Path: match.Path{t}, Condition: any})
	}
	add(dicom.PatientID, s.Patients)
	add(dicom.InstitutionName, s.Facilities)
	add(dicom.ReferringPhysicianName, s.Physicians)
	if len(s.Studies) > 0 {
		keys = append(keys, match.Key{Path: match.Path{dicom.StudyInstanceUID}, Condition: match.UIDList{UIDs: s.Studies}})
	}
	return keys
}
