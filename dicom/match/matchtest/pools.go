package matchtest

import (
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// attribute is one that instances of a pool have, and queries ask for.
type attribute struct {
	tag      dicom.Tag
	vr       dicom.VR
	multiple bool        // none to three values
	items    []attribute // of a sequence
}

var codeItems = []attribute{
	{tag: dicom.CodeValue, vr: dicom.SH},
	{tag: dicom.CodingSchemeDesignator, vr: dicom.SH},
	{tag: dicom.CodeMeaning, vr: dicom.LO},
	{tag: dicom.LongCodeValue, vr: dicom.UC},
}

var patientPool = []attribute{
	{tag: dicom.PatientName, vr: dicom.PN},
	{tag: dicom.PatientID, vr: dicom.LO},
	{tag: dicom.PatientBirthDate, vr: dicom.DA},
	{tag: dicom.PatientSex, vr: dicom.CS},
	{tag: dicom.OtherPatientIDs, vr: dicom.LO, multiple: true},
	{tag: dicom.OtherPatientNames, vr: dicom.PN, multiple: true},
	{tag: dicom.PatientComments, vr: dicom.LT},
}

var studyPool = []attribute{
	{tag: dicom.StudyDate, vr: dicom.DA},
	{tag: dicom.StudyTime, vr: dicom.TM},
	{tag: dicom.AccessionNumber, vr: dicom.SH},
	{tag: dicom.ReferringPhysicianName, vr: dicom.PN},
	{tag: dicom.TimezoneOffsetFromUTC, vr: dicom.SH},
	{tag: dicom.StudyDescription, vr: dicom.LO},
	{tag: dicom.ProcedureCodeSequence, vr: dicom.SQ, items: codeItems},
	{tag: dicom.NameOfPhysiciansReadingStudy, vr: dicom.PN, multiple: true},
	{tag: dicom.PatientAge, vr: dicom.AS},
	{tag: dicom.PatientWeight, vr: dicom.DS},
	{tag: dicom.StudyID, vr: dicom.SH},
}

var seriesPool = []attribute{
	{tag: dicom.Modality, vr: dicom.CS},
	{tag: dicom.SeriesDate, vr: dicom.DA},
	{tag: dicom.SeriesTime, vr: dicom.TM},
	{tag: dicom.SeriesDescription, vr: dicom.LO},
	{tag: dicom.SeriesNumber, vr: dicom.IS},
	{tag: dicom.InstitutionAddress, vr: dicom.ST},
	{tag: dicom.OperatorsName, vr: dicom.PN, multiple: true},
	{tag: dicom.BodyPartExamined, vr: dicom.CS},
	{tag: dicom.SoftwareVersions, vr: dicom.LO, multiple: true},
	{tag: dicom.DateOfLastCalibration, vr: dicom.DA, multiple: true},
	{tag: dicom.TimeOfLastCalibration, vr: dicom.TM, multiple: true},
	{tag: dicom.FrameOfReferenceUID, vr: dicom.UI},
	{tag: dicom.PerformedProcedureStepStartDate, vr: dicom.DA},
	{tag: dicom.PerformedProcedureStepStartTime, vr: dicom.TM},
	{tag: dicom.RequestAttributesSequence, vr: dicom.SQ, items: []attribute{
		{tag: dicom.ScheduledProcedureStepID, vr: dicom.SH},
		{tag: dicom.RequestedProcedureID, vr: dicom.SH},
		{tag: dicom.ScheduledProtocolCodeSequence, vr: dicom.SQ, items: codeItems},
	}},
}

var instancePool = []attribute{
	{tag: dicom.ImageType, vr: dicom.CS, multiple: true},
	{tag: dicom.AcquisitionDateTime, vr: dicom.DT},
	{tag: dicom.ContentDate, vr: dicom.DA},
	{tag: dicom.ContentTime, vr: dicom.TM},
	{tag: dicom.InstanceNumber, vr: dicom.IS},
	{tag: dicom.NumberOfFrames, vr: dicom.IS},
	{tag: dicom.Rows, vr: dicom.US},
	{tag: dicom.Columns, vr: dicom.US},
	{tag: dicom.PixelSpacing, vr: dicom.DS, multiple: true},
	{tag: dicom.ImageComments, vr: dicom.LT},
	{tag: dicom.SelectorAEValue, vr: dicom.AE, multiple: true},
	{tag: dicom.SelectorASValue, vr: dicom.AS, multiple: true},
	{tag: dicom.SelectorATValue, vr: dicom.AT, multiple: true},
	{tag: dicom.SelectorDAValue, vr: dicom.DA, multiple: true},
	{tag: dicom.SelectorCSValue, vr: dicom.CS, multiple: true},
	{tag: dicom.SelectorDTValue, vr: dicom.DT, multiple: true},
	{tag: dicom.SelectorISValue, vr: dicom.IS, multiple: true},
	{tag: dicom.SelectorOBValue, vr: dicom.OB},
	{tag: dicom.SelectorLOValue, vr: dicom.LO, multiple: true},
	{tag: dicom.SelectorLTValue, vr: dicom.LT},
	{tag: dicom.SelectorPNValue, vr: dicom.PN, multiple: true},
	{tag: dicom.SelectorTMValue, vr: dicom.TM, multiple: true},
	{tag: dicom.SelectorSHValue, vr: dicom.SH, multiple: true},
	{tag: dicom.SelectorSTValue, vr: dicom.ST},
	{tag: dicom.SelectorUCValue, vr: dicom.UC, multiple: true},
	{tag: dicom.SelectorUTValue, vr: dicom.UT},
	{tag: dicom.SelectorURValue, vr: dicom.UR},
	{tag: dicom.SelectorDSValue, vr: dicom.DS, multiple: true},
	{tag: dicom.SelectorFDValue, vr: dicom.FD, multiple: true},
	{tag: dicom.SelectorFLValue, vr: dicom.FL, multiple: true},
	{tag: dicom.SelectorULValue, vr: dicom.UL, multiple: true},
	{tag: dicom.SelectorUSValue, vr: dicom.US, multiple: true},
	{tag: dicom.SelectorSLValue, vr: dicom.SL, multiple: true},
	{tag: dicom.SelectorSSValue, vr: dicom.SS, multiple: true},
	{tag: dicom.SelectorUIValue, vr: dicom.UI, multiple: true},
	{tag: dicom.SelectorSVValue, vr: dicom.SV, multiple: true},
	{tag: dicom.SelectorUVValue, vr: dicom.UV, multiple: true},
	{tag: dicom.ReferencedImageSequence, vr: dicom.SQ, items: []attribute{
		{tag: dicom.ReferencedSOPClassUID, vr: dicom.UI},
		{tag: dicom.ReferencedSOPInstanceUID, vr: dicom.UI},
	}},
}

// privatePool has attributes of each VR, as the private ones are that have no VR of their own in a dictionary.
var privatePool = slices.DeleteFunc(slices.Clone(instancePool), func(a attribute) bool { return a.vr == dicom.SQ })

var sopClasses = []string{"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.7"}

var (
	texts = []string{
		"A", "a", "AB", "A B", "ABC", "100%", "A_B", `it's "A"`, "\u00c4", "A\u0308", "A*", "[A]", "日本", "CT,MR", "aBa",
	}
	longer = append([]string{" A", "two\r\nlines", `A\B`}, texts...)
)

// values are valid values of the VRs that hold text, for instances and for queries; some of them stand for one another.
var values = map[dicom.VR][]string{
	dicom.AE: {"NOCTIS", "AE 1", "ae 1", "A"},
	dicom.AS: {"018Y", "002M", "18Y"},
	dicom.CS: {"CT", "MR", "SEG", "M", "HEAD", "DERIVED", "A_B"},
	dicom.DA: {"20060705", "20060706", "20060707", "20060731", "19991231"},
	dicom.DS: {"1", "1.0", "0.5", ".5", "5E-1", "-2.25", "1e3", "1000"},
	dicom.DT: {
		"2006", "200607", "20060705", "2006070510", "20060705100000", "20060705100000.5", "20060705120000+0200",
		"20060705100000+0000", "20060704230000-1100", "20060706", "20060707180000",
	},
	dicom.IS: {"0", "1", "01", "+1", "-1", "10", "2"},
	dicom.LO: texts,
	dicom.LT: longer,
	dicom.PN: {
		"DOE^JOHN", "Doe^John", "DOE^JOHN^^", "DOE", "DOE^JANE", "JOHN^DOE", "DOE JOHN", "SMITH^ANNA MARIA^^DR", "Smyth^Anna",
		"MÜLLER^JÜRGEN", "Müller^Jürgen", "MULLER^JURGEN", "O'BRIEN^PAT", "OBRIEN^PAT",
		"Yamada^Tarou=山田^太郎=やまだ^たろう", "=山田^太郎", "Yamada^Tarou", "ΣΊΣΥΦΟΣ", "σίσυφος", "100%^_",
	},
	dicom.SH: texts,
	dicom.ST: longer,
	dicom.TM: {"10", "1000", "100000", "100000.000", "100000.5", "1030", "18", "180030", "235960", "00"},
	dicom.UC: texts,
	dicom.UI: {"1.2.3", "1.2.3.4", "1.2.840.10008.1.2", "1.2"},
	dicom.UR: {"http://example.org/a", "http://example.org/a?b=*", "urn:a"},
	dicom.UT: longer,
}

// odd are values that are stored, but break their VR, or are empty among others.
var odd = map[dicom.VR][]string{
	dicom.DA: {"", "2006.07.05", "2006", "200607", "00000000", "yesterday"},
	dicom.DS: {"", " 1 ", "one"},
	dicom.DT: {"", "20061399"},
	dicom.IS: {"", " 1", "1 ", "1a"},
	dicom.LO: {"", " A", "A "},
	dicom.PN: {"", "^^", "=", "DOE ^ JOHN"},
	dicom.SH: {"", " A", "A "},
	dicom.TM: {"", "10:00:00", "25", "noon"},
}

// stored returns the values that instances have.
func stored(a attribute) []string {
	if a.tag == dicom.TimezoneOffsetFromUTC {
		return []string{"+0200", "-0500", "+0000"}
	}
	return append(values[a.vr][:len(values[a.vr]):len(values[a.vr])], odd[a.vr]...)
}
