package dicomweb

import (
	"image"
	"net/http"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/internal/golden"
)

// chest is made once: drawing it takes seconds.
var chest = sync.OnceValue(dicomtest.Chest)

var chestFiles = sync.OnceValue(func() (files [][]byte) {
	chest := chest()
	n := len(chest)
	for _, in := range []dicomtest.Instance{chest[10], chest[11], chest[12], chest[n-2], chest[n-1], dicomtest.Structures()} {
		file, err := in.File()
		if err != nil {
			panic(err)
		}
		files = append(files, file)
	}
	return files
})

// chestArchive has the slices 11 to 13 of the chest, of which 12 shows the nodule best, its segmentation, report and structure set.
func chestArchive(t *testing.T) (a *archive, slices []dicom.Ref, segmentation, report, structures dicom.Ref) {
	t.Helper()
	a = newArchive(t, chestFiles()...)
	return a, a.refs[:3], a.refs[3], a.refs[4], a.refs[5]
}

// colored counts the pixels that are not gray.
func colored(img image.Image) (n int) {
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if r, g, b, _ := img.At(x, y).RGBA(); r != g || g != b {
				n++
			}
		}
	}
	return n
}

func TestMarks(t *testing.T) {
	a, slices, segmentation, report, structures := chestArchive(t)
	show := func(ref dicom.Ref, query string) image.Image {
		t.Helper()
		return pictureIn(t, a.get(ref, "/rendered?window=40,400,linear&viewport=256,256"+query, "image/png"))
	}
	masked, contoured := "&segmentation="+string(segmentation.Instance), "&contours="+string(structures.Instance)
	golden.Picture(t, "segmentation.png", show(slices[1], masked))
	golden.Picture(t, "contours.png", show(slices[1], contoured))
	golden.Picture(t, "marks-part.png", pictureIn(t, a.get(slices[1], "/rendered?window=40,400,linear"+masked+contoured+"&viewport=256,256,64,192,160,-160", "image/png")))
	if n := colored(show(slices[1], "")); n != 0 {
		t.Errorf("%d colored pixels without anything to mark", n)
	}
	if n := colored(show(slices[0], contoured)); n != 0 {
		t.Errorf("%d pixels of a slice are marked that no contour lies on", n)
	}
	other := a.get(slices[1], "/rendered?segmentation="+string(segmentation.Instance), "image/png").Header().Get("ETag")
	if other == a.get(slices[1], "/rendered", "image/png").Header().Get("ETag") {
		t.Error("another picture has the same entity tag")
	}
	if w := a.request("GET", uriOf(slices[1], "&contentType=image/png"+masked), "Accept", "*/*"); colored(pictureIn(t, w)) == 0 {
		t.Error("the URI service marks nothing")
	}
	for query, status := range map[string]int{
		"segmentation=1.2.3": 404, "segmentation=x": 400, "segmentation=" + string(structures.Instance): 400,
		"contours=" + string(report.Instance): 400, "contours=": 400,
	} {
		checkStatus(t, a.get(slices[1], "/rendered?"+query, "image/png"), status)
	}
}

// A structure set is its contours on the images that they name and that are here.
func TestRenderedStructures(t *testing.T) {
	a, slices, _, _, structures := chestArchive(t)
	parts := partsOf(t, a.get(structures, "/rendered", `multipart/related; type="image/png"`))
	if len(parts) != 2 {
		t.Fatalf("%d parts, want the two slices", len(parts))
	}
	for i, p := range parts {
		if colored(pictureOf(t, p.contentType, p.body)) == 0 || p.location != "http://pacs.example/dicom-web"+slices[i+1].Path()+"/frames/1" {
			t.Errorf("part %d is %s", i, p.location)
		}
	}
	w := a.get(structures, "/rendered", "*/*")
	if w.Header().Get("Content-Type") != "image/jpeg" || colored(pictureIn(t, w)) == 0 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	alone := newArchive(t, fileOf(t, dicomtest.Structures()))
	checkStatus(t, alone.get(alone.refs[0], "/rendered", ""), http.StatusNotAcceptable, "2 images", "none is stored here")
	pictureIn(t, alone.get(alone.refs[0], "/thumbnail", ""))
}
