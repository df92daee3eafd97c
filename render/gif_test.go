package render

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"math"
	"math/rand/v2"
	"testing"
)

// A GIF of up to 256 colors has them all; of more it has those that are nearest to what the picture is made of.
func TestGIFColors(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, test := range []struct {
		name       string
		at         func(x, y int) color.RGBA
		mean, most float64 // error of a color
	}{
		{"one color", func(int, int) color.RGBA { return color.RGBA{7, 8, 9, 255} }, 0, 0},
		{"256 colors", func(x, y int) color.RGBA { return color.RGBA{uint8(x % 16), uint8(255 - y%16), 3, 255} }, 0, 0},
		{"ultrasound: gray, and flow in color", func(x, y int) color.RGBA {
			if x < 30 && y < 30 {
				return color.RGBA{uint8(100 + 5*x), uint8(8 * y), 0, 255}
			}
			v := uint8(x + y)
			return color.RGBA{v, v, v, 255}
		}, 1.2, 8},
		{"smooth", func(x, y int) color.RGBA { return color.RGBA{uint8(2 * x), uint8(2 * y), uint8(x + y), 255} }, 4, 24},
		{"noise", func(int, int) color.RGBA {
			return color.RGBA{uint8(random.Uint32()), uint8(random.Uint32()), uint8(random.Uint32()), 255}
		}, 25, 130},
	} {
		img := image.NewRGBA(image.Rect(0, 0, 120, 120))
		for y := range 120 {
			for x := range 120 {
				img.SetRGBA(x, y, test.at(x, y))
			}
		}
		var b bytes.Buffer
		if err := Encode(&b, img, "image/gif", 0); err != nil {
			t.Fatal(err)
		}
		got, err := gif.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		sum, most := 0.0, 0.0
		for i, want := range img.Pix {
			r, g, b, a := got.At(i/4%120, i/480).RGBA()
			d := math.Abs(float64([]uint32{r, g, b, a}[i%4]>>8) - float64(want))
			sum, most = sum+d, max(most, d)
		}
		if mean := sum / float64(120*120*3); mean > test.mean || most > test.most {
			t.Errorf("%s: differs by %.2f in the mean and up to %.0f, want at most %.2f and %.0f", test.name, mean, most, test.mean, test.most)
		}
	}
}
