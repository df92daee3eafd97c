package jpeg2000_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeg2000"
)

// image makes an image of a picture, signed or not.
func (p picture) image(signed bool) *jpeg2000.Image {
	img := &jpeg2000.Image{Header: jpeg2000.Header{Width: p.width, Height: p.height, ColorTransform: p.components == 3}}
	for c := range p.components {
		plane := make([]int32, p.width*p.height)
		for i := range plane {
			plane[i] = p.samples[i*p.components+c]
			if signed {
				plane[i] -= 1 << (p.precision - 1)
			}
		}
		img.Planes = append(img.Planes, plane)
		img.Components = append(img.Components, jpeg2000.Component{Precision: p.precision, Signed: signed})
	}
	return img
}

// TestEncode decodes what Encode makes, by Decode and by OpenJPEG.
func TestEncode(t *testing.T) {
	for _, p := range []picture{
		anatomy(203, 157, 1, 12), anatomy(131, 97, 3, 8), anatomy(300, 64, 1, 16), pattern(1, 1, 1, 8), pattern(1, 90, 1, 8), pattern(77, 2, 3, 8),
		{width: 70, height: 70, components: 1, precision: 8, samples: make([]int32, 4900)}, pattern(64, 64, 1, 24),
	} {
		for kind := range 6 {
			signed, o := kind&1 != 0, []jpeg2000.EncodeOptions{{}, {HighThroughput: true}, {HighThroughput: true, Progression: jpeg2000.RPCL}}[kind/2]
			t.Run(fmt.Sprintf("%dx%dx%d, %d bits, signed %v, %+v", p.width, p.height, p.components, p.precision, signed, o), func(t *testing.T) {
				img := p.image(signed)
				data, err := jpeg2000.Encode(context.Background(), img, o)
				if err != nil {
					t.Fatal(err)
				}
				got := mustDecode(t, data)
				for i := range img.Planes {
					if !slices.Equal(got.Planes[i], img.Planes[i]) {
						t.Fatalf("component %d differs", i)
					}
				}
				if !signed && p.precision <= 16 {
					if d := worst(t, decodeByReference(t, data, p.components), p.samples); d != 0 {
						t.Errorf("OpenJPEG decodes samples that differ by up to %d", d)
					}
				}
			})
		}
	}
}

// TestEncodeExtremes has samples jump between the ends of their range, so that coefficients have all the bits that a sub-band can
// hold.
func TestEncodeExtremes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 600 {
		p := picture{width: 1 + r.IntN(40), height: 1 + r.IntN(60), components: 1 + n%2*2, precision: 1 + n%3*7}
		for range p.width * p.height * p.components {
			p.samples = append(p.samples, r.Int32N(2)*(1<<p.precision-1))
		}
		for _, o := range []jpeg2000.EncodeOptions{{}, {HighThroughput: true}} {
			data, err := jpeg2000.Encode(context.Background(), p.image(n%4 < 2), o)
			if err != nil {
				t.Fatal(err)
			}
			got, err := jpeg2000.Decode(context.Background(), data, jpeg2000.Limits{})
			if err != nil {
				t.Fatalf("%dx%dx%d, %d bits, %+v: %v", p.width, p.height, p.components, p.precision, o, err)
			}
			if !slices.Equal(got.Planes[0], p.image(n%4 < 2).Planes[0]) {
				t.Errorf("%dx%dx%d, %d bits, %+v: other samples", p.width, p.height, p.components, p.precision, o)
			}
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	for name, change := range map[string]func(img *jpeg2000.Image){
		"sample":    func(img *jpeg2000.Image) { img.Planes[0][3] = 256 },
		"negative":  func(img *jpeg2000.Image) { img.Planes[0][3] = -1 },
		"size":      func(img *jpeg2000.Image) { img.Width++ },
		"precision": func(img *jpeg2000.Image) { img.Components[0].Precision = 25 },
		"transform": func(img *jpeg2000.Image) { img.ColorTransform = true },
	} {
		img := pattern(8, 8, 1, 8).image(false)
		change(img)
		if _, err := jpeg2000.Encode(context.Background(), img, jpeg2000.EncodeOptions{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	p := anatomy(512, 512, 1, 16)
	img := p.image(false)
	b.SetBytes(int64(2 * len(p.samples)))
	for range b.N {
		if _, err := jpeg2000.Encode(context.Background(), img, jpeg2000.EncodeOptions{Workers: 1}); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzEncode(f *testing.F) {
	f.Add([]byte("a picture in bytes"), byte(3), byte(1), byte(8), byte(0))
	f.Add([]byte{0, 0, 255, 255, 0, 128, 1, 0, 9, 8, 7, 6}, byte(2), byte(3), byte(16), byte(3))
	f.Add(make([]byte, 300), byte(50), byte(1), byte(12), byte(5))
	f.Fuzz(func(t *testing.T, data []byte, width, components, precision, flags byte) {
		if width == 0 || components < 1 || components > 4 || precision < 1 || precision > 16 {
			return
		}
		p := picture{width: int(width), components: int(components), precision: int(precision)}
		if p.height = len(data) / 2 / (p.width * p.components); p.height == 0 {
			return
		}
		for i := range p.width * p.height * p.components {
			p.samples = append(p.samples, (int32(data[2*i])|int32(data[2*i+1])<<8)&(1<<p.precision-1))
		}
		o := jpeg2000.EncodeOptions{HighThroughput: flags&2 != 0, Workers: 1}
		if flags&4 != 0 {
			o.Progression = jpeg2000.RPCL
		}
		if flags&8 != 0 && !o.HighThroughput {
			o.Ratio = 1.5 + float64(flags>>4)
		}
		img := p.image(flags&1 != 0)
		encoded, err := jpeg2000.Encode(context.Background(), img, o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := jpeg2000.Decode(context.Background(), encoded, jpeg2000.Limits{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		for i := range img.Planes {
			if o.Ratio == 0 && !slices.Equal(got.Planes[i], img.Planes[i]) {
				t.Fatalf("component %d differs", i)
			}
		}
	})
}
