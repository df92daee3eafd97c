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
