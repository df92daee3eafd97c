package t81

import (
	"io"
	"math/rand/v2"
	"testing"
)

// TestBits reads random runs of bits out of data full of FF, and compares with bits taken one by one.
func TestBits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var data, plain []byte
		for range r.IntN(60) {
			b := byte(r.Uint32())
			if r.IntN(3) == 0 {
				b = 0xFF
			}
			plain = append(plain, b)
			if data = append(data, b); b == 0xFF {
				data = append(data, 0)
			}
		}
		bits := Bits{data: append(data, 0xFF, 0xD9, 1, 2, 3, 4, 5, 6, 7, 8)}
		for at := 0; at < 8*len(plain); {
			n := min(1+r.IntN(32), 8*len(plain)-at)
			want := uint32(0)
			for i := at; i < at+n; i++ {
				want = want<<1 | uint32(plain[i/8]>>(7-i%8)&1)
			}
			bits.Fill()
			if got := bits.Take(n); got != want {
				t.Fatalf("%d bits from %d on of % X: %X, want %X", n, at, plain, got, want)
			}
			at += n
		}
		if bits.Overrun() {
			t.Fatal("overrun within the data")
		}
		bits.Fill()
		if bits.Take(1); !bits.Overrun() {
			t.Fatal("no overrun beyond the data")
		}
	}
}

// TestHuffman decodes each code of the table of T.81 K.3.1, whose codes are up to 9 bits long, and of one with codes of 16.
func TestHuffman(t *testing.T) {
	for name, counts := range map[string][16]byte{
		"K.3": {0, 1, 5, 1, 1, 1, 1, 1, 1},
		"16":  {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
	} {
		var values []byte
		for _, n := range counts {
			for range n {
				values = append(values, byte(7*len(values)))
			}
		}
		h, err := newHuffman(&counts, values)
		if err != nil {
			t.Fatal(err)
		}
		code, i := 0, 0
		for length := 1; length <= 16; length++ {
			for range counts[length-1] {
				value, n := h.Lookup(uint16(code << (16 - length)))
				if value != values[i] || n != length {
					t.Errorf("%s: code %b of %d bits: %d of %d bits, want %d", name, code, length, value, n, values[i])
				}
				code, i = code+1, i+1
			}
			code <<= 1
		}
		if _, n := h.Lookup(0xFFFF); n != 0 {
			t.Errorf("%s: ones are a code of %d bits", name, n)
		}
	}
	if _, err := newHuffman(&[16]byte{3}, make([]byte, 3)); err == nil {
		t.Error("three codes of one bit are a table")
	}
}

func FuzzStream(f *testing.F) {
	f.Add([]byte{0xFF, 0xD8, 0xFF, 0xC3, 0, 11, 8, 0, 1, 0, 1, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 0, 0, 0xFF, 0xD9})
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Open(data)
		if err != nil {
			return
		}
		for n := 0; ; n++ {
			scan, err := s.NextScan()
			if err == io.EOF || err != nil {
				return
			}
			if s.Frame == nil || len(scan.Components) == 0 || n > len(data) {
				t.Fatalf("scan %d: %+v of %+v", n, scan, s.Frame)
			}
			s.Resume(s.Bits())
		}
	})
}
