package dicom

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// sameXML holds WriteXML, which reads a text, to AppendXML of the data set that is read from the text.
func sameXML(t *testing.T, ds *DataSet, text []byte) {
	t.Helper()
	want, err := ds.AppendXML(nil)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := WriteXML(&got, text, func(uri string) string { return uri }); err != nil || got.String() != string(want) {
		t.Fatalf("%v\n got %s\nwant %s", err, got.String(), want)
	}
}

func TestWriteXML(t *testing.T) {
	private := func(creators ...string) *DataSet {
		ds := &DataSet{}
		for i, creator := range creators {
			ds.SetStrings(NewTag(9, uint16(0x10+i)), LO, creator)
		}
		return ds
	}
	blocks := private("USED", "UNUSED", "", "LAST")
	blocks.SetStrings(0x00090001, LO, "before all creators")
	blocks.SetInts(0x00091000, US, 1)
	blocks.SetStrings(0x00091201, LO, "of a creator without a name")
	blocks.SetItems(0x00091302, blocks.Clone(), &DataSet{})
	blocks.SetStrings(0x00092001, LO, "of none")
	blocks.SetStrings(0x000B0010, LO, "THE NEXT GROUP")
	blocks.Set(Element{0x000B0011, UN, Bytes("a creator of bytes")})
	blocks.Set(Element{0x000B1101, UN, Bytes{1, 2}})
	values := &DataSet{}
	values.SetStrings(PatientName, PN, "A^B=C", "", "==D")
	values.SetStrings(PatientComments, LT, "<&>\r\n\x1b\uFFFE")
	values.SetStrings(WindowCenter, DS, "1.0", "", "+2")
	values.Set(Element{RealWorldValueSlope, FD, Floats{0.5, math.NaN(), math.Inf(-1)}})
	values.Set(Element{0x00720082, SV, Ints{math.MinInt64, 1}})
	values.Set(Element{0x00720083, UV, Uints{math.MaxUint64}})
	values.Set(Element{FrameIncrementPointer, AT, Tags{0x0018106A, 0x00181063}})
	values.Set(Element{RedPaletteColorLookupTableData, OW, Bytes{1, 2, 3, 0}})
	values.Set(Element{GreenPaletteColorLookupTableData, OW, Bulk{"bulkdata/<&>"}})
	many := &DataSet{}
	for i := range 3000 {
		many.SetStrings(NewTag(0x6001, uint16(0x1000+i)), SH, strings.Repeat("x", i%40), "b")
	}
	many.SetStrings(0x60010010, LO, "A CREATOR")
	nested := &DataSet{}
	for range maxDepth {
		outer := private("ONE")
		outer.SetItems(0x00091001, nested)
		nested = outer
	}
	for name, ds := range map[string]*DataSet{"none": {}, "blocks": blocks, "values": values, "many": many, "nested": nested} {
		t.Run(name, func(t *testing.T) {
			text, err := ds.AppendJSON(nil)
			if err != nil {
				t.Fatal(err)
			}
			back := &DataSet{}
			if err := back.UnmarshalJSON(text); err != nil {
				t.Fatal(err)
			}
			sameXML(t, back, text)
			for end := range min(len(text), 2000) {
				if err := WriteXML(&bytes.Buffer{}, text[:end], strings.ToUpper); err == nil {
					t.Errorf("a text that ends at byte %d is taken", end)
				}
			}
			if err := WriteXML(full{}, text, strings.ToUpper); !errors.Is(err, errFull) {
				t.Errorf("the error of the writer: %v", err)
			}
		})
	}
}

var errFull = fmt.Errorf("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteXMLRefuses(t *testing.T) {
	deep := strings.Repeat(`{"00400275":{"vr":"SQ","Value":[`, maxDepth+1) + "{}" + strings.Repeat(`]}}`, maxDepth+1)
	for _, text := range []string{
		"", "null", "{}{}", `{"x":{"vr":"LO"}}`, `{"00100020":{}}`, `{"00100020":{"Value":["1"],"vr":"LO"}}`, `{"00100020":{"vr":"XX"}}`,
		`{"00100020":{"vr":"LO","Other":1}}`, `{"00281201":{"vr":"OW","Value":[1]}}`, `{"00280010":{"vr":"US","Value":["x"]}}`, deep,
		`{"00090010":{"vr":"LO","Value":["A"]},"00091001":`, `{"00090010":`,
	} {
		if err := WriteXML(&bytes.Buffer{}, []byte(text), strings.ToUpper); err == nil {
			t.Errorf("%.80s is taken", text)
		}
	}
}
