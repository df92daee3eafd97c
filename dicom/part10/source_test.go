package part10

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

func sourceOf(s string) Source { return io.NewSectionReader(strings.NewReader(s), 0, int64(len(s))) }

// Values that are read when their turn comes lie in the file as those that are in memory do, at any depth, padded by their VR.
func TestWriteSources(t *testing.T) {
	inner := &dicom.DataSet{}
	inner.Set(dicom.Element{Tag: dicom.WaveformData, VR: dicom.OW, Value: dicom.Bulk{URI: "wave"}})
	inner.SetInts(dicom.WaveformBitsAllocated, dicom.US, 16)
	beside := &dicom.DataSet{}
	beside.SetInts(dicom.WaveformBitsAllocated, dicom.US, 8)
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, "1.2.3")
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, "1.2.4")
	ds.SetItems(dicom.WaveformSequence, inner, beside)
	ds.SetInts(dicom.Rows, dicom.US, 1)
	ds.SetInts(dicom.Columns, dicom.US, 6)
	ds.SetInts(dicom.BitsAllocated, dicom.US, 8)
	ds.Set(dicom.Element{Tag: dicom.TextValue, VR: dicom.UT, Value: dicom.Bulk{URI: "text"}})
	ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OB, Value: dicom.Bulk{URI: "pixels"}})
	values := map[string]string{"wave": strings.Repeat("wave", 1000), "text": "odd", "pixels": "12345"}
	open := func(b dicom.Bulk) (Source, error) { return sourceOf(values[b.URI]), nil }

	var out bytes.Buffer
	if err := Write(&out, ds, WriteOptions{Bulk: open}); err != nil {
		t.Fatal(err)
	}
	file, err := Scan(bytes.NewReader(out.Bytes()), Limits{Inline: 1 << 20})
	if err != nil || len(file.Warnings) > 0 {
		t.Fatal(err, file.Warnings)
	}
	items := file.DataSet.Items(dicom.WaveformSequence)
	if len(items) != 2 || !items[1].Has(dicom.WaveformBitsAllocated) {
		t.Fatalf("items %v", items)
	}
	if e, _ := items[0].Get(dicom.WaveformData); string(e.Value.(dicom.Bytes)) != values["wave"] {
		t.Error("the nested value is another")
	}
	if s := file.DataSet.String(dicom.TextValue); s != "odd" {
		t.Errorf("text %q", s)
	}
	if p := file.Layout.Pixel; string(out.Bytes()[p.Value.Offset:][:p.Value.Length]) != "12345\x00" {
		t.Error("pixels are others")
	}
}

// FrameSources and Frames give the same bytes.
func TestWriteFrameSources(t *testing.T) {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, "1.2.3")
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, "1.2.4")
	for _, table := range []OffsetTable{BasicOffsetTable, NoOffsetTable, ExtendedOffsetTable} {
		var a, b bytes.Buffer
		o := WriteOptions{TransferSyntax: dicom.RLELossless, OffsetTable: table}
		o.Frames = [][]byte{[]byte("one"), []byte("second")}
		if err := Write(&a, ds, o); err != nil {
			t.Fatal(err)
		}
		o.Frames, o.FrameSources = nil, []Source{sourceOf("one"), sourceOf("second")}
		if err := Write(&b, ds, o); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("table %d: the files differ", table)
		}
	}
}

type shortSource struct{ Source }

func (shortSource) Size() int64 { return 100 }

// A value that cannot be had, or ends early, is an error that names the element.
func TestWriteSourceFails(t *testing.T) {
	gone := errors.New("gone")
	ds := &dicom.DataSet{}
	ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OB, Value: dicom.Bulk{URI: "pixels"}})
	err := Write(io.Discard, ds, WriteOptions{Bulk: func(dicom.Bulk) (Source, error) { return nil, gone }})
	if !errors.Is(err, gone) || !strings.Contains(err.Error(), "7FE00010") {
		t.Error(err)
	}
	err = Write(io.Discard, ds, WriteOptions{Bulk: func(dicom.Bulk) (Source, error) { return shortSource{sourceOf("12")}, nil }})
	if err == nil || !strings.Contains(err.Error(), "2 of 100") {
		t.Error(err)
	}
	if err := Write(io.Discard, ds, WriteOptions{}); err == nil {
		t.Error("a Bulk that nobody opens was written")
	}
}
