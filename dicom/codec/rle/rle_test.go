package rle

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/codec/internal/bounded"
)

func TestDecode(t *testing.T) {
	tests := []struct {
		name    string
		segment []byte
		want    string
		err     string
	}{
		{"literal", []byte{2, 'a', 'b', 'c'}, "abc", ""},
		{"replicate", []byte{0xFE, 'x'}, "xxx", ""}, // -2: the next byte 3 times
		{"longest runs", append([]byte{0x81, 'x', 127}, bytes.Repeat([]byte{'y'}, 128)...),
			strings.Repeat("x", 128) + strings.Repeat("y", 128), ""},
		{"no operation", []byte{0x80, 0x80, 1, 'a', 'b', 0x80}, "ab", ""},
		{"padded", []byte{1, 'a', 'b', 0}, "ab", ""},
		{"run beyond the end", []byte{0xFB, 'x'}, "xxx", ""},
		{"literal beyond the end", []byte{4, 'a', 'b', 'c', 'd', 'e'}, "abc", ""},
		{"short", []byte{1, 'a', 'b'}, "abc", "expected 3 bytes, found 2"},
		{"literal cut", []byte{5, 'a', 'b'}, "abcdef", "expected 6 bytes of a literal run, found 2"},
		{"replicate cut", []byte{0, 'a', 0xFF}, "aaa", "expected the byte of a replicate run"},
		{"empty", nil, "a", "expected 1 bytes, found 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dst := make([]byte, len(test.want))
			err := Decode(dst, test.segment)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil || string(dst) != test.want {
				t.Fatalf("%q, %v; want %q", dst, err, test.want)
			}
		})
	}
}

// header makes an RLE Header (PS3.5 G.5).
func header(n uint32, offsets ...uint32) []byte {
	b := make([]byte, 64)
	for i, v := range append([]uint32{n}, offsets...) {
		b[4*i], b[4*i+1], b[4*i+2], b[4*i+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	}
	return b
}

func TestSegments(t *testing.T) {
	segments, err := Segments(append(header(2, 64, 66), 1, 2, 3, 4, 5))
	if err != nil || len(segments) != 2 || !bytes.Equal(segments[0], []byte{1, 2}) || !bytes.Equal(segments[1], []byte{3, 4, 5}) {
		t.Fatalf("%v, %v", segments, err)
	}
	for _, test := range []struct {
		name, err string
		data      []byte
	}{
		{"no header", "header: expected 64 bytes, found 3", []byte{1, 0, 0}},
		{"none", "0 segments", header(0)},
		{"too many", "16 segments", header(16)},
		{"beyond", "segment 1 begins at byte 65", header(1, 65)},
		{"within the header", "segment 1 begins at byte 63", header(1, 63)},
		{"descending", "segment 1 begins at byte 66, outside 64 to 64", append(header(2, 66, 64), 0, 0)},
		{"huge", "segment 1 begins at byte 4294967295", header(1, 0xFFFFFFFF)},
	} {
		if _, err := Segments(test.data); err == nil || !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(append(header(1, 64), 2, 'a', 'b', 'c', 0xFE, 'x'), 6)
	f.Add(append(header(2, 64, 66), 0xFE, 'x', 0x80, 0), 3)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		if n < 0 || n > 1<<16 {
			return
		}
		segments, err := Segments(data)
		if err != nil {
			return
		}
		dst := make([]byte, n)
		bounded.Decode(t, 1<<22, func(context.Context) {
			for _, s := range segments {
				if err := Decode(dst, s); err == nil && len(s) < MinLength(n) {
					t.Fatalf("%d bytes decoded to %d, MinLength says %d", len(s), n, MinLength(n))
				}
			}
		})
	})
}

func BenchmarkDecode(b *testing.B) {
	var segment []byte
	for range 2048 {
		segment = append(segment, 0xC1, 7)
		segment = append(segment, 63)
		segment = append(segment, make([]byte, 64)...)
	}
	dst := make([]byte, 2048*128)
	b.SetBytes(int64(len(dst)))
	for b.Loop() {
		if err := Decode(dst, segment); err != nil {
			b.Fatal(err)
		}
	}
}
