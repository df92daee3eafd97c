package dicomweb

import (
	"bytes"
	stdgzip "compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// A body that has grown piece by piece unpacks to what it is made of, by another decoder, and is not much longer than one made at once.
func TestGrownGzip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var made bytes.Buffer
		w := newGzipWriter(&made)
		want := []byte("[")
		for n := range 1 + random.IntN(200) {
			want = fmt.Appendf(want, `{"00080018":{"vr":"UI","Value":["1.2.3.%d"]},"00200013":%d}`, random.Int64(), n)
		}
		want = append(want, ']')
		for rest := want; len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			if _, err := w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		body := w.grown(made.Bytes())
		for range 30 {
			unpacked, err := stdgzip.NewReader(bytes.NewReader(body.packed))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(unpacked) // which compares the sum
			if err != nil || !bytes.Equal(got, want) || body.length != int64(len(want)) {
				t.Fatalf("%d bytes, want %d: %v", len(got), len(want), err)
			}
			more := []byte(",")
			for range random.IntN(3000) {
				more = append(more, byte('a'+random.IntN(3)))
			}
			if random.IntN(10) == 0 {
				more = bytes.Repeat(more, 40)
			}
			more = append(more, ']')
			want = append(want[:len(want)-1], more...)
			before := bytes.Clone(body.packed)
			grown, err := body.with(more)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(before, body.packed) {
				t.Fatal("what it was before has changed")
			}
			body = grown
		}
	}
	// What is like the bytes before it takes little.
	var made bytes.Buffer
	w := newGzipWriter(&made)
	piece := make([]byte, 1000)
	for i := range piece {
		piece[i] = byte(random.IntN(256))
	}
	w.Write(append(piece, ']'))
	w.Close()
	body := w.grown(made.Bytes())
	grown, err := body.with(append(piece, ']'))
	if err != nil || len(grown.packed)-len(body.packed) > 100 {
		t.Errorf("%d bytes more: %v", len(grown.packed)-len(body.packed), err)
	}
}
