package dicom

import "testing"

func TestTransferSyntaxOf(t *testing.T) {
	for _, c := range []TransferSyntax{
		{UID: "1.2.840.10008.1.2", Name: "Implicit VR Little Endian", MediaType: "application/octet-stream", ImplicitVR: true},
		{UID: "1.2.840.10008.1.2.2", Name: "Explicit VR Big Endian", MediaType: "application/octet-stream", BigEndian: true},
		{UID: "1.2.840.10008.1.2.1.99", Name: "Deflated Explicit VR Little Endian", MediaType: "application/octet-stream", Deflated: true},
		{UID: JPEGBaseline8Bit, Name: "JPEG Baseline (Process 1)", MediaType: "image/jpeg", Encapsulated: true, Lossy: true},
		{UID: JPEGLSLossless, Name: "JPEG-LS Lossless Image Compression", MediaType: "image/jls", Encapsulated: true},
		{UID: "1.2.840.10008.1.2.4.94", Name: "JPIP Referenced", MediaType: "application/octet-stream"},
	} {
		if got, known := TransferSyntaxOf(c.UID); !known || got != c {
			t.Errorf("TransferSyntaxOf(%s) = %+v, %v", c.UID, got, known)
		}
	}
	want := TransferSyntax{UID: "1.2.3", MediaType: "application/octet-stream", Encapsulated: true}
	if got, known := TransferSyntaxOf("1.2.3"); known || got != want {
		t.Errorf("unknown: %+v, %v", got, known)
	}
}

func TestTransferSyntaxTable(t *testing.T) {
	seen := map[UID]bool{}
	for _, s := range transferSyntaxes {
		if !s.UID.Valid() || seen[s.UID] || s.Name == "" || s.MediaType == "" {
			t.Errorf("%+v", s)
		}
		seen[s.UID] = true
	}
}

func TestSOPClassName(t *testing.T) {
	for uid, name := range storageSOPClasses {
		if !uid.Valid() || name == "" {
			t.Errorf("%q: %q", uid, name)
		}
	}
	if got := SOPClassName("1.2.840.10008.5.1.4.1.1.66.4"); got != "Segmentation Storage" {
		t.Error(got)
	}
	if got := SOPClassName("1.2.3"); got != "" {
		t.Error(got)
	}
}

func TestPersonNameGroups(t *testing.T) {
	for _, c := range []struct {
		name   string
		groups [3]string
		joined string
	}{
		{"", [3]string{}, ""},
		{"A^B", [3]string{"A^B"}, "A^B"},
		{"A==C", [3]string{"A", "", "C"}, "A==C"},
		{"=B", [3]string{"", "B"}, "=B"},
		{"A=B=", [3]string{"A", "B"}, "A=B"},
		{"A=B=C=D", [3]string{"A", "B", "C=D"}, "A=B=C=D"},
	} {
		got := PersonNameGroups(c.name)
		if got != c.groups {
			t.Errorf("PersonNameGroups(%q) = %q", c.name, got)
		}
		if joined := JoinPersonName(got[0], got[1], got[2]); joined != c.joined {
			t.Errorf("JoinPersonName(%q) = %q, want %q", got, joined, c.joined)
		}
	}
}

func TestEqual(t *testing.T) {
	set := func(v Value) *DataSet { return &DataSet{elements: []Element{{PatientID, LO, v}}} }
	values := []Value{Strings{"a"}, Strings{"b"}, Ints{1}, Uints{1}, Floats{1}, Tags{1}, Items{set(Ints{1})}, Items{set(Ints{2})},
		Items{nil}, Bytes{1}, Bytes{2}, Bulk{"x"}, Bulk{"y"}, nil}
	for i, a := range values {
		for j, b := range values {
			if got := set(a).Equal(set(b)); got != (i == j) {
				t.Errorf("%T%v, %T%v: %v", a, a, b, b, got)
			}
		}
	}
	if !set(Bytes{}).Equal(set(Strings(nil))) || (&DataSet{}).Equal(set(nil)) || (*DataSet)(nil).Equal(&DataSet{}) {
		t.Error("empty values")
	}
}
