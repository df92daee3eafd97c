package part10

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// sample holds a value of every kind.
func sample() *dicom.DataSet {
	ds := &dicom.DataSet{}
	inner := &dicom.DataSet{}
	inner.SetStrings(dicom.PatientName, dicom.PN, "山田^太郎")
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.7")
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, "1.2.3.4")
	ds.SetStrings(dicom.ImageType, dicom.CS, "ORIGINAL", "", "AXIAL")
	ds.SetItems(dicom.ReferencedStudySequence, inner, &dicom.DataSet{})
	ds.SetItems(dicom.ReferencedSeriesSequence)
	ds.SetStrings(dicom.PatientName, dicom.PN, "Müller^Ärzte=山田=やまだ")
	ds.SetStrings(dicom.PatientID, dicom.LO)
	ds.SetInts(dicom.PixelRepresentation, dicom.US, 1)
	ds.SetInts(dicom.PixelPaddingValue, dicom.SS, -2000)
	ds.Set(dicom.Element{Tag: dicom.FrameIncrementPointer, VR: dicom.AT, Value: dicom.Tags{dicom.FrameTime}})
	ds.Set(dicom.Element{Tag: dicom.ReferencePixelX0, VR: dicom.SL, Value: dicom.Ints{-7}})
	ds.Set(dicom.Element{Tag: dicom.RealWorldValueSlope, VR: dicom.FD, Value: dicom.Floats{0.1, -2}})
	ds.Set(dicom.Element{Tag: dicom.TableOfXBreakPoints, VR: dicom.UL, Value: dicom.Ints{4294967295}})
	ds.Set(dicom.Element{Tag: dicom.SelectorFLValue, VR: dicom.FL, Value: dicom.Floats{1.5}})
	ds.Set(dicom.Element{Tag: dicom.SelectorSVValue, VR: dicom.SV, Value: dicom.Ints{-1 << 63}})
	ds.Set(dicom.Element{Tag: dicom.SelectorUVValue, VR: dicom.UV, Value: dicom.Uints{1<<64 - 1}})
	ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bytes("pixels")})
	return ds
}

func TestWriteIsRead(t *testing.T) {
	want := sample()
	want.SetStrings(dicom.SpecificCharacterSet, dicom.CS, "ISO_IR 192")
	want.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bulk{URI: "bulkdata/7FE00010"}})
	for _, ts := range []dicom.UID{evle, ivle, evbe, dfle} {
		for _, undefined := range []bool{false, true} {
			var b bytes.Buffer
			if err := Write(&b, sample(), WriteOptions{TransferSyntax: ts, UndefinedLength: undefined}); err != nil {
				t.Fatal(err)
			}
			f := mustScan(t, b.String(), Limits{})
			if got, want := dump(f.DataSet), dump(want); got != want {
				t.Errorf("%s\ngot  %s\nwant %s", ts, got, want)
			}
			if len(f.Warnings) > 1 || len(f.Warnings) == 1 && !strings.Contains(f.Warnings[0], "shorter than its description") {
				t.Errorf("%s: %q", ts, f.Warnings)
			}
			if b.Len()%2 != 0 {
				t.Errorf("%s: %d bytes", ts, b.Len())
			}
			if f.TransferSyntax != ts || f.Meta.UID(dicom.MediaStorageSOPInstanceUID) != "1.2.3.4" ||
				f.Meta.UID(dicom.ImplementationClassUID) != ImplementationClassUID {
				t.Errorf("meta %s", dump(f.Meta))
			}
		}
	}
	if !ImplementationClassUID.Valid() {
		t.Error("the Implementation Class UID is none")
	}
}

func TestWriteFrames(t *testing.T) {
	frames := [][]byte{[]byte(soi("first")), []byte(soi("second")), []byte(soi("3"))}
	for _, table := range []OffsetTable{BasicOffsetTable, NoOffsetTable, ExtendedOffsetTable} {
		ds := &dicom.DataSet{}
		ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, "1.2.3.4")
		ds.SetStrings(dicom.NumberOfFrames, dicom.IS, "3")
		var b bytes.Buffer
		if err := Write(&b, ds, WriteOptions{TransferSyntax: jpeg, Frames: frames, OffsetTable: table}); err != nil {
			t.Fatal(err)
		}
		f := mustScan(t, b.String(), Limits{})
		if len(f.Warnings) > 0 {
			t.Errorf("table %d: %q", table, f.Warnings)
		}
		for i, want := range frames {
			got, ok := frameBytes(f.Layout.Pixel, b.Bytes(), i+1)
			if table != ExtendedOffsetTable {
				want = []byte(padded(string(want)))
			}
			if !ok || string(got) != string(want) {
				t.Errorf("table %d, frame %d: %q, want %q", table, i+1, got, want)
			}
		}
		if ds.Has(dicom.PixelData) {
			t.Error("the data set was changed")
		}
	}
}

func padded(s string) string { return s + strings.Repeat("\x00", len(s)%2) }

func TestWriteText(t *testing.T) {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.SpecificCharacterSet, dicom.CS, "ISO_IR 100")
	ds.SetStrings(dicom.PatientName, dicom.PN, "M\xFCller")
	var raw bytes.Buffer
	if err := Write(&raw, ds, WriteOptions{RawText: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(raw.String(), "ISO_IR 100\x10\x00\x10\x00PN\x06\x00M\xFCller") {
		t.Error("raw text is not written as it is")
	}
	ascii := &dicom.DataSet{}
	ascii.SetStrings(dicom.PatientName, dicom.PN, "Mueller")
	var plain bytes.Buffer
	if err := Write(&plain, ascii, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.String(), utf8Term) {
		t.Error("Specific Character Set where none is needed")
	}
}

func TestWriteLongValue(t *testing.T) {
	ds := &dicom.DataSet{}
	ds.SetInts(dicom.Rows, dicom.US, make([]int64, 40_000)...)
	for _, ts := range []dicom.UID{evle, evbe} {
		var b bytes.Buffer
		if err := Write(&b, ds, WriteOptions{TransferSyntax: ts}); err != nil {
			t.Fatal(err)
		}
		f := mustScan(t, b.String(), Limits{})
		e, _ := f.DataSet.Get(dicom.Rows)
		if v, ok := e.Value.(dicom.Ints); !ok || len(v) != 40_000 || !strings.Contains(b.String(), "UN\x00\x00") {
			t.Errorf("%s: VR %s, value %T", ts, e.VR, e.Value)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, e := range map[string]dicom.Element{
		"bulk":                  {Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bulk{URI: "x"}},
		"a number out of range": {Tag: dicom.Rows, VR: dicom.US, Value: dicom.Ints{-1}},
		"text under a number":   {Tag: dicom.Rows, VR: dicom.US, Value: dicom.Strings{"1"}},
		"numbers under text":    {Tag: dicom.PatientID, VR: dicom.LO, Value: dicom.Ints{1}},
		"floats under integers": {Tag: dicom.Rows, VR: dicom.US, Value: dicom.Floats{1}},
		"no items":              {Tag: dicom.ReferencedStudySequence, VR: dicom.SQ, Value: dicom.Bytes{1}},
		"no VR":                 {Tag: dicom.Rows},
	} {
		ds := &dicom.DataSet{}
		ds.Set(e)
		if err := Write(io.Discard, ds, WriteOptions{}); err == nil {
			t.Errorf("%s is written", name)
		}
	}
}
