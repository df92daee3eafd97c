package jpegdct

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/gen2brain/jpegn"

	"github.com/noctis-dicom/noctis/dicom/codec/internal/bounded"
)

func anything(Header) error { return nil }

// encode makes a JPEG of a smooth picture.
func encode(t testing.TB, width, height int, o jpegn.EncodeOptions) []byte {
	t.Helper()
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio444)
	for i := range img.Y {
		x, y := float64(i%width), float64(i/width)
		img.Y[i] = uint8(128 + 100*math.Sin((x*x+y)/50))
		img.Cb[i] = uint8(128 + 60*math.Cos(x/9))
		img.Cr[i] = uint8(128 + 60*math.Sin(y/7))
	}
	var b bytes.Buffer
	if err := jpegn.Encode(&b, img, &o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestDecode compares with the planes of the standard library, whose transform rounds otherwise.
func TestDecode(t *testing.T) {
	for _, o := range []jpegn.EncodeOptions{
		{Subsampling: jpegn.Subsample444}, {Subsampling: jpegn.Subsample422}, {Subsampling: jpegn.Subsample420},
		{Subsampling: jpegn.SubsampleGray}, {Progressive: true}, {Progressive: true, Subsampling: jpegn.SubsampleGray},
		{RestartInterval: 1}, {Progressive: true, RestartInterval: 3}, {OptimizeCoding: true, Quality: 3}, {Quality: 100},
	} {
		for _, size := range [][2]int{{1, 1}, {8, 8}, {16, 17}, {61, 45}} {
			data := encode(t, size[0], size[1], o)
			planes, err := Decode(context.Background(), data, anything)
			if err != nil {
				t.Fatalf("%+v, %v: %v", o, size, err)
			}
			img, err := jpeg.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			var want [][]uint8
			var strides []int
			switch img := img.(type) {
			case *image.Gray:
				want, strides = [][]uint8{img.Pix}, []int{img.Stride}
			case *image.YCbCr:
				want, strides = [][]uint8{img.Y, img.Cb, img.Cr}, []int{img.YStride, img.CStride, img.CStride}
			}
			for i, p := range planes {
				for y := range p.Height {
					for x := range p.Width {
						got, want := int(p.U8[y*p.Stride+x]), int(want[i][y*strides[i]+x])
						if got-want > 2 || want-got > 2 {
							t.Fatalf("%+v, %v, plane %d, %d,%d: %d, want %d", o, size, i, x, y, got, want)
						}
					}
				}
			}
		}
	}
}

// flat is a block of 12 bits whose DC coefficient alone is not zero, written by hand: quantization by 8, a table in which the code 0
// stands for a DC difference of 7 bits, one in which the code 0 ends a block.
func flat(dc byte) []byte {
	b := []byte{0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0}
	b = append(b, bytes.Repeat([]byte{8}, 64)...)
	b = append(b, 0xFF, 0xC1, 0, 11, 12, 0, 5, 0, 3, 1, 1, 0x11, 0)
	b = append(b, 0xFF, 0xC4, 0, 20, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7)
	b = append(b, 0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = append(b, 0xFF, 0xDA, 0, 8, 1, 1, 0x00, 0, 63, 0)
	// 0, seven bits, 0, and ones to the end of the byte.
	return append(b, dc, 0x7F, 0xFF, 0xD9)
}

// TestDecode12: a DC difference of 100 times 8, divided by 8, is 100 levels above the middle, 2048.
func TestDecode12(t *testing.T) {
	planes, err := Decode(context.Background(), flat(100), func(h Header) error {
		if h.Width != 3 || h.Height != 5 || h.Precision != 12 || h.Adobe != -1 || h.JFIF {
			t.Errorf("header %+v", h)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p := planes[0]
	if p.U16[0] != 2148 || p.U16[4*p.Stride+2] != 2148 || p.Width != 3 || p.Height != 5 || p.U8 != nil {
		t.Errorf("%+v", p)
	}
}

func TestErrors(t *testing.T) {
	change := func(at int, to ...byte) []byte {
		b := flat(100)
		copy(b[at:], to)
		return b
	}
	refused := errors.New("refused")
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	// The frame header begins at byte 71: marker, length, precision at 75, height, width; the tables at 84 and 106; the scan at 128.
	for _, test := range []struct {
		name, want string
		is         error
		data       []byte
		accept     func(Header) error
		ctx        context.Context
	}{
		{"arithmetic", "SOF9", ErrProcess, change(72, 0xC9), anything, nil},
		{"lossless", "SOF3", ErrProcess, change(72, 0xC3), anything, nil},
		{"precision", "16 bits", ErrProcess, change(75, 16), anything, nil},
		{"no height", "frame of 3x0", nil, change(76, 0, 0), anything, nil},
		{"claim", "expected 67108864 blocks", io.ErrUnexpectedEOF, change(76, 0xFF, 0xFF, 0xFF, 0xFF), anything, nil},
		{"sampling", "sampling factors 0x1", nil, change(82, 0x01), anything, nil},
		{"no quantization", "no quantization table", nil, change(83, 1), anything, nil},
		{"no DC table", "no Huffman table", nil, change(134, 0x10), anything, nil},
		{"component", "scan of component 9", nil, change(133, 9), anything, nil},
		{"two blocks", "MCU 1 of 2: the data ends", io.ErrUnexpectedEOF, change(76, 0, 16), anything, nil},
		{"refused", "refused", refused, flat(1), func(Header) error { return refused }, nil},
		{"canceled", "canceled", context.Canceled, flat(1), anything, canceled},
		{"no image", "no SOI", nil, []byte("image"), anything, nil},
		{"nothing but EOI", "no scan", nil, []byte{0xFF, 0xD8, 0xFF, 0xD9}, anything, nil},
		{"no EOI", "no EOI", io.ErrUnexpectedEOF, flat(1)[:140], anything, nil},
	} {
		ctx := test.ctx
		if ctx == nil {
			ctx = context.Background()
		}
		_, err := Decode(ctx, test.data, test.accept)
		if err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(flat(100))
	f.Add(encode(f, 9, 9, jpegn.EncodeOptions{RestartInterval: 1}))
	f.Add(encode(f, 20, 20, jpegn.EncodeOptions{Progressive: true}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var h Header
		var planes []Plane
		var err error
		bounded.Decode(t, 1<<27, func(ctx context.Context) {
			planes, err = Decode(ctx, data, func(found Header) error {
				if h = found; h.Width*h.Height*len(h.Components) > 1<<20 {
					return errors.New("too large for this test")
				}
				return nil
			})
		})
		if err != nil {
			return
		}
		if len(planes) != len(h.Components) {
			t.Fatalf("%d planes of %+v", len(planes), h)
		}
		for _, p := range planes {
			if n := len(p.U8) + len(p.U16); n < (p.Height-1)*p.Stride+p.Width {
				t.Fatalf("%d samples of %+v", n, p)
			}
		}
	})
}
