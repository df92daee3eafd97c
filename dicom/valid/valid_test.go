package valid

import (
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

func TestValues(t *testing.T) {
	for _, test := range []struct {
		vr      dicom.VR
		value   string
		allowed bool
	}{
		{dicom.AE, "STORE_SCP", true}, {dicom.AE, "12345678901234567", false}, {dicom.AE, "A\nB", false},
		{dicom.AS, "018M", true}, {dicom.AS, "18M", false}, {dicom.AS, "018m", false},
		{dicom.CS, "ORIGINAL", true}, {dicom.CS, "A_1 B", true}, {dicom.CS, "original", false}, {dicom.CS, "A-B", false},
		{dicom.DA, "20240229", true}, {dicom.DA, "20230229", false}, {dicom.DA, "2024.02.29", false}, {dicom.DA, "202402", false},
		{dicom.DS, "-1.5E+3", true}, {dicom.DS, " 1 ", true}, {dicom.DS, "1,5", false}, {dicom.DS, "NaN", false}, {dicom.DS, "0x10", false},
		{dicom.DS, "1.23456789012345678", false},
		{dicom.DT, "2024", true}, {dicom.DT, "20240229235960.123456+0100", true}, {dicom.DT, "202402291", false}, {dicom.DT, "20241301", false},
		{dicom.DT, "20240229-2500", false},
		{dicom.IS, "-2147483648", true}, {dicom.IS, "2147483648", false}, {dicom.IS, "1.0", false},
		{dicom.LO, "Müller's", true}, {dicom.LO, strings.Repeat("ü", 64), true}, {dicom.LO, strings.Repeat("x", 65), false}, {dicom.LO, "a\uFFFDb", false},
		{dicom.LO, "line\nbreak", false}, {dicom.LT, "line\nbreak", true},
		{dicom.PN, "Yamada^Tarou=山田^太郎=やまだ^たろう", true}, {dicom.PN, "a^b^c^d^e^f", false}, {dicom.PN, "a=b=c=d", false},
		{dicom.TM, "23", true}, {dicom.TM, "235960.1", true}, {dicom.TM, "2360", false}, {dicom.TM, "23:59", false}, {dicom.TM, "2359.5", false},
		{dicom.UI, "1.2.840", true}, {dicom.UI, "1.02", false}, {dicom.UI, "1..2", false}, {dicom.UI, "1.2.é", false},
		{dicom.UR, "https://pacs.example/a", true}, {dicom.UR, "a b", false},
	} {
		if wrong := text(test.vr, test.value); (wrong == "") != test.allowed {
			t.Errorf("%s %q: %q", test.vr, test.value, wrong)
		}
	}
}

func TestMultiplicities(t *testing.T) {
	for vm, want := range map[string]string{
		"1": "1", "3": "3", "1-3": "1 2 3", "1-n": "1 2 3 4 5 6 7", "2-n": "2 3 4 5 6 7", "2-2n": "2 4 6", "3-3n": "3 6", "1-2": "1 2",
	} {
		var allowed []string
		for n := 1; n <= 7; n++ {
			if allows(vm, n) {
				allowed = append(allowed, string(rune('0'+n)))
			}
		}
		if got := strings.Join(allowed, " "); got != want {
			t.Errorf("%s allows %s, want %s", vm, got, want)
		}
	}
}

// TestCheck finds what is wrong in each place, never a value, and no more than is wanted.
func TestCheck(t *testing.T) {
	ds := &dicom.DataSet{}
	for _, tag := range append(append([]dicom.Tag{}, common.one...), common.two...) {
		ds.SetStrings(tag, tag.VR())
	}
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.104.1") // Encapsulated PDF
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, "1.2.3")
	ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, "1.2.3")
	ds.SetStrings(dicom.SeriesInstanceUID, dicom.UI, "1.2.3")
	ds.SetStrings(dicom.Modality, dicom.CS, "DOC", "secret")
	ds.SetStrings(dicom.PatientName, dicom.LO, "secret")
	item := &dicom.DataSet{}
	item.SetStrings(dicom.CodeValue, dicom.SH, "secret secret secret")
	ds.SetItems(dicom.ConceptNameCodeSequence, &dicom.DataSet{}, item)
	ds.Set(dicom.Element{Tag: dicom.EncapsulatedDocument, VR: dicom.OB, Value: dicom.Bulk{URI: "bulkdata/00420011"}})
	ds.SetStrings(dicom.DocumentTitle, dicom.ST)
	want := []string{
		"00200013: missing, type 1", "00280301: missing, type 1", "00420012: missing, type 1", "00080023: missing, type 2",
		"00080033: missing, type 2",
		"00080060: value 2 of VR CS has characters that it cannot have", "00080060: 2 values, not 1",
		"00100010: VR LO, not PN", "0040A043.2.00080100: value of VR SH has more than 16 characters",
	}
	found := Check(ds, 100)
	for i, f := range found {
		if i >= len(want) || f.String() != want[i] {
			t.Errorf("found %q", f)
		}
	}
	if len(found) != len(want) {
		t.Errorf("%d findings, want %d", len(found), len(want))
	}
	if got := Check(ds, 3); len(got) != 3 {
		t.Errorf("%d findings, 3 are wanted at most", len(got))
	}
}

// TestModules looks classes up.
func TestModules(t *testing.T) {
	for class, want := range map[dicom.UID]int{
		"1.2.840.10008.5.1.4.1.1.1.1.1": 0, "1.2.840.10008.5.1.4.1.1.2": 7, "1.2.840.10008.5.1.4.1.1.2.1": 6, "1.2.840.10008.5.1.4.1.1.2.2": 0,
		"1.2.840.10008.5.1.4.1.1.88.33": 8, "1.2.840.10008.5.1.4.1.1.88.59": 6, "1.2.840.10008.5.1.4.1.1.9.1.1": 5,
		"1.2.840.10008.5.1.4.1.1": 0, "1.2.840.10008.5.1.4.1.11": 0, "1.2.3": 0, "": 0,
	} {
		if got := len(moduleOf(class).one); got != want {
			t.Errorf("%s: %d attributes of type 1, want %d", class, got, want)
		}
	}
}
