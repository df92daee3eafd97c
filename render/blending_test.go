package render

import (
	"image"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// blendingOf is a blending state of an image at z = 0 and of one above it, over which it lies by half: with red as bright as its gray level.
func blendingOf(with ...any) *dicom.DataSet {
	images := []dicomtest.Instance{dicomtest.Image{Series: "below"}.Instance(), dicomtest.Image{Series: "above", BitsAllocated: 8}.Instance()}
	return dicomtest.State{Class: dicomtest.BlendingState, Images: images[:1],
		With: append(dicomtest.Blended(images[:1], images[1:]), with...)}.Instance().DataSet
}

func TestBlending(t *testing.T) {
	below, above := imageAt("1.1", "0"), lying(&dicom.DataSet{}, "0.5", "0", "0", "2")
	b, err := ReadBlending(blendingOf(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f := samples(2, 1, 0, 255)
	f.Photometric = "MONOCHROME2"
	m, err := b.Over(f, above, 1, below, 1)
	if err != nil {
		t.Fatal(err)
	}
	// The middles of the pixels below, x = 0 to 4, lie at (x-0.5)/2 = -0.25, 0.25, 0.75, 1.25, 1.75 of those above: the levels there are 0, 63.75,
	// 191.25, 255, and none. Half of them, and half of 100.
	if got, want := painted(5, 1, m), []uint8{50, 82, 146, 178, 100}; !slices.Equal(got, want) {
		t.Errorf("red %v, want %v", got, want)
	}
	// Padding above does not cover: the nearest pixel decides.
	above.SetInts(dicom.PixelPaddingValue, dicom.US, 255)
	if m, err = b.Over(f, above, 1, below, 1); err != nil {
		t.Fatal(err)
	}
	if got, want := painted(5, 1, m), []uint8{50, 82, 100, 100, 100}; !slices.Equal(got, want) {
		t.Errorf("beside padding: red %v, want %v", got, want)
	}
}

// The transformations of each set of images are in its item of the Blending Sequence.
func TestBlendingTransformations(t *testing.T) {
	state := blendingOf()
	window := dicomtest.Item(dicom.WindowCenter, "127.5", dicom.WindowWidth, "51", dicom.VOILUTFunction, "LINEAR_EXACT")
	for _, item := range state.Items(dicom.BlendingSequence) {
		item.SetItems(dicom.SoftcopyVOILUTSequence, window)
	}
	f := samples(3, 1, 102, 153, 128)
	f.Photometric = "MONOCHROME2"
	place := imageAt("1.1", "0")
	a, err := Attributes{}.Present(state, "1.1", 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	under, err := Render(f, a, Options{})
	if err != nil {
		t.Fatal(err)
	}
	// (x - 102) / 51 * 255: black, white, and 130.
	if got := under.(*image.Gray).Pix[:3]; !slices.Equal(got, []uint8{0, 255, 130}) {
		t.Errorf("below: %v", got)
	}
	b, err := ReadBlending(state, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := b.Over(f, place, 1, place, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := painted(3, 1, m), []uint8{50, 178, 115}; !slices.Equal(got, want) {
		t.Errorf("above: red %v, want %v", got, want)
	}
}

func TestDistance(t *testing.T) {
	here := imageAt("1.1", "10")
	turned := imageAt("1.2", "10")
	turned.SetStrings(dicom.ImageOrientationPatient, dicom.DS, "1", "0", "0", "0", "0", "1")
	elsewhere := imageAt("1.3", "10")
	elsewhere.SetStrings(dicom.FrameOfReferenceUID, dicom.UI, "9.9")
	for _, test := range []struct {
		name  string
		other *dicom.DataSet
		want  float64
		ok    bool
	}{
		{"above", imageAt("1.4", "13.5"), 3.5, true}, {"below", imageAt("1.5", "8"), 2, true},
		{"turned", turned, 0, false}, {"elsewhere", elsewhere, 0, false}, {"nowhere", &dicom.DataSet{}, 0, false},
	} {
		if got, ok := Distance(here, 1, test.other, 1); got != test.want || ok != test.ok {
			t.Errorf("%s: %g, %v", test.name, got, ok)
		}
	}
	if got := Reach(here, 1); got != 1 {
		t.Errorf("2 mm thick, reaches %g", got)
	}
}

func TestBlendingErrors(t *testing.T) {
	two := blendingOf()
	two.SetItems(dicom.BlendingSequence, slices.Repeat(two.Items(dicom.BlendingSequence)[:1], 2)...)
	for want, state := range map[string]*dicom.DataSet{
		"(0070,0402)": two, "(0070,0403)": blendingOf(dicom.RelativeOpacity, []float64{1.5}),
		"Palette": blendingOf(dicom.RedPaletteColorLookupTableDescriptor, []int64{256}),
	} {
		if _, err := ReadBlending(state, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := (Attributes{}).Present(two, "1.1", 1, nil); err == nil {
		t.Error("a state without anything superimposed is applied")
	}
	if b, err := ReadBlending(dicomtest.State{Images: []dicomtest.Instance{dicomtest.Image{}.Instance()}}.Instance().DataSet, nil); b != nil || err != nil {
		t.Errorf("a grayscale state: %v, %v", b, err)
	}
	b, err := ReadBlending(blendingOf(), nil)
	if err != nil {
		t.Fatal(err)
	}
	rgb := samples(1, 1, 1, 2, 3)
	rgb.Samples, rgb.Photometric = 3, "RGB"
	gray := samples(1, 1, 1)
	gray.Photometric = "MONOCHROME2"
	if _, err := b.Over(rgb, imageAt("1.1", "0"), 1, imageAt("1.2", "0"), 1); err == nil {
		t.Error("color is superimposed")
	}
	if _, err := b.Over(gray, &dicom.DataSet{}, 1, imageAt("1.2", "0"), 1); err == nil {
		t.Error("what lies nowhere is superimposed")
	}
}

// Stored values times Dose Grid Scaling are the dose, in which windows are given (PS3.3 C.8.8.3).
func TestDose(t *testing.T) {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.DoseGridScaling, dicom.DS, "0.00002")
	a, err := Describe(ds, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := &pixel.Frame{Description: pixel.Description{Columns: 3, Rows: 1, Samples: 1, BitsAllocated: 32, BitsStored: 32, Photometric: "MONOCHROME2"},
		U32: []uint32{1_000_000, 2_000_000, 3_000_000}}
	img, err := Render(f, a, Options{Window: &Window{Center: 40, Width: 40, Function: LinearExact}}) // 20, 40 and 60 Gy
	if err != nil {
		t.Fatal(err)
	}
	if got := img.(*image.Gray).Pix; !slices.Equal(got[:3], []uint8{0, 128, 255}) {
		t.Errorf("%v", got)
	}
	ds.SetStrings(dicom.RescaleSlope, dicom.DS, "2")
	if a, _ := Describe(ds, 1); a.Rescale.Slope != 2 {
		t.Errorf("slope %g: a rescale of its own goes before", a.Rescale.Slope)
	}
}
