package rle

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"testing"
)

func TestEncode(t *testing.T) {
	for _, test := range []struct {
		name, row, want string
	}{
		{"literal", "abcd", "\x03abcd"},
		{"replicate", "xxxx", "\xfdx"},
		{"two", "xx", "\xffx"},
		{"two within a literal run", "axxb", "\x03axxb"},
		{"three within a literal run", "axxxb", "\x00a\xfex\x00b"},
		{"longest", string(bytes.Repeat([]byte{'x'}, 129)), "\x81x\x00x"},
	} {
		data, err := Encode(context.Background(), [][]byte{[]byte(test.row)}, len(test.row))
		if err != nil {
			t.Fatal(err)
		}
		want := test.want
		if len(want)%2 == 1 {
			want += "\x00"
		}
		if got := string(data[headerLength:]); got != want {
			t.Errorf("%s: %q, want %q", test.name, got, want)
		}
	}
}

// TestEncodeRows wants no run to cross the end of a row.
func TestEncodeRows(t *testing.T) {
	data, err := Encode(context.Background(), [][]byte{[]byte("xxxxxx"), []byte("abcdef")}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(data[headerLength:]), "\xfex\xfex\x02abc\x02def"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestEncodeErrors(t *testing.T) {
	if _, err := Encode(context.Background(), make([][]byte, 16), 1); err == nil {
		t.Error("16 planes")
	}
	if _, err := Encode(context.Background(), nil, 1); err == nil {
		t.Error("no plane")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Encode(ctx, [][]byte{{1}}, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func FuzzEncode(f *testing.F) {
	f.Add([]byte("aaaabcdddddd"), 1, 4)
	f.Add(bytes.Repeat([]byte{0}, 600), 2, 300)
	f.Fuzz(func(t *testing.T, data []byte, n, width int) {
		if n < 1 || n > 15 || width < 1 || len(data) < n {
			return
		}
		length := len(data) / n
		planes := make([][]byte, n)
		for i := range planes {
			planes[i] = data[i*length:][:length]
		}
		encoded, err := Encode(context.Background(), planes, width)
		if err != nil {
			t.Fatal(err)
		}
		segments, err := Segments(encoded)
		if err != nil || len(segments) != n {
			t.Fatalf("%d segments, %v", len(segments), err)
		}
		for i, s := range segments {
			decoded := make([]byte, length)
			if err := Decode(decoded, s); err != nil || !bytes.Equal(decoded, planes[i]) {
				t.Fatalf("plane %d: %v", i, err)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	plane := make([]byte, 512*512)
	for i := range plane {
		plane[i] = byte(i / 512)
		if i%512 > 256 {
			plane[i] = byte(r.Uint32())
		}
	}
	b.SetBytes(int64(len(plane)))
	for b.Loop() {
		if _, err := Encode(context.Background(), [][]byte{plane}, 512); err != nil {
			b.Fatal(err)
		}
	}
}
