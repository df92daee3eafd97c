package dicomweb

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// compositeBody is a request of one instance as DICOM JSON, and parts of bulk data.
type compositeBody struct {
	bytes.Buffer
}

func newComposite(t *testing.T, ds ...*dicom.DataSet) *compositeBody {
	t.Helper()
	b := &compositeBody{}
	metadata, err := json.Marshal(ds)
	if err != nil {
		t.Fatal(err)
	}
	b.part("application/dicom+json", "", metadata)
	return b
}

func (b *compositeBody) part(contentType, location string, body []byte) *compositeBody {
	fmt.Fprintf(b, "\r\n--b\r\nContent-Type: %s\r\n", contentType)
	if location != "" {
		fmt.Fprintf(b, "Content-Location: %s\r\n", location)
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b
}

// post sends the request; query may be "?dry-run".
func (b *compositeBody) post(s *Server, query string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/dicom-web/studies"+query, strings.NewReader(b.String()+"\r\n--b--"))
	r.Header.Set("Content-Type", `multipart/related; type="application/dicom+json"; boundary=b`)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// bare is a data set without any description of its pixels, which are at the URI.
func bare(uri string) *dicom.DataSet {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.77.1.4")
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, "1.3.1.1")
	ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, "1.3")
	ds.SetStrings(dicom.SeriesInstanceUID, dicom.UI, "1.3.1")
	ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OB, Value: dicom.Bulk{URI: uri}})
	return ds
}

func freshServer(t *testing.T, o Options) *Server {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	o.SpoolFolder = t.TempDir()
	s, err := New(memstore.New(store.Options{}), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fetch(s *Server, target, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/dicom-web/studies/1.3/series/1.3.1/instances/1.3.1.1"+target, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// metadataOf reads what is stored of the instance.
func metadataOf(t *testing.T, s *Server) *dicom.DataSet {
	t.Helper()
	var sets []*dicom.DataSet
	if err := json.Unmarshal(fetch(s, "/metadata", "application/dicom+json").Body.Bytes(), &sets); err != nil || len(sets) != 1 {
		t.Fatal(err, len(sets))
	}
	return sets[0]
}

// describedAs writes the Image Pixel Module of a data set in one line.
func describedAs(ds *dicom.DataSet) string {
	var b strings.Builder
	for _, tag := range []dicom.Tag{dicom.Rows, dicom.Columns, dicom.SamplesPerPixel, dicom.BitsAllocated, dicom.BitsStored, dicom.HighBit,
		dicom.PixelRepresentation} {
		e, _ := ds.Get(tag)
		fmt.Fprint(&b, e.Value, " ")
	}
	fmt.Fprint(&b, ds.String(dicom.PhotometricInterpretation), " ", ds.String(dicom.NumberOfFrames), " ",
		ds.String(dicom.LossyImageCompression), " ", ds.String(dicom.AvailableTransferSyntaxUID))
	return b.String()
}

func testImage() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	img.SetNRGBA(0, 0, color.NRGBA{10, 20, 30, 255})
	img.SetNRGBA(1, 0, color.NRGBA{40, 50, 60, 99})
	return img
}

func encoded(t *testing.T, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngBytes(t *testing.T) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, testImage()) })
}

func jpegBytes(t *testing.T, width int) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, image.NewGray(image.Rect(0, 0, width, 8)), nil) })
}

func gifBytes(t *testing.T) []byte {
	palette := color.Palette{color.RGBA{1, 2, 3, 255}, color.RGBA{4, 5, 6, 255}}
	one, two := image.NewPaletted(image.Rect(0, 0, 2, 1), palette), image.NewPaletted(image.Rect(1, 0, 2, 1), palette)
	two.Pix[0] = 1
	return encoded(t, func(b *bytes.Buffer) error {
		return gif.EncodeAll(b, &gif.GIF{Image: []*image.Paletted{one, two}, Delay: []int{1, 1}})
	})
}

// Consumer media is transformed or stays unchanged, as PS3.18 Table 10.5.2-1 says, and describes itself.
func TestStoreConsumerMedia(t *testing.T) {
	const frames = `multipart/related; type="application/octet-stream"; transfer-syntax=*, multipart/related; type="image/jpeg"; transfer-syntax=*`
	for _, test := range []struct {
		name, mediaType string
		parts           [][]byte
		described       string
		frame           int
		want            []byte // of that frame
	}{
		{"png", "image/png", [][]byte{pngBytes(t)}, "[1] [2] [3] [8] [8] [7] [0] RGB   1.2.840.10008.1.2.1", 1, []byte{10, 20, 30, 40, 50, 60}},
		{"two png", "image/png", [][]byte{pngBytes(t), pngBytes(t)}, "[1] [2] [3] [8] [8] [7] [0] RGB 2  1.2.840.10008.1.2.1", 2,
			[]byte{10, 20, 30, 40, 50, 60}},
		{"gif", "image/gif", [][]byte{gifBytes(t)}, "[1] [2] [3] [8] [8] [7] [0] RGB 2  1.2.840.10008.1.2.1", 2, []byte{1, 2, 3, 4, 5, 6}},
		{"jpeg", "image/jpeg", [][]byte{jpegBytes(t, 8)}, "[8] [8] [1] [8] [8] [7] [0] MONOCHROME2  01 1.2.840.10008.1.2.4.50", 1, jpegBytes(t, 8)},
		{"three jpeg", "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50", [][]byte{jpegBytes(t, 8), jpegBytes(t, 8), jpegBytes(t, 8)},
			"[8] [8] [1] [8] [8] [7] [0] MONOCHROME2 3 01 1.2.840.10008.1.2.4.50", 3, jpegBytes(t, 8)},
		{"jpeg, called lossless", "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.70", [][]byte{jpegBytes(t, 8)},
			"[8] [8] [1] [8] [8] [7] [0] MONOCHROME2  01 1.2.840.10008.1.2.4.50", 1, jpegBytes(t, 8)},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := freshServer(t, Options{})
			b := newComposite(t, bare("pixels"))
			for _, p := range test.parts {
				b.part(test.mediaType, "pixels", p)
			}
			w := b.post(s, "")
			if w.Code != http.StatusOK {
				t.Fatal(w.Code, w.Header(), w.Body)
			}
			if got := describedAs(metadataOf(t, s)); got != test.described {
				t.Errorf("described as %s\nwant %s", got, test.described)
			}
			f := fetch(s, fmt.Sprintf("/frames/%d", test.frame), frames)
			if even := append(bytes.Clone(test.want), make([]byte, len(test.want)%2)...); f.Code != 200 ||
				!bytes.Contains(f.Body.Bytes(), append([]byte("\r\n\r\n"), test.want...)) && !bytes.Contains(f.Body.Bytes(), even) {
				t.Errorf("frame: %d %q", f.Code, f.Body)
			}
			if w := b.post(s, ""); w.Code != http.StatusOK {
				t.Errorf("again: %d %v", w.Code, w.Header())
			}
		})
	}
}

// Frames come under numbered locations too, in any order, as WADO-RS has them.
func TestStoreNumberedFrames(t *testing.T) {
	for _, test := range []struct{ uri, location string }{
		{"http://pacs.example/image", "http://pacs.example/image/frames/%d"},
		{"http://pacs.example/image", "image/%d"},
		{"http://a/studies/1.3/series/1.3.1/instances/1.3.1.1/bulkdata/7FE00010", "http://b/rs/studies/1.3/series/1.3.1/instances/1.3.1.1/frames/%d"},
	} {
		s := freshServer(t, Options{})
		b := newComposite(t, bare(test.uri))
		for _, n := range []int{2, 1} {
			b.part("image/jpeg", fmt.Sprintf(test.location, n), jpegBytes(t, 8))
		}
		if w := b.post(s, ""); w.Code != http.StatusOK || metadataOf(t, s).String(dicom.NumberOfFrames) != "2" {
			t.Errorf("%s: %d %v", test.location, w.Code, w.Header())
		}
		b.part("image/jpeg", fmt.Sprintf(test.location, 4), jpegBytes(t, 8))
		if w := b.post(freshServer(t, Options{}), ""); w.Code != http.StatusConflict || !strings.Contains(fmt.Sprint(w.Header()), "frame 3 is missing") {
			t.Errorf("%s, with a gap: %d %v", test.location, w.Code, w.Header())
		}
	}
}

// A video without a container does not say how many frames it has: they are counted, unless the metadata has their number.
func TestStoreCountsFrames(t *testing.T) {
	for file, mediaType := range map[string]string{"frames.m2v": "video/mpeg", "slices.264": "video/mp4", "frames.265": "video/h265"} {
		video, err := os.ReadFile(filepath.Join("..", "dicom", "codestream", "testdata", "video", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, given := range []string{"", "9"} {
			s, ds, want := freshServer(t, Options{}), bare("pixels"), cmp.Or(given, "7")
			if given != "" {
				ds.SetStrings(dicom.NumberOfFrames, dicom.IS, given)
			}
			if w := newComposite(t, ds).part(mediaType, "pixels", video).post(s, ""); w.Code != http.StatusOK || metadataOf(t, s).String(dicom.NumberOfFrames) != want {
				t.Errorf("%s, %q: %d %v", file, given, w.Code, w.Header())
			}
		}
	}
}

// What does not go together is refused, and says what it is.
func TestStoreRefusesUnfit(t *testing.T) {
	sized := func(rows int64) *dicom.DataSet {
		ds := bare("pixels")
		ds.SetInts(dicom.Rows, dicom.US, rows)
		return ds
	}
	framed := bare("pixels")
	framed.SetStrings(dicom.NumberOfFrames, dicom.IS, "3")
	for _, test := range []struct {
		name      string
		ds        *dicom.DataSet
		mediaType string
		body      []byte
		want      string
	}{
		{"rows", sized(9), "image/jpeg", jpegBytes(t, 8), "A900 1.3.1.1: Rows (0028,0010) is 9, but the codestream has 8"},
		{"frames", framed, "image/jpeg", jpegBytes(t, 8), `A900 1.3.1.1: Number of Frames (0028,0008) is "3", but there are 1`},
		{"no jpeg", bare("pixels"), "image/jpeg", []byte("hello"), "A900 1.3.1.1: Pixel Data, part 1: image/jpeg: no JPEG"},
		{"no description", bare("pixels"), "application/octet-stream", []byte("hello"), "A900 1.3.1.1: Pixel Data: Rows (0028,0010) is absent"},
		{"other media", bare("pixels"), "audio/mpeg", []byte("hello"), `A900 1.3.1.1: Pixel Data: Content-Type "audio/mpeg" holds no pixels`},
		{"other family", bare("pixels"), "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.90", jpegBytes(t, 8), "is not one of \"image/jpeg\""},
		{"unknown syntax", bare("pixels"), "image/jpeg; transfer-syntax=1.2.3", jpegBytes(t, 8), "C122"},
		{"big endian", bare("pixels"), "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.2", jpegBytes(t, 8), "C122"},
		{"video without frames", bare("pixels"), "video/mpeg", []byte("\x00\x00\x01\xB3\x02\x00\x10\x33\xFF\xFF\x00\x00"), "Number of Frames (0028,0008) is absent, and the frames of the video cannot be counted: there are none"},
	} {
		w := newComposite(t, test.ds).part(test.mediaType, "pixels", test.body).post(freshServer(t, Options{}), "")
		if told := strings.Join(w.Header().Values("Warning"), "\n"); w.Code != http.StatusConflict || !strings.Contains(told, test.want) {
			t.Errorf("%s: %d %s", test.name, w.Code, told)
		} else if strings.Contains(told, "no metadata refers") || strings.Contains(w.Body.String(), "0008119A") {
			t.Errorf("%s: a part of a refused instance is said to be of none: %s", test.name, told)
		}
	}
}

// Values of any size go through in bounded memory: they lie on disk until the last part has come.
func TestStoreCompositeStreams(t *testing.T) {
	s := freshServer(t, Options{})
	if n := leastAllocated(func() {
		head := newComposite(t, bulky("1.3.1.1"))
		fmt.Fprint(head, "\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Location: x\r\n\r\n")
		body := io.MultiReader(&head.Buffer, io.LimitReader(zeros{}, 100<<20), strings.NewReader("\r\n--b--\r\n"))
		r := httptest.NewRequest("POST", "/dicom-web/studies?dry-run", body) // or the store of the test would keep it in memory
		r.Header.Set("Content-Type", `multipart/related; type="application/dicom+json"; boundary=b`)
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != http.StatusOK {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
	}); n > 16<<20 {
		t.Errorf("%d bytes allocated", n)
	}
	if left, err := filepath.Glob(filepath.Join(s.options.SpoolFolder, "*")); err != nil || len(left) > 0 {
		t.Errorf("the spool is left behind: %v %v", left, err)
	}
}

// The limits of a request hold for what is made of it too.
func TestStoreCompositeLimits(t *testing.T) {
	nested := strings.Repeat(`{"00081110":{"vr":"SQ","Value":[`, 80) + strings.Repeat(`]}}`, 80)
	for _, test := range []struct {
		name   string
		o      Options
		body   *compositeBody
		status int
		want   string
	}{
		{"spool", Options{MaxSpool: 2000}, newComposite(t, bare("pixels")).part("image/png", "pixels", make([]byte, 3000)), 413, "2000 bytes"},
		{"part", Options{MaxPart: 2000}, newComposite(t, bare("pixels")).part("image/png", "pixels", make([]byte, 3000)), 413, "2000 bytes"},
		{"parts", Options{MaxParts: 2}, newComposite(t, bare("pixels")).part("image/png", "pixels", nil).part("image/png", "x", nil), 413, "2 parts"},
		{"transformed", Options{MaxSpool: 900}, newComposite(t, bare("pixels")).part("image/gif", "pixels", wideGIF(t)), 413, "900 bytes"},
		{"nesting", Options{}, new(compositeBody).part("application/dicom+json", "", []byte(nested)), 409, "nested more than 64 deep"},
		{"elements", Options{}, new(compositeBody).part("application/dicom+json", "", []byte(`[{"00081110":{"vr":"SQ","Value":[`+
			strings.Repeat("{},", metadataElements+1000)+`{}]}}]`)), 409, "2000000 elements"},
		{"elements in XML", Options{}, new(compositeBody).part("application/dicom+xml", "", []byte(`<NativeDicomModel><DicomAttribute tag="00081110" vr="SQ">`+
			strings.Repeat(`<Item/>`, metadataElements)+`</DicomAttribute></NativeDicomModel>`)), 409, "2000000 elements"},
		{"value used again and again", Options{MaxBody: 70_000}, newComposite(t, bulky("1.3.1.1"), bulky("1.3.1.2"), bulky("1.3.1.3")).
			part("application/octet-stream", "x", make([]byte, 30_000)), 413, "70000 bytes"},
	} {
		w := test.body.post(freshServer(t, test.o), "")
		told := strings.Join(w.Header().Values("Warning"), "\n") + w.Body.String()
		if w.Code != test.status || !strings.Contains(told, test.want) {
			t.Errorf("%s: %d %.500s", test.name, w.Code, told)
		}
	}
}

// wideGIF takes few bytes, and many when it is unpacked.
func wideGIF(t *testing.T) []byte {
	img := image.NewPaletted(image.Rect(0, 0, 100, 10), color.Palette{color.Black, color.White})
	return encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, img, nil) })
}

func bulky(instance string) *dicom.DataSet {
	ds := bare("pixels")
	ds.Delete(dicom.PixelData)
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, instance)
	ds.Set(dicom.Element{Tag: dicom.ICCProfile, VR: dicom.OB, Value: dicom.Bulk{URI: "x"}})
	return ds
}

// A part may be the value of several elements, but not of so many that a small request makes a huge file.
func TestStoreBoundsSharedParts(t *testing.T) {
	part := make([]byte, 200<<10)
	for n, want := range map[int]int{100: 200, 600: 413} {
		ds := &dicom.DataSet{}
		for i, tag := range []dicom.Tag{dicom.SOPInstanceUID, dicom.StudyInstanceUID, dicom.SeriesInstanceUID, dicom.SOPClassUID} {
			ds.SetStrings(tag, dicom.UI, fmt.Sprint("1.3.", i))
		}
		ds.SetStrings(0x00090010, dicom.LO, "ACME")
		for i := range n {
			ds.Set(dicom.Element{Tag: dicom.NewTag(0x0009+uint16(i>>8)<<1, 0x1000+uint16(i&0xFF)), VR: dicom.OB, Value: dicom.Bulk{URI: "b"}})
		}
		w := newComposite(t, ds).part("application/octet-stream", "b", part).post(freshServer(t, Options{}), "")
		if w.Code != want || want == 413 && !strings.Contains(w.Body.String(), "makes more than") {
			t.Errorf("%d elements: %d %.300s", n, w.Code, w.Body)
		}
	}
}

// A GIF whose palette has grays alone is gray, where the metadata says so.
func TestStoreGrayGIF(t *testing.T) {
	img := image.NewPaletted(image.Rect(0, 0, 3, 1), color.Palette{color.Gray{0}, color.Gray{100}, color.RGBA{1, 2, 3, 255}})
	img.Pix[1] = 1
	for pixel, want := range map[byte]int{1: 200, 2: 409} {
		img.Pix[2] = pixel
		s, ds := freshServer(t, Options{}), bare("pixels")
		ds.SetInts(dicom.SamplesPerPixel, dicom.US, 1)
		b := encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, img, nil) })
		w := newComposite(t, ds).part("image/gif", "pixels", b).post(s, "")
		if w.Code != want {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
		if want != 200 {
			continue
		}
		if got := describedAs(metadataOf(t, s)); got != "[1] [3] [1] [8] [8] [7] [0] MONOCHROME2   1.2.840.10008.1.2.1" {
			t.Error(got)
		}
		if got := fetch(s, "/frames/1", "application/octet-stream").Body.Bytes(); !bytes.Equal(got, []byte{0, 100, 100}) {
			t.Errorf("%x", got)
		}
	}
}

// A picture that instances have in common is transformed once: the spool has no room for it twice.
func TestStoreSharedPNG(t *testing.T) {
	one, two := bare("pixels"), bare("pixels")
	two.SetStrings(dicom.SOPInstanceUID, dicom.UI, "1.3.1.2")
	w := newComposite(t, one, two).part("image/gif", "pixels", wideGIF(t)).post(freshServer(t, Options{MaxSpool: 6000}), "")
	if w.Code != 200 {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
}

// Instances that have a codestream in common have it each as a whole.
func TestStoreSharedCodestream(t *testing.T) {
	s := freshServer(t, Options{})
	one, two := bare("pixels"), bare("pixels")
	two.SetStrings(dicom.SOPInstanceUID, dicom.UI, "1.3.1.2")
	picture := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, testImage(), nil) })
	if w := newComposite(t, one, two).part("image/jpeg", "pixels", picture).post(s, ""); w.Code != 200 {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	for _, instance := range []string{"1.3.1.1", "1.3.1.2"} {
		r := httptest.NewRequest("GET", "/dicom-web/studies/1.3/series/1.3.1/instances/"+instance+"/frames/1", nil)
		r.Header.Set("Accept", "image/jpeg; transfer-syntax=*")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		got := w.Body.Bytes()
		if !bytes.HasPrefix(got, picture) || len(got) > len(picture)+1 {
			t.Errorf("%s: %d bytes, want %d", instance, len(got), len(picture))
		}
	}
}
