package jpegls

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/codec/internal/bounded"
)

func anything(Header) error { return nil }

// TestStandard decodes the example of T.87 Annex H.3.
func TestStandard(t *testing.T) {
	data := []byte{
		0xFF, 0xD8, 0xFF, 0xF7, 0x00, 0x0B, 0x08, 0x00, 0x04, 0x00, 0x04, 0x01, 0x01, 0x11, 0x00,
		0xFF, 0xDA, 0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00,
		0xC0, 0x00, 0x00, 0x6C, 0x80, 0x20, 0x8E, 0x01, 0xC0, 0x00, 0x00, 0x57, 0x40, 0x00, 0x00, 0x6E, 0xE6, 0x00, 0x00, 0x01,
		0xBC, 0x18, 0x00, 0x00, 0x05, 0xD8, 0x00, 0x00, 0x91, 0x60, 0xFF, 0xD9,
	}
	want := []uint16{
		0, 0, 90, 74,
		68, 50, 43, 205,
		64, 145, 145, 145,
		100, 145, 145, 145,
	}
	got, err := Decode(context.Background(), data, anything)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

// random has areas that are flat, smooth and wild, so that runs of all lengths and codes of all sizes occur.
func random(r *rand.Rand, p picture) picture {
	p.samples = make([]uint16, p.width*p.height*p.components)
	greatest := 1<<p.precision - 1
	if p.preset.maxval != 0 {
		greatest = p.preset.maxval
	}
	kind, value := 0, 0
	for i := range p.samples {
		if r.IntN(10) == 0 {
			kind = r.IntN(4)
		}
		switch kind {
		case 0:
			value = r.IntN(greatest + 1)
		case 1:
			value = min(value+r.IntN(3), greatest)
		}
		p.samples[i] = uint16(value)
	}
	return p
}

// TestThresholds: the defaults of T.87 C.2.4.1.1.1. The encoder of these tests has them from the package, so that nothing else looks at them.
func TestThresholds(t *testing.T) {
	for _, test := range []struct{ precision, near, t1, t2, t3 int }{
		{8, 0, 3, 7, 21}, {8, 3, 12, 22, 42}, {12, 0, 18, 67, 276}, {12, 1, 21, 72, 283}, {16, 0, 18, 67, 276}, {16, 2, 24, 77, 290},
		{7, 0, 2, 3, 10}, {7, 1, 4, 8, 17}, {6, 0, 2, 3, 5}, {6, 2, 6, 11, 19}, {4, 0, 2, 3, 4}, {4, 1, 3, 5, 8}, {2, 0, 2, 3, 3}, {4, 4, 12, 12, 12},
	} {
		c, err := newParams(preset{}, test.precision, test.near)
		if err != nil || c.t1 != test.t1 || c.t2 != test.t2 || c.t3 != test.t3 {
			t.Errorf("%d bits, near %d: %d, %d, %d, %v; want %+v", test.precision, test.near, c.t1, c.t2, c.t3, err, test)
		}
	}
}

func TestDecode(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, precision := range []int{2, 3, 7, 8, 10, 12, 15, 16} {
		for mode := range 3 {
			for components := 1; components <= 4; components++ {
				for near := range 4 {
					for _, p := range []picture{
						{width: 40, height: 13}, {width: 1, height: 9}, {width: 9, height: 1}, {width: 1, height: 1},
						{width: 11, height: 20, interval: 1}, {width: 11, height: 20, interval: 3},
						{width: 20, height: 20, preset: preset{reset: 5}},
						{width: 20, height: 20, preset: preset{maxval: max(1<<precision-2, 3*near+2)}},
					} {
						p.precision, p.mode, p.components, p.near = precision, mode, components, near
						if near > (1<<precision-1)/2 || near > 0 && precision == 2 || p.preset.maxval > 1<<precision-1 {
							continue
						}
						if p.mode != byComponent && p.components == 1 {
							continue
						}
						p = random(r, p)
						name := fmt.Sprintf("%d bits, mode %d, %d components, near %d, %dx%d, interval %d, %+v",
							precision, mode, components, near, p.width, p.height, p.interval, p.preset)
						data, want := encode(p)
						got, err := Decode(context.Background(), data, anything)
						if err != nil {
							t.Fatalf("%s: %v", name, err)
						}
						if !slices.Equal(got, want) {
							t.Fatalf("%s: other samples", name)
						}
						for i, v := range got {
							if d := int(v) - int(p.samples[i]); d > near || d < -near {
								t.Fatalf("%s: sample %d is %d instead of %d", name, i, v, p.samples[i])
							}
						}
					}
				}
			}
		}
	}
}

// TestLongRun: runs beyond every segment length, to the end of the line and not.
func TestLongRun(t *testing.T) {
	p := picture{width: 65535, height: 40, components: 1, precision: 8, samples: make([]uint16, 65535*40)}
	p.samples[65535*39+60000] = 200
	data, _ := encode(p)
	got, err := Decode(context.Background(), data, anything)
	if err != nil || !slices.Equal(got, p.samples) {
		t.Errorf("%d bytes: other samples, %v", len(data), err)
	}
}

// TestTruncated cuts the image at every byte, closing it with EOI or not: no cut may pass for the whole.
func TestTruncated(t *testing.T) {
	for mode := range 3 {
		data, _ := encode(random(rand.New(rand.NewPCG(3, 4)), picture{width: 20, height: 20, components: 2, precision: 12,
			mode: mode, interval: 4}))
		passed := 0
		for n := range len(data) - 2 {
			if _, err := Decode(context.Background(), data[:n], anything); err == nil {
				t.Errorf("mode %d: %d of %d bytes decode", mode, n, len(data))
			}
			closed := append(bytes.Clone(data[:n]), 0xFF, 0xD9)
			if _, err := Decode(context.Background(), closed, anything); err == nil {
				passed++
			}
		}
		if passed > 1 { // the last byte may be nothing but padding
			t.Errorf("mode %d: %d cuts decode when closed", mode, passed)
		}
	}
}

func TestErrors(t *testing.T) {
	p := random(rand.New(rand.NewPCG(5, 6)), picture{width: 20, height: 20, components: 3, precision: 8, mode: bySample,
		preset: preset{reset: 64}})
	change := func(at int, to ...byte) []byte {
		b, _ := encode(p)
		copy(b[at:], to)
		return b
	}
	whole := change(0)
	refused := errors.New("refused")
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	scan := bytes.Index(whole, []byte{0xFF, 0xDA})
	// The frame header begins at byte 2: marker, length, precision at 6, height, width, components at 11, first component at 12;
	// the extension at 21; the scan header: marker, length, components, 3 times 2 bytes, near, mode, point transform.
	for _, test := range []struct {
		name, want string
		is         error
		data       []byte
		accept     func(Header) error
		ctx        context.Context
	}{
		{"process", "SOF0", ErrFeature, change(3, 0xC0), anything, nil},
		{"precision", "17 bits", nil, change(6, 17), anything, nil},
		{"sub-sampled", "component 2 is sub-sampled", ErrFeature, change(16, 0x21), anything, nil},
		{"no height", "dimensions outside", ErrFeature, change(7, 0, 0), anything, nil},
		{"claim", "expected 65535 lines", io.ErrUnexpectedEOF, change(7, 0xFF, 0xFF), anything, nil},
		{"tables", "extension of kind 2", ErrFeature, change(25, 2), anything, nil},
		{"reset", "halved at 2", nil, change(34, 0, 2), anything, nil},
		{"greatest sample", "greatest sample of 256", nil, change(26, 1, 0), anything, nil},
		{"thresholds", "thresholds 300", nil, change(28, 1, 44), anything, nil},
		{"component", "scan of component 9", nil, change(scan+5, 9), anything, nil},
		{"mapping", "mapping table", ErrFeature, change(scan+6, 1), anything, nil},
		{"near", "error of 128", nil, change(scan+11, 128), anything, nil},
		{"mode", "interleave mode 3", nil, change(scan+12, 3), anything, nil},
		{"mode of one", "interleave mode 0 of 3", nil, change(scan+12, 0), anything, nil},
		{"point transform", "point transform", ErrFeature, change(scan+13, 1), anything, nil},
		{"refused", "refused", refused, whole, func(Header) error { return refused }, nil},
		{"canceled", "canceled", context.Canceled, whole, anything, canceled},
		{"no image", "no SOI", nil, []byte("image"), anything, nil},
		{"nothing but EOI", "no scan", nil, []byte{0xFF, 0xD8, 0xFF, 0xD9}, anything, nil},
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
	r := rand.New(rand.NewPCG(7, 8))
	for mode := range 3 {
		for near := range 2 {
			data, _ := encode(random(r, picture{width: 9, height: 7, components: 3, precision: 8 + 4*near, mode: mode, near: near,
				interval: 3 * near}))
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var h Header
		var samples []uint16
		var err error
		bounded.Decode(t, 1<<27, func(ctx context.Context) {
			samples, err = Decode(ctx, data, func(found Header) error {
				if h = found; h.Width*h.Height*h.Components > 1<<20 {
					return errors.New("too large for this test")
				}
				return nil
			})
		})
		if err == nil && len(samples) != h.Width*h.Height*h.Components {
			t.Fatalf("%d samples of %+v", len(samples), h)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, near := range []int{0, 2} {
		b.Run(fmt.Sprint("near", near), func(b *testing.B) {
			p := picture{width: 512, height: 512, components: 1, precision: 16, near: near}
			r := rand.New(rand.NewPCG(9, 10))
			p.samples = make([]uint16, 512*512)
			for i := range p.samples {
				p.samples[i] = uint16(1000 + i%512 + r.IntN(20))
			}
			data, _ := encode(p)
			b.SetBytes(2 * 512 * 512)
			for b.Loop() {
				if _, err := Decode(context.Background(), data, anything); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
