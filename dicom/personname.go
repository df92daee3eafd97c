package dicom

import "strings"

// PersonNameGroups splits a value of VR PN into its component groups: the alphabetic, the ideographic and the phonetic
// representation (PS3.5 6.2.1.1). Missing groups are empty; more than two "=" stay in the third group, so that nothing is lost.
func PersonNameGroups(name string) [3]string {
	var groups [3]string
	copy(groups[:], strings.SplitN(name, "=", 3))
	return groups
}

// JoinPersonName makes a value of VR PN of its component groups, without the delimiters of empty groups at the end
// (PS3.5 6.2.1.1).
func JoinPersonName(alphabetic, ideographic, phonetic string) string {
	if ideographic == "" && phonetic == "" {
		return strings.TrimRight(alphabetic, "=")
	}
	return strings.TrimRight(alphabetic+"="+ideographic+"="+phonetic, "=")
}
