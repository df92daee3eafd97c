package match

import "github.com/noctis-dicom/noctis/dicom"

// Indexable reports whether Values gives everything that a Single, Wildcard, Range or list can be compared with: the attribute is
// public, its VR holds short texts, numbers, dates or times, and its values mean the same in every data set. DT does not: the zone
// of the data set counts.
func Indexable(t dicom.Tag) bool {
	if t.IsPrivate() || Computed(t) || t == dicom.SpecificCharacterSet || t == dicom.TimezoneOffsetFromUTC {
		return false
	}
	switch t.VR() {
	case dicom.AE, dicom.AS, dicom.CS, dicom.LO, dicom.PN, dicom.SH, dicom.UI, dicom.DA, dicom.TM,
		dicom.IS, dicom.DS, dicom.SL, dicom.SS, dicom.SV, dicom.UL, dicom.US, dicom.UV, dicom.FL, dicom.FD, dicom.AT:
		return true
	}
	return false
}

// Values returns the normal forms of the values that the attribute has in the data set, those of person names by component group;
// no empty ones.
func Values(ds *dicom.DataSet, t dicom.Tag) []string {
	e, _ := ds.Get(t)
	var values []string
	for _, text := range texts(e) {
		forms := []string{Normal(t.VR(), text)}
		if t.VR() == dicom.PN {
			groups := NameGroups(text)
			forms = groups[:]
		}
		for _, form := range forms {
			if form != "" {
				values = append(values, form)
			}
		}
	}
	return values
}
