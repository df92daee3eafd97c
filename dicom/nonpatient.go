package dicom

import (
	"maps"
	"slices"
)

// Studies is the resource of all instances that lie in a study (PS3.18 10.1.1); the Resource of their Ref is empty.
const Studies = "studies"

// nonPatientClasses are the SOP Classes of the Non-Patient Object Storage service (PS3.4 GG.3) and the resources of PS3.18 Table 12.1.1-1
// that hold them. Of the protocol IODs in PS3.3 A.82 those that belong to no patient share one.
var nonPatientClasses = map[UID]string{
	"1.2.840.10008.5.1.4.39.1":      "color-palettes",
	"1.2.840.10008.5.1.4.1.1.200.1": "defined-procedure-protocols", // of CT
	"1.2.840.10008.5.1.4.1.1.200.3": "defined-procedure-protocols", // Protocol Approval
	"1.2.840.10008.5.1.4.1.1.200.7": "defined-procedure-protocols", // of XA
	"1.2.840.10008.5.1.4.38.1":      "hanging-protocols",
	"1.2.840.10008.5.1.4.43.1":      "implant-templates", // Generic Implant Template
	"1.2.840.10008.5.1.4.44.1":      "implant-templates", // Implant Assembly Template
	"1.2.840.10008.5.1.4.45.1":      "implant-templates", // Implant Template Group
	"1.2.840.10008.5.1.4.1.1.201.1": "inventories",
}

// ResourceOf returns the resource in which instances of the SOP Class lie, "" where they lie in a study.
func ResourceOf(class UID) string { return nonPatientClasses[class] }

// NonPatientResources returns the resources of PS3.18 Table 12.1.1-1, ascending.
func NonPatientResources() []string {
	return slices.Compact(slices.Sorted(maps.Values(nonPatientClasses)))
}

// ClassesIn returns the SOP Classes whose instances lie in the resource, ascending.
func ClassesIn(resource string) []UID {
	var classes []UID
	for class, of := range nonPatientClasses {
		if of == resource {
			classes = append(classes, class)
		}
	}
	slices.Sort(classes)
	return classes
}
