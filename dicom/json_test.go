package dicom

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestAppendJSON(t *testing.T) {
	item := &DataSet{}
	item.SetStrings(CodeValue, SH, "A1")
	for _, c := range []struct {
		what string
		vr   VR
		v    Value
		want string
	}{
		{"empty", LO, nil, ``},
		{"empty text", LO, Strings{""}, ``},
		{"empty values", LO, Strings{"", ""}, `,"Value":[null,null]`},
		{"empty among values", LO, Strings{"bar", "", "foo"}, `,"Value":["bar",null,"foo"]`},
		{"escapes", LT, Strings{"a\"b\\c\r\n\t\f\x1b\u2028"}, `,"Value":["a\"b\\c\r\n\t\u000C\u001B\u2028"]`},
		{"bad UTF-8", LO, Strings{"M\xFCller"}, ",\"Value\":[\"M\uFFFDller\"]"},
		{"UTF-8", LO, Strings{"Müller"}, `,"Value":["Müller"]`},
		{"person name", PN, Strings{"Wang^XiaoDong=王^小東"}, `,"Value":[{"Alphabetic":"Wang^XiaoDong","Ideographic":"王^小東"}]`},
		{"no alphabetic group", PN, Strings{"==よしだ"}, `,"Value":[{"Phonetic":"よしだ"}]`},
		{"empty person name", PN, Strings{"=="}, ``},
		{"empty among person names", PN, Strings{"A", "", "B=="}, `,"Value":[{"Alphabetic":"A"},null,{"Alphabetic":"B"}]`},
		{"numbers as written", DS, Strings{"1.0", "-0.50", "1E5", "0", "1.5e-07"}, `,"Value":[1.0,-0.50,1E5,0,1.5e-07]`},
		{"no JSON numbers", DS, Strings{"+1", ".5", "1.", "007", " 1", "abc", "-", "1e", "NaN"}, `,"Value":["+1",".5","1.","007"," 1","abc","-","1e","NaN"]`},
		{"beyond doubles", DS, Strings{"1e400", "1e-400", "0e-400"}, `,"Value":["1e400","1e-400",0e-400]`},
		{"long decimals", DS, Strings{"0.70710678118654752440"}, `,"Value":[0.70710678118654752440]`},
		{"whole numbers", IS, Strings{"9007199254740992", "9007199254740993", "-9007199254740992", "-9007199254740993"},
			`,"Value":[9007199254740992,"9007199254740993",-9007199254740992,"-9007199254740993"]`},
		{"US", US, Ints{0, 65535}, `,"Value":[0,65535]`},
		{"SV", SV, Ints{-1 << 53, -1<<53 - 1}, `,"Value":[-9007199254740992,"-9007199254740993"]`},
		{"UV", UV, Uints{1 << 53, math.MaxUint64}, `,"Value":[9007199254740992,"18446744073709551615"]`},
		{"FL", FL, Floats{float64(float32(0.1)), 0.5, 1e-7, math.NaN()}, `,"Value":[0.10000000149011612,0.5,1.0000000116860974e-07,"NaN"]`},
		{"FD", FD, Floats{0.1, 1e21, math.Inf(1), math.Inf(-1)}, `,"Value":[0.1,1e+21,"Infinity","-Infinity"]`},
		{"AT", AT, Tags{0x0020000D}, `,"Value":["0020000D"]`},
		{"OB", OB, Bytes{1, 2, 3, 0}, `,"InlineBinary":"AQIDAA=="`},
		{"empty OB", OB, Bytes{}, ``},
		{"bulk", OW, Bulk{URI: "bulkdata/00281201"}, `,"BulkDataURI":"bulkdata/00281201"`},
		{"items", SQ, Items{item, {}}, `,"Value":[{"00080100":{"vr":"SH","Value":["A1"]}},{}]`},
		{"no items", SQ, Items{}, ``},
	} {
		ds := &DataSet{}
		ds.Set(Element{0x00091001, c.vr, c.v})
		got, err := ds.AppendJSON([]byte("x"))
		if want := `x{"00091001":{"vr":"` + string(c.vr) + `"` + c.want + `}}`; err != nil || string(got) != want {
			t.Errorf("%s: %v\n got %s\nwant %s", c.what, err, got, want)
		}
		if !json.Valid(got[1:]) {
			t.Errorf("%s: not JSON: %s", c.what, got)
		}
	}
}

func TestAppendJSONOrder(t *testing.T) {
	ds := &DataSet{}
	ds.SetStrings(0xFFFAFFFA, LO, "z")
	ds.SetInts(0x00080000, UL, 8)
	ds.SetStrings(0x0008103E, LO)
	got, err := ds.MarshalJSON()
	if want := `{"0008103E":{"vr":"LO"},"FFFAFFFA":{"vr":"LO","Value":["z"]}}`; err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}

func TestAppendJSONErrors(t *testing.T) {
	for _, e := range []Element{
		{0x00100010, PN, Ints{1}},
		{0x00100010, "", nil},
		{0x00100010, "XX", Strings{"a"}},
		{0x00280010, US, Strings{"1"}},
		{0x00280010, SQ, Bulk{"x"}},
		{0x00280010, LO, Bytes{1}},
	} {
		ds := &DataSet{}
		ds.Set(e)
		if out, err := ds.AppendJSON(nil); err == nil || !strings.Contains(err.Error(), e.Tag.String()) {
			t.Errorf("%v %T: %s, %v", e.VR, e.Value, out, err)
		}
	}
	if _, err := nested(maxDepth).AppendJSON(nil); err != nil {
		t.Error(err)
	}
	if _, err := nested(maxDepth + 1).AppendJSON(nil); err == nil {
		t.Error("no limit of depth")
	}
}

// nested returns a data set with sequences that deep.
func nested(depth int) *DataSet {
	ds := &DataSet{}
	for range depth {
		outer := &DataSet{}
		outer.SetItems(ContentSequence, ds)
		ds = outer
	}
	return ds
}

func TestUnmarshalJSON(t *testing.T) {
	for _, c := range []struct{ what, in, want string }{
		{"lower-case tag", `{"0008103e":{"vr":"LO","Value":["x"]}}`, `{"0008103E":{"vr":"LO","Value":["x"]}}`},
		{"keyword", `{"PatientID":{"vr":"LO","Value":["x"]}}`, `{"00100020":{"vr":"LO","Value":["x"]}}`},
		{"order of tags", `{"00100020":{"vr":"LO"},"00080060":{"vr":"CS"}}`, `{"00080060":{"vr":"CS"},"00100020":{"vr":"LO"}}`},
		{"value before vr", `{"00080005":{"Value":["ISO_IR 192"],"vr":"CS"}}`, `{"00080005":{"vr":"CS","Value":["ISO_IR 192"]}}`},
		{"no vr", `{"00080018":{"Value":["1.2"]},"00280010":{"vr":null,"Value":[512]}}`,
			`{"00080018":{"vr":"UI","Value":["1.2"]},"00280010":{"vr":"US","Value":[512]}}`},
		{"nested value before vr", `{"00081140":{"Value":[{"00081155":{"Value":["1.2"],"vr":"UI"}}],"vr":"SQ"}}`,
			`{"00081140":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2"]}}]}}`},
		{"lower-case vr", `{"00080060":{"vr":"cs"}}`, `{"00080060":{"vr":"CS"}}`},
		{"UN of a known attribute", `{"00080060":{"vr":"UN","Value":["CT"]}}`, `{"00080060":{"vr":"CS","Value":["CT"]}}`},
		{"nothing", `{"00080060":{}}`, `{"00080060":{"vr":"CS"}}`},
		{"empty values", `{"00080060":{"vr":"CS","Value":[]},"00080061":{"vr":"CS","Value":null},"00080064":{"vr":"CS","Value":[""]},
			"00080070":{"vr":"LO","Value":[null]},"00081140":{"vr":"SQ","Value":[null]},"00280010":{"vr":"US","Value":[null]},
			"00281201":{"vr":"OW","InlineBinary":""},"00281202":{"vr":"OW","InlineBinary":null},"00281203":{"vr":"OW","Value":[]}}`,
			`{"00080060":{"vr":"CS"},"00080061":{"vr":"CS"},"00080064":{"vr":"CS"},"00080070":{"vr":"LO"},"00081140":{"vr":"SQ"},` +
				`"00280010":{"vr":"US"},"00281201":{"vr":"OW"},"00281202":{"vr":"OW"},"00281203":{"vr":"OW"}}`},
		{"null among values", `{"00080008":{"vr":"CS","Value":["A",null,"B"]}}`, `{"00080008":{"vr":"CS","Value":["A",null,"B"]}}`},
		{"empty items", `{"00081140":{"vr":"SQ","Value":[{},null]}}`, `{"00081140":{"vr":"SQ","Value":[{},{}]}}`},
		{"numbers as written", `{"00281053":{"vr":"DS","Value":[1.0, "1.50", 1E2, "+3"]}}`, `{"00281053":{"vr":"DS","Value":[1.0,1.50,1E2,"+3"]}}`},
		{"numbers as strings", `{"00280010":{"vr":"US","Value":["512"," 7 ",5.0,1e2]}}`, `{"00280010":{"vr":"US","Value":[512,7,5,100]}}`},
		{"number as text", `{"00100020":{"vr":"LO","Value":[4711]}}`, `{"00100020":{"vr":"LO","Value":["4711"]}}`},
		{"64 bits", `{"00091001":{"vr":"SV","Value":["-9223372036854775808",1]},"00091002":{"vr":"UV","Value":[18446744073709551615,"3"]}}`,
			`{"00091001":{"vr":"SV","Value":["-9223372036854775808",1]},"00091002":{"vr":"UV","Value":["18446744073709551615",3]}}`},
		{"floats", `{"00189087":{"vr":"FD","Value":["0.5",null,"NaN","-Infinity"]},"00189088":{"vr":"FL","Value":[0.1]}}`,
			`{"00189087":{"vr":"FD","Value":[0.5,"NaN","NaN","-Infinity"]},"00189088":{"vr":"FL","Value":[0.10000000149011612]}}`},
		{"AT", `{"00280009":{"vr":"AT","Value":["0018106a"]}}`, `{"00280009":{"vr":"AT","Value":["0018106A"]}}`},
		{"person name as text", `{"00100010":{"vr":"PN","Value":["A^B==C","D=="]}}`,
			`{"00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B","Phonetic":"C"},{"Alphabetic":"D"}]}}`},
		{"person name", `{"00100010":{"vr":"PN","Value":[{"Phonetic":"C","Ideographic":null,"Other":[{}]},{},null]}}`,
			`{"00100010":{"vr":"PN","Value":[{"Phonetic":"C"},null,null]}}`},
		{"binary", `{"00091001":{"vr":"UN","InlineBinary":"AQIDAA"},"00091002":{"vr":"OB","BulkDataURI":"a/b?c=\"d\""}}`,
			`{"00091001":{"vr":"UN","InlineBinary":"AQIDAA=="},"00091002":{"vr":"OB","BulkDataURI":"a/b?c=\"d\""}}`},
		{"escapes", `{"00104000":{"vr":"LT","Value":["\u00fc\ud83d\ude00\ud83d \/\b\f\n\\\""]}}`,
			"{\"00104000\":{\"vr\":\"LT\",\"Value\":[\"ü😀\uFFFD /\\u0008\\u000C\\n\\\\\\\"\"]}}"},
		{"split text", `{"00104000":{"vr":"LT","Value":["a","b"]}}`, `{"00104000":{"vr":"LT","Value":["a\\b"]}}`},
		{"group length", `{"00080000":{"vr":"UL","Value":[8]}}`, `{}`},
		{"other members", `{"00100020":{"keyword":"PatientID","x":[{"y":[1,true,null]}],"vr":"LO"}}`, `{"00100020":{"vr":"LO"}}`},
		{"white space", " {\n\t\"00100020\" : {\r\n \"vr\" : \"LO\" , \"Value\" : [ \"x\" , \"y\" ] } } ", `{"00100020":{"vr":"LO","Value":["x","y"]}}`},
	} {
		var ds DataSet
		if err := ds.UnmarshalJSON([]byte(c.in)); err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if got, err := ds.AppendJSON(nil); err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", c.what, err, got, c.want)
		}
	}
}

func TestUnmarshalJSONErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{``, `'{' expected`},
		{`[]`, `'{' expected`},
		{`{`, `string expected`},
		{`{}x`, `end expected`},
		{`{}{}`, `end expected`},
		{`{"00100020":{"vr":"LO"},}`, `string expected`},
		{`{"00100020":{"vr":"LO"}`, `',' or '}' expected`},
		{`{"00100020" {"vr":"LO"}}`, `':' expected`},
		{`{"00100020":"x"}`, `'{' expected`},
		{`{"0010":{"vr":"LO"}}`, `neither a tag nor a keyword`},
		{`{"00100020":{"vr":"XX"}}`, `00100020: unknown vr`},
		{`{"00100020":{"vr":"LO","Value":"x"}}`, `'[' expected`},
		{`{"00100020":{"vr":"LO","Value":["x"}}`, `',' or ']' expected`},
		{`{"00100020":{"vr":"LO","Value":["x}}`, `string without an end`},
		{`{"00100020":{"vr":"LO","Value":["x\`, `unknown escape`},
		{`{"00100020":{"vr":"LO","Value":["\q"]}}`, `unknown escape`},
		{`{"00100020":{"vr":"LO","Value":["\u12"]}}`, `unknown escape`},
		{"{\"00100020\":{\"vr\":\"LO\",\"Value\":[\"a\nb\"]}}", `control character`},
		{"{\"00100020\":{\"vr\":\"LO\",\"Value\":[\"a\xFF\"]}}", `not UTF-8`},
		{`{"00100020":{"vr":"LO","Value":[true]}}`, `number expected`},
		{`{"00100020":{"vr":"LO","Value":[{}]}}`, `number expected`},
		{`{"00100020":{"vr":"LO","value":["x"]}}`, `the member is spelled "Value"`},
		{`{"00100020":{"vr":"LO"},"00100020":{"vr":"LO"}}`, `00100020 twice`},
		{`{"0008103e":{"vr":"LO"},"0008103E":{"vr":"LO"}}`, `0008103E twice`},
		{`{"00280010":{"vr":"US","Value":[65536]}}`, `out of the range of VR US`},
		{`{"00280010":{"vr":"US","Value":[1.5]}}`, `not a whole number`},
		{`{"00280010":{"vr":"US","Value":[01]}}`, `number expected`},
		{`{"00280010":{"vr":"US","Value":[1,null]}}`, `not a whole number`},
		{`{"00189087":{"vr":"FD","Value":["x"]}}`, `not a number`},
		{`{"00280009":{"vr":"AT","Value":["10"]}}`, `not a tag`},
		{`{"00091001":{"vr":"OB","Value":[1]}}`, `Value with VR OB`},
		{`{"00091001":{"Value":["x"]}}`, `Value with VR UN`},
		{`{"00091001":{"vr":"OB","InlineBinary":"*"}}`, `not base64`},
		{`{"00091001":{"vr":"LO","InlineBinary":"AAAA"}}`, `InlineBinary with VR LO`},
		{`{"00091001":{"vr":"SQ","BulkDataURI":"x"}}`, `BulkDataURI of a sequence`},
		{`{"00091001":{"vr":"OB","InlineBinary":"AAAA","BulkDataURI":"x"}}`, `both InlineBinary and BulkDataURI`},
		{`{"00091001":{"x":` + strings.Repeat("[", 1e6), `nested more than`},
		{strings.Repeat(`{"0040A730":{"vr":"SQ","Value":[`, 1e5), `nested more than 64 deep`},
		{strings.Repeat(`{"0040A730":{"Value":[`, 1e5), `nested more than`},
	} {
		ds := DataSet{elements: []Element{{PatientID, LO, Strings{"kept"}}}}
		err := ds.UnmarshalJSON([]byte(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80s: %v, want %s", c.in, err, c.want)
		}
		if ds.String(PatientID) != "kept" {
			t.Errorf("%.80s: the data set has changed", c.in)
		}
	}
}

func TestUnmarshalJSONDepth(t *testing.T) {
	in, err := nested(maxDepth).AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	var ds DataSet
	if err := ds.UnmarshalJSON(in); err != nil {
		t.Error(err)
	}
	behind := strings.ReplaceAll(string(in), `"vr":"SQ",`, "")
	if err := ds.UnmarshalJSON([]byte(behind)); err != nil || !ds.Equal(nested(maxDepth)) {
		t.Error(err)
	}
}

// TestJSONThroughEncoding proves that the model works inside what encoding/json writes and reads.
func TestJSONThroughEncoding(t *testing.T) {
	ds := &DataSet{}
	ds.SetStrings(PatientName, PN, "A^B=C")
	out, err := json.Marshal([]*DataSet{ds})
	if err != nil {
		t.Fatal(err)
	}
	var back []*DataSet
	if err := json.Unmarshal(out, &back); err != nil || len(back) != 1 || !back[0].Equal(ds) {
		t.Errorf("%s: %v", out, err)
	}
	if err := ds.UnmarshalJSON([]byte("null")); err != nil || ds.Len() != 1 {
		t.Errorf("null: %v, %d elements", err, ds.Len())
	}
}

// FuzzJSON: whatever is read can be written, is JSON then, and reads back as the same.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B","Phonetic":"C"},null,"x=y=z"]},"00281053":{"vr":"DS","Value":[1.0,"+2"]}}`))
	f.Add([]byte(`{"00081140":{"Value":[{"00081155":{"vr":"UI","Value":["1.2"]}},{}]},"00091001":{"vr":"UN","InlineBinary":"AQI="}}`))
	f.Add([]byte(`{"00189087":{"vr":"FD","Value":[1e308,null]},"00280009":{"vr":"AT","Value":["0018106a"]},"7fe00010":{"vr":"OW","BulkDataURI":"x"}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var ds, back DataSet
		if ds.UnmarshalJSON(in) != nil {
			return
		}
		out, err := ds.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(out) {
			t.Fatalf("not JSON: %s", out)
		}
		if err := back.UnmarshalJSON(out); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if !back.Equal(&ds) {
			t.Fatalf("changed on the way: %s", out)
		}
		sameXML(t, &back, out)
	})
}

// benchmarkDataSet is like the header of an enhanced multi-frame image: some attributes, and a sequence of 100 functional groups.
func benchmarkDataSet() *DataSet {
	ds := &DataSet{}
	ds.SetStrings(SpecificCharacterSet, CS, "ISO_IR 192")
	ds.SetStrings(ImageType, CS, "ORIGINAL", "PRIMARY", "AXIAL")
	ds.SetStrings(SOPInstanceUID, UI, "1.2.826.0.1.3680043.8.498.1725697665093567298247884994")
	ds.SetStrings(StudyDescription, LO, "CT Schädel nativ")
	ds.SetStrings(PatientName, PN, "Müller^Jörg=山田^太郎")
	ds.SetInts(Rows, US, 512)
	ds.Set(Element{RedPaletteColorLookupTableData, OW, Bytes(make([]byte, 1024))})
	var frames []*DataSet
	for range 100 {
		plane, orientation, frame := &DataSet{}, &DataSet{}, &DataSet{}
		plane.SetStrings(ImagePositionPatient, DS, "-110.3734235391", "-154.84623879939", "-33.35368462326")
		orientation.SetStrings(ImageOrientationPatient, DS, "0.99699407815933", "0.07589270174503", "-0.0155914751812", "0", "1", "0")
		frame.SetItems(PlanePositionSequence, plane)
		frame.SetItems(PlaneOrientationSequence, orientation)
		frames = append(frames, frame)
	}
	ds.SetItems(PerFrameFunctionalGroupsSequence, frames...)
	return ds
}

func BenchmarkAppendJSON(b *testing.B) {
	ds := benchmarkDataSet()
	var buf []byte
	for b.Loop() {
		buf, _ = ds.AppendJSON(buf[:0])
	}
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
}

func BenchmarkUnmarshalJSON(b *testing.B) {
	in, err := benchmarkDataSet().AppendJSON(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if err := new(DataSet).UnmarshalJSON(in); err != nil {
			b.Fatal(err)
		}
	}
}
