package render

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"testing"
)

// anyPicture is a picture of any kind and size that the data decides.
func anyPicture(kind, width uint8, data []byte) image.Image {
	w := int(width)%41 + 1
	size := image.Rect(0, 0, w, len(data)/w+1)
	var img interface {
		image.Image
		Set(x, y int, c color.Color)
	}
	switch kind % 3 {
	case 0:
		img = image.NewGray(size)
	case 1:
		img = image.NewGray16(size)
	default:
		img = image.NewRGBA(size)
	}
	at := func(i int) uint8 { return data[i%len(data)] }
	for i := range w * size.Dy() {
		if kind%3 == 1 {
			img.Set(i%w, i/w, color.Gray16{Y: uint16(at(i))<<8 | uint16(at(i+1))})
			continue
		}
		img.Set(i%w, i/w, color.RGBA{at(i), at(i + 1), at(i + 2), 0xFF})
	}
	return img
}

// FuzzPNG has image/png read what is written, which must have the same pixels.
func FuzzPNG(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for kind := range uint8(3) {
		for _, n := range []int{1, 16, 17, 5000, 200000} { // the last ones have several chunks
			data := make([]byte, n)
			for i := range data {
				data[i] = uint8(r.Uint32())
			}
			f.Add(kind, uint8(n), data)
		}
	}
	f.Fuzz(func(t *testing.T, kind, width uint8, data []byte) {
		if len(data) == 0 {
			return
		}
		want := anyPicture(kind, width, data)
		var b bytes.Buffer
		if err := Encode(&b, want, "image/png", 0); err != nil {
			t.Fatal(err)
		}
		got, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if got.Bounds() != want.Bounds() || b.Len() > 0 {
			t.Fatalf("%v, want %v; %d bytes after the end", got.Bounds(), want.Bounds(), b.Len())
		}
		_, deep := got.(*image.Gray16)
		if deep != (kind%3 == 1) {
			t.Fatalf("a picture of %T became %T", want, got)
		}
		for y := range want.Bounds().Dy() {
			for x := range want.Bounds().Dx() {
				if r, g, b, a := got.At(x, y).RGBA(); [4]uint32{r, g, b, a} != colorOf(want.At(x, y)) {
					t.Fatalf("%d, %d is %v, want %v", x, y, got.At(x, y), want.At(x, y))
				}
			}
		}
	})
}

func colorOf(c color.Color) [4]uint32 {
	r, g, b, a := c.RGBA()
	return [4]uint32{r, g, b, a}
}

// full is a disk that has room for so many bytes.
type full int

var errFull = errors.New("full")

func (f *full) Write(b []byte) (int, error) {
	if *f -= full(len(b)); *f < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// An error of the writer is the caller's to know, wherever it comes, and the next picture is none the worse.
func TestPNGErrors(t *testing.T) {
	img := anyPicture(2, 40, []byte("some bytes of a picture"))
	var b bytes.Buffer
	if err := Encode(&b, img, "image/png", 0); err != nil {
		t.Fatal(err)
	}
	for room := range b.Len() {
		disk := full(room)
		if err := Encode(&disk, img, "image/png", 0); !errors.Is(err, errFull) {
			t.Fatalf("with room for %d of %d bytes: %v", room, b.Len(), err)
		}
	}
	var again bytes.Buffer
	if err := Encode(&again, img, "image/png", 0); err != nil || !bytes.Equal(again.Bytes(), b.Bytes()) {
		t.Errorf("%v, or another picture", err)
	}
}
