package dicomweb

import (
	"bytes"
	"image/gif"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// A GIF of several frames plays them with their times, of an image, of some of its frames, of a series and by the URI service.
func TestAnimated(t *testing.T) {
	a := newArchive(t, dicomtest.Image{Series: "s", Number: 1, Rows: 8, Columns: 12, Frames: 3, With: []any{dicom.FrameTime, "40"}}.File(),
		dicomtest.Image{Series: "s", Number: 2, Rows: 4, Columns: 20}.File())
	ref := a.refs[0]
	series := dicom.Ref{Study: ref.Study, Series: ref.Series}
	for path, want := range map[string][]int{
		BasePath + ref.Path() + "/rendered":                         {4, 4, 4},
		BasePath + ref.Path() + "/rendered?viewport=6,6":            {4, 4, 4},
		BasePath + ref.Path() + "/frames/1,3/rendered":              {4, 4},
		BasePath + series.Path() + "/rendered":                      {4, 4, 4, 10},
		BasePath + dicom.Ref{Study: ref.Study}.Path() + "/rendered": {4, 4, 4, 10},
		uriOf(ref, "&contentType=image/gif"):                        {4, 4, 4},
		uriOf(ref, "&contentType=image/gif&frameNumber=2"):          {0},
		BasePath + ref.Path() + "/frames/2/rendered":                {0},
		BasePath + a.refs[1].Path() + "/rendered":                   {0},
	} {
		w := a.request("GET", path, "Accept", "image/gif")
		g, err := gif.DecodeAll(bytes.NewReader(w.Body.Bytes()))
		if err != nil || w.Header().Get("Content-Type") != "image/gif" {
			t.Errorf("%s: %d %v %v", path, w.Code, w.Header(), err)
			continue
		}
		if !slices.Equal(g.Delay, want) {
			t.Errorf("%s: delays %v, want %v", path, g.Delay, want)
		}
		if strings.Contains(path, "viewport") && (g.Config.Width != 6 || g.Config.Height != 4) {
			t.Errorf("%s: %d x %d", path, g.Config.Width, g.Config.Height)
		}
		if len(want) > 1 {
			if w := a.request("GET", path, "Accept", "image/gif", "If-None-Match", w.Header().Get("ETag")); w.Code != 304 {
				t.Errorf("%s again: %d", path, w.Code)
			}
		}
	}
	if w := a.get(ref, "/rendered", "*/*"); w.Header().Get("Content-Type") != "image/jpeg" {
		t.Errorf("the default of an image of several frames is %s", w.Header().Get("Content-Type"))
	}
}

// A sweep goes back without showing its ends twice.
func TestAnimatedSweep(t *testing.T) {
	a := newArchive(t, dicomtest.Image{Frames: 4, With: []any{dicom.PreferredPlaybackSequencing, 1}}.File())
	g, err := gif.DecodeAll(a.get(a.refs[0], "/rendered", "image/gif").Body)
	if err != nil || len(g.Image) != 6 {
		t.Fatalf("%v, %d pictures, want 1 2 3 4 3 2", err, len(g.Image))
	}
	if !bytes.Equal(g.Image[4].Pix, g.Image[2].Pix) || !bytes.Equal(g.Image[5].Pix, g.Image[1].Pix) {
		t.Error("it does not go back the way it came")
	}
}

// Frames that cannot be decoded are left out, wherever they are, and the file names them; a GIF of none of them is an error.
func TestAnimatedDamaged(t *testing.T) {
	good, bad := rle(make([]byte, 256)), rle(make([]byte, 100))
	im := dicomtest.Image{BitsAllocated: 8, TransferSyntax: rleLossless, Frames: 4}
	a := newArchive(t, encapsulate(t, im, [][][]byte{{bad}, {good}, {bad}, {good}}, true))
	w := a.get(a.refs[0], "/rendered", "image/gif")
	g, err := gif.DecodeAll(bytes.NewReader(w.Body.Bytes()))
	if err != nil || len(g.Image) != 2 {
		t.Fatalf("%d, %v: want 2 pictures", w.Code, err)
	}
	for _, name := range []string{"frame 1 of instance", "frame 3 of instance"} {
		if !bytes.Contains(w.Body.Bytes(), []byte(name)) {
			t.Errorf("the file does not name %s", name)
		}
	}
	im.Frames = 2
	a = newArchive(t, encapsulate(t, im, [][][]byte{{bad}, {bad}}, true))
	if w := a.get(a.refs[0], "/rendered", "image/gif"); w.Code < 400 {
		t.Errorf("no frame, and yet %d", w.Code)
	}
}
