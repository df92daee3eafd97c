package jpeglossless

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/codec/internal/bounded"
)

// picture is what the encoder of these tests takes.
type picture struct {
	width, height, components, precision int
	predictor, low, interval             int  // interval in rows, 0 for none
	apart                                bool // each component in a scan of its own
	samples                              []uint16
}

// encode writes lossless JPEG by the letter of T.81 Annex H, with a Huffman table of which all codes have five bits.
func encode(p picture) []byte {
	b := []byte{0xFF, 0xD8}
	segment := func(marker byte, parameters ...byte) {
		n := len(parameters) + 2
		b = append(append(b, 0xFF, marker, byte(n>>8), byte(n)), parameters...)
	}
	frame := []byte{byte(p.precision), byte(p.height >> 8), byte(p.height), byte(p.width >> 8), byte(p.width), byte(p.components)}
	for c := range p.components {
		frame = append(frame, byte(c+1), 0x11, 0)
	}
	segment(0xC3, frame...)
	table := []byte{0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	for size := range 17 {
		table = append(table, byte(size))
	}
	segment(0xC4, table...)
	if p.interval > 0 {
		n := p.interval * p.width
		segment(0xDD, byte(n>>8), byte(n))
	}
	scans := [][]int{{}}
	for c := range p.components {
		if p.apart && c > 0 {
			scans = append(scans, nil)
		}
		scans[len(scans)-1] = append(scans[len(scans)-1], c)
	}
	for _, components := range scans {
		header := []byte{byte(len(components))}
		for _, c := range components {
			header = append(header, byte(c+1), 0)
		}
		segment(0xDA, append(header, byte(p.predictor), 0, byte(p.low))...)
		b = append(b, entropy(p, components)...)
	}
	return append(b, 0xFF, 0xD9)
}

// entropy writes the coded data of a scan.
func entropy(p picture, components []int) (b []byte) {
	acc, n := uint64(0), 0
	write := func(value uint32, count int) {
		acc, n = acc<<count|uint64(value), n+count
		for ; n >= 8; n -= 8 {
			if b = append(b, byte(acc>>(n-8))); b[len(b)-1] == 0xFF {
				b = append(b, 0)
			}
		}
	}
	flush := func() {
		if n > 0 {
			write(1<<(8-n)-1, 8-n)
		}
	}
	at := func(x, y, c int) int { return int(p.samples[(y*p.width+x)*p.components+c] >> p.low) }
	for y := range p.height {
		first := y == 0
		if p.interval > 0 && y > 0 && y%p.interval == 0 {
			flush()
			b = append(b, 0xFF, 0xD0|byte((y/p.interval-1)&7))
			first = true
		}
		for x := range p.width {
			for _, c := range components {
				prediction := 0
				switch {
				case first && x == 0:
					prediction = 1 << (p.precision - p.low - 1)
				case first:
					prediction = at(x-1, y, c)
				case x == 0:
					prediction = at(x, y-1, c)
				default:
					left, above, corner := at(x-1, y, c), at(x, y-1, c), at(x-1, y-1, c)
					prediction = []int{0, left, above, corner, left + above - corner, left + (above-corner)>>1,
						above + (left-corner)>>1, (left + above) >> 1}[p.predictor]
				}
				d := int(int16(at(x, y, c) - prediction))
				if d == -1<<15 {
					write(16, 5)
					continue
				}
				size := bits.Len(uint(max(d, -d)))
				write(uint32(size), 5)
				if d < 0 {
					d += 1<<size - 1
				}
				write(uint32(d), size)
			}
		}
	}
	flush()
	return b
}

func random(r *rand.Rand, p picture) picture {
	p.samples = make([]uint16, p.width*p.height*p.components)
	for i := range p.samples {
		// Now steep, now flat, so that codes of all sizes occur.
		p.samples[i] = uint16(r.Uint32()&(1<<p.precision-1)) >> (r.IntN(p.precision)) >> p.low << p.low
	}
	return p
}

func anything(Header) error { return nil }

func TestDecode(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for predictor := 1; predictor <= 7; predictor++ {
		for _, precision := range []int{2, 8, 12, 15, 16} {
			for components := 1; components <= 3; components++ {
				for _, p := range []picture{
					{width: 17, height: 13}, {width: 1, height: 9}, {width: 9, height: 1}, {width: 1, height: 1},
					{width: 11, height: 20, interval: 1}, {width: 11, height: 20, interval: 3},
					{width: 8, height: 8, low: 1}, {width: 8, height: 8, apart: true, interval: 2},
				} {
					p.predictor, p.precision, p.components = predictor, precision, components
					p = random(r, p)
					var h Header
					got, err := Decode(context.Background(), encode(p), func(found Header) error { h = found; return nil })
					name := fmt.Sprintf("predictor %d, %d bits, %d components, %dx%d, interval %d, low %d",
						predictor, precision, components, p.width, p.height, p.interval, p.low)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					if !slices.Equal(got, p.samples) {
						t.Fatalf("%s: other samples", name)
					}
					if h.Width != p.width || h.Height != p.height || h.Precision != precision || len(h.Components) != components {
						t.Fatalf("%s: header %+v", name, h)
					}
				}
			}
		}
	}
}

// TestTruncated cuts the image at every byte, closing it with EOI or not: no cut may pass for the whole.
func TestTruncated(t *testing.T) {
	data := encode(random(rand.New(rand.NewPCG(3, 4)), picture{width: 20, height: 20, components: 1, precision: 12, predictor: 6,
		interval: 4}))
	for n := range len(data) - 2 {
		if _, err := Decode(context.Background(), data[:n], anything); err == nil {
			t.Errorf("%d of %d bytes decode", n, len(data))
		}
		closed := append(bytes.Clone(data[:n]), 0xFF, 0xD9)
		if _, err := Decode(context.Background(), closed, anything); err == nil {
			t.Errorf("%d of %d bytes decode when closed", n, len(data))
		}
	}
}

func TestErrors(t *testing.T) {
	p := random(rand.New(rand.NewPCG(5, 6)), picture{width: 20, height: 20, components: 2, precision: 8, predictor: 1})
	change := func(at int, to ...byte) []byte {
		b := encode(p)
		copy(b[at:], to)
		return b
	}
	refused := errors.New("refused")
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	// The frame header begins at byte 2: marker, length, precision at 6, height, width, components at 11, first component at 12.
	for _, test := range []struct {
		name, want string
		is         error
		data       []byte
		accept     func(Header) error
		ctx        context.Context
	}{
		{"process", "SOF0", ErrProcess, change(3, 0xC0), anything, nil},
		{"precision", "17 bits", ErrProcess, change(6, 17), anything, nil},
		{"sub-sampled", "component 2 is sub-sampled", ErrProcess, change(13, 0x21), anything, nil},
		{"claim", "expected 262140 samples", io.ErrUnexpectedEOF, change(7, 0xFF, 0xFF, 0, 2), anything, nil},
		{"refused", "refused", refused, encode(p), func(Header) error { return refused }, nil},
		{"canceled", "canceled", context.Canceled, encode(p), anything, canceled},
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
	for predictor := 1; predictor <= 7; predictor++ {
		f.Add(encode(random(r, picture{width: 9, height: 7, components: 1 + predictor%3, precision: 2 * predictor,
			predictor: predictor, interval: predictor % 3})))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var h Header
		var samples []uint16
		var err error
		bounded.Decode(t, 1<<27, func(ctx context.Context) {
			samples, err = Decode(ctx, data, func(found Header) error {
				if h = found; h.Width*h.Height*len(h.Components) > 1<<20 {
					return errors.New("too large for this test")
				}
				return nil
			})
		})
		if err == nil && len(samples) != h.Width*h.Height*len(h.Components) {
			t.Fatalf("%d samples of %+v", len(samples), h)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, predictor := range []int{1, 4, 6} {
		b.Run(fmt.Sprint(predictor), func(b *testing.B) {
			p := picture{width: 512, height: 512, components: 1, precision: 16, predictor: predictor}
			r := rand.New(rand.NewPCG(9, 10))
			p.samples = make([]uint16, 512*512)
			for i := range p.samples {
				p.samples[i] = uint16(1000 + i%512 + r.IntN(40))
			}
			data := encode(p)
			b.SetBytes(2 * 512 * 512)
			for b.Loop() {
				if _, err := Decode(context.Background(), data, anything); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
