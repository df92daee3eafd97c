package jpeglossless

import (
	"context"
	"fmt"
	"math/bits"

	"github.com/noctis-dicom/noctis/dicom/codec/internal/t81"
)

// Image is what Encode takes: samples side by side by pixel, row by row, unsigned and of Precision bits.
type Image struct {
	Width, Height int // 1 to 65535
	Components    int // 1 to 4
	Precision     int // 2 to 16
	Samples       []uint16
}

// Encode encodes an image by process 14 with selection value 1: each sample is predicted by the one to the left (T.81 H.1.2.1). All
// components are in one scan and share a Huffman table, made for the image. The context's end stops it between rows.
func Encode(ctx context.Context, img Image) ([]byte, error) {
	if img.Width < 1 || img.Width > 65535 || img.Height < 1 || img.Height > 65535 || img.Components < 1 || img.Components > 4 ||
		img.Precision < 2 || img.Precision > 16 || len(img.Samples) != img.Width*img.Height*img.Components {
		return nil, fmt.Errorf("an image of %dx%d with %d components of %d bits and %d samples",
			img.Width, img.Height, img.Components, img.Precision, len(img.Samples))
	}
	e := encoder{Image: img, differences: make([]int16, img.Width*img.Components)}
	all := uint16(0)
	for _, v := range img.Samples {
		all |= v
	}
	if bits.Len16(all) > img.Precision {
		return nil, fmt.Errorf("a sample of more than %d bits", img.Precision)
	}
	if err := e.rows(ctx, e.count); err != nil {
		return nil, err
	}
	codes, table := t81.Codes(0, 0, &e.often)
	copy(e.codes[:], codes[:])
	e.header(table)
	if err := e.rows(ctx, e.write); err != nil {
		return nil, err
	}
	e.w.Flush()
	return append(e.w.Out, 0xFF, 0xD9), nil
}

// encoder goes through the image twice: to count the sizes of the differences, and to write them.
type encoder struct {
	Image
	differences []int16 // of a row, modulo 2^16 (T.81 H.1.2.1)
	often       [256]int
	codes       [17]t81.Code
	w           t81.Writer
}

// header writes what comes before the scan: SOI, SOF3, DHT, SOS (T.81 B.2).
func (e *encoder) header(table []byte) {
	e.w.Out = append(make([]byte, 0, len(e.Samples)+256), 0xFF, 0xD8)
	frame := []byte{byte(e.Precision), byte(e.Height >> 8), byte(e.Height), byte(e.Width >> 8), byte(e.Width), byte(e.Components)}
	scan := []byte{byte(e.Components)}
	for c := range e.Components {
		frame = append(frame, byte(c+1), 0x11, 0)
		scan = append(scan, byte(c+1), 0)
	}
	e.w.Segment(0xC3, frame...)
	e.w.Segment(0xC4, table...)
	e.w.Segment(0xDA, append(scan, 1, 0, 0)...)
}

// rows calls f with the differences of each row.
func (e *encoder) rows(ctx context.Context, f func()) error {
	n, stride := e.Components, e.Width*e.Components
	for y := range e.Height {
		if err := ctx.Err(); err != nil {
			return err
		}
		row := e.Samples[y*stride:][:stride]
		for c := range n {
			before := uint16(1) << (e.Precision - 1)
			if y > 0 {
				before = e.Samples[(y-1)*stride+c]
			}
			e.differences[c] = int16(row[c] - before)
		}
		d, left := e.differences[n:], row[:stride-n]
		d = d[:len(left)]
		for i, v := range row[n:] {
			d[i] = int16(v - left[i])
		}
		f()
	}
	return nil
}

// sizeOf is the number of bits of a difference (T.81 Table H.2); that of 2^15 is 16.
func sizeOf(d int16) int {
	sign := int32(d) >> 31
	return bits.Len32(uint32((int32(d) ^ sign) - sign))
}

func (e *encoder) count() {
	for _, d := range e.differences {
		e.often[sizeOf(d)]++
	}
}

// write writes the code of each difference's size, and as many bits of it; negative ones less one. A size of 16 stands alone.
func (e *encoder) write() {
	for _, d := range e.differences {
		size := sizeOf(d)
		c := e.codes[size]
		if size == 16 {
			e.w.Put(uint32(c.Bits), int(c.Length))
			continue
		}
		value := uint32(int32(d)+int32(d)>>31) & (1<<size - 1)
		e.w.Put(uint32(c.Bits)<<size|value, int(c.Length)+size)
	}
}
