package render

import (
	"image"
	"reflect"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// grid is a frame whose sample at (x, y) is 16*y + x, shown as it is by asIs.
func grid(columns, rows int) *pixel.Frame {
	samples := make([]uint8, columns*rows)
	for i := range samples {
		samples[i] = uint8(i/columns*16 + i%columns)
	}
	f := monochrome(8, samples...)
	f.Columns, f.Rows = columns, rows
	return f
}

func asIs() *Window { return &Window{127.5, 255, LinearExact} }

func size(v float64) *float64 { return &v }

func TestViewportPixels(t *testing.T) {
	tests := []struct {
		name string
		v    *Viewport
		want []uint8
	}{
		{"none", nil, []uint8{0, 1, 2, 3, 16, 17, 18, 19}},
		{"same size", &Viewport{Width: 4, Height: 2}, []uint8{0, 1, 2, 3, 16, 17, 18, 19}},
		{"higher than needed", &Viewport{Width: 4, Height: 200}, []uint8{0, 1, 2, 3, 16, 17, 18, 19}},
		{"region", &Viewport{Width: 2, Height: 2, SX: 1, SW: size(2)}, []uint8{1, 2, 17, 18}},
		{"region to the edge", &Viewport{Width: 2, Height: 2, SX: 2}, []uint8{2, 3, 18, 19}},
		{"region beyond the edge", &Viewport{Width: 2, Height: 2, SX: 2, SW: size(99), SH: size(99)}, []uint8{2, 3, 18, 19}},
		{"flipped horizontally", &Viewport{Width: 4, Height: 2, SW: size(-4)}, []uint8{3, 2, 1, 0, 19, 18, 17, 16}},
		{"flipped vertically", &Viewport{Width: 4, Height: 2, SH: size(-2)}, []uint8{16, 17, 18, 19, 0, 1, 2, 3}},
		{"region, flipped", &Viewport{Width: 2, Height: 2, SX: -1, SW: size(-2), SH: size(-2)}, []uint8{18, 17, 2, 1}},
		// Means of 2 x 2: (0+1+16+17)/4 = 8.5, (2+3+18+19)/4 = 10.5.
		{"half", &Viewport{Width: 2, Height: 2}, []uint8{9, 11}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			img, err := Render(grid(4, 2), Attributes{}, Options{Window: asIs(), Viewport: test.v})
			if err != nil {
				t.Fatal(err)
			}
			if got := img.(*image.Gray).Pix; !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			// Color must be placed in the same way.
			rgb := grid(4, 2)
			gray := rgb.U8
			rgb.U8, rgb.Samples, rgb.Photometric = nil, 3, "RGB"
			for _, v := range gray {
				rgb.U8 = append(rgb.U8, v, 0, 255-v)
			}
			if img, err = Render(rgb, Attributes{}, Options{Viewport: test.v}); err != nil {
				t.Fatal(err)
			}
			for i, want := range test.want {
				p := img.(*image.RGBA).Pix[4*i:][:4]
				if d := int(p[0]) - int(want); d < -1 || d > 1 || p[1] != 0 || int(p[0])+int(p[2]) < 254 || p[3] != 255 {
					t.Errorf("color, pixel %d: %v, want red %d", i, p, want)
				}
			}
		})
	}
}

func TestViewportSize(t *testing.T) {
	tests := []struct {
		name          string
		columns, rows int
		aspect        float64
		v             *Viewport
		width, height int
	}{
		{"1:1", 300, 200, 0, nil, 300, 200},
		{"1:1, pixels not square", 300, 200, 2, nil, 300, 200},
		{"wide", 300, 200, 0, &Viewport{Width: 150, Height: 150}, 150, 100},
		{"high", 200, 300, 0, &Viewport{Width: 150, Height: 150}, 100, 150},
		{"enlarged", 300, 200, 0, &Viewport{Width: 900, Height: 900}, 900, 600},
		{"very flat", 1000, 1, 0, &Viewport{Width: 10, Height: 10}, 10, 1},
		// Pixels twice as high as wide: 300 x 400 as it is seen.
		{"pixels not square", 300, 200, 2, &Viewport{Width: 150, Height: 150}, 113, 150},
		{"pixels nearly square", 300, 300, 1.001, &Viewport{Width: 150, Height: 150}, 150, 150},
		{"absurd pixels", 300, 300, 1e9, &Viewport{Width: 150, Height: 150}, 150, 150},
		{"region", 300, 200, 0, &Viewport{Width: 100, Height: 100, SX: 10, SY: 10, SW: size(50), SH: size(100)}, 50, 100},
		{"region of less than a pixel", 300, 200, 0, &Viewport{Width: 10, Height: 10, SX: 10.2, SW: size(0.1), SH: size(0.1)}, 10, 10},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := monochrome(8, make([]uint8, test.columns*test.rows)...)
			f.Columns, f.Rows = test.columns, test.rows
			img, err := Render(f, Attributes{PixelAspect: test.aspect}, Options{Viewport: test.v})
			if err != nil {
				t.Fatal(err)
			}
			if b := img.Bounds(); b.Dx() != test.width || b.Dy() != test.height {
				t.Errorf("%d x %d, want %d x %d", b.Dx(), b.Dy(), test.width, test.height)
			}
		})
	}
}

// TestResampleFlat wants a flat picture to stay flat at any size.
func TestResampleFlat(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 37, 23))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for _, s := range [][2]int{{1, 1}, {5, 50}, {36, 24}, {37, 100}, {200, 3}} {
		out := placement{region: img.Rect, width: s[0], height: s[1], flipY: true}.gray(img)
		for i, v := range out.Pix {
			if v != 255 {
				t.Fatalf("%v: pixel %d is %d", s, i, v)
			}
		}
	}
}

// TestResampleRamp wants a ramp to stay one, at the middle of each new pixel.
func TestResampleRamp(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 100, 1))
	for x := range img.Pix {
		img.Pix[x] = uint8(2 * x)
	}
	for _, width := range []int{10, 30, 99, 101, 250} {
		out := placement{region: img.Rect, width: width, height: 1}.gray(img)
		margin := 2*width/100 + 1
		for x := margin; x < width-margin; x++ {
			want := 2 * ((float64(x)+0.5)*100/float64(width) - 0.5)
			if d := float64(out.Pix[x]) - want; d < -0.6 || d > 0.6 {
				t.Fatalf("width %d, pixel %d: %d, want %.2f", width, x, out.Pix[x], want)
			}
		}
	}
}
