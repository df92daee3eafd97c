package dicom

//go:generate go run ../internal/gentags tags_gen.go

// Attribute is what the data dictionary (PS3.6) says of a tag.
type Attribute struct {
	Tag     Tag
	Keyword string // "PatientName"
	Name    string // "Patient's Name"
	VRs     string // the value representations it may have, joined by blanks: "US SS"
	VM      string // value multiplicity: "1-n"
	Retired bool
}
