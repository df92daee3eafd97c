package part10

import (
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

func TestSequences(t *testing.T) {
	const sq = dicom.ReferencedStudySequence
	a, b := explicit(dicom.PatientID, "LO", "a "), explicit(dicom.PatientID, "LO", "b ")
	after := explicit(dicom.StudyInstanceUID, "UI", "1.2\x00")
	want := "00081110 SQ [00100020 LO a][00100020 LO b]; 0020000D UI 1.2"
	openSQ := explicitHeader(sq, "SQ", open)
	// sequence is one whose length is wrong by some bytes.
	sequence := func(wrong int, content string) string {
		return explicitHeader(sq, "SQ", uint32(len(content)+wrong)) + content
	}
	wrongItem := func(wrong int, content string) string {
		return implicitHeader(dicom.Item, uint32(len(content)+wrong)) + content
	}
	runScans(t, []scanCase{
		{"defined lengths", part10File(evle, sequence(0, item(a)+item(b)), after), want, nil},
		{"undefined lengths", part10File(evle, openSQ, openItem(a), openItem(b), sequenceEnd, after), want, nil},
		{"mixed", part10File(evle, sequence(0, openItem(a)+item(b)), after), want, nil},
		{"mixed otherwise", part10File(evle, openSQ, item(a), openItem(b), sequenceEnd, after), want, nil},
		{"empty", part10File(evle, sequence(0, ""), after), "00081110 SQ; 0020000D UI 1.2", nil},
		{"empty, undefined", part10File(evle, openSQ, sequenceEnd, after), "00081110 SQ; 0020000D UI 1.2", nil},
		{"empty items", part10File(evle, openSQ, item(), openItem(), sequenceEnd, after), "00081110 SQ [][]; 0020000D UI 1.2", nil},
		{"nested", part10File(evle, sequence(0, item(openSQ, openItem(a), sequenceEnd)+openItem(sequence(0, item(b)))), after),
			"00081110 SQ [00081110 SQ [00100020 LO a]][00081110 SQ [00100020 LO b]]; 0020000D UI 1.2", nil},
		{"implicit", part10File(ivle, implicit(sq, item(implicit(dicom.PatientID, "a "))), implicitHeader(sq+1, open),
			openItem(implicit(dicom.PatientID, "b ")), sequenceEnd), "00081110 SQ [00100020 LO a]; 00081111 SQ [00100020 LO b]", nil},
		{"implicit, private", part10File(ivle, implicitHeader(0x00111001, open), openItem(implicit(0x00111002, "ab")), sequenceEnd),
			"00111001 SQ [00111002 UN 6162]", nil},
		{"under another VR", part10File(evle, sopExplicit, explicitHeader(0x00111001, "UT", open), item(a), sequenceEnd),
			sopDump + "; 00111001 SQ [00100020 LO a]", []string{"under another VR"}},

		{"delimiter in an item of defined length", part10File(evle, sequence(0, wrongItem(0, a+itemEnd)+item(b)), after), want,
			[]string{"a delimiter in an item"}},
		{"delimiter after an item of defined length", part10File(evle, openSQ, item(a), item(b), sequenceEnd, sequenceEnd, after), want,
			[]string{"outside of a sequence"}},
		{"delimiter in a sequence of defined length", part10File(evle, sequence(0, item(a)+item(b)+sequenceEnd), after), want,
			[]string{"a delimiter in a sequence"}},
		{"sequence without delimiter", part10File(evle, openSQ, openItem(a), openItem(b), after), want, []string{"without its delimiter"}},
		{"item without delimiter", part10File(evle, openSQ, implicitHeader(dicom.Item, open), a, openItem(b), sequenceEnd, after), want,
			[]string{"without its delimiter"}},
		{"last item without delimiter", part10File(evle, openSQ, openItem(a), implicitHeader(dicom.Item, open), b, sequenceEnd, after), want,
			[]string{"without its delimiter"}},
		{"sequence without delimiter at the end", part10File(evle, openSQ, openItem(a), item(b)), strings.TrimSuffix(want, "; 0020000D UI 1.2"), []string{"the file ends without the delimiter"}},
		{"item too long", part10File(evle, openSQ, wrongItem(8, a), item(b), sequenceEnd, after), want, []string{"longer than its content"}},
		{"item beyond its sequence", part10File(evle, sequence(0, item(a)+wrongItem(100, b)), after), want,
			[]string{"does not end where it says"}},
		{"item of undefined length beyond its sequence", part10File(evle, sequence(0, item(a)+implicitHeader(dicom.Item, open)+b), after), want,
			[]string{"does not end where it says"}},
		{"item shorter than its last element", part10File(evle, openSQ, wrongItem(-1, a), item(b), sequenceEnd, after), want,
			[]string{"does not end where it says"}},
		{"sequence shorter than its last item", part10File(evle, sequence(-2, item(a)+item(b)), after), want,
			[]string{"does not end where it says"}},
	})
}

func TestPathsOfItems(t *testing.T) {
	content := explicit(0x00111001, "OB", string(make([]byte, 2000)))
	f := mustScan(t, part10File(evle, explicit(dicom.ReferencedStudySequence, "SQ",
		item()+item(explicit(dicom.ReferencedSeriesSequence, "SQ", item(content))))), Limits{})
	if got, want := f.Layout.Bulk[0].Path, "00081110.2.00081115.1.00111001"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
