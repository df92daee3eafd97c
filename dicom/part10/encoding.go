package part10

import (
	"encoding/binary"

	"github.com/noctis-dicom/noctis/dicom"
)

// Encoding is how the data set is encoded (PS3.5 A.1, A.2, A.3, A.5). The zero value is explicit VR little endian.
type Encoding struct{ ImplicitVR, BigEndian, Deflated bool }

// encodingOf returns the encoding that a transfer syntax declares.
func encodingOf(ts dicom.UID) Encoding {
	s, _ := dicom.TransferSyntaxOf(ts)
	return Encoding{s.ImplicitVR, s.BigEndian, s.Deflated}
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
