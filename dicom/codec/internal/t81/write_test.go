package t81

import (
	"math/rand/v2"
	"testing"
)

// TestCodes wants codes that the decoder's tables take, none of them all ones, and the frequent ones to be short.
func TestCodes(t *testing.T) {
	fibonacci := [256]int{1, 1} // the counts that make a tree as deep as can be
	for i := 2; i < 40; i++ {
		fibonacci[i] = fibonacci[i-1] + fibonacci[i-2]
	}
	all := [256]int{}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range all {
		all[i] = 1 + r.IntN(1000)
	}
	for name, often := range map[string][256]int{"one": {3: 7}, "none": {}, "two": {0: 1, 9: 1}, "fibonacci": fibonacci, "all": all} {
		codes, segment := Codes(0, 1, &often)
		var s Stream
		if err := s.readHuffman(segment); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for v, n := range often {
			c := codes[v]
			if n == 0 {
				continue
			}
			if c.Length < 1 || c.Length > 16 || c.Bits == 1<<c.Length-1 {
				t.Errorf("%s: value %d has code %b of %d bits", name, v, c.Bits, c.Length)
			}
			if got, length := s.DC[1].Lookup(c.Bits << (16 - c.Length)); int(got) != v || length != int(c.Length) {
				t.Errorf("%s: the code of %d is that of %d", name, v, got)
			}
			for w, m := range often {
				if m > n && codes[w].Length > c.Length && name != "fibonacci" {
					t.Errorf("%s: %d comes more often than %d, and has the longer code", name, w, v)
				}
			}
		}
	}
}

func TestWriter(t *testing.T) {
	var w Writer
	w.Put(0xFFFF, 16)
	w.Put(0, 3)
	w.Put(0xABCDEF01, 32)
	w.Put(1, 1)
	w.Flush()
	b := Bits{data: w.Out}
	for _, want := range []struct {
		n int
		v uint32
	}{{16, 0xFFFF}, {3, 0}, {32, 0xABCDEF01}, {1, 1}} {
		b.Fill()
		if got := b.Take(want.n); got != want.v {
			t.Errorf("%X, want %X", got, want.v)
		}
	}
	if len(w.Out) != 9 { // 52 bits, and two zeros that are stuffed
		t.Errorf("%X", w.Out)
	}
}
