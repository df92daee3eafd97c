// Package corpusimage opens the images of the shared corpus for the tests of the packages that decode and render them: the data
// set, and the bytes of frames and bulk values as a store hands them out.
package corpusimage

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/internal/corpus"
)

// Reference is what the corpus knows of the image of a file.
type Reference struct {
	TransferSyntax dicom.UID `json:"ts"`
	Rows, Cols     int
	Frames         int
	Lossy          bool
	Decoded        []Decoded
	Rendered       *Rendered
}

// Decoded is a decoded frame.
type Decoded struct {
	Frame      int
	ColorSpace string
	DType      string // "<u2": unsigned, two bytes, little endian
	Shape      []int  // rows, columns, samples
	Samples    string `json:"samples_sha256"`
	Raw        string `json:"raw_gz"` // name of the samples' file, "" if there is none
}

// Rendered is the reference picture of the first frame.
type Rendered struct {
	Kind   string // gray, rgb, palette
	Shape  []int
	Usable bool
}

// Image is an open image.
type Image struct {
	*part10.File
	Reference Reference
	stream    []byte
}

// Open opens the image of a file; nil if it has no reference or is not readable.
func Open(t testing.TB, f corpus.File) *Image {
	t.Helper()
	var img Image
	if !f.Describe(t, &img.Reference) || len(img.Reference.Decoded) == 0 {
		return nil
	}
	b := f.Bytes(t)
	file, err := part10.Scan(bytes.NewReader(b), part10.Limits{})
	if err != nil {
		t.Logf("not readable: %v", err)
		return nil
	}
	img.File, img.stream = file, b
	if file.Layout.Encoding.Deflated {
		if img.stream, err = io.ReadAll(flate.NewReader(bytes.NewReader(b[file.Layout.DataSet:]))); err != nil {
			t.Fatal(err)
		}
	}
	return &img
}

// Frame returns the bytes of a frame, counted from 1: joined, in little endian, shifted to a byte boundary.
func (img *Image) Frame(n int) ([]byte, error) {
	p := img.Layout.Pixel
	if p == nil {
		return nil, fmt.Errorf("no pixel data")
	}
	f, ok := p.Frame(n)
	if !ok {
		return nil, fmt.Errorf("no frame %d of %d", n, p.NumberOfFrames)
	}
	if p.Encapsulated {
		var b []byte
		for _, s := range f.Spans {
			b = append(b, img.stream[s.Offset:s.Offset+s.Length]...)
		}
		return b, nil
	}
	native := swapped(img.stream[p.Value.Offset:p.Value.Offset+p.Value.Length], p.Word)
	from := f.Spans[0].Offset - p.Value.Offset
	b := slices.Clone(native[from : from+f.Spans[0].Length])
	if f.Shift > 0 {
		for i := range b {
			b[i] >>= f.Shift
			if i+1 < len(b) {
				b[i] |= b[i+1] << (8 - f.Shift)
			}
		}
	}
	return b[:(f.Bits+7)/8], nil
}

// Bulk returns the bytes that a dicom.Bulk of the data set stands for, in little endian.
func (img *Image) Bulk(uri string) ([]byte, error) {
	v, ok := img.Layout.Value(strings.TrimPrefix(uri, "bulkdata/"))
	if !ok {
		return nil, fmt.Errorf("no bulk value %q", uri)
	}
	return swapped(img.stream[v.Offset:v.Offset+v.Length], v.Word), nil
}

// swapped reverses the bytes of each word.
func swapped(b []byte, word int) []byte {
	if word <= 1 {
		return b
	}
	s := slices.Clone(b)
	for i := 0; i+word <= len(s); i += word {
		slices.Reverse(s[i : i+word])
	}
	return s
}
