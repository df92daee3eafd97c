package render

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

var update = flag.Bool("update", false, "write the golden pictures; look at each of them before they are committed")

// scene is an image that shows which way up it is: brighter to the right, a disc in its upper left, a bar along its lower edge.
func scene(rows, columns int, with ...any) dicomtest.Instance {
	in := dicomtest.Image{Rows: rows, Columns: columns, BitsStored: 12, With: with}.Instance()
	b := make([]byte, 2*rows*columns)
	for y := range rows {
		for x := range columns {
			v := 1000 + 2000*x/columns
			switch dx, dy := x-columns/4, y-rows/3; {
			case dx*dx+dy*dy < rows*rows/25:
				v = 3800
			case y > rows*9/10 && x < columns/2:
				v = 200
			}
			b[2*(y*columns+x)], b[2*(y*columns+x)+1] = byte(v), byte(v>>8)
		}
	}
	in.DataSet.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bytes(b)})
	return in
}

// golden compares pictures, side by side, with the file of that name, exactly.
func golden(t *testing.T, name string, pictures ...image.Image) {
	t.Helper()
	const gap = 4
	size := image.Point{}
	for _, p := range pictures {
		size = image.Pt(size.X+p.Bounds().Dx()+gap, max(size.Y, p.Bounds().Dy()))
	}
	sheet := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(sheet, sheet.Rect, image.NewUniform(color.RGBA{0x30, 0x50, 0x90, 0xFF}), image.Point{}, draw.Src)
	x := 0
	for _, p := range pictures {
		draw.Draw(sheet, p.Bounds().Add(image.Pt(x, 0)), p, image.Point{}, draw.Src)
		x += p.Bounds().Dx() + gap
	}
	path := filepath.Join("testdata", name+".png")
	if *update {
		var b bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, sheet); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if want.Bounds() != sheet.Rect {
		t.Fatalf("%s: %v, want %v", name, sheet.Rect, want.Bounds())
	}
	differs := 0
	for y := range size.Y {
		for x := range size.X {
			if color.RGBAModel.Convert(want.At(x, y)) != color.Color(sheet.RGBAAt(x, y)) {
				differs++
			}
		}
	}
	if differs > 0 {
		t.Errorf("%s: %d pixels differ", name, differs)
	}
}

// by renders the scene by a state with these elements.
func by(t *testing.T, in dicomtest.Instance, class dicom.UID, o Options, with ...[]any) image.Image {
	t.Helper()
	state := dicomtest.State{Class: class, Images: []dicomtest.Instance{in}, With: all(with...)}
	// A file and back: what a state has of bulk data, Overlay Data, is in it.
	img, err := presented(t, in, state.Instance().DataSet, 1, o)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// overlayPlane is an overlay of the state's: a frame of ones around its edge, in a layer.
func overlayPlane(group uint16, rows, columns int, top, left int64, layer string) []any {
	bits := make([]byte, (rows*columns+15)/16*2)
	for y := range rows {
		for x := range columns {
			if i := y*columns + x; y < 2 || x < 2 || y >= rows-2 || x >= columns-2 {
				bits[i/8] |= 1 << (i % 8)
			}
		}
	}
	pairs := []any{in(group, dicom.OverlayRows), rows, in(group, dicom.OverlayColumns), columns, in(group, dicom.OverlayType), "G",
		in(group, dicom.OverlayOrigin), []int64{top, left}, in(group, dicom.OverlayBitsAllocated), 1, in(group, dicom.OverlayBitPosition), 0,
		in(group, dicom.OverlayData), bits}
	if layer != "" {
		pairs = append(pairs, in(group, dicom.OverlayActivationLayer), layer)
	}
	return pairs
}

func layer(name string, order, gray int) *dicom.DataSet {
	return dicomtest.Item(dicom.GraphicLayer, name, dicom.GraphicLayerOrder, order, dicom.GraphicLayerRecommendedDisplayGrayscaleValue, gray)
}

func displayed(left, top, right, bottom int64, mode string, more ...any) []any {
	return []any{dicom.DisplayedAreaSelectionSequence, dicomtest.Item(append([]any{
		dicom.DisplayedAreaTopLeftHandCorner, []int64{left, top}, dicom.DisplayedAreaBottomRightHandCorner, []int64{right, bottom},
		dicom.PresentationSizeMode, mode, dicom.PresentationPixelAspectRatio, `1\1`}, more...)...)}
}

func shutter(shape string, more ...any) []any {
	return append([]any{dicom.ShutterShape, shape, dicom.ShutterPresentationValue, 0x6000}, more...)
}

var wide = windowed("2048", "4096")

func TestGoldenShutters(t *testing.T) {
	in := scene(72, 96)
	over := all(overlayPlane(0x6000, 40, 60, 5, 7, "OVER"), []any{dicom.GraphicLayerSequence, layer("OVER", 1, 0xFFFF)})
	circle := shutter("CIRCULAR", dicom.CenterOfCircularShutter, `36\48`, dicom.RadiusOfCircularShutter, 30)
	golden(t, "shutters",
		by(t, in, "", Options{}, wide, shutter("RECTANGULAR", dicom.ShutterLeftVerticalEdge, 10, dicom.ShutterRightVerticalEdge, 80,
			dicom.ShutterUpperHorizontalEdge, 5, dicom.ShutterLowerHorizontalEdge, 60)),
		by(t, in, "", Options{}, wide, circle),
		by(t, in, "", Options{}, wide, shutter("POLYGONAL", dicom.VerticesOfThePolygonalShutter, `5\5\5\90\60\70\65\20`)),
		by(t, in, "", Options{}, wide, shutter("BITMAP", dicom.ShutterOverlayGroup, 0x6000), overlayPlane(0x6000, 72, 96, 1, 1, "")),
		by(t, in, "", Options{}, wide, circle, over),
		by(t, in, "", Options{}, wide, circle, turned(90, "Y")))
}

func TestGoldenOverlays(t *testing.T) {
	in := scene(72, 96, all(overlayPlane(0x6002, 30, 40, 11, 21, ""), overlayPlane(0x6004, 30, 40, 60, 80, ""))...)
	layers := []any{dicom.GraphicLayerSequence, []*dicom.DataSet{layer("UPPER", 2, 0), layer("LOWER", 1, 0xFFFF)}}
	a, err := Describe(in.DataSet, 1)
	if err != nil {
		t.Fatal(err)
	}
	a.Window = &Window{2048, 4096, Linear}
	f := monochrome(12, words(pixels(in))...)
	f.Rows, f.Columns = 72, 96
	drawn, err := Render(f, a, Options{Overlays: true})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "overlays", drawn,
		by(t, in, "", Options{}, wide, layers), // none is activated
		by(t, in, "", Options{}, wide, layers, []any{in6(2), "LOWER"}, overlayPlane(0x6000, 40, 60, 5, 7, "UPPER")),
		by(t, in, "", Options{}, wide, layers, []any{in6(2), "UPPER"}, overlayPlane(0x6000, 40, 60, 5, 7, "LOWER")),
		by(t, in, "", Options{}, wide, layers, overlayPlane(0x6002, 10, 60, 5, 7, "LOWER"))) // instead of the image's own
}

func in6(n uint16) dicom.Tag { return in(0x6000+n, dicom.OverlayActivationLayer) }

func pixels(in dicomtest.Instance) []byte {
	e, _ := in.DataSet.Get(dicom.PixelData)
	return e.Value.(dicom.Bytes)
}

func object(kind, units, filled string, points []float64, more ...any) *dicom.DataSet {
	return dicomtest.Item(append([]any{dicom.GraphicAnnotationUnits, units, dicom.GraphicDimensions, 2, dicom.NumberOfGraphicPoints, len(points) / 2,
		dicom.GraphicData, points, dicom.GraphicType, kind, dicom.GraphicFilled, filled}, more...)...)
}

func annotated(layerName string, objects ...*dicom.DataSet) *dicom.DataSet {
	return dicomtest.Item(dicom.GraphicLayer, layerName, dicom.GraphicObjectSequence, objects)
}

func texts(layerName string, objects ...*dicom.DataSet) *dicom.DataSet {
	return dicomtest.Item(dicom.GraphicLayer, layerName, dicom.TextObjectSequence, objects)
}

func annotations(items ...*dicom.DataSet) []any { return []any{dicom.GraphicAnnotationSequence, items} }

// shapes are one of each kind; filled or not where it matters.
func shapes(filled string) []*dicom.DataSet {
	return []*dicom.DataSet{
		object("POINT", "PIXEL", "N", []float64{10, 10}),
		object("POLYLINE", "PIXEL", filled, []float64{20, 5, 50, 5, 35, 25, 20, 5}),
		object("INTERPOLATED", "PIXEL", filled, []float64{60, 10, 90, 10, 90, 30, 60, 30, 60, 10}),
		object("CIRCLE", "PIXEL", filled, []float64{25, 50, 40, 50}),
		object("ELLIPSE", "PIXEL", filled, []float64{55, 45, 90, 65, 68, 63, 77, 47}),
	}
}

func TestGoldenGraphics(t *testing.T) {
	in := scene(72, 96)
	layers := []any{dicom.GraphicLayerSequence, []*dicom.DataSet{layer("A", 1, 0xFFFF), layer("B", 2, 0x2000)}}
	large := Options{Viewport: &Viewport{Width: 288, Height: 288}}
	display := annotations(annotated("A", object("POLYLINE", "DISPLAY", "N", []float64{0.05, 0.05, 0.95, 0.05, 0.95, 0.5}),
		object("CIRCLE", "DISPLAY", "N", []float64{0.5, 0.5, 0.7, 0.5})), annotated("B", shapes("N")...))
	golden(t, "graphics",
		by(t, in, "", Options{}, wide, layers, annotations(annotated("A", shapes("N")...))),
		by(t, in, "", large, wide, layers, annotations(annotated("A", shapes("Y")...))),
		by(t, in, "", large, wide, layers, display, turned(90, "N")),
		by(t, in, "", large, wide, layers, display, turned(180, "Y"), displayed(70, 60, 11, 11, "SCALE TO FIT")))
}

func textObject(value string, more ...any) *dicom.DataSet {
	return dicomtest.Item(append([]any{dicom.UnformattedTextValue, value}, more...)...)
}

func boxed(left, top, right, bottom float64, justify string) []any {
	return []any{dicom.BoundingBoxAnnotationUnits, "PIXEL", dicom.BoundingBoxTopLeftHandCorner, []float64{left, top},
		dicom.BoundingBoxBottomRightHandCorner, []float64{right, bottom}, dicom.BoundingBoxTextHorizontalJustification, justify}
}

func anchored(units string, x, y float64, visible string) []any {
	return []any{dicom.AnchorPointAnnotationUnits, units, dicom.AnchorPoint, []float64{x, y}, dicom.AnchorPointVisibility, visible}
}

func TestGoldenText(t *testing.T) {
	in := scene(144, 192)
	layers := []any{dicom.GraphicLayerSequence, layer("A", 1, 0xFFFF)}
	notes := annotations(texts("A",
		textObject("left\r\ntwo lines", boxed(5, 5, 90, 40, "LEFT")...),
		textObject("center", boxed(100, 5, 185, 40, "CENTER")...),
		textObject("right", boxed(5, 100, 90, 120, "RIGHT")...),
		textObject("anchored", append(boxed(110, 90, 180, 110, "LEFT"), anchored("PIXEL", 48, 48, "Y")...)...),
		textObject("Läsion 山", anchored("DISPLAY", 0.5, 0.5, "N")...)))
	golden(t, "text",
		by(t, in, "", Options{Viewport: &Viewport{Width: 384, Height: 288}}, wide, layers, notes),
		by(t, in, "", Options{}, wide, layers, notes, turned(90, "N")))
}

func TestGoldenAreas(t *testing.T) {
	in := scene(72, 96)
	fit := Options{Viewport: &Viewport{Width: 120, Height: 120}}
	golden(t, "areas",
		by(t, in, "", Options{}, wide, displayed(1, 1, 48, 48, "SCALE TO FIT")),
		by(t, in, "", fit, wide, displayed(1, 1, 48, 48, "TRUE SIZE")),
		by(t, in, "", fit, wide, displayed(-23, -11, 120, 96, "SCALE TO FIT")), // beyond the image
		by(t, in, "", Options{}, wide, displayed(1, 1, 48, 48, "MAGNIFY", dicom.PresentationPixelMagnificationRatio, 2.0)),
		by(t, in, "", fit, wide, displayed(1, 1, 96, 72, "MAGNIFY", dicom.PresentationPixelMagnificationRatio, 3.0)), // cut to its middle
		by(t, in, "", fit, wide, displayed(1, 1, 96, 72, "SCALE TO FIT", dicom.PresentationPixelAspectRatio, `2\1`)),
		by(t, in, "", fit, wide, displayed(1, 1, 96, 72, "SCALE TO FIT", dicom.PresentationPixelAspectRatio, `2\1`), turned(90, "N")))
}

// lab is a color in CIELab of 16 bits: L* of 0 to 100, a* and b* of -128 to 127.
func lab(l, a, b float64) []int64 {
	return []int64{int64(l / 100 * 65535), int64((a + 128) / 255 * 65535), int64((b + 128) / 255 * 65535)}
}

func TestGoldenColors(t *testing.T) {
	in := scene(72, 96)
	red := dicomtest.Item(dicom.GraphicLayer, "A", dicom.GraphicLayerOrder, 1, dicom.GraphicLayerRecommendedDisplayCIELabValue, lab(53, 80, 67))
	palette := func(descriptor, data dicom.Tag, at func(i int) int) []any {
		table := make([]byte, 512)
		for i := range 256 {
			table[2*i+1] = byte(at(i))
		}
		return []any{descriptor, []int64{256, 0, 16}, data, table}
	}
	fire := all(
		palette(dicom.RedPaletteColorLookupTableDescriptor, dicom.RedPaletteColorLookupTableData, func(i int) int { return min(3*i, 255) }),
		palette(dicom.GreenPaletteColorLookupTableDescriptor, dicom.GreenPaletteColorLookupTableData, func(i int) int { return i }),
		palette(dicom.BluePaletteColorLookupTableDescriptor, dicom.BluePaletteColorLookupTableData, func(i int) int { return max(0, 2*i-255) }))
	rgb := dicomtest.Image{Rows: 72, Columns: 96, Samples: 3, BitsAllocated: 8, Photometric: "RGB"}.Instance()
	golden(t, "colors",
		by(t, in, "", Options{}, wide, []any{dicom.GraphicLayerSequence, red}, annotations(annotated("A", shapes("N")...))),
		by(t, in, dicomtest.PseudoColorState, Options{}, wide, fire),
		by(t, rgb, dicomtest.ColorState, Options{}),
		by(t, rgb, dicomtest.ColorState, Options{}, turned(90, "N"), []any{dicom.GraphicLayerSequence, red},
			annotations(annotated("A", object("CIRCLE", "PIXEL", "Y", []float64{48, 36, 60, 36})))))
}

func TestGoldenViewports(t *testing.T) {
	in := scene(72, 96)
	f := monochrome(12, words(pixels(in))...)
	f.Rows, f.Columns = 72, 96
	a := Attributes{Window: &Window{2048, 4096, Linear}}
	var pictures []image.Image
	number := func(n float64) *float64 { return &n }
	for _, size := range []int{120, 40} {
		for _, flip := range [][2]float64{{1, 1}, {-1, 1}, {1, -1}, {-1, -1}} {
			p, err := Render(f, a, Options{Viewport: &Viewport{Width: size, Height: size, SX: 8, SY: 4, SW: number(60 * flip[0]), SH: number(60 * flip[1])}})
			if err != nil {
				t.Fatal(err)
			}
			pictures = append(pictures, p)
		}
	}
	golden(t, "viewports", pictures...)
}

func TestGoldenAnnotation(t *testing.T) {
	in := scene(180, 240, dicom.PatientName, "MÜLLER^Δημήτρης", dicom.PatientBirthDate, "19700101", dicom.SeriesDescription, "Грудная клетка",
		dicom.SliceLocation, "12.5", dicom.KVP, "120")
	f := monochrome(12, words(pixels(in))...)
	f.Rows, f.Columns = 180, 240
	one, err := Render(f, Attributes{Window: &Window{2048, 4096, Linear}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := Annotate(in.DataSet, 1, true, true).Draw(one); err != nil {
		t.Fatal(err)
	}
	pictures := []image.Image{one}
	for _, texts := range [][4]string{
		{"=山田^太郎", "胸部CT", "김희중 가슴", "שלד (CT) 12"},
		{"สมชาย^ใจดี", "محمد سلام", "Nguyễn Thị Ánh", "क"},
	} {
		in.DataSet.SetStrings(dicom.PatientName, dicom.PN, texts[0])
		in.DataSet.SetStrings(dicom.StudyDescription, dicom.LO, texts[1])
		in.DataSet.SetStrings(dicom.SeriesDescription, dicom.LO, texts[2])
		in.DataSet.SetStrings(dicom.PatientID, dicom.LO, texts[3])
		black := Colored(one)
		draw.Draw(black, black.Rect, image.Black, image.Point{}, draw.Src)
		if err := Annotate(in.DataSet, 1, true, true).Draw(black); err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, black)
	}
	golden(t, "annotation", pictures...)
}
