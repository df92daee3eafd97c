package render

import (
	"io"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// noise is a frame of 12-bit samples.
func noise(columns, rows int) *pixel.Frame {
	samples := make([]uint16, columns*rows)
	for i := range samples {
		samples[i] = uint16(i*2654435761>>16) & 0xFFF
	}
	f := monochrome(12, samples...)
	f.Columns, f.Rows = columns, rows
	return f
}

func benchmark(b *testing.B, f *pixel.Frame, a Attributes, o Options) {
	b.SetBytes(int64(2 * f.Values()))
	for b.Loop() {
		if _, err := Render(f, a, o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRenderCT(b *testing.B) {
	benchmark(b, noise(512, 512), Attributes{Rescale: &Rescale{1, -1024}, Window: &Window{40, 400, Linear}}, Options{})
}

func BenchmarkRenderCTAutomatic(b *testing.B) {
	benchmark(b, noise(512, 512), Attributes{}, Options{})
}

func BenchmarkRenderCR512(b *testing.B) {
	benchmark(b, noise(2500, 2048), Attributes{Window: &Window{2048, 4096, Linear}},
		Options{Viewport: &Viewport{Width: 512, Height: 512}})
}

func BenchmarkRenderRGB512(b *testing.B) {
	f := noise(2048, 2048)
	f.Samples, f.Photometric, f.U16, f.BitsStored = 3, "RGB", nil, 8
	f.U8 = make([]uint8, f.Values())
	benchmark(b, f, Attributes{}, Options{Viewport: &Viewport{Width: 512, Height: 512}})
}

func BenchmarkEncodeJPEG(b *testing.B) {
	img, err := Render(noise(512, 512), Attributes{}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := Encode(io.Discard, img, "image/jpeg", 90); err != nil {
			b.Fatal(err)
		}
	}
}
