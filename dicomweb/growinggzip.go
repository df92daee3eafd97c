package dicomweb

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// grownGzip is a body in gzip (RFC 1952) to which more can be added without compressing the rest again: its last byte has a block of its
// own, behind a block that ends at a byte boundary.
type grownGzip struct {
	packed []byte
	length int64  // without the compression
	sum    uint32 // CRC-32 of all bytes but the last
	window []byte // what is before the last byte, as far as later bytes may refer to it
}

const (
	gzipWindow = 32 << 10 // RFC 1951 2
	gzipEnd    = 6 + 8    // the block of the last byte, and the trailer
)

// gzipHeader says nothing of the file (RFC 1952 2.3.1).
var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff}

// appendEnd appends the last block, which holds the last byte as it is, and the trailer.
func (g *grownGzip) appendEnd(b []byte, last byte) []byte {
	b = append(b, 1, 1, 0, 0xfe, 0xff, last) // RFC 1951 3.2.4
	b = binary.LittleEndian.AppendUint32(b, crc32.Update(g.sum, crc32.IEEETable, []byte{last}))
	return binary.LittleEndian.AppendUint32(b, uint32(g.length))
}

// note counts bytes that come before the last one.
func (g *grownGzip) note(p []byte) {
	g.sum = crc32.Update(g.sum, crc32.IEEETable, p)
	if len(p) >= gzipWindow {
		g.window = append(g.window[:0], p[len(p)-gzipWindow:]...)
		return
	}
	g.window = append(g.window, p...)
	if over := len(g.window) - gzipWindow; over > 0 {
		g.window = append(g.window[:0], g.window[over:]...)
	}
}

// with is the body with its last byte replaced by more, which is not empty.
func (g *grownGzip) with(more []byte) (*grownGzip, error) {
	out := &grownGzip{length: g.length - 1 + int64(len(more)), sum: g.sum, window: bytes.Clone(g.window)}
	var b bytes.Buffer
	b.Grow(len(g.packed) + len(more)/4 + 512)
	b.Write(g.packed[:len(g.packed)-gzipEnd])
	z := deflaters.Get().(*flate.Writer)
	defer release(z)
	z.ResetDict(&b, g.window)
	body, last := more[:len(more)-1], more[len(more)-1]
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Flush(); err != nil {
		return nil, err
	}
	out.note(body)
	out.packed = out.appendEnd(b.Bytes(), last)
	return out, nil
}

// deflaters are writers that have been used: each takes most of a megabyte, many times what it compresses mostly.
var deflaters = sync.Pool{New: func() any {
	z, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	if err != nil {
		panic(err) // only of another level
	}
	return z
}}

// release lets others use a writer, which lets go of what it wrote to.
func release(z *flate.Writer) {
	z.ResetDict(io.Discard, nil)
	deflaters.Put(z)
}

// gzipWriter writes a body to which more can be added.
type gzipWriter struct {
	grownGzip // but for packed
	w         io.Writer
	z         *flate.Writer
	last      []byte // at most one byte, that was written last
}

func newGzipWriter(w io.Writer) *gzipWriter {
	z := deflaters.Get().(*flate.Writer)
	z.ResetDict(w, nil)
	return &gzipWriter{w: w, z: z}
}

func (g *gzipWriter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if g.length == 0 { // not before: what fails until now is still a status
		if _, err := g.w.Write(gzipHeader); err != nil {
			return 0, err
		}
	}
	for _, piece := range [][]byte{g.last, p[:len(p)-1]} {
		g.note(piece)
		if _, err := g.z.Write(piece); err != nil {
			return 0, err
		}
	}
	g.last = append(g.last[:0], p[len(p)-1])
	g.length += int64(len(p))
	return len(p), nil
}

// Close ends the body, which has a byte at least. Nothing may be written afterwards.
func (g *gzipWriter) Close() error {
	defer release(g.z)
	if len(g.last) == 0 {
		return io.ErrShortWrite
	}
	if err := g.z.Flush(); err != nil {
		return err
	}
	_, err := g.w.Write(g.appendEnd(nil, g.last[0]))
	return err
}

// grown is what was written, without the writer: packed is all of it.
func (g *gzipWriter) grown(packed []byte) *grownGzip {
	return &grownGzip{packed: packed, length: g.length, sum: g.sum, window: bytes.Clone(g.window)}
}
