package sqlindex

import (
	"database/sql"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// key is a row of study_key: one value of an attribute in its normal form. It is one of study_gram, too: two characters that follow
// each other in such a value.
type key struct {
	attribute dicom.Tag
	value     string
}

// writeKeys brings study_key and study_gram up to date: keys are all that the study has from now on.
func (s *session) writeKeys(st *study, keys []key) error {
	if err := s.writeDifference(st.id, st.keys, keys, s.st.insertKey, s.st.deleteKey); err != nil {
		return err
	}
	return s.writeDifference(st.id, grams(st.keys), grams(keys), s.st.insertGram, s.st.deleteGram)
}

func (s *session) writeDifference(study int64, old, now []key, insert, remove *sql.Stmt) error {
	had, has := set(old), set(now)
	for _, k := range old {
		if !has[k] {
			if err := s.exec(remove, k.attribute, k.value, study); err != nil {
				return err
			}
		}
	}
	for _, k := range now {
		if !had[k] {
			if err := s.exec(insert, k.attribute, k.value, study); err != nil {
				return err
			}
		}
	}
	return nil
}

func set(keys []key) map[key]bool {
	has := make(map[key]bool, len(keys))
	for _, k := range keys {
		has[k] = true
	}
	return has
}

// grammed are the keyed attributes that people search for parts of.
var grammed = []dicom.Tag{dicom.PatientName, dicom.PatientID, dicom.AccessionNumber}

// grams returns the rows of study_gram that go with rows of study_key.
func grams(keys []key) []key {
	var all []key
	seen := map[key]bool{}
	for _, k := range keys {
		if !slices.Contains(grammed, k.attribute) {
			continue
		}
		for _, text := range pairs(k.value) {
			if g := (key{k.attribute, text}); !seen[g] {
				seen[g] = true
				all = append(all, g)
			}
		}
	}
	return all
}

// pairs returns every two characters that follow each other.
func pairs(s string) []string {
	var all []string
	before, last := -1, -1 // where the last two characters begin
	for i := range s {
		if before >= 0 {
			all = append(all, s[before:i])
		}
		before, last = last, i
	}
	if before >= 0 {
		all = append(all, s[before:])
	}
	return all
}

// keyed are the attributes that study_key has rows of: those by which studies are searched most (PS3.18 Table 10.6.1-5), and
// those that narrow searches of series and instances down to a few studies. UIDs and Study Date have columns of their own.
var keyed = map[dicom.Tag]dicom.VR{
	dicom.AccessionNumber:        dicom.SH,
	dicom.ModalitiesInStudy:      dicom.CS,
	dicom.PatientID:              dicom.LO,
	dicom.PatientName:            dicom.PN,
	dicom.ReferringPhysicianName: dicom.PN,
	dicom.SOPClassesInStudy:      dicom.UI,
	dicom.StudyID:                dicom.SH,
}

// studyKeys returns every value that the keyed attributes have; of a person name each of its component groups.
func studyKeys(st *study) []key {
	var keys []key
	add := func(t dicom.Tag, value string) {
		if k := (key{t, value}); value != "" && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	for t, vr := range keyed {
		for _, v := range st.merged.DataSet.Strings(t) {
			if vr != dicom.PN {
				add(t, match.Normal(vr, v))
				continue
			}
			for _, group := range match.NameGroups(v) {
				add(t, group)
			}
		}
	}
	for _, m := range st.counts.Modalities {
		add(dicom.ModalitiesInStudy, m)
	}
	for _, c := range st.counts.SOPClasses {
		add(dicom.SOPClassesInStudy, c)
	}
	return keys
}
