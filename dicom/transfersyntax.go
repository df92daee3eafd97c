package dicom

// TransferSyntax is what PS3.5 Annex A says of a transfer syntax.
type TransferSyntax struct {
	UID          UID
	Name         string // PS3.6 A: "JPEG Baseline (Process 1)"
	MediaType    string // of its frames and bulk data (PS3.18 8.7.3.3): "image/jpeg"
	Encapsulated bool   // pixel data lies in fragments (PS3.5 A.4)
	ImplicitVR   bool
	BigEndian    bool
	Deflated     bool
	Lossy        bool // what was encoded may differ from what is decoded
}

// The transfer syntaxes that the code names.
const (
	ImplicitVRLittleEndian         UID = "1.2.840.10008.1.2"
	ExplicitVRLittleEndian         UID = "1.2.840.10008.1.2.1"
	DeflatedExplicitVRLittleEndian UID = "1.2.840.10008.1.2.1.99"
	ExplicitVRBigEndian            UID = "1.2.840.10008.1.2.2"
)

// TransferSyntaxOf returns what is known of a transfer syntax.
func TransferSyntaxOf(uid UID) (TransferSyntax, bool) {
	switch uid {
	case ImplicitVRLittleEndian:
		return TransferSyntax{UID: uid, ImplicitVR: true, MediaType: "application/octet-stream"}, true
	case ExplicitVRLittleEndian:
		return TransferSyntax{UID: uid, MediaType: "application/octet-stream"}, true
	case DeflatedExplicitVRLittleEndian:
		return TransferSyntax{UID: uid, Deflated: true, MediaType: "application/octet-stream"}, true
	case ExplicitVRBigEndian:
		return TransferSyntax{UID: uid, BigEndian: true, MediaType: "application/octet-stream"}, true
	}
	return TransferSyntax{UID: uid, Encapsulated: true}, false
}
