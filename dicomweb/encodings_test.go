package dicomweb

import (
	"bytes"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// Frames and files are encoded on request, in every transfer syntax that has an encoder, and decode to what they were made of.
func TestEncodedOnRequest(t *testing.T) {
	gray := dicomtest.Image{Rows: 40, Columns: 56, Frames: 3, BitsStored: 12}
	color := dicomtest.Image{Rows: 24, Columns: 32, BitsAllocated: 8, Samples: 3, Photometric: "RGB", Planar: true, Number: 2}
	deflated := gray
	deflated.Number, deflated.TransferSyntax = 3, dicom.DeflatedExplicitVRLittleEndian
	a := newArchive(t, gray.File(), color.File(), deflated.File())
	for _, o := range encodedPixels("") {
		ts, _ := dicom.TransferSyntaxOf(o.transferSyntax)
		for i, ref := range a.refs {
			d, err := pixel.Describe([]dicomtest.Image{gray, color, deflated}[i].Instance().DataSet)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := codec.Encoded(o.transferSyntax, d); err != nil {
				checkStatus(t, a.get(ref, "/frames/1", o.String()), 406, "cannot be had")
				continue
			}
			accept := `multipart/related; type="` + o.mediaType + `"; transfer-syntax=` + string(o.transferSyntax)
			parts := partsOf(t, a.get(ref, "/pixeldata", accept))
			if len(parts) != d.Frames {
				t.Errorf("%s: %d frames of %d", o, len(parts), d.Frames)
			}
			for n, p := range parts {
				if p.contentType != o.String() || !strings.HasPrefix(p.location, "http://pacs.example/dicom-web"+ref.Path()+"/frames/") {
					t.Errorf("%s: %s at %s", o, p.contentType, p.location)
				}
				checkDecodes(t, a, ref, n+1, ts, d, p.body)
			}
			if single := a.get(ref, "/frames/1", o.String()); !bytes.Equal(single.Body.Bytes(), parts[0].body) {
				t.Errorf("%s: another single part: %d %.200s", o, single.Code, single.Body)
			}
			if o.preset {
				w := a.get(ref, "/frames/1", o.mediaType)
				if w.Header().Get("Content-Type") != o.String() {
					t.Errorf("%s alone is %s", o.mediaType, w.Header().Get("Content-Type"))
				}
			}
			checkEncodedFile(t, a, ref, ts, d)
		}
	}
}

// checkDecodes compares an encoded frame with the one that is stored.
func checkDecodes(t *testing.T, a *archive, ref dicom.Ref, n int, ts dicom.TransferSyntax, d pixel.Description, data []byte) {
	t.Helper()
	e, err := a.server.entry(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	encoding, err := codec.Encoded(ts.UID, d)
	if err != nil {
		t.Fatal(err)
	}
	got, err := codec.Decode(t.Context(), ts.UID, encoding.Image, data)
	if err != nil {
		t.Fatalf("%s: %v", ts.Name, err)
	}
	in, err := a.server.open(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	ds, _ := in.DataSet(t.Context())
	want, err := a.server.decodeFrame(t.Context(), in, ds, n)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.U8) != len(want.frame.U8) || len(got.U16) != len(want.frame.U16) {
		t.Fatalf("%s: frame %d is of another kind", ts.Name, n)
	}
	if encoding.Method == "" && !(bytes.Equal(got.U8, want.frame.U8) && equalU16(got.U16, want.frame.U16)) {
		t.Errorf("%s: frame %d is not what was encoded", ts.Name, n)
	}
}

func equalU16(a, b []uint16) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// checkEncodedFile wants a file that says what it is.
func checkEncodedFile(t *testing.T, a *archive, ref dicom.Ref, ts dicom.TransferSyntax, d pixel.Description) {
	t.Helper()
	accept := "application/dicom; transfer-syntax=" + string(ts.UID)
	w := a.get(ref, "", accept)
	checkStatus(t, w, 200)
	f, err := part10.Scan(bytes.NewReader(w.Body.Bytes()), part10.Limits{})
	if err != nil || len(f.Warnings) > 0 {
		t.Fatalf("%s: %v %q", ts.Name, err, f.Warnings)
	}
	if f.TransferSyntax != ts.UID || f.Layout.Pixel.NumberOfFrames != d.Frames || w.Header().Get("Content-Type") != accept {
		t.Errorf("%s: it is %s with %d frames, sent as %s", ts.Name, f.TransferSyntax, f.Layout.Pixel.NumberOfFrames, w.Header().Get("Content-Type"))
	}
	encoding, _ := codec.Encoded(ts.UID, d)
	if lossy := f.DataSet.String(dicom.LossyImageCompression) == "01"; lossy != (encoding.Method != "") {
		t.Errorf("%s: it says of losses: %v", ts.Name, lossy)
	}
	described, err := pixel.Describe(f.DataSet)
	if err != nil || described.Photometric != encoding.Image.Photometric || described.Planar != encoding.Image.Planar {
		t.Errorf("%s: described as %+v, %v; want %+v", ts.Name, described, err, encoding.Image)
	}
	span, _ := f.Layout.Pixel.Frame(d.Frames)
	var data []byte
	for _, s := range span.Spans {
		data = append(data, w.Body.Bytes()[s.Offset:s.Offset+s.Length]...)
	}
	checkDecodes(t, a, ref, d.Frames, ts, d, data)
	if uri := a.request("GET", wado(ref, "&contentType=application/dicom&transferSyntax="+string(ts.UID))); !bytes.Equal(uri.Body.Bytes(), w.Body.Bytes()) {
		t.Errorf("%s: WADO-URI sends another file", ts.Name)
	}
	part := partsOf(t, a.get(ref, "", `multipart/related; type="application/dicom"; transfer-syntax=`+string(ts.UID)))[0]
	if !bytes.Equal(part.body, w.Body.Bytes()) {
		t.Errorf("%s: the part is another file", ts.Name)
	}
}

// What is stored comes first where a client takes it, and what an encoder does not take is refused with its reason.
func TestEncodingIsSelected(t *testing.T) {
	a := newArchive(t, dicomtest.Image{}.File(), dicomtest.Image{BitsAllocated: 1, Number: 2}.File())
	const rle, native = "image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5", "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
	for accept, want := range map[string]string{
		"*/*": native, "image/dicom-rle": rle, "image/x-dicom-rle": rle,
		"image/dicom-rle, application/octet-stream":                                                 native,
		"image/dicom-rle, application/octet-stream;q=0.5":                                           rle,
		"image/dicom-rle;transfer-syntax=*":                                                         rle,
		"image/jls;transfer-syntax=1.2.840.10008.1.2.4.81;q=0, application/octet-stream;q=0.1":      native,
		"image/jxl;transfer-syntax=1.2.840.10008.1.2.4.110, image/dicom-rle;q=0.2":                  rle,
		"image/dicom-rle;transfer-syntax=1.2.840.10008.1.2.4.90, application/octet-stream;q=0.0001": native,
	} {
		p := partsOf(t, a.get(a.refs[0], "/frames/1", accept))[0]
		if p.contentType != want {
			t.Errorf("%s: %s, want %s", accept, p.contentType, want)
		}
	}
	checkStatus(t, a.get(a.refs[1], "/frames/1", "image/jp2"), 406, "cannot be had in it", "(0028,0100)")
	const jp2 = "1.2.840.10008.1.2.4.90"
	checkStatus(t, a.get(a.refs[1], "", "application/dicom; transfer-syntax="+jp2), 406, "(0028,0100)")
	checkStatus(t, a.request("GET", wado(a.refs[1], "&contentType=application/dicom&transferSyntax="+jp2)), 406, "(0028,0100)")
}
