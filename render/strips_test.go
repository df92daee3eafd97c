package render

import (
	"errors"
	"image"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// stripped cuts a frame into strips, with rubbish in the bits above those stored, and notes the rows that are read.
func stripped(f *pixel.Frame, r *rand.Rand, read *[]int) Strips {
	return func(y, n int) (*pixel.Frame, error) {
		part := *f
		part.Rows = min(n+r.IntN(3), f.Rows-y)
		for i := range part.Rows {
			*read = append(*read, y+i)
		}
		from, to := y*f.Columns, (y+part.Rows)*f.Columns
		if f.U8 != nil {
			part.U8 = slices.Clone(f.U8[from:to])
			return &part, nil
		}
		part.U16 = slices.Clone(f.U16[from:to])
		for i := range part.U16 {
			part.U16[i] = part.U16[i]&(1<<f.BitsStored-1) | uint16(r.Uint32())<<f.BitsStored
		}
		return &part, nil
	}
}

// A picture that is made of strips is, to the bit, the one that is made of the whole frame.
func TestStrips(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		d := pixel.Description{Rows: 1 + r.IntN(60), Columns: 1 + r.IntN(60), Samples: 1, BitsAllocated: 8 << r.IntN(2), Signed: r.IntN(2) == 0,
			Photometric: "MONOCHROME1"}
		d.BitsStored = d.BitsAllocated
		f := &pixel.Frame{}
		if d.BitsAllocated == 16 {
			d.BitsStored = 9 + r.IntN(8)
		}
		for range d.Pixels() {
			v := r.IntN(1 << d.BitsStored)
			if d.Signed {
				v -= 1 << (d.BitsStored - 1)
			}
			if d.BitsAllocated == 8 {
				f.U8 = append(f.U8, uint8(v))
			} else {
				f.U16 = append(f.U16, uint16(v))
			}
		}
		f.Description = d
		o := Options{Window: &Window{Center: float64(r.IntN(100)), Width: float64(2 + r.IntN(1<<d.BitsStored))}}
		if r.IntN(4) > 0 {
			w, h := float64(1+r.IntN(d.Columns))*float64(1-2*r.IntN(2)), float64(1+r.IntN(d.Rows))*float64(1-2*r.IntN(2))
			o.Viewport = &Viewport{Width: 1 + r.IntN(90), Height: 1 + r.IntN(90), SW: &w, SH: &h}
		}
		want, err := Render(f, Attributes{}, o)
		if err != nil {
			t.Fatal(err)
		}
		var read []int
		got, err := RenderStrips(d, stripped(f, r, &read), Attributes{}, o)
		if err != nil || !slices.Equal(got.(*image.Gray).Pix, want.(*image.Gray).Pix) {
			t.Fatalf("%+v, %+v: another picture, %v", d, o.Viewport, err)
		}
	}
}

// Of a region the rows are read that lie in it, and no others but those in the last strip.
func TestStripsOfARegion(t *testing.T) {
	f, height := noise(100, 1000), 100.0
	var read []int
	o := Options{Window: &Window{Center: 2048, Width: 4096}, Viewport: &Viewport{Width: 50, Height: 50, SY: 500, SH: &height}}
	if _, err := RenderStrips(f.Description, stripped(f, rand.New(rand.NewPCG(1, 2)), &read), Attributes{}, o); err != nil {
		t.Fatal(err)
	}
	if slices.Min(read) != 500 || slices.Max(read) > 602 || !slices.IsSorted(slices.Compact(read)) {
		t.Errorf("read %v", read)
	}
}

// The first error ends the reading, and is the answer.
func TestStripsThatCannotBeRead(t *testing.T) {
	broken := errors.New("broken")
	for _, v := range []*Viewport{nil, {Width: 50, Height: 50}, {Width: 300, Height: 300}} {
		calls := 0
		_, err := RenderStrips(noise(100, 100).Description, func(y, n int) (*pixel.Frame, error) {
			if calls++; y > 40 {
				return nil, broken
			}
			f := noise(100, 10)
			return f, nil
		}, Attributes{Window: &Window{Center: 2048, Width: 4096}}, Options{Viewport: v})
		if !errors.Is(err, broken) {
			t.Errorf("%+v: %v", v, err)
		}
		if calls > 100 {
			t.Errorf("%+v: %d calls", v, calls)
		}
	}
}

func TestByStrips(t *testing.T) {
	gray := noise(4, 4).Description
	window := Attributes{Window: &Window{Center: 1, Width: 2}}
	color, float, wide := gray, gray, gray
	color.Samples, float.Float, wide.BitsAllocated = 3, true, 32
	for _, test := range []struct {
		name string
		d    pixel.Description
		a    Attributes
		o    Options
		want bool
	}{
		{"gray, with a window", gray, window, Options{}, true},
		{"a window that is asked for", gray, Attributes{}, Options{Window: &Window{Center: 1, Width: 2}}, true},
		{"a window of the series", gray, Attributes{}, Options{Automatic: &Range{0, 9}}, true},
		{"a series of one value", gray, Attributes{}, Options{Automatic: &Range{9, 9}}, false},
		{"no window", gray, Attributes{}, Options{}, false},
		{"color", color, window, Options{}, false},
		{"float", float, window, Options{}, false},
		{"32 bits", wide, window, Options{}, false},
		{"16 bits of gray", gray, window, Options{Deep: true}, false},
		{"a presentation state", gray, Attributes{Window: window.Window, State: &State{}}, Options{}, false},
	} {
		if got := ByStrips(test.d, test.a, test.o); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
		if _, err := RenderStrips(test.d, stripped(noise(4, 4), rand.New(rand.NewPCG(1, 2)), new([]int)), test.a, test.o); (err == nil) != test.want {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
