package deidentify

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/noctis-dicom/noctis/dicom"
)

// action is what the Basic Profile does with an attribute (PS3.15 Table E.1-1a). C, to clean a text, is an action of options only.
type action byte

const (
	keep    action = 'K'
	remove  action = 'X'
	zero    action = 'Z' // of zero length
	dummy   action = 'D' // a value that says nothing
	replace action = 'U' // another UID, the same one everywhere
)

// basicProfile is the column "Basic Prof." of PS3.15 Table E.1-1, edition 2026d: tag, action, keyword.
//
//go:embed basicprofile.tsv
var basicProfile string

// Of the actions that the table leaves to the type of the attribute in its IOD, the one is taken that every type permits: an
// element of zero length where a type 2 might be required, a dummy where a type 1 might be (PS3.15 Table E.1-1a).
var actions = map[string]action{
	"X": remove, "Z": zero, "D": dummy, "U": replace,
	"X/Z": zero, "Z/D": dummy, "X/D": dummy, "X/Z/D": dummy,
	"X/Z/U*": keep, // a sequence of references, kept with the UIDs in it replaced
}

// table is the profile by tag. Repeating groups (50xx, 60xx) are not in it.
var table = sync.OnceValue(func() map[dicom.Tag]action {
	m := map[dicom.Tag]action{}
	for line := range strings.Lines(basicProfile) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		a, known := actions[fields[1]]
		if !known {
			panic(fmt.Sprintf("basicprofile.tsv: %q", line))
		}
		if strings.Contains(fields[0], "x") {
			continue
		}
		tag, err := dicom.ParseTag(fields[0])
		if err != nil {
			panic(fmt.Sprintf("basicprofile.tsv: %v", err))
		}
		m[tag] = a
	}
	return m
})

// actionOf is what is done with an attribute. Private ones go. So do those that no dictionary knows, for nobody can say what they
// hold, and the rest of a curve or an overlay, which is nothing without its data. Some that the table does not name would undo what
// it does: UIDs by which instances refer to what has got another one (Volume Frame of Reference UID, (0020,9312)), the names of
// people, and the title of a document that is taken out.
func actionOf(t dicom.Tag) action {
	if a, found := table()[t]; found {
		return a
	}
	repeating := t.Group() & 0xFF00
	if t.IsPrivate() || repeating == 0x5000 || repeating == 0x6000 {
		return remove
	}
	attribute, known := dicom.Lookup(t)
	switch {
	case !known:
		return remove
	case attribute.VR() == dicom.UI && !namesKind[t]:
		return replace
	case attribute.VR() == dicom.PN, t == dicom.DocumentTitle:
		return zero
	}
	return keep
}

// namesKind are the attributes whose UIDs say what kind a thing is, which others than DICOM may have registered: SNOMED CT is
// 2.16.840.1.113883.6.96.
var namesKind = map[dicom.Tag]bool{
	dicom.SOPClassUID:                       true,
	dicom.RelatedGeneralSOPClassUID:         true,
	dicom.OriginalSpecializedSOPClassUID:    true,
	dicom.SOPClassesInStudy:                 true,
	dicom.CodingSchemeUID:                   true,
	dicom.MappingResourceUID:                true,
	dicom.StoredInstanceTransferSyntaxUID:   true,
	dicom.ReferencedSOPClassUID:             true,
	dicom.SOPClassesSupported:               true,
	dicom.AvailableTransferSyntaxUID:        true,
	dicom.FlowTransferSyntaxUID:             true,
	dicom.MACCalculationTransferSyntaxUID:   true,
	dicom.EncryptedContentTransferSyntaxUID: true,
}
