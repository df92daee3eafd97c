package dicom

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<NativeDicomModel xml:space="preserve">`

func TestAppendXML(t *testing.T) {
	item := &DataSet{}
	item.SetStrings(CodeValue, SH, "A1")
	ds := &DataSet{}
	ds.SetInts(0x00080000, UL, 8)
	ds.SetStrings(ImageType, CS, "ORIGINAL", "", "AXIAL")
	ds.SetStrings(StudyDescription, LO)
	ds.SetItems(ProcedureCodeSequence, item, &DataSet{})
	ds.SetStrings(0x00090010, LO, "ACME <1>")
	ds.SetStrings(0x00090011, LO, "NOBODY")
	ds.SetStrings(0x00091001, LO, "x")
	ds.SetStrings(0x00091201, LO, "y")
	ds.SetStrings(PatientName, PN, "A^B^^D^E=山田^太郎", "==ﾔﾏﾀﾞ", "")
	ds.SetStrings(PatientComments, LT, "a<b>&\"\r\n\x1b")
	ds.SetInts(Rows, US, 512)
	ds.Set(Element{FrameIncrementPointer, AT, Tags{0x0018106A}})
	ds.Set(Element{RedPaletteColorLookupTableData, OW, Bytes{1, 2, 3, 0}})
	ds.Set(Element{GreenPaletteColorLookupTableData, OW, Bulk{"bulkdata/00281202"}})
	ds.Set(Element{RealWorldValueSlope, FD, Floats{0.5, math.NaN(), math.Inf(1), math.Inf(-1)}})
	want := xmlHead +
		`<DicomAttribute tag="00080008" vr="CS" keyword="ImageType"><Value number="1">ORIGINAL</Value><Value number="2"></Value>` +
		`<Value number="3">AXIAL</Value></DicomAttribute>` +
		`<DicomAttribute tag="00081030" vr="LO" keyword="StudyDescription"></DicomAttribute>` +
		`<DicomAttribute tag="00081032" vr="SQ" keyword="ProcedureCodeSequence"><Item number="1">` +
		`<DicomAttribute tag="00080100" vr="SH" keyword="CodeValue"><Value number="1">A1</Value></DicomAttribute></Item>` +
		`<Item number="2"></Item></DicomAttribute>` +
		`<DicomAttribute tag="00090011" vr="LO"><Value number="1">NOBODY</Value></DicomAttribute>` +
		`<DicomAttribute tag="00090001" vr="LO" privateCreator="ACME &lt;1&gt;"><Value number="1">x</Value></DicomAttribute>` +
		`<DicomAttribute tag="00091201" vr="LO"><Value number="1">y</Value></DicomAttribute>` +
		`<DicomAttribute tag="00100010" vr="PN" keyword="PatientName"><PersonName number="1"><Alphabetic><FamilyName>A</FamilyName>` +
		`<GivenName>B</GivenName><NamePrefix>D</NamePrefix><NameSuffix>E</NameSuffix></Alphabetic>` +
		`<Ideographic><FamilyName>山田</FamilyName><GivenName>太郎</GivenName></Ideographic></PersonName>` +
		`<PersonName number="2"><Phonetic><FamilyName>ﾔﾏﾀﾞ</FamilyName></Phonetic></PersonName><PersonName number="3"></PersonName></DicomAttribute>` +
		`<DicomAttribute tag="00104000" vr="LT" keyword="PatientComments"><Value number="1">a&lt;b&gt;&amp;&#34;&#13;&#10;` + "\uFFFD" +
		`</Value></DicomAttribute>` +
		`<DicomAttribute tag="00280009" vr="AT" keyword="FrameIncrementPointer"><Value number="1">0018106A</Value></DicomAttribute>` +
		`<DicomAttribute tag="00280010" vr="US" keyword="Rows"><Value number="1">512</Value></DicomAttribute>` +
		`<DicomAttribute tag="00281201" vr="OW" keyword="RedPaletteColorLookupTableData"><InlineBinary>AQIDAA==</InlineBinary></DicomAttribute>` +
		`<DicomAttribute tag="00281202" vr="OW" keyword="GreenPaletteColorLookupTableData"><BulkData uri="bulkdata/00281202"/></DicomAttribute>` +
		`<DicomAttribute tag="00409225" vr="FD" keyword="RealWorldValueSlope"><Value number="1">0.5</Value><Value number="2">NaN</Value>` +
		`<Value number="3">INF</Value><Value number="4">-INF</Value></DicomAttribute></NativeDicomModel>`
	got, err := ds.AppendXML(nil)
	if err != nil || string(got) != want {
		t.Fatalf("%v\n got %s\nwant %s", err, got, want)
	}

	back, err := ParseXML(bytes.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	ds.Delete(0x00080000)
	ds.SetStrings(PatientComments, LT, "a<b>&\"\r\n\uFFFD")
	if !back.Equal(ds) {
		got, _ := back.AppendXML(nil)
		t.Errorf("does not read back as it was: %s", got)
	}
}

func TestParseXML(t *testing.T) {
	for _, c := range []struct{ what, in, want string }{
		{"pretty and other spellings", `<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">
			<DicomAttribute Tag="00100020" VR="LO" Keyword="PatientID">
				<Value number="1"> P1 </Value>
			</DicomAttribute> <Other><x/></Other>
			<DicomAttribute keyword="Rows"><Value>512</Value></DicomAttribute>
			<DicomAttribute tag="0008103e"/>
			</NativeDicomModel>`,
			`{"0008103E":{"vr":"LO"},"00100020":{"vr":"LO","Value":["P1"]},"00280010":{"vr":"US","Value":[512]}}`},
		{"Latin-1", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><NativeDicomModel><DicomAttribute tag=\"00100020\" vr=\"LO\">" +
			"<Value number=\"1\">\xe4</Value></DicomAttribute></NativeDicomModel>", `{"00100020":{"vr":"LO","Value":["ä"]}}`},
		{"UTF-16, little endian", utf16Text(binary.LittleEndian, "\uFEFF"+utf16Document), `{"00100020":{"vr":"LO","Value":["ä𝄞"]}}`},
		{"UTF-16, big endian", utf16Text(binary.BigEndian, "\uFEFF"+utf16Document), `{"00100020":{"vr":"LO","Value":["ä𝄞"]}}`},
		{"UTF-16 without a byte order mark", utf16Text(binary.LittleEndian, utf16Document), `{"00100020":{"vr":"LO","Value":["ä𝄞"]}}`},
		{"UTF-8 that says UTF-16", utf16Document, `{"00100020":{"vr":"LO","Value":["ä𝄞"]}}`},
		{"text keeps its blanks", doc(`<DicomAttribute tag="00104000" vr="LT"><Value number="1">  a&#13;
b</Value></DicomAttribute>`), `{"00104000":{"vr":"LT","Value":["  a\r\nb"]}}`},
		{"UN of a known attribute", doc(`<DicomAttribute tag="00080060" vr="UN"><Value number="1">CT</Value></DicomAttribute>`),
			`{"00080060":{"vr":"CS","Value":["CT"]}}`},
		{"empty", doc(`<DicomAttribute tag="00080060" vr="CS"><Value number="1"></Value></DicomAttribute>` +
			`<DicomAttribute tag="00281201" vr="OW"><InlineBinary/></DicomAttribute>` +
			`<DicomAttribute tag="00100010" vr="PN"><PersonName number="1"><Alphabetic/></PersonName></DicomAttribute>`),
			`{"00080060":{"vr":"CS"},"00100010":{"vr":"PN"},"00281201":{"vr":"OW"}}`},
		{"base64 in lines", doc("<DicomAttribute tag=\"00281201\" vr=\"OW\"><InlineBinary>\n AQID\n AA==\n</InlineBinary></DicomAttribute>"),
			`{"00281201":{"vr":"OW","InlineBinary":"AQIDAA=="}}`},
		{"private blocks", doc(`<DicomAttribute tag="00090010" vr="LO"><Value number="1">A</Value></DicomAttribute>` +
			`<DicomAttribute tag="00090001" vr="LO" privateCreator="B"><Value number="1">b1</Value></DicomAttribute>` +
			`<DicomAttribute tag="00090001" vr="LO" privateCreator="A"><Value number="1">a1</Value></DicomAttribute>` +
			`<DicomAttribute tag="00091102" vr="LO" privateCreator="B"><Value number="1">b2</Value></DicomAttribute>`),
			`{"00090010":{"vr":"LO","Value":["A"]},"00090011":{"vr":"LO","Value":["B"]},"00091001":{"vr":"LO","Value":["a1"]},` +
				`"00091101":{"vr":"LO","Value":["b1"]},"00091102":{"vr":"LO","Value":["b2"]}}`},
		{"two blocks of one creator", doc(`<DicomAttribute tag="00090001" vr="LO" privateCreator="A"><Value number="1">1</Value></DicomAttribute>` +
			`<DicomAttribute tag="00090001" vr="LO" privateCreator="A"><Value number="1">2</Value></DicomAttribute>`),
			`{"00090010":{"vr":"LO","Value":["A"]},"00090011":{"vr":"LO","Value":["A"]},` +
				`"00091001":{"vr":"LO","Value":["1"]},"00091101":{"vr":"LO","Value":["2"]}}`},
	} {
		ds, err := ParseXML(strings.NewReader(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if got, err := ds.AppendJSON(nil); err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", c.what, err, got, c.want)
		}
	}
}

const utf16Document = `<?xml version="1.0" encoding="utf-16"?><NativeDicomModel><DicomAttribute tag="00100020" vr="LO"><Value number="1">ä𝄞</Value>` +
	`</DicomAttribute></NativeDicomModel>`

func utf16Text(order binary.AppendByteOrder, s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func doc(attributes string) string { return xmlHead + attributes + `</NativeDicomModel>` }

func TestParseXMLErrors(t *testing.T) {
	many := strings.Repeat(`<DicomAttribute tag="00090001" vr="LO" privateCreator="A"/>`, 241)
	for _, c := range []struct{ in, want string }{
		{``, "not well-formed"},
		{`<x/>`, "one NativeDicomModel expected"},
		{doc("") + `<NativeDicomModel/>`, "and nothing else"},
		{xmlHead, "not well-formed"},
		{`<!DOCTYPE x [<!ENTITY e "x">]>` + doc(""), "document type declarations"},
		{doc(`<DicomAttribute tag="00100020" vr="LO"><Value>&e;</Value></DicomAttribute>`), "not well-formed"},
		{"<?xml version=\"1.0\" encoding=\"EUC-KR\"?>" + doc(""), "character set"},
		{"\xFE\xFF\x00<\x00x", "not well-formed"},
		{doc(`<DicomAttribute vr="LO"/>`), "without a tag"},
		{doc(`<DicomAttribute tag="00100020" vr="XX"/>`), "unknown vr"},
		{doc(`<DicomAttribute tag="00100020"/><DicomAttribute tag="00100020"/>`), "00100020 twice"},
		{doc(`<DicomAttribute tag="00100020" vr="LO"><Value number="2">x</Value></DicomAttribute>`), "another number"},
		{doc(`<DicomAttribute tag="00100020" vr="LO"><Value><x/></Value></DicomAttribute>`), "text expected"},
		{doc(`<DicomAttribute tag="00100020" vr="LO"><Item/></DicomAttribute>`), "Item with VR LO"},
		{doc(`<DicomAttribute tag="00100020" vr="LO"><PersonName/></DicomAttribute>`), "PersonName with VR LO"},
		{doc(`<DicomAttribute tag="00100020" vr="LO"><Value/><BulkData uri="x"/></DicomAttribute>`), "both Value and BulkData"},
		{doc(`<DicomAttribute tag="00081140" vr="SQ"><Value>x</Value></DicomAttribute>`), "Value with VR SQ"},
		{doc(`<DicomAttribute tag="00081140" vr="SQ"><BulkData uri="x"/></DicomAttribute>`), "of a sequence"},
		{doc(`<DicomAttribute tag="00280010" vr="US"><Value>70000</Value></DicomAttribute>`), "out of the range"},
		{doc(`<DicomAttribute tag="00281201" vr="OW"><InlineBinary>*</InlineBinary></DicomAttribute>`), "not base64"},
		{doc(`<DicomAttribute tag="00281201" vr="LO"><InlineBinary>AAAA</InlineBinary></DicomAttribute>`), "InlineBinary with VR LO"},
		{doc(many), "no block left"},
		{xmlHead + strings.Repeat(`<DicomAttribute tag="0040A730" vr="SQ"><Item>`, 100), "nested more than 64 deep"},
	} {
		if _, err := ParseXML(strings.NewReader(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.120s: %v, want %s", c.in, err, c.want)
		}
	}
}

// FuzzXML: whatever is read can be written, and reads back as the same, but for the numbers of private blocks.
func FuzzXML(f *testing.F) {
	f.Add([]byte(doc(`<DicomAttribute tag="00100010" vr="PN"><PersonName number="1"><Alphabetic><FamilyName>A</FamilyName></Alphabetic></PersonName></DicomAttribute>`)))
	f.Add([]byte(doc(`<DicomAttribute tag="00081140" vr="SQ"><Item number="1"><DicomAttribute tag="00090001" vr="LO" privateCreator="A"><Value number="1">x</Value></DicomAttribute></Item></DicomAttribute>`)))
	f.Add([]byte(doc(`<DicomAttribute tag="00281201" vr="OW"><InlineBinary>AQIDAA==</InlineBinary></DicomAttribute><DicomAttribute tag="00409225" vr="FD"><Value>INF</Value></DicomAttribute>`)))
	f.Fuzz(func(t *testing.T, in []byte) {
		ds, err := ParseXML(bytes.NewReader(in))
		if err != nil {
			return
		}
		out, err := ds.AppendXML(nil)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseXML(bytes.NewReader(out))
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if !withoutPrivate(back).Equal(withoutPrivate(ds)) {
			t.Fatalf("changed on the way: %s", out)
		}
		text, err := ds.AppendJSON(nil)
		if err != nil || back.UnmarshalJSON(text) != nil {
			t.Fatal(err)
		}
		sameXML(t, back, text)
	})
}

func withoutPrivate(ds *DataSet) *DataSet {
	kept := &DataSet{}
	for e := range ds.All() {
		if e.Tag.IsPrivate() {
			continue
		}
		if items, ok := e.Value.(Items); ok {
			items = slices.Clone(items)
			for i := range items {
				items[i] = withoutPrivate(items[i])
			}
			e.Value = items
		}
		kept.Set(e)
	}
	return kept
}
