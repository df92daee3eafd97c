//go:build !race

// One request after the other on 300 files has no races to show, and takes minutes with the detector.

package dicomweb

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/corpus"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// referenceResult is what the corpus says of a file.
type referenceResult struct {
	Photometric   string
	BitsAllocated int
	Samples       int `json:"spp"`
	Decoded       []struct {
		Frame         int
		Shape         []int
		Colorspace    string
		Dtype         string
		SamplesSHA256 string `json:"samples_sha256"`
	}
	Rendered struct {
		Usable bool
		Kind   string
		Shape  []int
	}
}

// Every real file that stores comes back byte for byte, its metadata leads to all its values, its frames are what the reference
// decoders found, and its picture is the reference's or an error that names the cause.
func TestCorpus(t *testing.T) {
	for _, f := range corpus.Files(t) {
		t.Run(f.Name, func(t *testing.T) {
			file := f.Bytes(t)
			st := memstore.New(store.Options{})
			receipt, err := st.Ingest(t.Context(), bytes.NewReader(file), "")
			if err != nil {
				t.Skip("does not store:", err)
			}
			server, err := New(st, Options{PublicURL: "http://pacs.example", Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			a := &archive{t: t, server: server, refs: []dicom.Ref{receipt.Ref}}
			if receipt.Ref.Resource != "" { // of no patient: it has no frames, and its metadata is itself
				checkFile(t, a, file)
				return
			}
			var want referenceResult
			described := f.Describe(t, &want)
			checkFile(t, a, file)
			checkTranscoded(t, a, file)
			checkValues(t, a)
			if described {
				checkReferenceFrames(t, a, receipt.TransferSyntax, want)
				checkReferencePicture(t, a, f, receipt.TransferSyntax, want)
			}
			if w := a.get(receipt.Ref, "/thumbnail", "image/jpeg"); w.Code != http.StatusOK && !explained(w.Body.String(), receipt.Ref) {
				t.Errorf("thumbnail: %d %s", w.Code, w.Body)
			}
		})
	}
}

func checkFile(t *testing.T, a *archive, file []byte) {
	t.Helper()
	for _, accept := range []string{`multipart/related; type="application/dicom"; transfer-syntax=*`, "application/dicom; transfer-syntax=*"} {
		if p := partsOf(t, a.get(a.refs[0], "", accept)); len(p) != 1 || !bytes.Equal(p[0].body, file) {
			t.Errorf("Accept %q: not the stored file", accept)
		}
	}
}

// checkValues follows every BulkDataURI of the metadata.
func checkValues(t *testing.T, a *archive) {
	t.Helper()
	list := objects(t, a.get(a.refs[0], "/metadata", ""))
	var follow func(v any)
	follow = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				follow(item)
			}
		case map[string]any:
			for name, value := range v {
				if name != "BulkDataURI" {
					follow(value)
					continue
				}
				w := a.request("GET", strings.TrimPrefix(value.(string), "http://pacs.example"), "Accept", "*/*")
				if w.Code != http.StatusOK && w.Code != http.StatusNotFound {
					t.Errorf("%s: %d %.200s", value, w.Code, w.Body)
				}
				if w.Code == http.StatusNotFound && !strings.HasSuffix(value.(string), "7FE00010") {
					t.Errorf("%s is not there", value)
				}
			}
		}
	}
	for _, object := range list {
		for _, element := range object {
			follow(any(element))
		}
	}
}

// checkReferenceFrames compares samples as application/octet-stream with those of the reference decoders.
func checkReferenceFrames(t *testing.T, a *archive, ts dicom.UID, want referenceResult) {
	t.Helper()
	known, _ := dicom.TransferSyntaxOf(ts)
	for _, d := range want.Decoded {
		w := a.get(a.refs[0], fmt.Sprintf("/frames/%d", d.Frame), "application/octet-stream")
		if w.Code == http.StatusNotAcceptable && !mustDecode(ts) && strings.Contains(w.Body.String(), "cannot be decoded") {
			return
		}
		if w.Code != http.StatusOK {
			t.Errorf("frame %d: %d %.300s", d.Frame, w.Code, w.Body)
			continue
		}
		samples := w.Body.Bytes()
		if want.BitsAllocated == 1 {
			samples = unpackBits(samples, d.Shape)
		}
		sum := sha256.Sum256(samples)
		if d.SamplesSHA256 != "" && want.Samples == 1 && !known.Lossy && hex.EncodeToString(sum[:]) != d.SamplesSHA256 {
			t.Errorf("frame %d is not the reference's (%d bytes, %s)", d.Frame, w.Body.Len(), d.Dtype)
		}
	}
}

// mustDecode reports whether there is no excuse for a frame that is not decoded: native, RLE and JPEG baseline.
func mustDecode(ts dicom.UID) bool {
	known, _ := dicom.TransferSyntaxOf(ts)
	return !known.Encapsulated || ts == rleLossless || ts == jpegBaseline
}

// unpackBits makes a byte of each bit, as the references have them.
func unpackBits(b []byte, shape []int) []byte {
	n := 1
	for _, side := range shape {
		n *= side
	}
	samples := make([]byte, n)
	for i := range samples {
		samples[i] = b[i/8] >> (i % 8) & 1
	}
	return samples
}

// checkReferencePicture compares the rendered picture.
func checkReferencePicture(t *testing.T, a *archive, f corpus.File, ts dicom.UID, want referenceResult) {
	t.Helper()
	w := a.get(a.refs[0], "/rendered", "image/png")
	if w.Code == http.StatusNotAcceptable && strings.Contains(w.Body.String(), "text/html") { // a report is rendered as text
		w = a.get(a.refs[0], "/rendered", "text/html")
	}
	if w.Code != http.StatusOK {
		if !explained(w.Body.String(), a.refs[0]) {
			t.Errorf("rendered: %d %s", w.Code, w.Body)
		}
		if want.Rendered.Usable && mustDecode(ts) {
			t.Errorf("rendered: %d %s", w.Code, w.Body)
		}
		return
	}
	known, _ := dicom.TransferSyntaxOf(ts)
	pixels := f.Reference(t, "render8.gz")
	if !want.Rendered.Usable || known.Lossy || pixels == nil {
		return
	}
	img := pictureIn(t, w)
	if most := farthest(img, pixels, len(want.Rendered.Shape) == 3); most > 1 {
		t.Errorf("the picture is %d levels off", most)
	}
}

// farthest is the largest difference of a picture to raw levels, gray or RGB.
func farthest(img image.Image, pixels []byte, color bool) int {
	b := img.Bounds()
	channels := 1
	if color {
		channels = 3
	}
	if len(pixels) != b.Dx()*b.Dy()*channels {
		return 256
	}
	most := 0
	for y := range b.Dy() {
		for x := range b.Dx() {
			red, green, blue, _ := img.At(x, y).RGBA()
			for c, v := range []uint32{red, green, blue}[:channels] {
				d := int(v>>8) - int(pixels[(y*b.Dx()+x)*channels+c])
				most = max(most, d, -d)
			}
		}
	}
	return most
}
