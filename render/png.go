package render

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"image"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// What a PNG says of its samples (ISO 15948 11.2.2).
const (
	pngGray = 0
	pngRGB  = 2
)

// encodePNG writes a picture that Render makes as PNG. Every row is stored as what it differs from the one above, and those differences
// are compressed fast: to try all filters on every row, as image/png does, takes more time than to compress.
func encodePNG(w io.Writer, img image.Image) error {
	e := pngEncoders.Get().(*pngEncoder)
	defer pngEncoders.Put(e)
	size := img.Bounds().Size()
	switch img := img.(type) {
	case *image.Gray:
		return e.encode(w, size, pngGray, 8, size.X, func(_ []byte, y int) []byte { return img.Pix[y*img.Stride:][:size.X] })
	case *image.Gray16:
		return e.encode(w, size, pngGray, 16, 2*size.X, func(_ []byte, y int) []byte { return img.Pix[y*img.Stride:][:2*size.X] })
	}
	rgba := Colored(img) // opaque
	return e.encode(w, size, pngRGB, 8, 3*size.X, func(row []byte, y int) []byte {
		dst := row
		for src := rgba.Pix[y*rgba.Stride:][:4*size.X]; len(src) >= 4; dst, src = dst[3:], src[4:] {
			dst[0], dst[1], dst[2] = src[0], src[1], src[2]
		}
		return row
	})
}

// imageChunk is how much image data is in a chunk.
const imageChunk = 32 << 10

// pngEncoders are used again: the tables of a compressor alone have some hundred kilobytes.
var pngEncoders = sync.Pool{New: func() any {
	e := &pngEncoder{}
	e.buffer = bufio.NewWriterSize(e, imageChunk)
	var err error
	if e.compressor, err = zlib.NewWriterLevel(e.buffer, zlib.BestSpeed); err != nil {
		panic(err) // only of a level that there is not
	}
	return e
}}

// pngEncoder is what it takes to write a PNG: rows go to the compressor, from there to the buffer, and from there as chunks to out.
type pngEncoder struct {
	out        io.Writer
	buffer     *bufio.Writer
	compressor *zlib.Writer
	rows       []byte // the filtered row, and room for two that are not
}

// encode writes the chunks of a picture. line returns the bytes of a row: in the buffer that it is given, or elsewhere.
func (e *pngEncoder) encode(w io.Writer, size image.Point, kind, depth byte, width int, line func(buffer []byte, y int) []byte) error {
	e.out = w
	defer func() { e.out = nil }()
	e.buffer.Reset(e)
	e.compressor.Reset(e.buffer)
	if len(e.rows) < 3*width+1 {
		e.rows = make([]byte, 3*width+1)
	}
	filtered, even, odd := e.rows[:1+width], e.rows[1+width:][:width], e.rows[1+2*width:][:width]
	if _, err := io.WriteString(w, "\x89PNG\r\n\x1a\n"); err != nil {
		return err
	}
	header := binary.BigEndian.AppendUint32(nil, uint32(size.X))
	header = binary.BigEndian.AppendUint32(header, uint32(size.Y))
	if err := e.chunk("IHDR", append(header, depth, kind, 0, 0, 0)); err != nil {
		return err
	}
	filtered[0] = 2 // Up (ISO 15948 9.2): above the first row there are zeros
	clear(odd)
	above := odd
	for y := range size.Y {
		row := line(even, y)
		differences(filtered[1:], row, above)
		if _, err := e.compressor.Write(filtered); err != nil {
			return err
		}
		above, even, odd = row, odd, even
	}
	if err := e.compressor.Close(); err != nil {
		return err
	}
	if err := e.buffer.Flush(); err != nil {
		return err
	}
	return e.chunk("IEND", nil)
}

// differences takes one row from another, byte by byte, eight at a time: with the highest bit of each byte set no byte borrows from the
// next, and what that bit comes to is put right afterwards.
func differences(dst, row, above []byte) {
	const high = 0x8080808080808080
	i := 0
	for ; i+8 <= len(row); i += 8 {
		a, b := binary.LittleEndian.Uint64(row[i:]), binary.LittleEndian.Uint64(above[i:])
		binary.LittleEndian.PutUint64(dst[i:], (a|high)-(b&^high)^(^(a^b)&high))
	}
	for ; i < len(row); i++ {
		dst[i] = row[i] - above[i]
	}
}

// Write writes compressed rows as a chunk.
func (e *pngEncoder) Write(b []byte) (int, error) { return len(b), e.chunk("IDAT", b) }

// chunk writes a chunk (ISO 15948 5.3).
func (e *pngEncoder) chunk(kind string, data []byte) error {
	sum := crc32.Update(crc32.ChecksumIEEE([]byte(kind)), crc32.IEEETable, data)
	for _, b := range [][]byte{append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), kind...), data, binary.BigEndian.AppendUint32(nil, sum)} {
		if _, err := e.out.Write(b); err != nil {
			return err
		}
	}
	return nil
}
