package jpeglossless

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

func (p picture) image() Image { return Image{p.width, p.height, p.components, p.precision, p.samples} }

func TestEncode(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for precision := 2; precision <= 16; precision++ {
		for components := 1; components <= 4; components++ {
			for _, size := range [][2]int{{17, 13}, {1, 9}, {9, 1}, {1, 1}, {100, 100}} {
				p := random(r, picture{width: size[0], height: size[1], components: components, precision: precision})
				data, err := Encode(context.Background(), p.image())
				if err != nil {
					t.Fatal(err)
				}
				got, err := Decode(context.Background(), data, anything)
				if err != nil || !slices.Equal(got, p.samples) {
					t.Fatalf("%v, %d components of %d bits: %v", size, components, precision, err)
				}
			}
		}
	}
}

// TestEncodeSize wants flat images to be small: about a bit for each sample.
func TestEncodeSize(t *testing.T) {
	data, err := Encode(context.Background(), picture{width: 256, height: 256, components: 1, precision: 12, samples: make([]uint16, 1<<16)}.image())
	if err != nil || len(data) > 1<<13+200 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestEncodeErrors(t *testing.T) {
	good := Image{Width: 2, Height: 2, Components: 1, Precision: 8, Samples: make([]uint16, 4)}
	for name, change := range map[string]func(*Image){
		"samples":    func(i *Image) { i.Width = 3 },
		"height":     func(i *Image) { i.Width, i.Height = 0, 1<<16 },
		"precision":  func(i *Image) { i.Precision = 17 },
		"components": func(i *Image) { i.Components = 5 },
		"too great":  func(i *Image) { i.Samples = []uint16{0, 0, 256, 0} },
	} {
		img := good
		change(&img)
		if _, err := Encode(context.Background(), img); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Encode(ctx, good); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func FuzzEncode(f *testing.F) {
	f.Add([]byte("a picture in bytes"), byte(3), byte(1), byte(8))
	f.Add([]byte{0, 0, 255, 255, 0, 128, 1, 0}, byte(2), byte(1), byte(16))
	f.Fuzz(func(t *testing.T, data []byte, width, components, precision byte) {
		img := Image{Width: int(width), Components: int(components), Precision: int(precision)}
		if img.Width*img.Components == 0 || img.Precision < 2 || img.Precision > 16 || img.Components > 4 {
			return
		}
		img.Height = len(data) / 2 / (img.Width * img.Components)
		for i := range img.Width * img.Height * img.Components {
			img.Samples = append(img.Samples, (uint16(data[2*i])|uint16(data[2*i+1])<<8)&(1<<img.Precision-1))
		}
		if img.Height == 0 {
			return
		}
		encoded, err := Encode(context.Background(), img)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(context.Background(), encoded, anything)
		if err != nil || !slices.Equal(got, img.Samples) {
			t.Fatalf("%+v: %v", img, err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	img := Image{Width: 512, Height: 512, Components: 1, Precision: 16, Samples: make([]uint16, 512*512)}
	for i := range img.Samples {
		img.Samples[i] = uint16(1000 + i%512 + r.IntN(40))
	}
	b.SetBytes(2 * 512 * 512)
	for b.Loop() {
		if _, err := Encode(context.Background(), img); err != nil {
			b.Fatal(err)
		}
	}
}
