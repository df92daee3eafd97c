package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
)

// slices of a series, each at a place of its own: the later the name, the lower it lies.
func slicesOf(n int) []dicomtest.Instance {
	all := make([]dicomtest.Instance, n)
	for i := range all {
		all[i] = dicomtest.Image{Study: "presented", Series: "images", Number: i + 1, Rows: 16, Columns: 24, BitsAllocated: 8,
			With: []any{dicom.ImagePositionPatient, fmt.Sprintf(`0\0\%d`, -10*i), dicom.ImageOrientationPatient, `1\0\0\0\1\0`}}.Instance()
	}
	return all
}

func filesOf(t *testing.T, instances ...dicomtest.Instance) [][]byte {
	t.Helper()
	files := make([][]byte, len(instances))
	for i, in := range instances {
		var err error
		if files[i], err = in.File(); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestRenderedPresentationState(t *testing.T) {
	images := slicesOf(3)
	state := dicomtest.State{Images: images, With: []any{dicom.ImageRotation, 90, dicom.ImageHorizontalFlip, "N",
		dicom.PresentationLUTShape, "INVERSE"}}
	a := newArchive(t, append(filesOf(t, images...), state.File())...)
	ref := a.refs[3]

	w := a.get(ref, "/rendered", `multipart/related; type="image/png"`)
	parts := partsOf(t, w)
	if w.Code != 200 || len(parts) != 3 {
		t.Fatalf("%d, %d parts", w.Code, len(parts))
	}
	for i, p := range parts { // from below
		if want := string(a.refs[2-i].Instance) + "/frames/1"; !strings.HasSuffix(p.location, want) {
			t.Errorf("part %d is %s, want %s", i+1, p.location, want)
		}
		if img := pictureOf(t, p.contentType, p.body); img.Bounds().Size() != image.Pt(16, 24) {
			t.Errorf("part %d has %v", i+1, img.Bounds())
		}
	}
	checkStatus(t, a.get(ref, "/rendered", `multipart/related; type="image/png"`, "If-None-Match", w.Header().Get("ETag")), 304)

	img := pictureIn(t, a.get(ref, "/rendered", "image/png"))
	plain := pictureIn(t, a.get(a.refs[2], "/rendered?window=128,256,linear", "image/png"))
	if x, y := grayAt(img, 15, 0), grayAt(plain, 0, 0); x != 255-y {
		t.Errorf("the top right pixel is %d, want %d", x, 255-y)
	}
	if b := pictureIn(t, a.get(ref, "/rendered?viewport=100,48", "image/png")).Bounds(); b.Size() != image.Pt(32, 48) {
		t.Errorf("in a viewport it has %v", b)
	}
	for _, query := range []string{"window=1,2,linear", "voi=1", "viewport=10,10,0,0"} {
		checkStatus(t, a.get(ref, "/rendered?"+query, ""), 400)
	}
	checkStatus(t, a.get(ref, "/frames/1/rendered", ""), 400, "8.3.5.1.6")
	// A series of states is rendered; a study is its images.
	if parts := partsOf(t, a.get(dicom.Ref{Study: ref.Study, Series: ref.Series}, "/rendered", "*/*")); len(parts) != 3 {
		t.Errorf("the series of states has %d parts", len(parts))
	}
	if parts := partsOf(t, a.get(dicom.Ref{Study: ref.Study}, "/rendered", "*/*")); len(parts) != 3 {
		t.Errorf("the study has %d parts", len(parts))
	}
	if img := pictureIn(t, a.get(ref, "/thumbnail", "image/png")); img.Bounds().Dx() != 256 {
		t.Errorf("its thumbnail is no icon: %v", img.Bounds())
	}
}

func TestPresentationStateIncomplete(t *testing.T) {
	images := slicesOf(2)
	state := dicomtest.State{Images: images}
	a := newArchive(t, append(filesOf(t, images[0]), state.File())...)
	w := a.get(a.refs[1], "/rendered", "multipart/related")
	if parts := partsOf(t, w); w.Code != http.StatusPartialContent || len(parts) != 1 || !strings.Contains(w.Header().Get("Warning"), "1 of the referenced images") {
		t.Errorf("%d, %d parts, %q", w.Code, len(parts), w.Header().Get("Warning"))
	}
	a = newArchive(t, state.File())
	checkStatus(t, a.get(a.refs[0], "/rendered", ""), 404, "none of the 2 images")

	state.Name, state.With = "broken", []any{dicom.ImageRotation, 45}
	a = newArchive(t, append(filesOf(t, images...), state.File())...)
	checkStatus(t, a.get(a.refs[2], "/rendered", ""), 406, string(a.refs[2].Instance), "Image Rotation")
	state.Name, state.Class, state.With = "color", dicomtest.ColorState, nil
	a = newArchive(t, append(filesOf(t, images...), state.File())...)
	checkStatus(t, a.get(a.refs[2], "/rendered", ""), 406, "images of color")
}

// A state with an ICC profile has it in its pictures without being asked (PS3.18 8.3.5.1.6).
func TestPresentationStateProfile(t *testing.T) {
	rgb := dicomtest.Image{Samples: 3, BitsAllocated: 8, Photometric: "RGB"}.Instance()
	profile := []byte(strings.Repeat("profile ", 20))
	state := dicomtest.State{Class: dicomtest.ColorState, Images: []dicomtest.Instance{rgb}, With: []any{dicom.ICCProfile, profile}}
	a := newArchive(t, append(filesOf(t, rgb), state.File())...)
	for query, want := range map[string]bool{"": true, "?iccprofile=no": false, "?iccprofile=yes": true} {
		w := a.get(a.refs[1], "/rendered"+query, "image/jpeg")
		if got := strings.Contains(w.Body.String(), string(profile)); w.Code != 200 || got != want {
			t.Errorf("%q: %d, the profile is there: %v", query, w.Code, got)
		}
	}
	pictureIn(t, a.get(a.refs[1], "/rendered", "image/gif"))
	checkStatus(t, a.get(a.refs[1], "/rendered?iccprofile=srgb", "image/jpeg"), 406, "cannot be converted from: no ICC profile")
}

func TestWADOURIPresentationState(t *testing.T) {
	many := dicomtest.Image{Study: "presented", Frames: 3, Rows: 16, Columns: 24, BitsAllocated: 8}.Instance()
	state := dicomtest.State{Images: []dicomtest.Instance{many}, Frames: "2", With: []any{dicom.ImageRotation, 90, dicom.ImageHorizontalFlip, "N"}}
	a := newArchive(t, append(filesOf(t, many, dicomtest.Image{Study: "presented", Number: 9}.Instance()), state.File())...)
	named := "&presentationUID=" + string(a.refs[2].Instance) + "&presentationSeriesUID=" + string(a.refs[2].Series)
	get := func(ref dicom.Ref, query string) (w interface {
		Header() http.Header
	}, img image.Image) {
		t.Helper()
		r := a.request("GET", wado(ref, "&contentType=image/png"+query))
		return r, pictureIn(t, r)
	}
	w, img := get(a.refs[0], named)
	if b := img.Bounds(); b.Size() != image.Pt(16, 24) || !strings.HasSuffix(w.Header().Get("Content-Location"), "/frames/2") {
		t.Errorf("%v, %s", b, w.Header().Get("Content-Location"))
	}
	if _, img := get(a.refs[0], named+"&region=0,0,0.5,0.5&rows=24"); img.Bounds().Size() != image.Pt(16, 24) {
		t.Errorf("a region, after turning, has %v", img.Bounds())
	}
	if _, img := get(a.refs[2], ""); img.Bounds().Size() != image.Pt(16, 24) { // the state itself
		t.Errorf("the state has %v", img.Bounds())
	}
	for _, query := range []string{
		named + "&frameNumber=1", named + "&windowCenter=1&windowWidth=2", "&presentationUID=" + string(a.refs[2].Instance),
		"&presentationUID=1.2&presentationSeriesUID=1.2", "&presentationUID=" + string(a.refs[0].Instance) + "&presentationSeriesUID=" + string(a.refs[0].Series),
		named + "&contentType=application/dicom", named + "&transferSyntax=*",
	} {
		checkStatus(t, a.request("GET", wado(a.refs[0], query)), 400)
	}
	checkStatus(t, a.request("GET", wado(a.refs[1], named)), 400, "does not refer")
	checkStatus(t, a.request("GET", wado(a.refs[2], "&frameNumber=1")), 400)
}

// What a state subtracts are other frames of the image.
func TestRenderedMaskSubtraction(t *testing.T) {
	image := dicomtest.Image{Study: "presented", Frames: 3, Rows: 16, Columns: 24, BitsAllocated: 8}
	state := func(mask ...any) []byte {
		return dicomtest.State{Images: []dicomtest.Instance{image.Instance()}, With: []any{
			dicom.MaskSubtractionSequence, dicomtest.Item(mask...), dicom.RecommendedViewingMode, "SUB",
			dicom.SoftcopyVOILUTSequence, dicomtest.Item(dicom.WindowCenter, "0", dicom.WindowWidth, "512", dicom.VOILUTFunction, "LINEAR_EXACT")}}.File()
	}
	a := newArchive(t, filesOf(t, image.Instance())[0], state(dicom.MaskOperation, "AVG_SUB", dicom.MaskFrameNumbers, []int64{1}))
	shown := partsOf(t, a.get(a.refs[1], "/rendered", `multipart/related; type="image/png"`))
	if len(shown) != 3 {
		t.Fatalf("%d parts", len(shown))
	}
	stored := func(n, x, y int) int {
		return grayAt(pictureIn(t, a.get(a.refs[0], fmt.Sprintf("/frames/%d/rendered?window=127.5,255,linear-exact", n), "image/png")), x, y)
	}
	for i, p := range shown {
		for _, at := range [][2]int{{0, 0}, {5, 3}, {23, 15}} {
			want := (float64(stored(i+1, at[0], at[1])-stored(1, at[0], at[1]))/512 + 0.5) * 255
			if got := grayAt(pictureOf(t, p.contentType, p.body), at[0], at[1]); math.Abs(float64(got)-want) > 1 {
				t.Errorf("frame %d at %v: %d, want %g", i+1, at, got, want)
			}
		}
	}
	bad := newArchive(t, filesOf(t, image.Instance())[0], state(dicom.MaskOperation, "AVG_SUB", dicom.MaskFrameNumbers, []int64{7}))
	checkStatus(t, bad.get(bad.refs[1], "/rendered", "image/png"), 406, "frame 7")
}

// countdown is a context that ends when it has been asked so many times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestPresentationStateEnds: what a state draws is not drawn to its end for a request that has ended.
func TestPresentationStateEnds(t *testing.T) {
	images := slicesOf(1)
	line := dicomtest.Item(dicom.GraphicAnnotationUnits, "DISPLAY", dicom.GraphicDimensions, 2, dicom.NumberOfGraphicPoints, 2,
		dicom.GraphicData, []float64{0, 0, 1, 1}, dicom.GraphicType, "POLYLINE", dicom.GraphicFilled, "N")
	const shapes = 20
	state := dicomtest.State{Images: images, With: []any{
		dicom.GraphicLayerSequence, dicomtest.Item(dicom.GraphicLayer, "A", dicom.GraphicLayerOrder, 1),
		dicom.GraphicAnnotationSequence, dicomtest.Item(dicom.GraphicLayer, "A", dicom.GraphicObjectSequence, slices.Repeat([]*dicom.DataSet{line}, shapes))}}
	a := newArchive(t, filesOf(t, images...)[0], state.File())
	shown := target{frame: 1}
	for i, e := range []**store.Entry{&shown.entry, &shown.state} {
		var err error
		if *e, err = a.server.entry(t.Context(), a.refs[i]); err != nil {
			t.Fatal(err)
		}
	}
	draw := func(looks int) (left int, err error) {
		ctx := &countdown{t.Context(), looks}
		_, err = a.server.draw(ctx, shown, "image/png", rendering{State: shown.state})
		return ctx.left, err
	}
	const many = 1000
	left, err := draw(many)
	if asked := many - left; err != nil || asked < 2*shapes { // each is measured and drawn
		t.Fatalf("asked %d times: %v", asked, err)
	}
	if _, err := draw(many - left - shapes/2); !errors.Is(err, context.Canceled) {
		t.Errorf("ended while it is drawn: %v", err)
	}
}
