package codec

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"math"
	"os"
	"testing"

	"github.com/gen2brain/jpegn"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// wave is a smooth picture that does not compress to nothing.
func wave(width, height int) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio444)
	for y := range height {
		for x := range width {
			i := y*img.YStride + x
			img.Y[i] = uint8(128 + 100*math.Sin(float64(x*x+y)/50))
			img.Cb[i] = uint8(128 + 40*math.Cos(float64(x)/20))
			img.Cr[i] = uint8(128 + 40*math.Sin(float64(y)/20))
		}
	}
	return img
}

func encodeJPEG(t testing.TB, img image.Image, o *jpegn.EncodeOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpegn.Encode(&b, img, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func grayJPEG(t testing.TB, width, height int) []byte {
	return encodeJPEG(t, wave(width, height), &jpegn.EncodeOptions{Quality: 90, Subsampling: jpegn.SubsampleGray})
}

// TestDecodeJPEG compares with the standard library where chroma is not sub-sampled, so that both decode the same planes.
func TestDecodeJPEG(t *testing.T) {
	for _, o := range []jpegn.EncodeOptions{
		{}, {Progressive: true}, {RestartInterval: 3}, {Progressive: true, RestartInterval: 5}, {OptimizeCoding: true},
	} {
		o.Quality, o.Subsampling = 95, jpegn.Subsample444
		data := encodeJPEG(t, wave(77, 53), &o)
		f, err := Decode(context.Background(), baseline, color(53, 77, 8, "YBR_FULL_422"), data)
		if err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
		want, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Pixels() {
			r, g, b, _ := want.At(i%77, i/77).RGBA()
			for k, v := range []uint32{r, g, b} {
				if d := int(f.U8[3*i+k]) - int(v>>8); d < -3 || d > 3 {
					t.Fatalf("%+v: pixel %d, sample %d: %d, want %d", o, i, k, f.U8[3*i+k], v>>8)
				}
			}
		}
		if f.Photometric != "RGB" {
			t.Errorf("%+v: Photometric %s", o, f.Photometric)
		}
	}
}

// TestDecodeJPEGPhotometric wants declared RGB to be delivered as it is, and to be called what the stream says it is.
func TestDecodeJPEGPhotometric(t *testing.T) {
	img := wave(16, 16)
	data := encodeJPEG(t, img, &jpegn.EncodeOptions{Quality: 100, Subsampling: jpegn.Subsample444})
	f, err := Decode(context.Background(), baseline, color(16, 16, 8, "RGB"), data)
	if err != nil {
		t.Fatal(err)
	}
	if f.Photometric != "YBR_FULL" {
		t.Errorf("RGB with JFIF became %s", f.Photometric)
	}
	for i := range f.Pixels() {
		for k, plane := range [][]uint8{img.Y, img.Cb, img.Cr} {
			if d := int(f.U8[3*i+k]) - int(plane[i]); d < -3 || d > 3 {
				t.Fatalf("pixel %d, sample %d: %d, want %d", i, k, f.U8[3*i+k], plane[i])
			}
		}
	}
	// Without the JFIF segment (20 bytes from byte 2 on) nothing contradicts the data set.
	if !bytes.Equal(data[2:4], []byte{0xFF, 0xE0}) {
		t.Fatalf("the encoder begins with % X", data[:6])
	}
	bare := append([]byte{0xFF, 0xD8}, data[20:]...)
	if f, err = Decode(context.Background(), baseline, color(16, 16, 8, "RGB"), bare); err != nil || f.Photometric != "RGB" {
		t.Errorf("RGB without JFIF became %v, %v", f, err)
	}
}

// TestDecodeJPEGTruncated cuts an image at every byte, closing it with EOI: no cut may pass for the whole.
func TestDecodeJPEGTruncated(t *testing.T) {
	for name, o := range map[string]*jpegn.EncodeOptions{
		"baseline":    {Quality: 80},
		"restarts":    {Quality: 80, RestartInterval: 2},
		"progressive": {Quality: 80, Progressive: true},
	} {
		data := encodeJPEG(t, wave(40, 40), o)
		d := color(40, 40, 8, "YBR_FULL_422")
		if _, err := Decode(context.Background(), baseline, d, data); err != nil {
			t.Fatal(name, err)
		}
		passed := 0
		for n := 0; n < len(data)-2; n++ {
			if _, err := Decode(context.Background(), baseline, d, data[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes decode", name, n, len(data))
			}
			closed := append(bytes.Clone(data[:n]), 0xFF, 0xD9)
			if _, err := Decode(context.Background(), baseline, d, closed); err == nil {
				passed++
			}
		}
		// The last byte of a scan may be nothing but padding, and a progressive image may end after any of its scans.
		limit := 1
		if name == "progressive" {
			limit = 1000
		}
		if passed > limit {
			t.Errorf("%s: %d cuts with EOI decode", name, passed)
		}
	}
}

func TestSampling(t *testing.T) {
	for _, s := range []jpegn.Subsampling{jpegn.Subsample422, jpegn.Subsample420, jpegn.Subsample440} {
		for _, size := range [][2]int{{1, 1}, {2, 3}, {3, 2}, {5, 7}, {16, 16}, {33, 17}} {
			flat := image.NewYCbCr(image.Rect(0, 0, size[0], size[1]), image.YCbCrSubsampleRatio444)
			for i := range flat.Y {
				flat.Y[i], flat.Cb[i], flat.Cr[i] = 90, 110, 160
			}
			data := encodeJPEG(t, flat, &jpegn.EncodeOptions{Quality: 100, Subsampling: s})
			f, err := Decode(context.Background(), baseline, color(size[1], size[0], 8, "YBR_FULL"), data)
			if err != nil {
				t.Fatal(s, size, err)
			}
			// R = 90 + 1.402*32 = 134.9, G = 90 + 0.344*18 - 0.714*32 = 73.3, B = 90 - 1.772*18 = 58.1
			for i := range f.Pixels() {
				for k, want := range []int{135, 73, 58} {
					if d := int(f.U8[3*i+k]) - want; d < -3 || d > 3 {
						t.Fatalf("sampling %d, size %v, pixel %d: %v", s, size, i, f.U8[3*i:3*i+3])
					}
				}
			}
		}
	}
}

func BenchmarkJPEG(b *testing.B) {
	for name, s := range map[string]jpegn.Subsampling{"gray": jpegn.SubsampleGray, "444": jpegn.Subsample444, "420": jpegn.Subsample420} {
		b.Run(name, func(b *testing.B) {
			data := encodeJPEG(b, wave(1024, 1024), &jpegn.EncodeOptions{Quality: 90, Subsampling: s})
			d := color(1024, 1024, 8, "YBR_FULL")
			if s == jpegn.SubsampleGray {
				d = gray(1024, 1024, 8, 8)
			}
			b.SetBytes(int64(d.Values()))
			for b.Loop() {
				if _, err := Decode(context.Background(), baseline, d, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNative(b *testing.B) {
	d := with(gray(512, 512, 16, 12), func(d *pixel.Description) { d.Signed = true })
	data := make([]byte, 2*512*512)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Decode(context.Background(), explicitLE, d, data); err != nil {
			b.Fatal(err)
		}
	}
}

// TestSmallLuma: Y is sub-sampled beside CB, which no camera does but a stream may say. testdata has what djpeg makes of it.
func TestSmallLuma(t *testing.T) {
	data, err := os.ReadFile("testdata/sampling.jpg")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/sampling.ppm")
	if err != nil {
		t.Fatal(err)
	}
	f, err := decodeJPEG(context.Background(), color(14, 19, 8, "YBR_FULL_422"), data)
	if err != nil || f.Photometric != "RGB" || !bytes.Equal(f.U8, bytes.TrimPrefix(want, []byte("P6\n19 14\n255\n"))) {
		t.Errorf("other samples, %v", err)
	}
}

// TestLinesAfterScan: the number of lines comes behind the first scan (T.81 B.2.5), or there again.
func TestLinesAfterScan(t *testing.T) {
	data := grayJPEG(t, 30, 21)
	d := gray(21, 30, 8, 8)
	want, err := decodeJPEG(context.Background(), d, data)
	if err != nil {
		t.Fatal(err)
	}
	frame, end := bytes.Index(data, []byte{0xFF, 0xC0}), len(data)-2
	for name, test := range map[string]struct {
		header, behind byte
		good           bool
	}{
		"behind": {0, 21, true}, "twice": {21, 21, true}, "another": {21, 22, false}, "none": {0, 0, false},
		"more": {0, 22, false},
	} {
		changed := append(bytes.Clone(data[:end]), 0xFF, 0xDC, 0, 4, 0, test.behind, 0xFF, 0xD9)
		changed[frame+6] = test.header
		f, err := decodeJPEG(context.Background(), d, changed)
		if test.good != (err == nil) || test.good && !bytes.Equal(f.U8, want.U8) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
