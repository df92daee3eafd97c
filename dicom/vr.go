package dicom

// VR is a value representation (PS3.5 6.2): two upper-case letters.
type VR string

// The value representations of PS3.5 6.2.
const (
	AE VR = "AE"
	AS VR = "AS"
	AT VR = "AT"
	CS VR = "CS"
	DA VR = "DA"
	DS VR = "DS"
	DT VR = "DT"
	FD VR = "FD"
	FL VR = "FL"
	IS VR = "IS"
	LO VR = "LO"
	LT VR = "LT"
	OB VR = "OB"
	OD VR = "OD"
	OF VR = "OF"
	OL VR = "OL"
	OV VR = "OV"
	OW VR = "OW"
	PN VR = "PN"
	SH VR = "SH"
	SL VR = "SL"
	SQ VR = "SQ"
	SS VR = "SS"
	ST VR = "ST"
	SV VR = "SV"
	TM VR = "TM"
	UC VR = "UC"
	UI VR = "UI"
	UL VR = "UL"
	UN VR = "UN"
	UR VR = "UR"
	US VR = "US"
	UT VR = "UT"
	UV VR = "UV"
)

// Valid reports whether the VR is one of PS3.5 6.2.
func (v VR) Valid() bool {
	switch v {
	case AE, AS, AT, CS, DA, DS, DT, FD, FL, IS, LO, LT, OB, OD, OF, OL, OV, OW, PN, SH, SL, SQ, SS, ST, SV, TM, UC, UI, UL, UN,
		UR, US, UT, UV:
		return true
	}
	return false
}

// IsText reports whether values of the VR are Strings.
func (v VR) IsText() bool {
	switch v {
	case AE, AS, CS, DA, DS, DT, IS, LO, LT, PN, SH, ST, TM, UC, UI, UR, UT:
		return true
	}
	return false
}

// IsBinary reports whether values of the VR are Bytes.
func (v VR) IsBinary() bool {
	switch v {
	case OB, OD, OF, OL, OV, OW, UN:
		return true
	}
	return false
}

// HasLongLength reports whether an explicit VR element carries a 32-bit length after two reserved bytes (PS3.5 7.1.2).
func (v VR) HasLongLength() bool {
	switch v {
	case OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT, UV:
		return true
	}
	return false
}

// UsesCharset reports whether Specific Character Set (0008,0005) governs values of the VR (PS3.5 6.1.2.2).
func (v VR) UsesCharset() bool {
	switch v {
	case LO, LT, PN, SH, ST, UC, UT:
		return true
	}
	return false
}

// IsSingleText reports whether the backslash is an ordinary character in the VR, so that there is never more than one value
// (PS3.5 6.2).
func (v VR) IsSingleText() bool {
	switch v {
	case LT, ST, UR, UT:
		return true
	}
	return false
}
