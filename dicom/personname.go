package dicom

import "strings"

// PersonNameGroups splits a value of VR PN into its component groups: the alphabetic, the ideographic and the phonetic
// representation (PS3.5 6.2.1.1). Missing groups are empty; more than two "=" stay in the third group, so that nothing is lost.
func PersonNameGroups(name string) [3]string {
	var groups [3]string
	copy(groups[:], strings.SplitN(name, "=", 3))
	return groups
}

// JoinPersonName makes a value of VR PN of its component groups. A group without any component, like "^^^^", is empty, and the
// delimiters of empty groups at the end are left out (PS3.5 6.2.1.1).
func JoinPersonName(groups [3]string) string {
	for i, g := range groups {
		if strings.Trim(g, "^") == "" {
			groups[i] = ""
		}
	}
	return strings.TrimRight(groups[0]+"="+groups[1]+"="+groups[2], "=")
}

// normalPersonName is the name with its groups as JoinPersonName writes them, so that one name has one spelling here.
func normalPersonName(name string) string {
	if name == "" || name[0] != '^' && !strings.Contains(name, "=") {
		return name
	}
	return JoinPersonName(PersonNameGroups(name))
}
