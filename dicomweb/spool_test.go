package dicomweb

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"testing/iotest"
)

// TestSpool: pieces of every length come back, while more is appended and whether or not they have gone to the file.
func TestSpool(t *testing.T) {
	folder := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	s := &spool{folder: folder, limit: 16 << 20}
	defer s.close()
	type piece struct {
		extent
		data []byte
	}
	var pieces []piece
	for i := range 60 {
		length := random.IntN(7)
		if i%5 == 0 {
			length = random.IntN(copyBuffer + copyBuffer/2)
		}
		data := make([]byte, length)
		for j := range data {
			data[j] = byte(random.Uint32())
		}
		var r io.Reader = bytes.NewReader(data)
		if i%2 == 0 {
			r = iotest.DataErrReader(r)
		}
		e, err := s.add(r)
		if err != nil {
			t.Fatal(err)
		}
		pieces = append(pieces, piece{e, data})
		for _, p := range []piece{pieces[random.IntN(len(pieces))], pieces[i]} {
			if err := iotest.TestReader(s.open(p.extent), p.data); err != nil {
				t.Fatalf("piece of %d bytes at %d: %v", p.length, p.offset, err)
			}
		}
	}
	if s.file == nil || len(s.pending) == 0 {
		t.Error("what was tried lies in one place only")
	}
	for _, p := range pieces {
		if got, err := io.ReadAll(s.open(p.extent)); err != nil || !bytes.Equal(got, p.data) {
			t.Errorf("piece of %d bytes at %d: %v", p.length, p.offset, err)
		}
	}
}

// TestSpoolOfFewBytes: what fits into memory makes no file, however many parts it has, and one byte more than the limit is refused.
func TestSpoolOfFewBytes(t *testing.T) {
	s := &spool{folder: "/nowhere", limit: 10_000}
	for range 10_000 {
		if _, err := s.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Write([]byte{1}); err == nil || s.size != 10_000 {
		t.Errorf("%d bytes: %v", s.size, err)
	}
	if _, err := os.Stat(s.folder); err == nil || s.file != nil {
		t.Error("there is a file")
	}
}
