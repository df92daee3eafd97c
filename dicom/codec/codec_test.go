package codec

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

const (
	explicitLE = dicom.UID("1.2.840.10008.1.2.1")
	deflated   = dicom.UID("1.2.840.10008.1.2.8.1")
	rleSyntax  = dicom.UID("1.2.840.10008.1.2.5")
	baseline   = dicom.UID("1.2.840.10008.1.2.4.50")
)

// gray describes rows x columns of one sample.
func gray(rows, columns, allocated, stored int) pixel.Description {
	return pixel.Description{Rows: rows, Columns: columns, Samples: 1, BitsAllocated: allocated, BitsStored: stored,
		HighBit: stored - 1, Photometric: "MONOCHROME2", Frames: 1}
}

// with changes a description.
func with(d pixel.Description, change func(*pixel.Description)) pixel.Description {
	change(&d)
	return d
}

// color describes rows x columns of three samples.
func color(rows, columns, allocated int, photometric string) pixel.Description {
	return with(gray(rows, columns, allocated, allocated), func(d *pixel.Description) {
		d.Samples, d.Photometric = 3, photometric
	})
}

func TestDecodeNative(t *testing.T) {
	tests := []struct {
		name string
		d    pixel.Description
		data []byte
		want any
	}{
		// Bits come least significant first (PS3.5 8.1.1): A5 = 1010 0101, and of the second byte two bits are used.
		{"1 bit", gray(2, 5, 1, 1), []byte{0xA5, 0x02}, []uint8{1, 0, 1, 0, 0, 1, 0, 1, 0, 1}},
		{"8 bits", gray(1, 3, 8, 8), []byte{0, 127, 255}, []uint8{0, 127, 255}},
		{"16 bits", gray(1, 2, 16, 16), []byte{0x34, 0x12, 0xFF, 0xFF}, []uint16{0x1234, 0xFFFF}},
		{"32 bits", gray(1, 1, 32, 32), []byte{0x78, 0x56, 0x34, 0x12}, []uint32{0x12345678}},
		{"padded", gray(1, 1, 8, 8), []byte{9, 0}, []uint8{9}},
		// Bits 12 to 15 hold overlays, as they may in files before 2004, and are not part of the sample.
		{"overlay bits", gray(1, 2, 16, 12), []byte{0x34, 0xF2, 0xFF, 0x1F}, []uint16{0x0234, 0x0FFF}},
		// 0xFFF is -1 in 12 bits, 0x800 is -2048; bit 12 is not part of either.
		{"signed", with(gray(1, 3, 16, 12), func(d *pixel.Description) { d.Signed = true }),
			[]byte{0xFF, 0x0F, 0x00, 0x18, 0xFF, 0x07}, []uint16{0xFFFF, 0xF800, 0x07FF}},
		{"signed 8", with(gray(1, 2, 8, 4), func(d *pixel.Description) { d.Signed = true }), []byte{0x0F, 0x17}, []uint8{0xFF, 7}},
		// High Bit 15 with 12 Bits Stored: the sample is in bits 4 to 15.
		{"shifted", with(gray(1, 2, 16, 12), func(d *pixel.Description) { d.HighBit = 15 }),
			[]byte{0x4F, 0x23, 0xF0, 0xFF}, []uint16{0x234, 0xFFF}},
		{"shifted and signed", with(gray(1, 1, 16, 12), func(d *pixel.Description) { d.HighBit, d.Signed = 15, true }),
			[]byte{0xE0, 0xFF}, []uint16{0xFFFE}},
		{"interleaved", color(1, 2, 8, "RGB"), []byte{1, 2, 3, 4, 5, 6}, []uint8{1, 2, 3, 4, 5, 6}},
		{"planar", with(color(1, 2, 8, "RGB"), func(d *pixel.Description) { d.Planar = true }),
			[]byte{1, 4, 2, 5, 3, 6}, []uint8{1, 2, 3, 4, 5, 6}},
		{"planar 16", with(color(1, 1, 16, "RGB"), func(d *pixel.Description) { d.Planar = true }),
			[]byte{1, 0, 2, 0, 3, 1}, []uint16{1, 2, 0x103}},
		// Y1 Y2 CB CR for two pixels.
		{"422", color(1, 4, 8, "YBR_FULL_422"), []byte{1, 2, 8, 9, 3, 4, 6, 7},
			[]uint8{1, 8, 9, 2, 8, 9, 3, 6, 7, 4, 6, 7}},
		{"422, odd", color(2, 1, 8, "YBR_FULL_422"), []byte{1, 0, 8, 9, 3, 0, 6, 7}, []uint8{1, 8, 9, 3, 6, 7}},
		{"422 that is not", color(1, 2, 8, "YBR_FULL_422"), []byte{1, 2, 3, 4, 5, 6}, []uint8{1, 2, 3, 4, 5, 6}},
		{"float", with(gray(1, 1, 32, 32), func(d *pixel.Description) { d.Float = true }),
			binary.LittleEndian.AppendUint32(nil, math.Float32bits(-1.5)), []float32{-1.5}},
		{"double", with(gray(1, 1, 64, 64), func(d *pixel.Description) { d.Float = true }),
			binary.LittleEndian.AppendUint64(nil, math.Float64bits(1e300)), []float64{1e300}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := Decode(context.Background(), explicitLE, test.d, test.data)
			if err != nil {
				t.Fatal(err)
			}
			if got := samples(f); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if f.Planar || f.HighBit != f.BitsStored-1 {
				t.Errorf("described as %+v", f.Description)
			}
			if strings.HasPrefix(test.name, "422") && f.Photometric != "YBR_FULL" {
				t.Errorf("Photometric %s", f.Photometric)
			}
		})
	}
}

// samples is the slice of the frame that is set.
func samples(f *pixel.Frame) any {
	switch {
	case f.U8 != nil:
		return f.U8
	case f.U16 != nil:
		return f.U16
	case f.U32 != nil:
		return f.U32
	case f.F32 != nil:
		return f.F32
	}
	return f.F64
}

// rleFrame makes an RLE frame of literal runs, one segment for each plane of at most 128 bytes.
func rleFrame(planes ...[]byte) []byte {
	header := make([]byte, 64)
	var body []byte
	binary.LittleEndian.PutUint32(header, uint32(len(planes)))
	for i, p := range planes {
		binary.LittleEndian.PutUint32(header[4+4*i:], uint32(64+len(body)))
		body = append(append(body, byte(len(p)-1)), p...)
	}
	return append(header, body...)
}

func TestDecodeRLE(t *testing.T) {
	tests := []struct {
		name string
		d    pixel.Description
		data []byte
		want any
	}{
		{"1 bit", gray(2, 5, 1, 1), rleFrame([]byte{0xA5, 0x02}), []uint8{1, 0, 1, 0, 0, 1, 0, 1, 0, 1}},
		{"8 bits", gray(1, 2, 8, 8), rleFrame([]byte{1, 2}), []uint8{1, 2}},
		{"16 bits", gray(1, 2, 16, 16), rleFrame([]byte{0x12, 0x34}, []byte{0x56, 0x78}), []uint16{0x1256, 0x3478}},
		{"signed 12", with(gray(1, 1, 16, 12), func(d *pixel.Description) { d.Signed = true }),
			rleFrame([]byte{0x0F}, []byte{0xFE}), []uint16{0xFFFE}},
		{"32 bits", gray(1, 1, 32, 32), rleFrame([]byte{0x12}, []byte{0x34}, []byte{0x56}, []byte{0x78}), []uint32{0x12345678}},
		// Planar Configuration of the data set says nothing of the segments (PS3.5 G.2).
		{"RGB", with(color(1, 2, 8, "RGB"), func(d *pixel.Description) { d.Planar = true }),
			rleFrame([]byte{1, 4}, []byte{2, 5}, []byte{3, 6}), []uint8{1, 2, 3, 4, 5, 6}},
		{"RGB 16", color(1, 1, 16, "RGB"), rleFrame([]byte{1}, []byte{2}, []byte{3}, []byte{4}, []byte{5}, []byte{6}),
			[]uint16{0x102, 0x304, 0x506}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := Decode(context.Background(), rleSyntax, test.d, test.data)
			if err != nil {
				t.Fatal(err)
			}
			if got := samples(f); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestDecodeDeflated(t *testing.T) {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	w.Write([]byte{0xA5, 0x02})
	w.Close()
	f, err := Decode(context.Background(), deflated, gray(2, 5, 1, 1), b.Bytes())
	if err != nil || !reflect.DeepEqual(f.U8, []uint8{1, 0, 1, 0, 0, 1, 0, 1, 0, 1}) {
		t.Fatalf("%v, %v", f, err)
	}
}

// TestDecodeErrors wants each error to name the syntax and the cause.
func TestDecodeErrors(t *testing.T) {
	jpeg := grayJPEG(t, 16, 16)
	tests := []struct {
		name string
		ts   dicom.UID
		d    pixel.Description
		data []byte
		want string
		is   error
	}{
		{"native, short", explicitLE, gray(2, 3, 16, 16), make([]byte, 11),
			"Explicit VR Little Endian: expected 12 bytes, found 11", io.ErrUnexpectedEOF},
		{"1 bit, short", explicitLE, gray(2, 5, 1, 1), []byte{1}, "expected 2 bytes, found 1", io.ErrUnexpectedEOF},
		{"422, planar", explicitLE, with(color(1, 2, 8, "YBR_FULL_422"), func(d *pixel.Description) { d.Planar = true }),
			make([]byte, 4), "Planar Configuration", nil},
		{"huge", explicitLE, gray(65535, 65535, 8, 8), nil, "65535x65535", nil},
		{"RLE, segments", rleSyntax, gray(1, 1, 16, 16), rleFrame([]byte{1}), "RLE Lossless: expected 2 segments, found 1", nil},
		{"RLE, short", rleSyntax, gray(1, 3, 8, 8), rleFrame([]byte{1, 2}),
			"segment 1 of 1: expected 3 bytes, found 2", io.ErrUnexpectedEOF},
		{"RLE, claim", rleSyntax, gray(65535, 4000, 8, 8), rleFrame([]byte{1, 2}), "found at most 192", io.ErrUnexpectedEOF},
		{"deflated, short", deflated, gray(1, 3, 8, 8), []byte{0x03, 0x00}, "expected 3 bytes, found 0", io.ErrUnexpectedEOF},
		{"JPEG, other size", baseline, gray(16, 17, 8, 8), jpeg, "expected 17 columns and 16 rows, found 16 and 16", nil},
		{"JPEG, other components", baseline, color(16, 16, 8, "RGB"), jpeg, "expected 3 components, found 1", nil},
		{"JPEG, no EOI", baseline, gray(16, 16, 8, 8), jpeg[:len(jpeg)-2], "no EOI marker", io.ErrUnexpectedEOF},
		{"not JPEG", baseline, gray(16, 16, 8, 8), []byte("hello"), "JPEG Baseline (Process 1): no SOI marker", nil},
		{"video", "1.2.840.10008.1.2.4.102", gray(1, 1, 8, 8), nil, "H.264", ErrUnsupported},
		{"unknown", "1.2.3", gray(1, 1, 8, 8), nil, "1.2.3", ErrUnsupported},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Decode(context.Background(), test.ts, test.d, test.data)
			if err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestDecodeCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for ts := range decoders {
		if _, err := Decode(ctx, ts, gray(1, 1, 8, 8), make([]byte, 100)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", ts, err)
		}
	}
}
