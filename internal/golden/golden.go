// Package golden compares what tests make with files that somebody has looked at.
package golden

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// writes is set where files are to be written anew: NOCTIS_GOLDEN=write go test ./render/...
var writes = os.Getenv("NOCTIS_GOLDEN") == "write"

// Bytes compares what was made with testdata/name. Where files are to be written it writes it instead: look at it then, before it
// is committed.
func Bytes(t *testing.T, name string, got []byte) {
	t.Helper()
	if want := wanted(t, name, got); !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, which are not the %d that were looked at", name, len(got), len(want))
	}
}

// near is what a picture may differ by, of 255: compilers round floating point numbers as their processors do.
const near = 2

// Picture compares the pixels of a picture with those of testdata/name, a PNG.
func Picture(t *testing.T, name string, got image.Image) {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, got); err != nil {
		t.Fatal(err)
	}
	want, err := png.Decode(bytes.NewReader(wanted(t, name, b.Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds().Size() != want.Bounds().Size() {
		t.Fatalf("%s: a picture of %v, want %v", name, got.Bounds().Size(), want.Bounds().Size())
	}
	a, b2 := got.Bounds().Min, want.Bounds().Min
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			p, q := rgb(got.At(a.X+x, a.Y+y)), rgb(want.At(b2.X+x, b2.Y+y))
			for i := range p {
				if d := int(p[i]) - int(q[i]); d > near || d < -near {
					t.Fatalf("%s: pixel %d,%d is %v, want %v", name, x, y, p, q)
				}
			}
		}
	}
}

func rgb(c color.Color) [3]uint8 {
	v := color.RGBAModel.Convert(c).(color.RGBA)
	return [3]uint8{v.R, v.G, v.B}
}

func wanted(t *testing.T, name string, got []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", name)
	if !writes {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return want
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, got, 0o644); err != nil {
		t.Fatal(err)
	}
	return got
}
