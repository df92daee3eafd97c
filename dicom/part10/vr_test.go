package part10

import (
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

func TestImplicitVR(t *testing.T) {
	sign := func(n uint16) string { return implicit(dicom.PixelRepresentation, u16(n)) }
	smallest := implicit(dicom.SmallestImagePixelValue, "\xFF\xFF")
	lut := implicit(dicom.ModalityLUTSequence, item(implicit(dicom.LUTDescriptor, "\x01\x00\xFE\xFF\x10\x00")))
	early := implicit(dicom.ReferencedImageSequence, item(implicit(dicom.RealWorldValueFirstValueMapped, "\xFF\xFF")))
	runScans(t, []scanCase{
		{"private", part10File(ivle, implicit(0x00110010, "MAKER "), implicit(0x00111001, "abcd")),
			"00110010 LO MAKER; 00111001 UN 61626364", nil},
		{"unknown", part10File(ivle, implicit(0x00081FFE, "abcd")), "00081FFE UN 61626364", nil},
		{"repeating group", part10File(ivle, implicit(0x60020010, u16(5)), implicit(0x60023000, "ab")), "60020010 US 5; 60023000 OW 6162", nil},
		{"binary", part10File(ivle, implicit(dicom.LUTData, "abcd"), implicit(dicom.RedPaletteColorLookupTableData, "ab")),
			"00281201 OW 6162; 00283006 OW 61626364", []string{"ascending"}},
		{"unsigned pixels", part10File(ivle, sign(0), smallest), "00280103 US 0; 00280106 US 65535", nil},
		{"signed pixels", part10File(ivle, sign(1), smallest), "00280103 US 1; 00280106 SS -1", nil},
		{"sign unknown", part10File(ivle, smallest), "00280106 US 65535", nil},
		{"sign of the surroundings", part10File(ivle, sign(1), lut), `00280103 US 1; 00283000 SQ [00283002 SS 1\-2\16]`, nil},
		{"sign comes later", part10File(ivle, early, sign(1)), "00081140 SQ [00409216 SS -1]; 00280103 US 1", nil},
		{"sign never comes", part10File(ivle, early), "00081140 SQ [00409216 US 65535]", nil},
		{"sign of its own", part10File(ivle, sign(1), implicit(dicom.IconImageSequence, item(sign(0), smallest))),
			"00280103 US 1; 00880200 SQ [00280103 US 0; 00280106 US 65535]", nil},
		{"sign of its own, later", part10File(ivle, sign(0), implicit(dicom.IconImageSequence,
			item(implicit(dicom.PerimeterValue, "\xFF\xFF"), sign(1), smallest))),
			"00280103 US 0; 00880200 SQ [00280071 US 65535; 00280103 US 1; 00280106 SS -1]", nil},
	})
}

func TestUnknownVR(t *testing.T) {
	items := func(value string) string { return explicit(dicom.ReferencedStudySequence, "UN", value) }
	inner := implicit(dicom.ReferencedSOPInstanceUID, "1.2\x00")
	private := explicit(0x00110010, "LO", "MAKER ")
	runScans(t, []scanCase{
		{"text", part10File(evle, explicit(dicom.PatientName, "UN", "A^B ")), "00100010 PN A^B", nil},
		{"numbers", part10File(evle, explicit(dicom.Rows, "UN", u16(258))), "00280010 US 258", nil},
		{"numbers in big endian", part10File(evbe, bigEndian(dicom.Rows, "UN", u16(258))), "00280010 US 258", nil},
		{"not that many bytes", part10File(evle, explicit(dicom.Rows, "UN", "abc")), "00280010 UN 616263", []string{"odd length"}},
		{"signed", part10File(evle, explicit(dicom.PixelRepresentation, "US", u16(1)), explicit(dicom.PixelPaddingValue, "UN", "\xFF\xFF")),
			"00280103 US 1; 00280120 SS -1", nil},
		{"private", part10File(evle, private, explicit(0x00111001, "UN", "ab")), "00110010 LO MAKER; 00111001 UN 6162", nil},
		{"private creator", part10File(evle, explicit(0x00110010, "UN", "MAKER ")), "00110010 LO MAKER", nil},
		{"sequence", part10File(evle, items(item(inner))), "00081110 SQ [00081155 UI 1.2]", nil},
		{"sequence, not implicit", part10File(evle, items(item(explicit(dicom.ReferencedSOPInstanceUID, "UI", "1.2\x00")))),
			"00081110 SQ [00081155 UI 1.2]", nil},
		{"no sequence", part10File(evle, items("no items")), "00081110 UN 6e6f206974656d73", nil},
		{"empty sequence", part10File(evle, items("")), "00081110 SQ", nil},
		{"undefined length", part10File(evle, private, explicitHeader(0x00111001, "UN", open), openItem(inner), sequenceEnd),
			"00110010 LO MAKER; 00111001 SQ [00081155 UI 1.2]", nil},
		{"undefined length, item of defined length", part10File(evle, explicitHeader(0x00111001, "UN", open), item(inner), sequenceEnd),
			"00111001 SQ [00081155 UI 1.2]", nil},
		{"undefined length, nested", part10File(evle, explicitHeader(0x00111001, "UN", open),
			openItem(implicitHeader(0x00111002, open), openItem(inner), sequenceEnd), sequenceEnd),
			"00111001 SQ [00111002 SQ [00081155 UI 1.2]]", nil},
		{"undefined length in big endian", part10File(evbe, sopBig, bigEndian(0x00111001, "UN", "")[:8], u32(open), openItem(inner), sequenceEnd),
			sopDump + "; 00111001 SQ [00081155 UI 1.2]", nil},
		{"undefined length, empty", part10File(evle, explicitHeader(0x00111001, "UN", open), sequenceEnd), "00111001 SQ", nil},
	})
}

func TestInvalidVR(t *testing.T) {
	name := tagBytes(dicom.PatientName)
	after := explicit(dicom.PatientID, "LO", "ID")
	want := "00100010 PN A^B; 00100020 LO ID"
	long := strings.Repeat("A", 300)
	runScans(t, []scanCase{
		{"question marks", part10File(evle, sopExplicit, name, "??", u16(4), "A^B ", after), sopDump + "; " + want, []string{"invalid VR"}},
		{"blanks", part10File(evle, sopExplicit, name, "  ", u16(4), "A^B ", after), sopDump + "; " + want, []string{"invalid VR"}},
		{"lower case", part10File(evle, sopExplicit, name, "pn", u16(4), "A^B ", after), sopDump + "; " + want, []string{"invalid VR"}},
		{"NUL, reserved bytes", part10File(evle, sopExplicit, name, "\x00\x00\x00\x00", u32(4), "A^B ", after), sopDump + "; " + want,
			[]string{"invalid VR"}},
		{"question marks, reserved bytes", part10File(evle, sopExplicit, name, "??\x00\x00", u32(4), "A^B ", after), sopDump + "; " + want,
			[]string{"invalid VR"}},
		{"a future one", part10File(evle, sopExplicit, name, "XX\x00\x00", u32(4), "A^B ", after), sopDump + "; " + want,
			[]string{"invalid VR"}},
		{"an unknown one of 16 bits", part10File(evle, sopExplicit, name, "XX", u16(4), "A^B ", after), sopDump + "; " + want,
			[]string{"invalid VR"}},
		{"an implicit element", part10File(evle, sopExplicit, implicit(dicom.PatientName, "A^B "), after), sopDump + "; " + want,
			[]string{"invalid VR"}},
		{"a long implicit element", part10File(evle, sopExplicit, implicit(dicom.PatientName, long), after),
			sopDump + "; 00100010 PN " + long + "; 00100020 LO ID", []string{"invalid VR"}},
		{"at the end", part10File(evle, sopExplicit, name, "??", u16(4), "A^B "), sopDump + "; 00100010 PN A^B", []string{"invalid VR"}},
		{"at the end of an item", part10File(evle, explicit(dicom.ReferencedStudySequence, "SQ", item(name, "??\x00\x00", u32(4), "A^B ")), after),
			"00081110 SQ [00100010 PN A^B]; 00100020 LO ID", []string{"invalid VR"}},
		{"before a delimiter", part10File(evle, explicitHeader(dicom.ReferencedStudySequence, "SQ", open),
			openItem(name, "??\x00\x00", u32(4), "A^B "), sequenceEnd, after), "00081110 SQ [00100010 PN A^B]; 00100020 LO ID",
			[]string{"invalid VR"}},
		{"private", part10File(evle, sopExplicit, tagBytes(0x00111001), "??", u16(2), "ab", after), sopDump + "; 00100020 LO ID; 00111001 UN 6162",
			[]string{"invalid VR", "ascending"}},
		{"big endian numbers", part10File(evbe, sopBig, bigEndian(dicom.Rows, "??", "\x01\x02")), sopDump + "; 00280010 US 258",
			[]string{"invalid VR"}},
		{"two in a row", part10File(evle, sopExplicit, name, "??", u16(4), "A^B ", tagBytes(dicom.PatientID), "??", u16(2), "ID"),
			sopDump + "; " + want, []string{"invalid VR"}},
	})
}

func TestVRsWithLongLength(t *testing.T) {
	for _, vr := range []string{"OB", "OD", "OF", "OL", "OV", "OW", "SV", "UC", "UN", "UR", "UT", "UV"} {
		f := mustScan(t, part10File(evle, explicit(0x00111001, vr, "12345678"), explicit(0x00111002, "US", u16(7))), Limits{})
		if e, _ := f.DataSet.Get(0x00111002); dumpValue(e.Value) != "7" {
			t.Errorf("%s: the next element is %s", vr, dump(f.DataSet))
		}
	}
}
