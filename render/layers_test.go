package render

import (
	"context"
	"errors"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// What would keep a processor busy for minutes is not drawn, and the state says why.
func TestLayersAreBounded(t *testing.T) {
	repeated := func(n int, o *dicom.DataSet) []*dicom.DataSet {
		all := make([]*dicom.DataSet, n)
		for i := range all {
			all[i] = o
		}
		return all
	}
	line, note := object("POLYLINE", "PIXEL", "N", make([]float64, 2*5000)), textObject(strings.Repeat("x", 1000), anchored("PIXEL", 1, 1, "N")...)
	dot := object("POINT", "PIXEL", "N", []float64{1, 1})
	for _, test := range []struct {
		sequence dicom.Tag
		items    []*dicom.DataSet
		drawn    bool
	}{
		{dicom.GraphicObjectSequence, repeated(20, line), true}, {dicom.GraphicObjectSequence, repeated(30, line), false},
		{dicom.GraphicObjectSequence, repeated(10000, dot), true}, {dicom.GraphicObjectSequence, repeated(10001, dot), false},
		{dicom.TextObjectSequence, repeated(100, note), true}, {dicom.TextObjectSequence, repeated(140, note), false},
	} {
		state := dicomtest.Item(dicom.GraphicLayerSequence, layer("A", 1, 0xFFFF),
			dicom.GraphicAnnotationSequence, dicomtest.Item(dicom.GraphicLayer, "A", test.sequence, test.items))
		layers, err := readLayers(state, subject{})
		if (err == nil) != test.drawn || test.drawn && len(layers[0].Shapes)+len(layers[0].Texts) != len(test.items) {
			t.Errorf("%d of %s: %v", len(test.items), test.sequence, err)
		}
	}
}

func TestPaintIsBounded(t *testing.T) {
	disk := Shape{Kind: "CIRCLE", Filled: true, Display: true, Points: []Point{{0.5, 0.5}, {0.9, 0.5}}}
	disks := make([]Shape, maxShapes)
	for i := range disks {
		disks[i] = disk
	}
	picture := image.NewGray(image.Rect(0, 0, 1024, 1024))
	c := canvas{state: &State{}, crop: placement{region: picture.Rect, width: 1024, height: 1024}, columns: 1024, rows: 1024}
	if err := (&State{Layers: []Layer{{Shapes: disks[:20], Color: color.White}}}).draw(picture, c, nil); err != nil {
		t.Error(err)
	}
	if err := (&State{Layers: []Layer{{Shapes: disks, Color: color.White}}}).draw(picture, c, nil); !errors.Is(err, errTooMuch) {
		t.Error(err)
	}
}

// TestDrawingEnds: nothing more is drawn when nobody wants it any more, however far it has come.
func TestDrawingEnds(t *testing.T) {
	c := canvas{state: &State{}, crop: placement{region: image.Rect(0, 0, 64, 64), width: 64, height: 64}, columns: 64, rows: 64}
	disk := Shape{Kind: "CIRCLE", Filled: true, Display: true, Points: []Point{{0.5, 0.5}, {0.9, 0.5}}}
	long := Shape{Kind: "POLYLINE", Display: true, Points: make([]Point, 3*polygonsAtOnce)}
	for i := range long.Points {
		long.Points[i] = Point{float64(i%2) * 0.1, float64(i) / float64(len(long.Points))}
	}
	layer := Layer{Shapes: []Shape{disk, long}, Texts: []Text{{Lines: []string{"A"}, Anchor: &Point{1, 1}}}, Color: color.White}
	draw := func(most int) (picture *image.Gray, asked int, err error) {
		picture = image.NewGray(c.crop.region)
		err = (&State{Layers: []Layer{layer}}).draw(picture, c, func() error {
			if asked++; asked > most {
				return context.Canceled
			}
			return nil
		})
		return picture, asked, err
	}
	whole, all, err := draw(1000)
	if err != nil || all < 2+1+3+1 || whole.GrayAt(32, 32).Y == 0 || whole.GrayAt(3, 3).Y == 0 { // each shape measured, the disk, parts of the line, the text
		t.Fatalf("asked %d times: %v", all, err)
	}
	for most := range all {
		picture, asked, err := draw(most)
		if !errors.Is(err, context.Canceled) || asked != most+1 {
			t.Errorf("not wanted after %d looks: %v after %d", most, err, asked)
		}
		if drawn := picture.GrayAt(32, 32).Y != 0; most <= 2 && drawn || most == all-1 && !drawn {
			t.Errorf("not wanted after %d looks: the disk is drawn: %v", most, drawn)
		}
	}
}
