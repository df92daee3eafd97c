package dicom

import "strings"

// UID is a unique identifier: up to 64 characters, components of digits joined by full stops (PS3.5 9.1).
type UID string

// Valid reports whether the UID obeys PS3.5 9.1: 1 to 64 characters, non-empty components of digits. Components with leading
// zeros are tolerated, because archives are full of them; nothing that could leave a path, a query or a header is.
func (u UID) Valid() bool {
	if len(u) == 0 || len(u) > 64 || u[0] == '.' || u[len(u)-1] == '.' {
		return false
	}
	for i := 0; i < len(u); i++ {
		switch c := u[i]; {
		case c >= '0' && c <= '9':
		case c == '.' && u[i-1] != '.':
		default:
			return false
		}
	}
	return true
}

// Canonical reports whether the UID obeys PS3.5 9.1 to the letter, which forbids components with leading zeros too.
func (u UID) Canonical() bool {
	for component := range strings.SplitSeq(string(u), ".") {
		if len(component) > 1 && component[0] == '0' {
			return false
		}
	}
	return u.Valid()
}
