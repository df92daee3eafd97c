package pixel

import "testing"

func TestBuffers(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 255, 256, 257, 1 << 16} {
		for range 2 { // of the second round, some are used
			b := Buffer(n)
			if len(b) != n {
				t.Errorf("%d bytes, want %d", len(b), n)
			}
			Recycle(b)
		}
	}
	Recycle(nil)
	Recycle(make([]byte, 0, 300)) // a size that is no power of two
	for range 10 {
		if got := Buffer(512); len(got) != 512 {
			t.Errorf("%d bytes", len(got))
		}
	}
}
