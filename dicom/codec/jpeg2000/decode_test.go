package jpeg2000_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/codec/internal/bounded"
	"github.com/noctis-dicom/noctis/dicom/codec/jpeg2000"
)

var update = flag.Bool("update", false, "write the codestreams of testdata anew, by opj_compress and ojph_compress")

// vectors are the codestreams of testdata: lossless ones of pattern.
var vectors = []struct {
	name                                 string
	width, height, components, precision int
	arguments                            string
}{
	{"gray", 37, 29, 1, 8, "-n 3"},
	{"styles", 37, 29, 1, 12, "-n 3 -M 63 -r 4,2,1 -SOP -EPH"},
	{"bypass", 37, 29, 1, 16, "-n 2 -M 1 -r 4,2,1"},
	{"bypass-ones", 40, 40, 1, 16, "-n 3 -M 1 -b 8,8"}, // raw segments that end with a byte FF, which is not there
	{"causal", 37, 29, 1, 8, "-n 2 -M 8 -b 16,16"},
	{"color", 21, 30, 3, 8, "-n 3 -p RPCL -c [16,16] -r 3,1"},
	{"tiles", 37, 29, 1, 8, "-n 2 -t 16,11 -TP R"},
	{"offset", 37, 29, 1, 8, "-n 3 -p PCRL -d 5,3 -t 20,20 -T 2,1 -c [8,8]"},
	{"region", 37, 29, 1, 8, "-n 2 -ROI c=0,U=3"},
	{"ht", 37, 29, 1, 12, "ht -reversible true -num_decomps 2"},
	{"ht-color", 37, 29, 3, 8, "ht -reversible true -num_decomps 1 -prog_order RPCL -precincts {32,32}"},
	{"ht-tiles", 37, 29, 1, 16, "ht -reversible true -num_decomps 2 -tile_size {20,17}"},
}

// pattern is a picture made by integers alone, the same on every machine.
func pattern(width, height, components, precision int) picture {
	p := picture{width, height, components, precision, make([]int32, width*height*components)}
	noise := uint32(7)
	for i := range p.samples {
		x, y, c := i/components%width, i/components/width, i%components
		noise = noise*1664525 + 1013904223
		v := (x*x/4 + y*(9+c) + 50*(x/13) + int(noise>>29)) % 256
		p.samples[i] = int32(v << (precision - 8))
	}
	return p
}

func vector(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".j2k"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			p := pattern(v.width, v.height, v.components, v.precision)
			if *update {
				if err := os.WriteFile(filepath.Join("testdata", v.name+".j2k"), encode(t, p, v.arguments), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			img, err := jpeg2000.Decode(context.Background(), vector(t, v.name), jpeg2000.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if d := worst(t, interleaved(img), p.samples); d != 0 {
				t.Errorf("samples differ by up to %d", d)
			}
		})
	}
}

// TestTruncated cuts codestreams at every byte. No cut may pass for the whole, unless nothing but the EOC marker was cut off.
func TestTruncated(t *testing.T) {
	for _, v := range vectors {
		data := vector(t, v.name)
		for n := range len(data) {
			_, err := jpeg2000.Decode(context.Background(), data[:n], jpeg2000.Limits{Workers: 1})
			if n >= len(data)-2 {
				if err != nil {
					t.Errorf("%s without EOC: %v", v.name, err)
				}
				continue
			}
			if err == nil {
				t.Errorf("%s: %d of %d bytes decode", v.name, n, len(data))
			} else if n > 200 && !errors.Is(err, jpeg2000.ErrTruncated) {
				t.Errorf("%s, %d of %d bytes: %v", v.name, n, len(data), err)
			}
		}
	}
}

func TestConfig(t *testing.T) {
	h, err := jpeg2000.Config(vector(t, "color"))
	if err != nil {
		t.Fatal(err)
	}
	c := jpeg2000.Component{Width: 21, Height: 30, Precision: 8, DX: 1, DY: 1}
	if h.Width != 21 || h.Height != 30 || len(h.Components) != 3 || h.Components[2] != c || !h.Reversible || !h.ColorTransform ||
		h.HighThroughput || h.Layers != 2 || h.Levels != 2 || h.Progression != jpeg2000.RPCL || h.Tiles != 1 {
		t.Errorf("%+v", h)
	}
	if h, err := jpeg2000.Config(vector(t, "ht-tiles")); err != nil || !h.HighThroughput || h.Tiles != 4 || h.Components[0].Precision != 16 {
		t.Errorf("%+v, %v", h, err)
	}
}

// TestBoxes finds the codestream in a JP2 file.
func TestBoxes(t *testing.T) {
	data := vector(t, "gray")
	box := func(name string, content []byte) []byte {
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(content)+8)), name...), content...)
	}
	file := append(box("jP  ", []byte("\r\n\x87\n")), box("jp2h", box("ihdr", make([]byte, 14)))...)
	for name, data := range map[string][]byte{
		"box":             append(bytes.Clone(file), box("jp2c", data)...),
		"box to the end":  append(append(bytes.Clone(file), 0, 0, 0, 0, 'j', 'p', '2', 'c'), data...),
		"long box":        append(append(bytes.Clone(file), 0, 0, 0, 1, 'j', 'p', '2', 'c', 0, 0, 0, 0, 0, 0, 9, 9), data...),
		"box and padding": append(append(bytes.Clone(file), box("jp2c", data)...), 0),
	} {
		if img, err := jpeg2000.Decode(context.Background(), data, jpeg2000.Limits{}); err != nil || img.Width != 37 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("hello, this is no image"), "no codestream": file, "empty box": append(file, box("jp2c", nil)...),
		"endless": {0, 0, 0, 3, 'j', 'P', ' ', ' ', 0, 0, 0, 0},
	} {
		if _, err := jpeg2000.Config(data); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestErrors changes bytes of the main header of a codestream, whose SIZ begins at byte 4 and whose COD at byte 51.
func TestErrors(t *testing.T) {
	data := vector(t, "gray")
	if binary.BigEndian.Uint16(data[2:]) != 0xFF51 || binary.BigEndian.Uint16(data[45:]) != 0xFF52 {
		t.Fatalf("the main header is % X", data[:60])
	}
	cod := 49 // the segment of COD, without its length
	tests := []struct {
		name   string
		limits jpeg2000.Limits
		change func(b []byte)
		want   string
		is     error
	}{
		{"samples", jpeg2000.Limits{Samples: 1000}, func([]byte) {}, "1000 samples are allowed", jpeg2000.ErrLimit},
		{"huge", jpeg2000.Limits{}, func(b []byte) { copy(b[8:], "\x7F\xFF\xFF\xFF\x7F\xFF\xFF\xFF") }, "SIZ", nil},
		{"blocks", jpeg2000.Limits{Blocks: 3}, func([]byte) {}, "code-blocks, where 3 are allowed", jpeg2000.ErrLimit},
		{"segments", jpeg2000.Limits{Segments: 1}, func([]byte) {}, "2 codeword segments", jpeg2000.ErrLimit},
		{"extensions", jpeg2000.Limits{}, func(b []byte) { b[6] = 0x80 }, "T.801", jpeg2000.ErrUnsupported},
		{"grid", jpeg2000.Limits{}, func(b []byte) { b[8] = 0x80 }, "reference grid", jpeg2000.ErrUnsupported},
		{"no area", jpeg2000.Limits{}, func(b []byte) { copy(b[8:], "\x00\x00\x00\x00") }, "an image from", nil},
		{"precision", jpeg2000.Limits{}, func(b []byte) { b[42] = 29 }, "30 bits", jpeg2000.ErrUnsupported},
		{"sampling", jpeg2000.Limits{}, func(b []byte) { b[43] = 0 }, "sampling of 0", nil},
		{"progression", jpeg2000.Limits{}, func(b []byte) { b[cod+1] = 5 }, "progression order 5", nil},
		{"layers", jpeg2000.Limits{}, func(b []byte) { b[cod+3] = 0 }, "no layers", nil},
		{"more layers", jpeg2000.Limits{}, func(b []byte) { b[cod+3] = 2 }, "truncated", jpeg2000.ErrTruncated},
		{"layer limit", jpeg2000.Limits{Layers: 9}, func(b []byte) { b[cod+3] = 10 }, "10 layers", jpeg2000.ErrLimit},
		{"endless layers", jpeg2000.Limits{}, func(b []byte) { b[cod+2] = 255 }, "precincts with", jpeg2000.ErrTruncated},
		{"component transform", jpeg2000.Limits{}, func(b []byte) { b[cod+4] = 1 }, "fewer than three components", nil},
		{"other transform", jpeg2000.Limits{}, func(b []byte) { b[cod+4] = 2 }, "component transform 2", jpeg2000.ErrUnsupported},
		{"levels", jpeg2000.Limits{}, func(b []byte) { b[cod+5] = 33 }, "33 decomposition levels", nil},
		{"code-blocks", jpeg2000.Limits{}, func(b []byte) { b[cod+6], b[cod+7] = 8, 8 }, "code-blocks of 2^10", nil},
		{"mixed", jpeg2000.Limits{}, func(b []byte) { b[cod+8] = 0xC0 }, "T.814", jpeg2000.ErrUnsupported},
		{"no tile-part", jpeg2000.Limits{}, func(b []byte) { copy(b[cod-4:], "\xFF\x93") }, "marker FF93", nil},
		{"wavelet", jpeg2000.Limits{}, func(b []byte) { b[cod+9] = 2 }, "wavelet transform 2", jpeg2000.ErrUnsupported},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := bytes.Clone(data)
			test.change(b)
			_, err := jpeg2000.Decode(context.Background(), b, test.limits)
			if err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	if !errors.Is(jpeg2000.ErrTruncated, io.ErrUnexpectedEOF) {
		t.Error("ErrTruncated is no io.ErrUnexpectedEOF")
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, workers := range []int{1, 4} {
		if _, err := jpeg2000.Decode(ctx, vector(t, "gray"), jpeg2000.Limits{Workers: workers}); !errors.Is(err, context.Canceled) {
			t.Errorf("%d workers: %v", workers, err)
		}
	}
}

func FuzzConfig(f *testing.F) {
	for _, v := range vectors {
		f.Add(vector(f, v.name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if h, err := jpeg2000.Config(data); err == nil && (h.Width < 1 || h.Height < 1 || len(h.Components) < 1 || h.Tiles < 1) {
			t.Errorf("%+v", h)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, v := range vectors {
		f.Add(vector(f, v.name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var img *jpeg2000.Image
		var err error
		bounded.Decode(t, 1<<27, func(ctx context.Context) {
			img, err = jpeg2000.Decode(ctx, data, jpeg2000.Limits{Samples: 1 << 18, Tiles: 1 << 8, Blocks: 1 << 14, Segments: 1 << 16, Workers: 1})
		})
		if err != nil {
			return
		}
		for i, c := range img.Components {
			low, high := int32(0), int32(1)<<c.Precision-1
			if c.Signed {
				low, high = -1<<(c.Precision-1), 1<<(c.Precision-1)-1
			}
			if len(img.Planes[i]) != c.Width*c.Height {
				t.Fatalf("%d samples of %dx%d", len(img.Planes[i]), c.Width, c.Height)
			}
			for _, v := range img.Planes[i] {
				if v < low || v > high {
					t.Fatalf("sample %d of %d bits", v, c.Precision)
				}
			}
		}
	})
}
