package render

import (
	"errors"
	"image"
	"reflect"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// TestViews chooses among tables and windows by number and by explanation.
func TestViews(t *testing.T) {
	ds := build(append(window10("100", "10"), items(dicom.VOILUTSequence, lutItem([]int64{2, 0, 8}, 255, 0)))...)
	ds.SetStrings(dicom.WindowCenter, dicom.DS, "0.5", "128", "3")
	ds.SetStrings(dicom.WindowWidth, dicom.DS, "1", "256", "0")
	ds.SetStrings(dicom.WindowCenterWidthExplanation, dicom.LO, "BONE", "SOFT ", "BAD")
	a, err := Describe(ds, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := monochrome[uint8](8, 0, 1, 100)
	tests := []struct {
		c    Choice
		want []uint8 // nil: an error
	}{
		{Choice{Number: 1}, []uint8{255, 0, 0}},             // the table
		{Choice{Number: 2}, []uint8{0, 255, 255}},           // center 0.5, width 1: black up to 0
		{Choice{Explanation: "bone"}, []uint8{0, 255, 255}}, // the same by name
		{Choice{Explanation: "soft"}, []uint8{0, 1, 100}},   // (x-127.5)/255*255 + 127.5 is x
		{Choice{Explanation: "BAD"}, nil},                   // width 0
		{Choice{Explanation: "NONE"}, nil},
		{Choice{Number: 5}, nil},
	}
	for _, test := range tests {
		img, err := Render(f, a, Options{VOI: &test.c})
		if test.want == nil {
			if !errors.Is(err, ErrOptions) {
				t.Errorf("%+v: %v, want ErrOptions", test.c, err)
			}
		} else if err != nil || !reflect.DeepEqual(img.(*image.Gray).Pix, test.want) {
			t.Errorf("%+v: %v, %v; want %v", test.c, img, err, test.want)
		}
	}
}

// pictureOf renders a black image with the attributes and returns rows of '#' for white, '.' for black and 'o' for what is between.
func pictureOf(t *testing.T, columns, rows int, a Attributes, o Options) []string {
	t.Helper()
	f := monochrome(8, make([]uint8, columns*rows)...)
	f.Columns, f.Rows = columns, rows
	img, err := Render(f, a, o)
	if err != nil {
		t.Fatal(err)
	}
	g := img.(*image.Gray)
	lines := make([]string, rows)
	for i, v := range g.Pix {
		lines[i/columns] += map[uint8]string{0: ".", 255: "#"}[v] + map[bool]string{true: "o"}[v > 0 && v < 255]
	}
	return lines
}

func TestOverlays(t *testing.T) {
	ds := build(ints(dicom.OverlayRows, 2), ints(dicom.OverlayColumns, 3), ints(dicom.OverlayOrigin, 0, 2))
	// The rows 111 and 101, of which the first lies above the image: bits 1 1 1 1 0 1 from the lowest on.
	ds.Set(dicom.Element{Tag: dicom.OverlayData, VR: dicom.OB, Value: dicom.Bytes{0b101111, 0}})
	a, err := Describe(ds, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := pictureOf(t, 5, 2, a, Options{Overlays: true}); !reflect.DeepEqual(got, []string{".#.#.", "....."}) {
		t.Errorf("%q", got)
	}
	if got := pictureOf(t, 5, 2, a, Options{}); !reflect.DeepEqual(got, []string{".....", "....."}) {
		t.Errorf("not asked for: %q", got)
	}
	// Two planes for the frames 2 and 3 of the image.
	ds.SetStrings(dicom.NumberOfFramesInOverlay, dicom.IS, "2")
	ds.SetInts(dicom.ImageFrameOrigin, dicom.US, 2)
	ds.Set(dicom.Element{Tag: dicom.OverlayData, VR: dicom.OB, Value: dicom.Bytes{0b00000000, 0b1000}}) // the last pixel of the second
	for frame, want := range map[int]string{1: ".....", 2: ".....", 3: "...#.", 4: "....."} {
		if a, err = Describe(ds, frame); err != nil {
			t.Fatal(err)
		}
		if got := pictureOf(t, 5, 1, a, Options{Overlays: true}); got[0] != want {
			t.Errorf("frame %d: %q, want %q", frame, got[0], want)
		}
	}
}

func TestEmbeddedOverlay(t *testing.T) {
	for _, test := range []struct {
		bit, stored, high int64
		want              string // empty: there is no plane
	}{{12, 12, 11, "#..#"}, {0, 12, 15, "##.."}, {0, 12, 11, ""}, {16, 12, 11, ""}} {
		ds := build(ints(dicom.OverlayRows, 1), ints(dicom.OverlayColumns, 4), ints(dicom.OverlayBitsAllocated, 16),
			ints(dicom.OverlayBitPosition, test.bit), ints(dicom.BitsStored, test.stored), ints(dicom.HighBit, test.high))
		a, err := Describe(ds, 1)
		if err != nil || a.HasEmbedded() != (test.want != "") {
			t.Fatalf("%+v: %+v, %v", test, a, err)
		}
		a = a.Embed(monochrome[uint16](16, 0x1FFF, 0x2FFF, 0x0000, 0xF000))
		if got := pictureOf(t, 4, 1, a, Options{Overlays: true}); test.want != "" && (got[0] != test.want || a.HasEmbedded()) {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

func TestShutters(t *testing.T) {
	tests := []struct {
		name string
		s    Shutter
		want []string
	}{
		{"rectangle", Shutter{Rectangle: &Rectangle{2, 4, 2, 3}}, []string{"#####", "#...#", "#...#", "#####", "#####"}},
		{"circle", Shutter{Circle: &Circle{3, 3, 2}}, []string{"##.##", "#...#", ".....", "#...#", "##.##"}},
		{"triangle", Shutter{Polygon: []Vertex{{1, 1}, {5, 1}, {5, 5}}}, []string{".####", "..###", "...##", "....#", "....."}},
		{"circle in rectangle", Shutter{Circle: &Circle{3, 3, 2}, Rectangle: &Rectangle{3, 5, 1, 5}},
			[]string{"##.##", "##..#", "##...", "##..#", "##.##"}},
		{"bitmap", Shutter{Bitmap: &Overlay{Rows: 1, Columns: 2, Top: 1, Left: 1, Bits: []byte{3}}},
			[]string{".....", ".##..", ".....", ".....", "....."}},
	}
	for _, test := range tests {
		test.s.Gray = 0xFFFF
		if got := pictureOf(t, 5, 5, Attributes{Shutter: &test.s}, Options{}); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	ds := build(text(dicom.ShutterShape, dicom.CS, "RECTANGULAR", "POLYGONAL"),
		text(dicom.ShutterLeftVerticalEdge, dicom.IS, "2"), text(dicom.ShutterRightVerticalEdge, dicom.IS, "4"),
		text(dicom.ShutterUpperHorizontalEdge, dicom.IS, "1"), text(dicom.ShutterLowerHorizontalEdge, dicom.IS, "3"),
		text(dicom.VerticesOfThePolygonalShutter, dicom.IS, "1", "1", "5", "1", "5", "5"), ints(dicom.ShutterPresentationValue, 65535))
	a, err := Describe(ds, 1)
	want := &Shutter{Rectangle: &Rectangle{2, 4, 1, 3}, Polygon: []Vertex{{1, 1}, {5, 1}, {5, 5}}, Gray: 65535}
	if err != nil || !reflect.DeepEqual(a.Shutter, want) {
		t.Errorf("%+v, %v; want %+v", a.Shutter, err, want)
	}
}

func TestSupplementalPalette(t *testing.T) {
	a := Attributes{Window: asIs(), Palette: &Palette{First: 200, Colors: [][3]uint8{{255, 0, 0}, {0, 0, 255}}}}
	img, err := Render(monochrome[uint8](8, 10, 200, 201, 202), a, Options{})
	want := []uint8{10, 10, 10, 255, 255, 0, 0, 255, 0, 0, 255, 255, 202, 202, 202, 255}
	if err != nil || !reflect.DeepEqual(img.(*image.RGBA).Pix, want) {
		t.Errorf("%v, %v; want %v", img, err, want)
	}
}

// TestDeep: a sample of 12 bits through a window of 0 to 4095 is 65535/4095 of it.
func TestDeep(t *testing.T) {
	f := monochrome[uint16](12, 0, 1, 2048, 4095)
	o := Options{Deep: true, Viewport: &Viewport{Width: 4, Height: 1, SW: size(-4)}}
	img, err := Render(f, Attributes{Window: &Window{2048, 4096, Linear}}, o)
	if err != nil {
		t.Fatal(err)
	}
	for x, want := range []uint16{65535, 32776, 16, 0} {
		if got := img.(*image.Gray16).Gray16At(x, 0).Y; got != want {
			t.Errorf("pixel %d: %d, want %d", x, got, want)
		}
	}
}
