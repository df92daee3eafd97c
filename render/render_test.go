package render

import (
	"errors"
	"image"
	"image/color"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// monochrome is a frame of one row.
func monochrome[T uint8 | uint16 | uint32 | float32 | float64](stored int, samples ...T) *pixel.Frame {
	f := &pixel.Frame{Description: pixel.Description{Rows: 1, Columns: len(samples), Samples: 1, BitsStored: stored,
		HighBit: stored - 1, Photometric: "MONOCHROME2", Frames: 1}}
	switch s := any(samples).(type) {
	case []uint8:
		f.U8, f.BitsAllocated = s, 8
	case []uint16:
		f.U16, f.BitsAllocated = s, 16
	case []uint32:
		f.U32, f.BitsAllocated = s, 32
	case []float32:
		f.F32, f.BitsAllocated, f.Float = s, 32, true
	case []float64:
		f.F64, f.BitsAllocated, f.Float = s, 64, true
	}
	return f
}

func signed(f *pixel.Frame) *pixel.Frame { f.Signed = true; return f }

func photometric(f *pixel.Frame, name string) *pixel.Frame { f.Photometric = name; return f }

func TestWindow(t *testing.T) {
	tests := []struct {
		w    Window
		x    float64
		want float64
	}{
		// PS3.3 C.11.2.1.2.1 gives for center 2048, width 4096: below 0 black, above 4095 white,
		// between ((x - 2047.5) / 4095 + 0.5) * 255.
		{Window{2048, 4096, Linear}, -1, 0},
		{Window{2048, 4096, Linear}, 0, 0},
		{Window{2048, 4096, Linear}, 4095, 255},
		{Window{2048, 4096, Linear}, 2047.5, 127.5},
		{Window{2048, 4096, Linear}, 1, 255.0 / 4095},
		// Center 2048, width 1: black up to 2047.5, white above.
		{Window{2048, 1, Linear}, 2047, 0},
		{Window{2048, 1, Linear}, 2047.5, 0},
		{Window{2048, 1, Linear}, 2048, 255},
		// Center 0, width 100: black up to -50, white above 49; at 0: ((0 + 0.5) / 99 + 0.5) * 255 = 128.788
		{Window{0, 100, Linear}, -50, 0},
		{Window{0, 100, Linear}, 49, 255},
		{Window{0, 100, Linear}, 0, (0.5/99 + 0.5) * 255},
		// LINEAR_EXACT, center 2048, width 4096: black up to 0, white above 4096.
		{Window{2048, 4096, LinearExact}, 0, 0},
		{Window{2048, 4096, LinearExact}, 1024, 63.75},
		{Window{2048, 4096, LinearExact}, 2048, 127.5},
		{Window{2048, 4096, LinearExact}, 4096, 255},
		{Window{2048, 4096, LinearExact}, 5000, 255},
		{Window{0.05, 0.1, LinearExact}, 0.025, 63.75},
		// SIGMOID: 255 / (1 + exp(-4 (x - c) / w)); at c + w/4: 255 / (1 + 1/e) = 186.420
		{Window{2048, 4096, Sigmoid}, 2048, 127.5},
		{Window{100, 40, Sigmoid}, 110, 255 / (1 + math.Exp(-1))},
		{Window{100, 40, Sigmoid}, -1e9, 0},
		{Window{100, 40, Sigmoid}, 1e9, 255},
		{Window{0, 1e-300, Sigmoid}, 1e300, 255},
		{Window{0, 1e308, Linear}, math.MaxFloat64, 255},
		{Window{0, 100, Linear}, math.NaN(), 0},
		{Window{0, 100, LinearExact}, math.NaN(), 0},
		{Window{0, 100, Sigmoid}, math.NaN(), 0},
		{Window{0, 100, Linear}, math.Inf(1), 255},
		{Window{0, 100, Linear}, math.Inf(-1), 0},
	}
	for _, test := range tests {
		if got := test.w.at(test.x); !(math.Abs(got-test.want) < 1e-9) {
			t.Errorf("%+v of %g: %g, want %g", test.w, test.x, got, test.want)
		}
	}
}

func TestRenderGray(t *testing.T) {
	window := func(c, w float64) Attributes { return Attributes{Window: &Window{c, w, Linear}} }
	tests := []struct {
		name string
		f    *pixel.Frame
		a    Attributes
		o    Options
		want []uint8
	}{
		{"window", monochrome[uint16](12, 0, 2048, 4095), window(2048, 4096), Options{}, []uint8{0, 128, 255}},
		{"MONOCHROME1", photometric(monochrome[uint16](12, 0, 2048, 4095), "MONOCHROME1"), window(2048, 4096), Options{},
			[]uint8{255, 127, 0}},
		{"INVERSE", monochrome[uint8](8, 0, 255), Attributes{Inverse: true}, Options{}, []uint8{255, 0}},
		{"MONOCHROME1 and INVERSE", photometric(monochrome[uint8](8, 0, 255), "MONOCHROME1"), Attributes{Inverse: true}, Options{},
			[]uint8{255, 0}},
		// -1024 HU to 3071 HU: stored 24 is -1000, 1024 is 0. Window 40/400: -160 black, 239 white; 0: (-39.5/399+0.5)*255 = 102.3
		{"rescale", monochrome[uint16](12, 24, 1024, 1300), Attributes{Rescale: &Rescale{1, -1024}, Window: &Window{40, 400, Linear}},
			Options{}, []uint8{0, 102, 255}},
		{"signed", signed(monochrome[uint16](16, 0xFC18, 0, 300)), Attributes{Window: &Window{40, 400, Linear}},
			Options{}, []uint8{0, 102, 255}},
		{"signed 8", signed(monochrome[uint8](8, 0x80, 0, 0x7F)), window(0, 256), Options{}, []uint8{0, 128, 255}},
		{"window asked for", monochrome[uint8](8, 0, 10, 20), window(5, 2), Options{Window: &Window{10, 20, LinearExact}},
			[]uint8{0, 128, 255}},
		// Entries of 8 bits from 10 on: 10 -> 0, 11 -> 100, 12 -> 255; inputs beyond take the nearest entry.
		{"VOI LUT", monochrome[uint8](8, 0, 10, 11, 12, 99),
			Attributes{VOILUT: &LUT{10, 8, []uint16{0, 100, 255}}, Window: &Window{5, 2, Linear}}, Options{},
			[]uint8{0, 0, 100, 255, 255}},
		{"modality LUT", monochrome[uint8](8, 0, 1, 2),
			Attributes{ModalityLUT: &LUT{0, 16, []uint16{500, 0, 1000}}, Window: &Window{500, 1000, LinearExact}}, Options{},
			[]uint8{128, 0, 255}},
		{"32 bits", monochrome[uint32](32, 0, 1<<31, 1<<32-1), window(1<<31, 1<<32), Options{}, []uint8{0, 128, 255}},
		{"32 bits signed", signed(monochrome[uint32](32, 1<<31, 0, 1<<31-1)), window(0, 1<<32), Options{}, []uint8{0, 128, 255}},
		{"float", monochrome[float32](32, -1, 0, 1, float32(math.NaN())), Attributes{Window: &Window{0, 2, LinearExact}}, Options{},
			[]uint8{0, 128, 255, 0}},

		{"no window: lowest to highest", monochrome[uint16](12, 100, 150, 200), Attributes{}, Options{}, []uint8{0, 128, 255}},
		{"no window: padding left out", monochrome[uint16](16, 65535, 100, 150, 200), Attributes{Padding: &Range{60000, 65535}},
			Options{}, []uint8{255, 0, 128, 255}},
		{"no window: nothing but padding", monochrome[uint8](8, 0, 0), Attributes{Padding: &Range{0, 0}}, Options{}, []uint8{0, 0}},
		{"no window: all zero", monochrome[uint16](16, 0, 0), Attributes{}, Options{}, []uint8{0, 0}},
		{"no window: all alike", monochrome[uint16](16, 7, 7), Attributes{}, Options{}, []uint8{128, 128}},
		{"no window: all alike, 8 bits", monochrome[uint8](8, 255, 255), Attributes{}, Options{}, []uint8{255, 255}},
		{"no window: float", monochrome(64, -1e308, 0, 1e308, math.Inf(1)), Attributes{}, Options{}, []uint8{0, 128, 255, 255}},
		{"no window: nothing finite", monochrome(64, math.NaN(), math.Inf(1)), Attributes{}, Options{}, []uint8{0, 0}},
		{"no window: tiny slope", monochrome[uint16](16, 0, 1, 2), Attributes{Rescale: &Rescale{1e-300, 0}}, Options{},
			[]uint8{0, 128, 255}},
		{"no window: huge slope", monochrome[uint16](16, 0, 32768, 65535), Attributes{Rescale: &Rescale{1e303, 0}}, Options{},
			[]uint8{0, 128, 255}},
		{"no window: overflow", monochrome[uint16](16, 0, 1, 65535), Attributes{Rescale: &Rescale{1e308, 0}}, Options{},
			[]uint8{0, 255, 255}},
		{"no window: falling slope", monochrome[uint16](16, 0, 50, 100), Attributes{Rescale: &Rescale{-2, 10}}, Options{},
			[]uint8{255, 128, 0}},
		{"window of the file that means nothing", monochrome[uint8](8, 0, 100), Attributes{Window: &Window{0, 0.5, Linear}}, Options{},
			[]uint8{0, 255}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			img, err := Render(test.f, test.a, test.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := img.(*image.Gray).Pix; !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestRenderBits(t *testing.T) {
	for _, samples := range [][]uint8{{0, 1, 1, 0}, {0, 0, 0, 0}, {1, 1, 1, 1}} {
		f := monochrome(1, samples...)
		f.BitsAllocated = 1
		img, err := Render(f, Attributes{}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range img.(*image.Gray).Pix {
			if v != 255*samples[i] {
				t.Errorf("%v: pixel %d is %d", samples, i, v)
			}
		}
	}
}

// TestAutomaticTails: of 1000 samples the five lowest and the five highest may be cut, when they spread over many levels.
func TestAutomaticTails(t *testing.T) {
	samples := make([]uint16, 1000)
	for i := range samples {
		samples[i] = uint16(1000 + i)
	}
	samples[0], samples[999] = 0, 60000
	img, err := Render(monochrome(16, samples...), Attributes{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	pix := img.(*image.Gray).Pix
	// The fifth lowest is 1004, the fifth highest 1995; 1500 is (496 / 991) * 255 = 127.6.
	if pix[4] != 0 || pix[5] != 0 || pix[8] != 1 || pix[995] != 255 || pix[500] != 128 {
		t.Errorf("got %d %d %d %d %d", pix[4], pix[5], pix[8], pix[995], pix[500])
	}
}

// TestAutomaticSparse: a bright spot of less than half a percent is not lost when all else is alike.
func TestAutomaticSparse(t *testing.T) {
	samples := make([]uint16, 1000)
	samples[3] = 5000
	img, err := Render(monochrome(16, samples...), Attributes{}, Options{})
	if err != nil || img.(*image.Gray).Pix[3] != 255 || img.(*image.Gray).Pix[4] != 0 {
		t.Errorf("%v, %v", img, err)
	}
}

// three is a frame of one pixel of three samples.
func three[T uint8 | uint16 | uint32](stored int, name string, a, b, c T) *pixel.Frame {
	f := monochrome(stored, a, b, c)
	f.Columns, f.Samples, f.Photometric = 1, 3, name
	return f
}

func TestRenderColor(t *testing.T) {
	palette := Attributes{Palette: &Palette{First: 5, Colors: [][3]uint8{{1, 2, 3}, {4, 5, 6}}}}
	tests := []struct {
		name string
		f    *pixel.Frame
		a    Attributes
		want color.RGBA
	}{
		{"RGB", three[uint8](8, "RGB", 10, 20, 30), Attributes{}, color.RGBA{10, 20, 30, 255}},
		{"RGB 16", three[uint16](16, "RGB", 0, 32768, 65535), Attributes{}, color.RGBA{0, 128, 255, 255}},
		{"RGB 12", three[uint16](12, "RGB", 0, 2048, 4095), Attributes{}, color.RGBA{0, 128, 255, 255}},
		{"RGB 32", three[uint32](32, "RGB", 0, 1<<31, 1<<32-1), Attributes{}, color.RGBA{0, 128, 255, 255}},
		// R = Y + 1.402 (CR-128), G = Y - 0.344136 (CB-128) - 0.714136 (CR-128), B = Y + 1.772 (CB-128)
		{"YBR_FULL red", three[uint8](8, "YBR_FULL", 76, 85, 255), Attributes{}, color.RGBA{254, 0, 0, 255}},
		{"YBR_FULL", three[uint8](8, "YBR_FULL", 100, 90, 150), Attributes{}, color.RGBA{131, 97, 33, 255}},
		{"YBR_FULL_422", three[uint8](8, "YBR_FULL_422", 100, 128, 128), Attributes{}, color.RGBA{100, 100, 100, 255}},
		// 255/219 (Y-16), and chroma times 255/224: black 16, white 235; (100-16) * 1.16438 = 97.8
		{"YBR_PARTIAL black", three[uint8](8, "YBR_PARTIAL_422", 16, 128, 128), Attributes{}, color.RGBA{0, 0, 0, 255}},
		{"YBR_PARTIAL white", three[uint8](8, "YBR_PARTIAL_420", 235, 128, 128), Attributes{}, color.RGBA{255, 255, 255, 255}},
		// R = 97.8 + 1.5960*22 = 132.9, G = 97.8 + 0.3918*38 - 0.8130*22 = 94.8, B = 97.8 - 2.0172*38 = 21.2
		{"YBR_PARTIAL", three[uint8](8, "YBR_PARTIAL_422", 100, 90, 150), Attributes{}, color.RGBA{133, 95, 21, 255}},
		{"YBR_RCT", three[uint8](8, "YBR_RCT", 1, 2, 3), Attributes{}, color.RGBA{1, 2, 3, 255}},
		{"palette", photometric(monochrome[uint8](8, 6), "PALETTE COLOR"), palette, color.RGBA{4, 5, 6, 255}},
		{"palette, below", photometric(monochrome[uint16](16, 0), "PALETTE COLOR"), palette, color.RGBA{1, 2, 3, 255}},
		{"palette, above", photometric(monochrome[uint16](16, 65535), "PALETTE COLOR"), palette, color.RGBA{4, 5, 6, 255}},
		{"palette, signed", signed(photometric(monochrome[uint16](16, 65535), "PALETTE COLOR")), palette, color.RGBA{1, 2, 3, 255}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			img, err := Render(test.f, test.a, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := img.(*image.RGBA).RGBAAt(0, 0); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestRenderErrors(t *testing.T) {
	four := three[uint8](8, "CMYK", 1, 2, 3)
	gray := monochrome[uint8](8, 0, 1)
	nan := math.NaN()
	tests := []struct {
		name    string
		f       *pixel.Frame
		o       Options
		want    string
		options bool
	}{
		{"retired", four, Options{}, `"CMYK"`, false},
		{"HSV", three[uint8](8, "HSV", 1, 2, 3), Options{}, `"HSV"`, false},
		{"unknown", photometric(monochrome[uint8](8, 1), "GRAY"), Options{}, `"GRAY"`, false},
		{"no palette", photometric(monochrome[uint8](8, 1), "PALETTE COLOR"), Options{}, "without a palette", false},
		{"window of width zero", gray, Options{Window: &Window{0, 0, LinearExact}}, "width 0", true},
		{"window of width below one", gray, Options{Window: &Window{0, 0.5, Linear}}, "width 0.5", true},
		{"window without number", gray, Options{Window: &Window{nan, 1, Linear}}, "center NaN", true},
		{"no viewport", gray, Options{Viewport: &Viewport{Width: 0, Height: 5}}, "0 x 5", true},
		{"region outside", gray, Options{Viewport: &Viewport{Width: 5, Height: 5, SX: 2}}, "outside the image", true},
		{"region empty", gray, Options{Viewport: &Viewport{Width: 5, Height: 5, SW: new(float64)}}, "outside the image", true},
		{"region without number", gray, Options{Viewport: &Viewport{Width: 5, Height: 5, SY: nan}}, "outside the image", true},
		{"too large", gray, Options{Viewport: &Viewport{Width: 1 << 40, Height: 1 << 40}}, "the most is", true},
		{"too large, by limit", gray, Options{MaxPixels: 1}, "2 x 1", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Render(test.f, Attributes{}, test.o)
			if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, ErrOptions) != test.options {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
