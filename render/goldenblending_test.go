package render

import (
	"image"
	"math"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// warm is a frame of 12 x 9 samples of 16 bits with a spot to the right of its middle.
func warm() *pixel.Frame {
	f := monochrome[uint16](12)
	f.Columns, f.Rows, f.U16 = 12, 9, make([]uint16, 12*9)
	for i := range f.U16 {
		x, y := float64(i%12)-8, float64(i/12)-4
		f.U16[i] = uint16(4000 * math.Exp(-(x*x+y*y)/6))
	}
	return f
}

// The image below by itself; the spot over it by 0.3, by 0.7; turned, flipped and with a shutter; in a viewport.
func TestGoldenBlending(t *testing.T) {
	in := scene(72, 96)
	f := monochrome(12, words(pixels(in))...)
	f.Rows, f.Columns = 72, 96
	below, above := imageAt("1.1", "0"), lying(&dicom.DataSet{}, "3.5", "3.5", "0", "8")
	images := []dicomtest.Instance{in, dicomtest.Image{Series: "above"}.Instance()}
	pictures := []image.Image{}
	for _, test := range []struct {
		opacity float64
		with    []any
		o       Options
	}{
		{0, nil, Options{}},
		{0.3, nil, Options{}},
		{0.7, nil, Options{}},
		{0.7, []any{dicom.ImageRotation, 90, dicom.ImageHorizontalFlip, "Y", dicom.ShutterShape, "CIRCULAR", dicom.CenterOfCircularShutter, []int64{36, 48},
			dicom.RadiusOfCircularShutter, 34, dicom.ShutterPresentationValue, 0}, Options{}},
		{0.7, nil, Options{Viewport: &Viewport{Width: 150, Height: 150}}},
	} {
		state := dicomtest.State{Class: dicomtest.BlendingState, Images: images[:1],
			With: all(dicomtest.Blended(images[:1], images[1:]), []any{dicom.RelativeOpacity, []float64{test.opacity}}, test.with)}.Instance().DataSet
		b, err := ReadBlending(state, nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := b.Over(warm(), above, 1, below, 1)
		if err != nil {
			t.Fatal(err)
		}
		a, err := Attributes{}.Present(state, "1.1", 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		test.o.Marks = []Mark{m}
		img, err := Render(f, a, test.o)
		if err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, img)
	}
	golden(t, "blending", pictures...)
}
