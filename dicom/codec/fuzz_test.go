package codec

import (
	"bytes"
	"compress/flate"
	"context"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/gen2brain/jpegn"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec/internal/bounded"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// syntaxes are the transfer syntaxes that can be decoded, in the order of their UIDs.
var syntaxes = slices.Sorted(maps.Keys(decoders))

// FuzzDecode decodes anything as any transfer syntax, described as any image of up to 500 by 500.
func FuzzDecode(f *testing.F) {
	photometrics := []string{"MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_RCT", "YBR_ICT", "PALETTE COLOR", "CMYK"}
	add := func(ts dicom.UID, d pixel.Description, data []byte) {
		f.Add(data, byte(slices.Index(syntaxes, ts)), uint16(d.Rows), uint16(d.Columns), byte(d.Samples), byte(d.BitsAllocated),
			byte(d.BitsStored), byte(slices.Index(photometrics, d.Photometric)), byte(0))
	}
	sampled, err := os.ReadFile("testdata/sampling.jpg")
	if err != nil {
		f.Fatal(err)
	}
	add(dicom.JPEGBaseline8Bit, color(14, 19, 8, "YBR_FULL_422"), sampled)
	add(dicom.JPEG2000Lossless, color(30, 21, 8, "YBR_RCT"), jpeg2000Vector(f, "color"))
	add(dicom.JPEGBaseline8Bit, gray(16, 16, 8, 8), grayJPEG(f, 16, 16))
	add("1.2.840.10008.1.2.4.55", color(20, 20, 8, "YBR_FULL"), encodeJPEG(f, wave(20, 20), &jpegn.EncodeOptions{Progressive: true}))
	add(dicom.JPEGBaseline8Bit, color(20, 20, 8, "YBR_FULL_422"), encodeJPEG(f, wave(20, 20), &jpegn.EncodeOptions{RestartInterval: 1}))
	add(dicom.RLELossless, gray(2, 2, 8, 8), rleFrame([]byte{1, 2, 3, 4}))
	add(dicom.RLELossless, gray(1, 2, 16, 12), rleFrame([]byte{1, 2}, []byte{3, 4}))
	add(dicom.ExplicitVRLittleEndian, color(3, 3, 8, "RGB"), make([]byte, 27))
	add(dicom.JPEG2000Lossless, gray(29, 37, 8, 8), jpeg2000Vector(f, "gray"))
	add(dicom.HTJ2KLossless, gray(29, 37, 16, 12), jpeg2000Vector(f, "ht"))
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	w.Write(make([]byte, 100))
	w.Close()
	add(dicom.DeflatedImageFrameCompression, gray(20, 40, 1, 1), b.Bytes())

	f.Fuzz(func(t *testing.T, data []byte, syntax byte, rows, columns uint16, samples, allocated, stored, photometric, flags byte) {
		d := pixel.Description{Rows: int(rows), Columns: int(columns), Samples: int(samples), BitsAllocated: int(allocated),
			BitsStored: int(stored), HighBit: int(stored) - 1 + int(flags>>3), Photometric: photometrics[int(photometric)%len(photometrics)],
			Signed: flags&1 != 0, Planar: flags&2 != 0, Float: flags&4 != 0, Frames: 1}
		if !described(d) {
			return
		}
		bounded.Decode(t, 1<<28, func(ctx context.Context) {
			frame, err := Decode(ctx, syntaxes[int(syntax)%len(syntaxes)], d, data)
			if err != nil {
				return
			}
			if n := len(frame.U8) + len(frame.U16) + len(frame.U32) + len(frame.F32) + len(frame.F64); n != d.Values() || frame.Planar {
				t.Errorf("%d samples instead of %d: %+v", n, d.Values(), frame.Description)
			}
		})
	})
}

// described reports whether pixel.Describe could have made the description, of an image of moderate size.
func described(d pixel.Description) bool {
	if d.Rows < 1 || d.Rows > 500 || d.Columns < 1 || d.Columns > 500 || d.Samples != 1 && d.Samples != 3 && d.Samples != 4 {
		return false
	}
	if d.Planar && d.Samples == 1 {
		return false
	}
	if d.Float {
		return d.Samples == 1 && (d.BitsAllocated == 32 || d.BitsAllocated == 64)
	}
	return slices.Contains([]int{1, 8, 16, 32}, d.BitsAllocated) && d.BitsStored >= 1 && d.HighBit < d.BitsAllocated &&
		(d.BitsAllocated > 1 || d.Samples == 1)
}
