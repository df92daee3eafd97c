package part10

import (
	"encoding/binary"

	"github.com/noctis-dicom/noctis/dicom"
)

// The transfer syntaxes that decide how a data set is encoded (PS3.5 A.1, A.2, A.3, A.5). Every other one encodes the data set
// as explicit VR little endian and only the pixel data in a way of its own (PS3.5 A.4).
const (
	ImplicitVRLittleEndian         dicom.UID = "1.2.840.10008.1.2"
	ExplicitVRLittleEndian         dicom.UID = "1.2.840.10008.1.2.1"
	DeflatedExplicitVRLittleEndian dicom.UID = "1.2.840.10008.1.2.1.99"
	ExplicitVRBigEndian            dicom.UID = "1.2.840.10008.1.2.2"
)

// Encoding is how the data set is encoded. The zero value is explicit VR little endian.
type Encoding struct{ ImplicitVR, BigEndian, Deflated bool }

// encodingOf returns the encoding that a transfer syntax declares.
func encodingOf(ts dicom.UID) Encoding {
	switch ts {
	case ImplicitVRLittleEndian,
		"1.2.840.113619.5.2", // GE private: implicit VR, pixel data big endian
		"1.2.840.10008.1.20": // Papyrus 3, retired
		return Encoding{ImplicitVR: true}
	case ExplicitVRBigEndian:
		return Encoding{BigEndian: true}
	case DeflatedExplicitVRLittleEndian,
		"1.2.840.10008.1.2.4.95",  // JPIP Referenced Deflate (PS3.5 A.7)
		"1.2.840.10008.1.2.4.205": // JPIP HTJ2K Referenced Deflate (PS3.5 A.11)
		return Encoding{Deflated: true}
	}
	return Encoding{}
}

// byteOrder is what the package needs of a byte order: to read and to append.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

func (e Encoding) order() byteOrder {
	if e.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func (e Encoding) String() string {
	s := "explicit VR"
	if e.ImplicitVR {
		s = "implicit VR"
	}
	if e.BigEndian {
		return s + " big endian"
	}
	return s + " little endian"
}

// wordSize is the number of bytes of one word of a VR that byte ordering applies to (PS3.5 7.3); 1 where it does not.
func wordSize(vr dicom.VR) int {
	switch vr {
	case dicom.AT, dicom.OW, dicom.SS, dicom.US:
		return 2
	case dicom.FL, dicom.OF, dicom.OL, dicom.SL, dicom.UL:
		return 4
	case dicom.FD, dicom.OD, dicom.OV, dicom.SV, dicom.UV:
		return 8
	}
	return 1
}

// swapped returns a copy of b with the bytes of each word reversed; a tail shorter than a word stays as it is.
func swapped(b []byte, word int) []byte {
	out := append([]byte(nil), b...)
	for i := 0; i+word <= len(out); i += word {
		for l, r := i, i+word-1; l < r; l, r = l+1, r-1 {
			out[l], out[r] = out[r], out[l]
		}
	}
	return out
}
