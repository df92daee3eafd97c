package jpegls

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

func (p picture) image() Image { return Image{p.width, p.height, p.components, p.precision, p.samples} }

// TestEncode compares with the encoder of the other tests byte for byte, and decodes.
func TestEncode(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for precision := 2; precision <= 16; precision++ {
		for components := 1; components <= 3; components++ {
			for near := range 3 {
				if near > (1<<precision-1)/4 {
					continue
				}
				for _, size := range [][2]int{{37, 23}, {1, 9}, {9, 1}, {1, 1}, {200, 30}} {
					p := random(r, picture{width: size[0], height: size[1], components: components, precision: precision, near: near})
					if components > 1 {
						p.mode = byLine
					}
					if precision < 8 {
						c, err := newParams(preset{}, precision, near)
						if err != nil {
							t.Fatal(err)
						}
						p.preset = preset{c.maxval, c.t1, c.t2, c.t3, c.reset}
					}
					data, err := Encode(context.Background(), p.image(), near)
					if err != nil {
						t.Fatal(err)
					}
					want, decoded := encode(p)
					if !bytes.Equal(data, want) {
						t.Fatalf("%+v: other bytes", p)
					}
					if got, err := Decode(context.Background(), data, anything); err != nil || !slices.Equal(got, decoded) {
						t.Fatalf("%v, %d components of %d bits: %v", size, components, precision, err)
					}
				}
			}
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	good := Image{Width: 2, Height: 2, Components: 1, Precision: 8, Samples: make([]uint16, 4)}
	for name, change := range map[string]func(*Image){
		"samples":   func(i *Image) { i.Width = 3 },
		"precision": func(i *Image) { i.Precision = 17 },
		"too great": func(i *Image) { i.Samples = []uint16{0, 0, 256, 0} },
	} {
		img := good
		change(&img)
		if _, err := Encode(context.Background(), img, 0); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, near := range []int{-1, 128} {
		if _, err := Encode(context.Background(), good, near); err == nil {
			t.Errorf("no error with %d", near)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Encode(ctx, good, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func FuzzEncode(f *testing.F) {
	f.Add([]byte("a picture in bytes"), byte(3), byte(1), byte(8), byte(0))
	f.Add([]byte{0, 0, 255, 255, 0, 128, 1, 0}, byte(2), byte(1), byte(16), byte(1))
	f.Add(make([]byte, 300), byte(50), byte(3), byte(12), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, width, components, precision, near byte) {
		img := Image{Width: int(width), Components: int(components), Precision: int(precision)}
		if img.Width*img.Components == 0 || img.Precision < 2 || img.Precision > 16 || int(near) > (1<<img.Precision-1)/4 {
			return
		}
		if img.Height = len(data) / 2 / (img.Width * img.Components); img.Height == 0 {
			return
		}
		for i := range img.Width * img.Height * img.Components {
			img.Samples = append(img.Samples, (uint16(data[2*i])|uint16(data[2*i+1])<<8)&(1<<img.Precision-1))
		}
		encoded, err := Encode(context.Background(), img, int(near))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(context.Background(), encoded, anything)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range img.Samples {
			if d := int(v) - int(got[i]); d > int(near) || -d > int(near) {
				t.Fatalf("sample %d: %d has become %d", i, v, got[i])
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	img := Image{Width: 512, Height: 512, Components: 1, Precision: 16, Samples: make([]uint16, 512*512)}
	for i := range img.Samples {
		img.Samples[i] = uint16(1000 + i%512 + r.IntN(20))
	}
	b.SetBytes(2 * 512 * 512)
	for b.Loop() {
		if _, err := Encode(context.Background(), img, 0); err != nil {
			b.Fatal(err)
		}
	}
}
