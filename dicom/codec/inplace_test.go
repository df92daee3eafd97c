package codec

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// Samples in place are those of Decode, whatever bits are stored where, with and without rubbish beside them.
func TestDecodeInPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	inPlace := 0
	for range 3000 {
		d := pixel.Description{Rows: 1 + r.IntN(5), Columns: 1 + r.IntN(5), Samples: 1, BitsAllocated: 8 << r.IntN(3), Signed: r.IntN(2) == 0,
			Photometric: "MONOCHROME2", Frames: 1}
		d.BitsStored = 1 + r.IntN(d.BitsAllocated)
		if r.IntN(4) == 0 {
			d.BitsStored = d.BitsAllocated
		}
		d.HighBit = d.BitsStored - 1 + r.IntN(d.BitsAllocated-d.BitsStored+1)
		if r.IntN(3) == 0 {
			d.Samples, d.Photometric, d.Planar = 3, "RGB", r.IntN(2) == 0
		}
		data := make([]byte, d.Values()*d.BitsAllocated/8+r.IntN(3))
		for i := range data {
			data[i] = uint8(r.Uint32())
		}
		if r.IntN(2) == 0 && d.BitsAllocated == 16 { // nothing but the bits stored, in all but perhaps one
			for i := 0; i+1 < len(data); i += 2 {
				v := uint16(data[i]) | uint16(data[i+1])<<8
				if v <<= 16 - d.BitsStored; d.Signed {
					v = uint16(int16(v) >> (16 - d.BitsStored))
				} else {
					v >>= 16 - d.BitsStored
				}
				data[i], data[i+1] = byte(v), byte(v>>8)
			}
			data[r.IntN(len(data))] ^= uint8(r.IntN(2)) << r.IntN(8)
		}
		want, err := Decode(t.Context(), dicom.ExplicitVRLittleEndian, d, bytes.Clone(data))
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeInPlace(t.Context(), dicom.ExplicitVRLittleEndian, d, data)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v: %v, %+v, want %+v", d, err, got, want)
		}
		clear(data)
		if len(got.U16) > 0 && got.U16[0] == 0 && want.U16[0] != 0 {
			inPlace++
		}
	}
	if inPlace == 0 {
		t.Error("no samples are in place")
	}
	if _, err := DecodeInPlace(t.Context(), dicom.ExplicitVRLittleEndian, gray(4, 4, 16, 16), make([]byte, 31)); err == nil {
		t.Error("half a sample is missing")
	}
}
