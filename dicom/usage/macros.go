package usage

import "github.com/noctis-dicom/noctis/dicom"

// BareCode is the table of a code whose meaning may be missing (PS3.4 Table F.7.2-1e); Code is that of one whose may not (Tables CC.2.5-2a
// and F.7.2-1a).
var (
	BareCode = &Table{Rules: []Rule{
		OneOf(dicom.CodeValue, dicom.LongCodeValue, dicom.URNCodeValue),
		IfAny(dicom.CodingSchemeDesignator, dicom.CodeValue, dicom.LongCodeValue),
	}}
	Code = BareCode.With(Row{Tag: dicom.CodeMeaning, Type: Valued})
)

// Reference is the table of a reference to an instance (PS3.4 Table CC.2.5-2f).
var Reference = &Table{Rows: []Row{{Tag: dicom.ReferencedSOPClassUID, Type: Valued}, {Tag: dicom.ReferencedSOPInstanceUID, Type: Valued}}}

// Designator is the table of whoever issued an identifier (PS3.4 Table CC.2.5-2d).
var Designator = &Table{Rules: []Rule{
	OneOf(dicom.LocalNamespaceEntityID, dicom.UniversalEntityID),
	IfAny(dicom.UniversalEntityIDType, dicom.UniversalEntityID),
}}

// Issuer are the rows of whoever issued a Patient ID, beside its name (PS3.4 Table CC.2.5-2e). What its items may have empty they may lack.
var Issuer = Row{Tag: dicom.IssuerOfPatientIDQualifiersSequence, Items: &Table{
	Rows: []Row{
		{Tag: dicom.AssigningFacilitySequence, Items: Designator}, {Tag: dicom.AssigningJurisdictionCodeSequence, Items: Code},
		{Tag: dicom.AssigningAgencyOrDepartmentCodeSequence, Items: Code},
	},
	Rules: []Rule{IfAny(dicom.UniversalEntityIDType, dicom.UniversalEntityID)},
}}
