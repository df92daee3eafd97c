package dicom

import (
	"strings"
	"testing"
)

func TestDictionaryTable(t *testing.T) {
	for i, a := range dictionary {
		if i > 0 && dictionary[i-1].Tag >= a.Tag {
			t.Errorf("%v %s: not in ascending order", a.Tag, a.Keyword)
		}
		if a.Tag.Group() == 0xFFFE {
			continue
		}
		for vr := range strings.SplitSeq(a.VRs, " ") {
			if !VR(vr).Valid() {
				t.Errorf("%v %s: VR %q", a.Tag, a.Keyword, vr)
			}
		}
		back, found := LookupKeyword(a.Keyword)
		if !found || back.Tag != a.Tag {
			t.Errorf("%v %s: its keyword finds %v", a.Tag, a.Keyword, back.Tag)
		}
	}
}

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		tag     Tag
		keyword string
		vrs     string
	}{
		{0x00020010, "TransferSyntaxUID", "UI"},
		{0x00080005, "SpecificCharacterSet", "CS"},
		{0x00080056, "InstanceAvailability", "CS"},
		{0x00080061, "ModalitiesInStudy", "CS"},
		{0x00081190, "RetrieveURL", "UR"},
		{0x00083002, "AvailableTransferSyntaxUID", "UI"},
		{0x00100010, "PatientName", "PN"},
		{0x00189087, "DiffusionBValue", "FD"},
		{0x00201206, "NumberOfStudyRelatedSeries", "IS"},
		{0x00201208, "NumberOfStudyRelatedInstances", "IS"},
		{0x00201209, "NumberOfSeriesRelatedInstances", "IS"},
		{0x00280106, "SmallestImagePixelValue", "US SS"},
		{0x00283006, "LUTData", "US OW"},
		{0x0040A124, "UID", "UI"},
		{0x0040A30A, "NumericValue", "DS"},
		{0x00741000, "ProcedureStepState", "CS"},
		{0x00741204, "ProcedureStepLabel", "LO"},
		{0x00741238, "ReasonForCancellation", "LT"},
		{0x7FE00001, "ExtendedOffsetTable", "OV"},
		{0x7FE00002, "ExtendedOffsetTableLengths", "OV"},
		{0x7FE00008, "FloatPixelData", "OF"},
		{0x7FE00009, "DoubleFloatPixelData", "OD"},
		{0x7FE00010, "PixelData", "OB OW"},
		{0xFFFAFFFA, "DigitalSignaturesSequence", "SQ"},

		// Repeating groups.
		{0x00203100, "SourceImageIDs", "CS"},
		{0x002031FF, "SourceImageIDs", "CS"},
		{0x00280400, "TransformLabel", "LO"},
		{0x00280404, "DetailsOfCoefficients", "AT"},
		{0x00280410, "RowsForNthOrderCoefficients", "US"},
		{0x002804F3, "CoefficientCodingPointers", "AT"},
		{0x00280414, "", ""},
		{0x00280828, "ImageDataLocation", "AT"},
		{0x10000013, "HuffmanTableTriplet", "US"},
		{0x1010ABCD, "ZonalMap", "US"},
		{0x50023000, "CurveData", "OB OW"},
		{0x60000010, "OverlayRows", "US"},
		{0x601E3000, "OverlayData", "OB OW"},
		{0x60023001, "", ""},
		{0x7F020010, "VariablePixelData", "OB OW"},

		// What has no keyword, or is none of the dictionary's.
		{0x00080000, "", "UL"},
		{0x60020000, "", "UL"},
		{0x00090000, "", "UL"},
		{0x00090010, "", "LO"},
		{0x60010010, "", "LO"},
		{0x60010011, "", "LO"},
		{0x00091001, "", ""},
		{0x00100011, "", ""},
		{0xFFFEE000, "", ""},
	} {
		a, found := Lookup(c.tag)
		if found != (c.vrs != "") || a.Keyword != c.keyword || a.VRs != c.vrs || found && a.Tag != c.tag {
			t.Errorf("Lookup(%v) = %+v, %v", c.tag, a, found)
		}
		if got := c.tag.Keyword(); got != c.keyword {
			t.Errorf("%v.Keyword() = %q", c.tag, got)
		}
		want, _, _ := strings.Cut(c.vrs, " ")
		if want == "" {
			want = "UN"
		}
		if got := c.tag.VR(); got != VR(want) {
			t.Errorf("%v.VR() = %s, want %s", c.tag, got, want)
		}
	}
}

func TestLookupKeyword(t *testing.T) {
	for _, c := range []struct {
		keyword string
		want    Tag
	}{
		{"PatientName", 0x00100010},
		{"OverlayData", 0x60003000},
		{"TransformLabel", 0x00280400},
		{"patientname", 0},
		{"Item", 0},
		{"", 0},
	} {
		if a, found := LookupKeyword(c.keyword); a.Tag != c.want || found != (c.want != 0) {
			t.Errorf("LookupKeyword(%q) = %v, %v", c.keyword, a.Tag, found)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	for b.Loop() {
		Lookup(PixelData)
		Lookup(PatientName)
	}
}
