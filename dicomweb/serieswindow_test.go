package dicomweb

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"math"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
)

// slope makes an image of 16 x 16 pixels a frame without a window; the values of a frame go up by 2 from its start.
func slope(t *testing.T, im dicomtest.Image, starts ...int) []byte {
	t.Helper()
	if len(starts) > 1 {
		im.Frames = len(starts)
	}
	in := im.Instance()
	var pixels []byte
	for _, start := range starts {
		for i := range 256 {
			pixels = binary.LittleEndian.AppendUint16(pixels, uint16(start+2*i))
		}
	}
	in.DataSet.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bytes(pixels)})
	file, err := in.File()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// checkSlope checks that a picture of a slope has it from black at low to white at high.
func checkSlope(t *testing.T, what string, img image.Image, start, low, high int) {
	t.Helper()
	for _, i := range []int{0, 60, 128, 200, 255} {
		share := float64(start+2*i-low) / float64(high-low)
		want := int(math.Round(255 * min(max(share, 0), 1)))
		if got := grayAt(img, i%16, i/16); got < want-1 || got > want+1 {
			t.Errorf("%s: value %d is %d, want %d of the window from %d to %d", what, start+2*i, got, want, low, high)
		}
	}
}

const asPNG = "image/png"

// What is computed for one image of a series holds for all: values up from 0, and up from 1000, are shown by one window. Of the 512
// pixels the three lowest and highest may be cut, half a percent: the window goes from 4 to 1506.
func TestSeriesWindow(t *testing.T) {
	a := newArchive(t, slope(t, dicomtest.Image{Number: 1}, 0), slope(t, dicomtest.Image{Number: 2}, 1000))
	for i, start := range []int{0, 1000} {
		ref := a.refs[i]
		for what, w := range map[string]*httptest.ResponseRecorder{
			"rendered":  a.get(ref, "/rendered", asPNG),
			"frame":     a.get(ref, "/frames/1/rendered", asPNG),
			"thumbnail": a.get(ref, "/thumbnail?viewport=16,16", asPNG),
			"WADO-URI":  a.request("GET", wado(ref, "&contentType=image/png")),
			"GIF":       a.get(ref, "/rendered", "image/gif"),
		} {
			checkSlope(t, what, pictureIn(t, w), start, 4, 1506)
			if w.Header().Get("Last-Modified") != "" {
				t.Errorf("%s: Last-Modified, which says nothing of the rest of the series", what)
			}
		}
	}
	series := a.refs[0]
	series.Instance = ""
	for i, p := range partsOf(t, a.get(series, "/rendered", `multipart/related; type="image/png"`)) {
		checkSlope(t, "multipart", pictureOf(t, p.contentType, p.body), 1000*i, 4, 1506)
	}
	// So for the frames of one image: of 768 pixels four may be cut.
	a = newArchive(t, slope(t, dicomtest.Image{}, 0, 1000, 3000))
	for i, start := range []int{0, 1000, 3000} {
		checkSlope(t, "multi-frame", pictureIn(t, a.get(a.refs[0], fmt.Sprintf("/frames/%d/rendered", i+1), asPNG)), start, 6, 3504)
	}
}

// A picture of a series that has grown is another one, and so is its entity tag; that of an image with a window is not.
func TestSeriesWindowGrows(t *testing.T) {
	windowed := dicomtest.Image{Number: 2, With: []any{dicom.WindowCenter, "500", dicom.WindowWidth, "1000"}}
	a := newArchive(t, slope(t, dicomtest.Image{Number: 1}, 0), slope(t, windowed, 0))
	resources := []string{"/rendered", "/thumbnail?viewport=16,16", "/frames/1/rendered"}
	tag := func(ref dicom.Ref, below string) string { return a.get(ref, below, asPNG).Header().Get("ETag") }
	var without, with []string
	for _, below := range resources {
		without, with = append(without, tag(a.refs[0], below)), append(with, tag(a.refs[1], below))
	}
	animation := a.get(a.refs[0], "/rendered", "image/gif").Header().Get("ETag")
	checkSlope(t, "alone", pictureIn(t, a.get(a.refs[0], "/rendered", asPNG)), 0, 2, 508) // cut: two of 256

	if _, err := a.server.store.Ingest(t.Context(), bytes.NewReader(slope(t, dicomtest.Image{Number: 3}, 1000)), ""); err != nil {
		t.Fatal(err)
	}
	for i, below := range resources {
		w := a.get(a.refs[0], below, asPNG, "If-None-Match", without[i])
		checkSlope(t, "grown: "+below, pictureIn(t, w), 0, 4, 1506)
		checkStatus(t, a.get(a.refs[0], below, asPNG, "If-None-Match", w.Header().Get("ETag")), 304)
		checkStatus(t, a.get(a.refs[1], below, asPNG, "If-None-Match", with[i]), 304)
	}
	checkStatus(t, a.get(a.refs[0], "/rendered", "image/gif", "If-None-Match", animation), 200)
	w := a.get(a.refs[0], "/rendered?window=500,1000,linear", asPNG)
	if w.Header().Get("Last-Modified") == "" {
		t.Error("a picture by a window that is asked for depends on nothing but the image")
	}
}

// Padding, images of other kinds, and frames that cannot be decoded have no part in the window.
func TestSeriesWindowLeavesOut(t *testing.T) {
	padded := dicomtest.Image{Number: 2, With: []any{dicom.PixelPaddingValue, 9000, dicom.PixelPaddingRangeLimit, 9510}}
	screen := dicomtest.Image{Number: 3, With: []any{dicom.SOPClassUID, dicom.UID("1.2.840.10008.5.1.4.1.1.7.3")}}
	windowed := dicomtest.Image{Number: 4, With: []any{dicom.WindowCenter, "500", dicom.WindowWidth, "1000"}}
	damaged := encapsulate(t, dicomtest.Image{Number: 5, TransferSyntax: rleLossless}, [][][]byte{{rle(make([]byte, 100))}}, true)
	a := newArchive(t, slope(t, dicomtest.Image{Number: 1}, 0), slope(t, padded, 1000, 9000), slope(t, screen, 20000), slope(t, windowed, 30000), damaged)
	checkSlope(t, "first", pictureIn(t, a.get(a.refs[0], "/rendered", asPNG)), 0, 4, 1506)
	checkSlope(t, "padded", pictureIn(t, a.get(a.refs[1], "/frames/1/rendered", asPNG)), 1000, 4, 1506)
	checkSlope(t, "of another class", pictureIn(t, a.get(a.refs[2], "/rendered", asPNG)), 20000, 20002, 20508)
	checkSlope(t, "windowed", pictureIn(t, a.get(a.refs[3], "/rendered", asPNG)), 30000, 1, 2)
	checkStatus(t, a.get(a.refs[4], "/rendered", asPNG), 406)
}

// An image that alone of its series has no window, and is not in the sample, is shown by its own values.
func TestSeriesWindowOfOne(t *testing.T) {
	var files [][]byte
	for n := range 40 {
		im := dicomtest.Image{Number: n + 1, With: []any{dicom.WindowCenter, "500", dicom.WindowWidth, "1000"}}
		if n == 1 {
			im.With = nil
		}
		files = append(files, slope(t, im, 0))
	}
	a := newArchive(t, files...)
	checkSlope(t, "without", pictureIn(t, a.get(a.refs[1], "/rendered", asPNG)), 0, 2, 508)
}

// A picture of a long series costs a sample of it, once for all who ask at the same time.
func TestSeriesWindowIsASample(t *testing.T) {
	var files [][]byte
	for n := range 100 {
		files = append(files, slope(t, dicomtest.Image{Number: n + 1}, 100*n))
	}
	a := newArchive(t, files...)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if w := a.get(a.refs[50], "/rendered", asPNG); w.Code != 200 {
				t.Errorf("status %d", w.Code)
			}
		})
		all.Go(func() {
			if w := a.get(a.refs[51], "/rendered", asPNG); w.Code != 200 {
				t.Errorf("status %d", w.Code)
			}
		})
	}
	all.Wait()
	if n := metricValue(t, a.server.metrics.frameMisses); n > sampleFrames+2 {
		t.Errorf("%v frames decoded", n)
	}
}

func TestChooseSample(t *testing.T) {
	for _, test := range []struct {
		frames []int // of each image
		most   int
		want   string // image.frame
	}{
		{[]int{1}, 16, "1.1"},
		{[]int{3}, 16, "1.1 1.2 1.3"},
		{[]int{1, 1, 1}, 2, "1.1 3.1"},
		{[]int{1, 1, 1, 1, 1}, 3, "1.1 3.1 5.1"},
		{[]int{9}, 3, "1.1 1.5 1.9"},
		{[]int{2, 5, 3}, 4, "1.1 2.2 2.5 3.3"},
		{[]int{1000}, 2, "1.1 1.1000"},
	} {
		var images []*store.Entry
		for i, n := range test.frames {
			images = append(images, &store.Entry{
				Ref: dicom.Ref{Instance: dicom.UID(fmt.Sprint(i + 1))}, Layout: part10.Layout{Pixel: &part10.PixelData{NumberOfFrames: n}}})
		}
		var got []string
		for _, f := range choose(images, test.most).frames {
			got = append(got, fmt.Sprintf("%s.%d", f.entry.Ref.Instance, f.frame))
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%d of %v: %v, want %s", test.most, test.frames, got, test.want)
		}
	}
}
