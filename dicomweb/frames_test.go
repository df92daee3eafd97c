package dicomweb

import (
	"bytes"
	"image"
	"image/jpeg"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

const (
	rleLossless  dicom.UID = "1.2.840.10008.1.2.5"
	jpegBaseline dicom.UID = "1.2.840.10008.1.2.4.50"
	jpegXL       dicom.UID = "1.2.840.10008.1.2.4.110" // has no decoder
	octets                 = `multipart/related; type="application/octet-stream"`
	octetsAny              = octets + `; transfer-syntax="*"` // as OHIF asks
)

func TestParseFrames(t *testing.T) {
	for list, want := range map[string][]int{
		"1": {1}, "1,2,3": {1, 2, 3}, "3,1": {3, 1}, "1, 2": {1, 2}, "007": {7}, "999999999": {999999999},
	} {
		if got, err := parseFrames(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v; want %v", list, got, err, want)
		}
	}
	for _, list := range []string{"", "0", "1,0", "-1", "+1", "1,", ",1", "1,,2", "1-3", "a", "1.0", "1 2", "2,1,2", "9999999999"} {
		if got, err := parseFrames(list); err == nil {
			t.Errorf("%q: %v, want an error", list, got)
		}
	}
}

func FuzzParseFrames(f *testing.F) {
	f.Add("1,2,3")
	f.Fuzz(func(t *testing.T, list string) {
		numbers, err := parseFrames(list)
		if err != nil {
			return
		}
		if len(numbers) == 0 || len(numbers) > len(list) || slices.Min(numbers) < 1 {
			t.Errorf("%q: %v", list, numbers)
		}
	})
}

// native is what an image of bytes holds, frame by frame.
func nativeFrames(im dicomtest.Image, size int) [][]byte {
	in := im.Instance()
	e, _ := in.DataSet.Get(dicom.PixelData)
	var frames [][]byte
	for f := range slices.Chunk([]byte(e.Value.(dicom.Bytes)), size) {
		frames = append(frames, f)
	}
	return frames
}

func TestFramesNative(t *testing.T) {
	image := dicomtest.Image{Frames: 3}
	want := nativeFrames(image, 512)
	for _, ts := range []dicom.UID{
		dicom.ExplicitVRLittleEndian, dicom.ImplicitVRLittleEndian, dicom.ExplicitVRBigEndian, dicom.DeflatedExplicitVRLittleEndian,
	} {
		image.TransferSyntax = ts
		a := newArchive(t, image.File())
		ref := a.refs[0]
		for _, accept := range []string{
			"", "*/*", octets, octetsAny, "multipart/related; type=application/octet-stream; transfer-syntax=*",
			octets + "; transfer-syntax=1.2.840.10008.1.2.1", `multipart/related; type="*/*"`,
			`multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80, ` +
				`multipart/related; type="application/octet-stream"; transfer-syntax=*, ` +
				`multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50`,
		} {
			parts := partsOf(t, a.get(ref, "/frames/3%2C1", accept))
			if len(parts) != 2 || !bytes.Equal(parts[0].body, want[2]) || !bytes.Equal(parts[1].body, want[0]) {
				t.Errorf("%s, Accept %q: wrong frames", ts, accept)
			}
			const labelled = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
			if p := parts[0]; p.contentType != labelled || p.location != "http://pacs.example/dicom-web"+ref.Path()+"/frames/3" {
				t.Errorf("%s, Accept %q: %s at %s", ts, accept, p.contentType, p.location)
			}
		}
		for _, accept := range []string{"application/octet-stream", "application/octet-stream; transfer-syntax=*"} {
			w := a.get(ref, "/frames/2", accept)
			if w.Header().Get("Content-Type") != "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1" ||
				!bytes.Equal(w.Body.Bytes(), want[1]) {
				t.Errorf("%s: a single part is %v", ts, w.Header())
			}
			w = a.get(ref, "/frames/2", accept, "Range", "bytes=2-5")
			if w.Code != http.StatusPartialContent || !bytes.Equal(w.Body.Bytes(), want[1][2:6]) {
				t.Errorf("%s: a range is %d %v", ts, w.Code, w.Body.Bytes())
			}
		}
		checkStatus(t, a.get(ref, "/frames/1,2", "application/octet-stream"), 406)
		checkStatus(t, a.get(ref, "/frames/1", `multipart/related; type="image/jxl"`), 406)
		checkStatus(t, a.get(ref, "/frames/4", ""), 404, "3 frames")
		checkStatus(t, a.get(ref, "/frames/0", ""), 400)
		checkStatus(t, a.get(ref, "/frames/1,1", ""), 400)
		checkStatus(t, a.get(ref, "/frames/x", ""), 400)
		w := a.get(ref, "/frames/1", octetsAny)
		checkStatus(t, a.get(ref, "/frames/1", octetsAny, "If-None-Match", w.Header().Get("ETag")), 304)
		checkStatus(t, a.get(ref, "/frames/2", octetsAny, "If-None-Match", w.Header().Get("ETag")), 200)
		if h := a.request("HEAD", BasePath+ref.Path()+"/frames/1"); h.Body.Len() != 0 || h.Header().Get("Content-Length") == "" {
			t.Errorf("HEAD: %v, %d bytes", h.Header(), h.Body.Len())
		}
	}
}

// Frames of single bits do not begin at a byte boundary in the file, but they do in an answer (PS3.18 8.7.3.3.1, note 2).
func TestFramesOfBits(t *testing.T) {
	const bits = 3 * 5
	image := dicomtest.Image{Rows: 3, Columns: 5, Frames: 4, BitsAllocated: 1}
	all := nativeFrames(image, 1000)[0]
	a := newArchive(t, image.File())
	parts := partsOf(t, a.get(a.refs[0], "/frames/1,2,3,4", octets))
	for i, p := range parts {
		want := make([]byte, 2)
		for b := range bits {
			from := i*bits + b
			want[b/8] |= all[from/8] >> (from % 8) & 1 << (b % 8)
		}
		if !bytes.Equal(p.body, want) {
			t.Errorf("frame %d is %08b, want %08b", i+1, p.body, want)
		}
	}
	if len(parts) != 4 {
		t.Errorf("%d parts", len(parts))
	}
}

// rle packs bytes as segments of literal runs (PS3.5 Annex G).
func rle(segments ...[]byte) []byte {
	header := make([]byte, 64)
	header[0] = byte(len(segments))
	body := []byte{}
	for i, segment := range segments {
		at := 64 + len(body)
		header[4+4*i], header[5+4*i] = byte(at), byte(at>>8)
		for run := range slices.Chunk(segment, 128) {
			body = append(append(body, byte(len(run)-1)), run...)
		}
		if len(body)%2 == 1 {
			body = append(body, 0x80)
		}
	}
	return append(header, body...)
}

func TestFramesRLE(t *testing.T) {
	rgb := dicomtest.Image{Rows: 4, Columns: 4, BitsAllocated: 8, Samples: 3, Photometric: "RGB"}
	pixels := nativeFrames(rgb, 48)[0]
	planes := make([]byte, 48)
	for i, v := range pixels {
		planes[i%3*16+i/3] = v
	}
	encoded := rle(planes[:16], planes[16:32], planes[32:])
	for _, planar := range []bool{false, true} {
		rgb.Planar = planar
		a := newArchive(t, encapsulate(t, rgb, [][][]byte{{encoded}}, true))
		ref := a.refs[0]
		for accept, want := range map[string]string{
			"": "image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5", "*/*": "image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5",
			octetsAny: "image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5",
			`multipart/related; type="image/dicom-rle"`:   "image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5",
			`multipart/related; type="image/x-dicom-rle"`: "image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5",
			"image/dicom-rle": "image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5",
			octets:            "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
			octets + "; transfer-syntax=1.2.840.10008.1.2.1": "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
			"application/octet-stream":                       "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
		} {
			p := partsOf(t, a.get(ref, "/frames/1", accept))[0]
			body := encoded
			if strings.HasPrefix(want, "application/") {
				if body = pixels; planar {
					body = planes // the metadata says that they lie by plane
				}
			}
			if p.contentType != want || !bytes.Equal(p.body, body) {
				t.Errorf("planar %v, Accept %q: %s with %d bytes", planar, accept, p.contentType, len(p.body))
			}
		}
		checkStatus(t, a.get(ref, "/frames/1", `multipart/related; type="image/jxl"`), 406, "image/dicom-rle")
	}
}

// Frames of several fragments are joined, whether an offset table says where they begin or not.
func TestFramesOfFragments(t *testing.T) {
	image := dicomtest.Image{Rows: 4, Columns: 4, BitsAllocated: 8, Frames: 2, TransferSyntax: jpegXL}
	fragments := [][][]byte{{[]byte("\xFF\xD8frame one, "), []byte("in three "), []byte("pieces\xFF\xD9")}, {[]byte("\xFF\xD8frame two.\xFF\xD9")}}
	a := newArchive(t, encapsulate(t, image, fragments, true))
	ref := a.refs[0]
	parts := partsOf(t, a.get(ref, "/frames/1,2", octetsAny))
	for i, p := range parts {
		if want := bytes.Join(fragments[i], nil); !bytes.Equal(p.body, want) || p.contentType != "image/jxl; transfer-syntax="+string(jpegXL) {
			t.Errorf("frame %d: %s %q, want %q", i+1, p.contentType, p.body, want)
		}
	}
	w := a.get(ref, "/frames/1", octets)
	checkStatus(t, w, 406, "image/jxl", string(jpegXL), "cannot be decoded")
	parts = partsOf(t, a.get(ref, "/bulkdata/7FE00010", `multipart/related; type="*/*"`))
	if len(parts) != 2 || !strings.HasSuffix(parts[1].location, "/frames/2") {
		t.Errorf("the bulk data of encapsulated pixels has %d parts", len(parts))
	}
	// One frame with fragments but no offset table.
	image.Frames = 0
	a = newArchive(t, encapsulate(t, image, fragments[:1], false))
	w = a.get(a.refs[0], "/frames/1", "image/jxl")
	if want := bytes.Join(fragments[0], nil); !bytes.Equal(w.Body.Bytes(), want) {
		t.Errorf("%q, want %q", w.Body, want)
	}
}

func TestFramesJPEG(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 16, 16))
	for i := range gray.Pix {
		gray.Pix[i] = uint8(i)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, gray, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	if b.Len()%2 == 1 {
		b.WriteByte(0)
	}
	frame := b.Bytes()
	a := newArchive(t, encapsulate(t, dicomtest.Image{BitsAllocated: 8, TransferSyntax: jpegBaseline}, [][][]byte{{frame}}, true))
	p := partsOf(t, a.get(a.refs[0], "/frames/1", `multipart/related; type="image/jpeg"`))[0]
	if p.contentType != "image/jpeg; transfer-syntax="+string(jpegBaseline) || !bytes.HasPrefix(frame, p.body) {
		t.Errorf("%s, %d bytes", p.contentType, len(p.body))
	}
	p = partsOf(t, a.get(a.refs[0], "/frames/1", octets))[0]
	for i, v := range p.body {
		if d := int(v) - int(gray.Pix[i]); d < -8 || d > 8 || len(p.body) != 256 {
			t.Fatalf("pixel %d of %d is %d, want %d", i, len(p.body), v, gray.Pix[i])
		}
	}
	// Cut in its middle it is no picture, and nobody is told otherwise.
	cut := slices.Clone(frame[:len(frame)/2/2*2])
	a = newArchive(t, encapsulate(t, dicomtest.Image{BitsAllocated: 8, TransferSyntax: jpegBaseline}, [][][]byte{{cut}}, true))
	for below, accept := range map[string]string{"/frames/1": octets, "/frames/1/rendered": "image/jpeg", "/frames/1/thumbnail": "image/jpeg"} {
		checkStatus(t, a.get(a.refs[0], below, accept), 406, "frame 1", string(a.refs[0].Instance), string(jpegBaseline))
	}
	partsOf(t, a.get(a.refs[0], "/frames/1", octetsAny)) // as stored it is to be had
}

func TestFramesOfWhatHasNone(t *testing.T) {
	in := dicomtest.Image{}.Instance()
	in.DataSet.Delete(dicom.PixelData)
	file, err := in.File()
	if err != nil {
		t.Fatal(err)
	}
	a := newArchive(t, file)
	checkStatus(t, a.get(a.refs[0], "/frames/1", ""), 404, "no pixel data")
	checkStatus(t, a.get(a.refs[0], "/bulkdata/7FE00010", ""), 404)
	checkStatus(t, a.get(a.refs[0], "/rendered", ""), 406, "no pixel data")
	checkStatus(t, a.get(a.refs[0], "", octets), 404, "no bulk data")
}
