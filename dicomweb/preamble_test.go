package dicomweb

import (
	"archive/zip"
	"bytes"
	"io"
	"testing"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// TestPreambles stores a file that is a program too and gets it on every way out: without the program, but for that nothing is
// changed; and with it where the server is told to keep it, under another entity tag.
func TestPreambles(t *testing.T) {
	file := dicomtest.Image{Rows: 16, Columns: 16}.File()
	copy(file, "MZ\x90\x00 this program cannot be run in DOS mode")
	clean := bytes.Clone(file)
	clear(clean[:preambleLength])
	a := newArchive(t, file)
	ref := a.refs[0]
	ways := map[string]func() []byte{
		"as stored":      func() []byte { return a.get(ref, "", "application/dicom; transfer-syntax=*").Body.Bytes() },
		"as the default": func() []byte { return a.get(ref, "", "application/dicom").Body.Bytes() },
		"in a multipart": func() []byte {
			return partsOf(t, a.get(ref, "", `multipart/related; type="application/dicom"; transfer-syntax=*`))[0].body
		},
		"by WADO-URI": func() []byte { return a.request("GET", wado(ref, "&contentType=application/dicom")).Body.Bytes() },
		"in a zip": func() []byte {
			b := a.get(ref, "", "application/zip; transfer-syntax=*").Body.Bytes()
			z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			f, err := z.File[0].Open()
			if err != nil {
				t.Fatal(err)
			}
			b, _ = io.ReadAll(f)
			return b
		},
	}
	etag := a.get(ref, "", "application/dicom; transfer-syntax=*").Header().Get("ETag")
	for way, get := range ways {
		if got := get(); !bytes.Equal(got, clean) {
			t.Errorf("%s: not the file without its preamble: %d bytes, beginning with %q", way, len(got), got[:min(8, len(got))])
		}
	}
	w := a.get(ref, "", "application/dicom; transfer-syntax=*", "Range", "bytes=1-131")
	if w.Code != 206 || !bytes.Equal(w.Body.Bytes(), clean[1:132]) {
		t.Errorf("a range: %d %q", w.Code, w.Body)
	}
	a.server.options.KeepPreambles = true
	for way, get := range ways {
		if got := get(); !bytes.Equal(got, file) {
			t.Errorf("%s, kept: not the stored file, but %d bytes", way, len(got))
		}
	}
	if kept := a.get(ref, "", "application/dicom; transfer-syntax=*").Header().Get("ETag"); kept == etag {
		t.Error("one entity tag for two representations")
	}
}

// TestOtherPreambles sends preambles that nothing runs as they are: that of a TIFF file, one of text, and none.
func TestOtherPreambles(t *testing.T) {
	for _, preamble := range []string{"II*\x00\x08\x00\x00\x00", "MM\x00*", "hello", ""} {
		file := dicomtest.Image{Rows: 16, Columns: 16}.File()
		copy(file, preamble)
		a := newArchive(t, file)
		if got := a.get(a.refs[0], "", "application/dicom; transfer-syntax=*").Body.Bytes(); !bytes.Equal(got, file) {
			t.Errorf("preamble %q is changed", preamble)
		}
	}
}
