package part10

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// compareFolded scans a file again, folding whatever can be: it has to be what it is where nothing is folded.
func compareFolded(t *testing.T, file []byte, limits Limits, want *File) {
	t.Helper()
	limits.fold = 1
	got, err := Scan(bytes.NewReader(file), limits)
	if err != nil {
		var fault *FormatError // what is folded may be counted as more than what is not, where it is short
		if errors.As(err, &fault) && fault.Reason == LimitExceeded && want.Memory > limits.Header/2 && limits.Header > 0 {
			return
		}
		t.Fatalf("folded: %v", err)
	}
	if a, b := jsonOf(t, got.DataSet), jsonOf(t, want.DataSet); a != b {
		t.Errorf("folded: %s\nand not: %s", a, b)
	}
	if !reflect.DeepEqual(got.Layout, want.Layout) {
		t.Errorf("folded: %v\nand not: %v", got.Layout, want.Layout)
	}
	if !reflect.DeepEqual(got.Warnings, want.Warnings) {
		t.Errorf("folded: %q\nand not: %q", got.Warnings, want.Warnings)
	}
}

func jsonOf(t *testing.T, ds *dicom.DataSet) string {
	t.Helper()
	text, err := ds.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestUnsettledItems: Pixel Representation may come after a sequence that has begun to be folded, and say how numbers in it were meant.
func TestUnsettledItems(t *testing.T) {
	settled := item(implicit(dicom.ReferencedSOPInstanceUID, "1.2\x00"))
	unsettled := item(implicit(dicom.RealWorldValueFirstValueMapped, "\xFF\xFF"))
	sign := implicit(dicom.PixelRepresentation, u16(1))
	file := part10File(ivle, implicit(dicom.ReferencedImageSequence, settled+settled+unsettled+settled), sign)
	f := mustScan(t, file, Limits{fold: 1})
	want := "00081140 SQ [00081155 UI 1.2][00081155 UI 1.2][00409216 SS -1][00081155 UI 1.2]; 00280103 US 1"
	if got := dump(f.DataSet); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	compareFolded(t, []byte(file), Limits{}, mustScan(t, file, Limits{}))
}

// TestAlienSequence: what does not belong into a data set does not come into it by being long.
func TestAlienSequence(t *testing.T) {
	inner := implicit(dicom.ReferencedSOPInstanceUID, "1.2\x00")
	file := part10File(evle, explicit(dicom.StudyID, "SH", "A "), explicitHeader(0x00020999, "UN", open), openItem(inner), openItem(inner), sequenceEnd,
		explicit(dicom.SeriesNumber, "IS", "1 "))
	if got := dump(mustScan(t, file, Limits{fold: 1}).DataSet); got != "00200010 SH A; 00200011 IS 1" {
		t.Errorf("got %s", got)
	}
}

// TestNamesOfFolded: a refusal names the instance, though what named it was folded before the fault.
func TestNamesOfFolded(t *testing.T) {
	file := part10File(evle, sopExplicit, explicit(dicom.PatientName, "PN", "A^B "), tagBytes(dicom.Rows)+"US")
	f, err := Scan(strings.NewReader(file), Limits{fold: 1})
	if err == nil || f.DataSet.UID(dicom.SOPInstanceUID) == "" || f.DataSet.Has(dicom.PatientName) {
		t.Errorf("%v: %s", err, dump(f.DataSet))
	}
}

// TestFoldedInParts: a data set that is folded several times, with a tag that comes again after that.
func TestFoldedInParts(t *testing.T) {
	var b strings.Builder
	want := &dicom.DataSet{}
	for i := range dicom.Tag(30_000) {
		tag := dicom.NewTag(0x6001, 0x1000) + (i*7919)%29_000 // each once, a thousand twice, in no order
		value := strings.Repeat("x", 2*int(i%20))
		b.WriteString(explicit(tag, "LT", value))
		if !want.Has(tag) {
			want.SetStrings(tag, dicom.LT, value)
		}
	}
	f := mustScan(t, part10File(evle, b.String()), Limits{})
	if got := jsonOf(t, f.DataSet); got != jsonOf(t, want) {
		t.Error("it is another data set")
	}
	if f.Memory > 8<<20 {
		t.Errorf("%d bytes are counted for 29,000 elements", f.Memory)
	}
}
