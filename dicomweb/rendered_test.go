package dicomweb

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// pictureOf reads a picture, and checks that it is of the type that the response says.
func pictureOf(t *testing.T, contentType string, body []byte) image.Image {
	t.Helper()
	img, format, err := image.Decode(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v in %.200q", contentType, err, body)
	}
	if contentType != "image/"+format {
		t.Errorf("Content-Type %s, but it is a %s", contentType, format)
	}
	return img
}

func pictureIn(t *testing.T, w *httptest.ResponseRecorder) image.Image {
	t.Helper()
	checkStatus(t, w, http.StatusOK)
	return pictureOf(t, w.Header().Get("Content-Type"), w.Body.Bytes())
}

// grayAt is the gray level of a pixel, 0 to 255.
func grayAt(img image.Image, x, y int) int {
	r, _, _, _ := img.At(x, y).RGBA()
	return int(r >> 8)
}

func TestRenderedFrame(t *testing.T) {
	a := newArchive(t, dicomtest.Image{Frames: 3, BitsAllocated: 8}.File())
	ref := a.refs[0]
	for accept, want := range map[string]string{
		"": "image/jpeg", "*/*": "image/jpeg", "image/*": "image/jpeg", "image/jpeg": "image/jpeg", "image/png": "image/png",
		"image/gif": "image/gif", "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5": "image/png",
		"image/webp, image/jpeg; q=0.1": "image/jpeg",
	} {
		for _, below := range []string{"/frames/2/rendered", "/rendered"} {
			w := a.get(ref, below, accept)
			if got := w.Header().Get("Content-Type"); got != want {
				t.Errorf("%s, Accept %q: %d %s, want %s", below, accept, w.Code, got, want)
				continue
			}
			if b := pictureIn(t, w).Bounds(); b.Dx() != 16 || b.Dy() != 16 {
				t.Errorf("the picture has %v", b)
			}
			frame := map[string]string{"/rendered": "1", "/frames/2/rendered": "2"}[below]
			where := "/frames/" + frame
			if want == "image/gif" && below == "/rendered" {
				where = "" // it plays them all
			}
			if got := w.Header().Get("Content-Location"); got != "http://pacs.example/dicom-web"+ref.Path()+where {
				t.Errorf("Content-Location %s", got)
			}
		}
	}
	w := a.request("GET", BasePath+ref.Path()+"/rendered?accept=image%2Fpng", "Accept", "image/*")
	if got := w.Header().Get("Content-Type"); got != "image/png" {
		t.Errorf("?accept=image/png: %s", got)
	}
	parts := partsOf(t, a.get(ref, "/rendered", `multipart/related; type="image/png"`))
	if len(parts) != 3 {
		t.Fatalf("%d parts, want a picture of each frame", len(parts))
	}
	for i, p := range parts {
		pictureOf(t, p.contentType, p.body)
		if !strings.HasSuffix(p.location, fmt.Sprintf("/frames/%d", i+1)) {
			t.Errorf("part %d is %s", i+1, p.location)
		}
	}
	if parts := partsOf(t, a.get(ref, "/frames/3,1/rendered", "*/*")); len(parts) != 2 || !strings.HasSuffix(parts[0].location, "/3") {
		t.Errorf("%d parts", len(parts))
	}
	checkStatus(t, a.get(ref, "/frames/3,1/rendered", "image/jpeg"), 406, "multipart/related")
	checkStatus(t, a.get(ref, "/frames/4/rendered", ""), 404, "3 frames")
	checkStatus(t, a.get(ref, "/frames/0/rendered", ""), 400)
	checkStatus(t, a.get(ref, "/rendered", "image/tiff"), 406, "image/jpeg")
}

func TestRenderedSeriesAndStudy(t *testing.T) {
	report := dicomtest.Image{Series: "sr"}.Instance()
	report.DataSet.Delete(dicom.PixelData)
	text, err := report.File()
	if err != nil {
		t.Fatal(err)
	}
	unknown := encapsulate(t, dicomtest.Image{Series: "b", TransferSyntax: jpegXL}, [][][]byte{{[]byte("\xFF\xD8\xFF\xD9")}}, true)
	a := newArchive(t, dicomtest.Image{Series: "a", Number: 1, Frames: 2}.File(), dicomtest.Image{Series: "a", Number: 2}.File(), text)
	study := dicom.Ref{Study: a.refs[0].Study}
	series := dicom.Ref{Study: study.Study, Series: a.refs[0].Series}
	for _, ref := range []dicom.Ref{series, study} {
		w := a.get(ref, "/rendered", "*/*")
		if parts := partsOf(t, w); w.Code != http.StatusOK || len(parts) != 3 || parts[0].contentType != "image/jpeg" {
			t.Errorf("%s: %d, %d parts", ref.Path(), w.Code, len(parts))
		}
		checkStatus(t, a.get(ref, "/rendered", "", "If-None-Match", w.Header().Get("ETag")), 304)
		checkStatus(t, a.get(ref, "/rendered", "image/jpeg"), 406, "multipart/related")
	}
	checkStatus(t, a.get(dicom.Ref{Study: study.Study, Series: a.refs[2].Series}, "/rendered", ""), 406, "no image")
	checkStatus(t, a.get(dicom.Ref{Study: "1.2.3"}, "/rendered", ""), 404)
	checkStatus(t, a.get(a.refs[2], "/rendered", ""), 406, "no pixel data")

	a = newArchive(t, dicomtest.Image{Series: "a"}.File(), unknown)
	w := a.get(study, "/rendered", "")
	if parts := partsOf(t, w); w.Code != http.StatusPartialContent || len(parts) != 1 || !strings.Contains(w.Header().Get("Warning"), "1 instances") {
		t.Errorf("%d, %d parts, Warning %s", w.Code, len(parts), w.Header().Get("Warning"))
	}
	checkStatus(t, a.get(a.refs[1], "/rendered", ""), 406, string(jpegXL), "cannot be decoded", string(a.refs[1].Instance))
}

func TestRenderedParameters(t *testing.T) {
	a := newArchive(t, dicomtest.Image{Rows: 16, Columns: 32, BitsAllocated: 16}.File()) // a ramp of 0 to 511
	ref := a.refs[0]
	render := func(query string) image.Image {
		t.Helper()
		return pictureIn(t, a.request("GET", BasePath+ref.Path()+"/rendered?accept=image/png&"+query))
	}
	// Pixel 0,0 is 0, and 31,15 is 511.
	img := render("window=256,512,linear")
	if low, high := grayAt(img, 0, 0), grayAt(img, 31, 15); low != 0 || high < 254 {
		t.Errorf("the window of all values shows %d to %d", low, high)
	}
	if img := render("window=100,1,linear"); grayAt(img, 0, 0) != 0 || grayAt(img, 0, 4) != 255 {
		t.Error("a window of one value is no threshold")
	}
	if img := render("window=256,512,sigmoid"); grayAt(img, 0, 0) < 2 || grayAt(img, 0, 0) > 40 {
		t.Errorf("sigmoid shows the lowest value as %d", grayAt(img, 0, 0))
	}
	for query, want := range map[string]image.Point{
		"":                            {X: 32, Y: 16},
		"viewport=64,64":              {X: 64, Y: 32},
		"viewport=8,8":                {X: 8, Y: 4},
		"viewport=16,16,0,0,16,16":    {X: 16, Y: 16},
		"viewport=64%2C64%2C%2C%2C16": {X: 64, Y: 64},
	} {
		if got := render(query).Bounds().Size(); got != want {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	if img := render("window=256,512,linear&viewport=32,16,0,0,-32,-16"); grayAt(img, 0, 0) < 254 || grayAt(img, 31, 15) != 0 {
		t.Error("negative sizes do not flip")
	}
	for _, query := range []string{
		"window=40,400", "window=40,0,linear", "quality=0", "viewport=0,0", "annotation=", "viewport=10,10,32,0", "viewport=10,10,0,99", "viewport=%zz",
	} {
		checkStatus(t, a.request("GET", BasePath+ref.Path()+"/rendered?"+query), 400)
	}
	checkStatus(t, a.request("GET", BasePath+ref.Path()+"/rendered?iccprofile=yes&accept=image/gif"), 400, "iccprofile")

	w := a.request("GET", BasePath+ref.Path()+"/rendered?annotation=patient,technique")
	plain := a.get(ref, "/rendered", "")
	if got := w.Header().Get("Warning"); w.Code != http.StatusOK || got != "" || bytes.Equal(w.Body.Bytes(), plain.Body.Bytes()) {
		t.Errorf("%d, Warning %q, want annotations and no warning", w.Code, got)
	}
	small, large := a.get(ref, "/rendered?quality=10", ""), a.get(ref, "/rendered?quality=100", "")
	if small.Body.Len() >= large.Body.Len() {
		t.Errorf("quality 10 has %d bytes, 100 has %d", small.Body.Len(), large.Body.Len())
	}
}

// A client that has a picture is answered before anything is read; another window is another picture.
func TestRenderedConditional(t *testing.T) {
	a := newArchive(t, dicomtest.Image{}.File())
	ref := a.refs[0]
	w := a.get(ref, "/rendered?window=40,400,linear", "image/png")
	pictureIn(t, w)
	etag := w.Header().Get("ETag")
	a.loseBlob(ref)
	checkStatus(t, a.get(ref, "/rendered?window=40.0,4e2,linear", "image/png", "If-None-Match", etag), 304)
	checkStatus(t, a.get(ref, "/rendered?window=40,400,sigmoid", "image/png", "If-None-Match", etag), 500, "missing")
	checkStatus(t, a.get(ref, "/rendered?window=40,400,linear", "image/png"), 200) // it is kept
}

// Pixels that are not what the attributes say are an error that says so, and never a wrong picture.
func TestRenderedDamaged(t *testing.T) {
	short := dicomtest.Image{BitsAllocated: 8, TransferSyntax: rleLossless}
	for name, file := range map[string][]byte{
		"no Rows": dicomtest.Image{With: []any{dicom.Rows, 0}}.File(),
		"RLE cut": encapsulate(t, short, [][][]byte{{rle(make([]byte, 100))}}, true),
	} {
		a := newArchive(t, file)
		w := a.get(a.refs[0], "/rendered", "")
		if w.Code != 500 && w.Code != 404 && w.Code != 406 {
			t.Errorf("%s: %d", name, w.Code)
		}
		if !strings.Contains(w.Body.String(), string(a.refs[0].Instance)) {
			t.Errorf("%s: the error does not say of what: %s", name, w.Body)
		}
		// What stands for it in a list is an icon.
		thumbnail := a.get(dicom.Ref{Study: a.refs[0].Study}, "/thumbnail", "image/png")
		if pictureIn(t, thumbnail); w.Code == 406 && !strings.Contains(thumbnail.Header().Get("Warning"), string(a.refs[0].Instance)) {
			t.Errorf("%s: the icon's Warning is %q", name, thumbnail.Header().Get("Warning"))
		}
	}
}

func TestRenderedVideo(t *testing.T) {
	stream := append([]byte("\x00\x00\x00\x18ftypmp42"), bytes.Repeat([]byte("video"), 1000)...)
	file := encapsulate(t, dicomtest.Image{BitsAllocated: 8, Samples: 3, Photometric: "YBR_PARTIAL_420", Frames: 90,
		TransferSyntax: "1.2.840.10008.1.2.4.102"}, [][][]byte{{stream}}, false)
	a := newArchive(t, file)
	ref := a.refs[0]
	for _, below := range []string{"/rendered", "/bulkdata/7FE00010"} {
		w := a.get(ref, below, "*/*", "Range", "bytes=0-")
		if w.Code != http.StatusPartialContent || !strings.HasPrefix(w.Header().Get("Content-Type"), "video/mp4") || w.Body.Len() != len(stream) {
			t.Errorf("%s: %d %v %d bytes", below, w.Code, w.Header(), w.Body.Len())
		}
		w = a.get(ref, below, "video/mp4", "Range", "bytes=4-7")
		if w.Body.String() != "ftyp" || w.Header().Get("Content-Range") != fmt.Sprintf("bytes 4-7/%d", len(stream)) {
			t.Errorf("%s: %q %v", below, w.Body, w.Header())
		}
	}
	checkStatus(t, a.get(ref, "/rendered", "image/jpeg"), 406, "video/mp4")
	pictureIn(t, a.get(ref, "/thumbnail", "image/jpeg"))
	parts := partsOf(t, a.get(ref, "/frames/1", octetsAny))
	if !bytes.Equal(parts[0].body, stream) {
		t.Errorf("frames: %d bytes", len(parts[0].body))
	}
}

func TestRenderedDocument(t *testing.T) {
	document := func(mimeType string, body []byte) []byte {
		in := dicomtest.Image{With: []any{dicom.SOPClassUID, dicom.UID("1.2.840.10008.5.1.4.1.1.104.1"), dicom.Modality, "DOC",
			dicom.EncapsulatedDocument, body, dicom.MIMETypeOfEncapsulatedDocument, mimeType}}.Instance()
		in.DataSet.Delete(dicom.PixelData)
		file, err := in.File()
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	const navigation = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
	for _, body := range [][]byte{append([]byte("%PDF-1.4"), make([]byte, 5000)...), []byte("%PDF-1.4 short\x00\x00")} {
		a := newArchive(t, document("application/pdf", body))
		ref := a.refs[0]
		for _, accept := range []string{"", "*/*", "application/pdf", navigation} {
			w := a.get(ref, "/rendered", accept)
			if w.Code != 200 || w.Header().Get("Content-Type") != "application/pdf" || !bytes.Equal(w.Body.Bytes(), body) ||
				w.Header().Get("Content-Disposition") != "inline" {
				t.Errorf("Accept %q: %d %v", accept, w.Code, w.Header())
			}
		}
		checkStatus(t, a.get(ref, "/rendered", "image/jpeg"), 406, "application/pdf")
		pictureIn(t, a.get(ref, "/thumbnail", "image/png"))
		if len(body) < 1024 {
			continue // it is in the metadata itself
		}
		for accept, want := range map[string]string{
			"*/*": "application/pdf", "application/pdf": "application/pdf", "application/octet-stream": "application/octet-stream",
			octets: "", "image/png, application/pdf;q=0.1": "application/pdf",
		} {
			w := a.get(ref, "/bulkdata/00420011", accept)
			p := partsOf(t, w)[0]
			if !bytes.Equal(p.body, body) || want != "" && p.contentType != want {
				t.Errorf("bulk data, Accept %q: %d %s", accept, w.Code, p.contentType)
			}
		}
		if w := a.get(ref, "/bulkdata/00420011", "", "Range", "bytes=0-3"); w.Body.String() != "%PDF" || w.Code != 206 {
			t.Errorf("a range of the bulk data: %d %q", w.Code, w.Body)
		}
	}
	// What a browser might run is bytes.
	for mimeType, want := range map[string]string{"text/html": "application/octet-stream", "image/svg+xml": "application/octet-stream",
		"text/XML": "text/xml", "": "application/octet-stream", "application/pdf\r\nX: y": "application/octet-stream"} {
		a := newArchive(t, document(mimeType, bytes.Repeat([]byte("<x/>"), 1000)))
		w := a.get(a.refs[0], "/bulkdata/00420011", "")
		if got := w.Header().Get("Content-Type"); got != want || w.Header().Get("Content-Disposition") != "attachment" {
			t.Errorf("%q: %s, %s", mimeType, got, w.Header().Get("Content-Disposition"))
		}
	}
}

func TestThumbnail(t *testing.T) {
	report := dicomtest.Image{Study: "s", Series: "0", With: []any{dicom.Modality, "SR", dicom.SOPClassUID, dicom.UID("1.2.840.10008.5.1.4.1.1.88.11")}}.Instance()
	report.DataSet.Delete(dicom.PixelData)
	text, err := report.File()
	if err != nil {
		t.Fatal(err)
	}
	files := [][]byte{text}
	for n := 1; n <= 5; n++ {
		files = append(files, dicomtest.Image{Study: "s", Series: "1", Number: n, Frames: 4}.File())
	}
	a := newArchive(t, files...)
	study, series, middle := dicom.Ref{Study: a.refs[0].Study}, dicom.Ref{Study: a.refs[0].Study, Series: a.refs[1].Series}, a.refs[3]
	for _, ref := range []dicom.Ref{study, series, middle} {
		w := a.get(ref, "/thumbnail", "image/jpeg")
		if b := pictureIn(t, w).Bounds(); b.Dx() != thumbnailSize || b.Dy() != thumbnailSize {
			t.Errorf("%s: %v", ref.Path(), b)
		}
		if want := "http://pacs.example/dicom-web" + middle.Path() + "/frames/2"; w.Header().Get("Content-Location") != want {
			t.Errorf("%s is represented by %s, want %s", ref.Path(), w.Header().Get("Content-Location"), want)
		}
		checkStatus(t, a.get(ref, "/thumbnail", "image/jpeg", "If-None-Match", w.Header().Get("ETag")), 304)
	}
	for query, want := range map[string]int{"viewport=64%2C64": 64, "viewport=128,32": 32} {
		if b := pictureIn(t, a.get(series, "/thumbnail?"+query, "*/*")).Bounds(); b.Dx() != want {
			t.Errorf("%s: %v", query, b)
		}
	}
	w := a.get(middle, "/frames/4/thumbnail?accept=image%2Fpng", "*/*")
	if pictureIn(t, w); !strings.HasSuffix(w.Header().Get("Content-Location"), "/frames/4") {
		t.Errorf("a frame's thumbnail is of %s", w.Header().Get("Content-Location"))
	}
	// A report has no picture, but something to show.
	w = a.get(a.refs[0], "/thumbnail?viewport=100,80", "image/png")
	if b := pictureIn(t, w).Bounds(); b.Dx() != 80 || b.Dy() != 80 {
		t.Errorf("the icon has %v", b)
	}
	checkStatus(t, a.get(middle, "/frames/5/thumbnail", ""), 404)
	checkStatus(t, a.get(middle, "/thumbnail?viewport=64,64,0,0,1,1", ""), 400)
	checkStatus(t, a.get(middle, "/thumbnail", "application/dicom"), 406, "image/jpeg")
	checkStatus(t, a.get(dicom.Ref{Study: "1.2.3"}, "/thumbnail", ""), 404)
}

// A thumbnail shows no pixels that say who the patient is: it is the icon.
func TestThumbnailBurnedIn(t *testing.T) {
	icon := func(with ...any) []byte {
		a := newArchive(t, dicomtest.Image{With: with}.File())
		return a.get(a.refs[0], "/thumbnail", "image/png").Body.Bytes()
	}
	shown := icon(dicom.BurnedInAnnotation, "NO")
	burned, face := icon(dicom.BurnedInAnnotation, "YES"), icon(dicom.RecognizableVisualFeatures, "YES")
	if bytes.Equal(shown, burned) || !bytes.Equal(burned, face) {
		t.Error("the pixels are shown")
	}
	// Of classes that usually have text in their pixels that must be denied; of others silence is enough.
	const secondaryCapture, ultrasound, computed = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.2"
	for class, pixels := range map[dicom.UID]bool{secondaryCapture: false, ultrasound: false, computed: true} {
		silent := icon(dicom.SOPClassUID, class, dicom.BurnedInAnnotation, "")
		if bytes.Equal(silent, shown) != pixels || bytes.Equal(silent, burned) == pixels {
			t.Errorf("%s without Burned In Annotation: the pixels are shown, or are not: want %v", class, pixels)
		}
	}
	screen := icon(dicom.SOPClassUID, dicom.UID(computed), dicom.BurnedInAnnotation, "", dicom.ImageType, `DERIVED\SECONDARY\SCREEN SAVE`)
	if !bytes.Equal(screen, burned) {
		t.Error("a captured screen is shown")
	}
}
