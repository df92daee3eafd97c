package codec

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// jpeg2000Vector reads a codestream of the decoder's own tests: "gray" is 37 columns by 29 rows of 8 bits, "color" 21 by 30.
func jpeg2000Vector(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("jpeg2000", "testdata", name+".j2k"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecodeJPEG2000(t *testing.T) {
	tests := []struct {
		name, vector string
		ts           dicom.UID
		d            pixel.Description
		photometric  string
		bits         int
	}{
		{"8 bits", "gray", dicom.JPEG2000Lossless, gray(29, 37, 8, 8), "MONOCHROME2", 8},
		{"8 bits in 16", "gray", dicom.JPEG2000, gray(29, 37, 16, 12), "MONOCHROME2", 12},
		{"12 bits in 32", "styles", dicom.JPEG2000Lossless, gray(29, 37, 32, 12), "MONOCHROME2", 12},
		{"RGB", "color", dicom.JPEG2000Lossless, color(30, 21, 8, "RGB"), "RGB", 8},
		{"RCT", "color", "1.2.840.10008.1.2.4.92", color(30, 21, 8, "YBR_RCT"), "RGB", 8},
		{"HT", "ht", dicom.HTJ2KLossless, gray(29, 37, 16, 12), "MONOCHROME2", 12},
		{"HT RCT", "ht-color", dicom.HTJ2KLosslessRPCL, color(29, 37, 8, "YBR_RCT"), "RGB", 8},
		// The stream has unsigned samples of 8 bits, whose highest bit is the sign that the data set speaks of.
		{"signed", "gray", dicom.JPEG2000, with(gray(29, 37, 16, 12), func(d *pixel.Description) { d.Signed = true }), "MONOCHROME2", 8},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := Decode(context.Background(), test.ts, test.d, jpeg2000Vector(t, test.vector))
			if err != nil {
				t.Fatal(err)
			}
			if f.Photometric != test.photometric || f.BitsStored != test.bits || f.HighBit != test.bits-1 {
				t.Errorf("described as %+v", f.Description)
			}
			if n := len(f.U8) + len(f.U16) + len(f.U32); n != test.d.Values() {
				t.Errorf("%d samples", n)
			}
			if f.Signed && int16(f.U16[36]) >= 0 { // 228 in the stream
				t.Errorf("sample %d", int16(f.U16[36]))
			}
		})
	}
}

func TestDecodeJPEG2000Errors(t *testing.T) {
	data := jpeg2000Vector(t, "gray")
	subsampled := bytes.Clone(data)
	subsampled[43] = 2 // XRsiz
	tests := []struct {
		name string
		d    pixel.Description
		data []byte
		want string
		is   error
	}{
		{"size", gray(30, 37, 8, 8), data, "expected 37 columns and 30 rows, found 37 and 29", nil},
		{"components", color(29, 37, 8, "RGB"), data, "expected 3 components, found 1", nil},
		{"precision", gray(29, 37, 8, 8), jpeg2000Vector(t, "styles"), "at most 8 bits per sample, found 12", nil},
		{"sub-sampled", gray(29, 37, 8, 8), subsampled, "sub-sampled by 2 and 1", ErrUnsupported},
		{"truncated", gray(29, 37, 8, 8), data[:len(data)-10], "JPEG 2000 Image Compression: tile 0", io.ErrUnexpectedEOF},
		{"nothing", gray(29, 37, 8, 8), nil, "0 bytes", io.ErrUnexpectedEOF},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Decode(context.Background(), dicom.JPEG2000, test.d, test.data)
			if err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
