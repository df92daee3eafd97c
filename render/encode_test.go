package render

import (
	"bytes"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"testing"
)

// pictures are a gray one and one in color, smooth, of an odd size.
func pictures() (*image.Gray, *image.RGBA) {
	gray, rgb := image.NewGray(image.Rect(0, 0, 101, 67)), image.NewRGBA(image.Rect(0, 0, 101, 67))
	for i := range gray.Pix {
		gray.Pix[i] = uint8(128 + 100*math.Sin(float64(i%101)/9)*math.Cos(float64(i/101)/7))
		copy(rgb.Pix[4*i:], []uint8{gray.Pix[i], 255 - gray.Pix[i], uint8(i % 101), 255})
	}
	return gray, rgb
}

func TestEncode(t *testing.T) {
	gray, rgb := pictures()
	decoders := map[string]func(io.Reader) (image.Image, error){
		"image/jpeg": jpeg.Decode, "image/png": png.Decode, "image/gif": gif.Decode,
	}
	for mediaType, decode := range decoders {
		for _, img := range []image.Image{gray, rgb} {
			var b bytes.Buffer
			if err := Encode(&b, img, mediaType, 95); err != nil {
				t.Fatal(mediaType, err)
			}
			got, err := decode(&b)
			if err != nil {
				t.Fatal(mediaType, err)
			}
			if got.Bounds() != img.Bounds() {
				t.Errorf("%s: %v", mediaType, got.Bounds())
			}
			_, isGray := img.(*image.Gray)
			if _, stayed := got.(*image.Gray); isGray && mediaType != "image/gif" && !stayed {
				t.Errorf("%s: gray became %T", mediaType, got)
			}
			worst := 0
			for y := range 67 {
				for x := range 101 {
					r, g, b, _ := got.At(x, y).RGBA()
					wr, wg, wb, _ := img.At(x, y).RGBA()
					for _, d := range []int{int(r>>8) - int(wr>>8), int(g>>8) - int(wg>>8), int(b>>8) - int(wb>>8)} {
						worst = max(worst, d, -d)
					}
				}
			}
			limit := map[string]int{"image/jpeg": 12, "image/png": 0, "image/gif": 0}[mediaType]
			if mediaType == "image/gif" && !isGray {
				limit = 120 // dithered
			}
			if worst > limit {
				t.Errorf("%s of %T: differs by %d", mediaType, img, worst)
			}
		}
	}
}

// TestEncodeBaseline: image/jpeg is baseline (PS3.18 8.7.4), and its size follows the quality.
func TestEncodeBaseline(t *testing.T) {
	_, rgb := pictures()
	last := 0
	for _, quality := range []int{1, 30, 60, 84, 85, 100} {
		var b bytes.Buffer
		if err := Encode(&b, rgb, "image/jpeg", quality); err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(b.Bytes(), []byte{0xFF, 0xC0, 0, 17, 8}) {
			t.Errorf("quality %d: no baseline frame header", quality)
		}
		if b.Len() <= last {
			t.Errorf("quality %d: %d bytes after %d", quality, b.Len(), last)
		}
		last = b.Len()
	}
}

func TestEncodeErrors(t *testing.T) {
	gray, _ := pictures()
	for _, err := range []error{
		Encode(io.Discard, gray, "image/jp2", 90),
		Encode(io.Discard, gray, "image/jpeg", 101),
		Encode(io.Discard, gray, "image/jpeg", -1),
		Encode(io.Discard, image.NewGray(image.Rect(0, 0, 65536, 1)), "image/jpeg", 90),
	} {
		if !errors.Is(err, ErrOptions) {
			t.Errorf("error %v", err)
		}
	}
	closed := errors.New("closed")
	r, w := io.Pipe()
	r.CloseWithError(closed)
	for _, mediaType := range []string{"image/jpeg", "image/png", "image/gif"} {
		if err := Encode(w, gray, mediaType, 90); !errors.Is(err, closed) {
			t.Errorf("%s to a closed connection: error %v", mediaType, err)
		}
	}
}
