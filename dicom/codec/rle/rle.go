// Package rle reads and writes the RLE compression of PS3.5 Annex G: a frame is a header and up to fifteen segments, each of them one byte
// plane of the image, most significant byte first, compressed by PackBits. The package knows nothing else of DICOM.
package rle

import (
	"encoding/binary"
	"fmt"
	"io"
)

// headerLength is that of the RLE Header: the number of segments and fifteen offsets, 32 bits each (PS3.5 G.5).
const headerLength = 64

// maxSegments is what the header has room for.
const maxSegments = headerLength/4 - 1

// Segments returns the compressed segments of a frame, slices of data, in their order.
func Segments(data []byte) ([][]byte, error) {
	if len(data) < headerLength {
		return nil, fmt.Errorf("header: expected %d bytes, found %d: %w", headerLength, len(data), io.ErrUnexpectedEOF)
	}
	n := binary.LittleEndian.Uint32(data)
	if n == 0 || n > maxSegments {
		return nil, fmt.Errorf("header: %d segments: want 1 to %d", n, maxSegments)
	}
	segments := make([][]byte, n)
	end := len(data)
	for i := int(n) - 1; i >= 0; i-- {
		offset := binary.LittleEndian.Uint32(data[4+4*i:])
		if offset < headerLength || int64(offset) > int64(end) {
			return nil, fmt.Errorf("header: segment %d begins at byte %d, outside %d to %d", i+1, offset, headerLength, end)
		}
		segments[i] = data[offset:end]
		end = int(offset)
	}
	return segments, nil
}

// Decode fills dst from one segment (PS3.5 G.3.2). What the segment holds beyond that is ignored: its padding, or a run that
// goes on too long. A segment that ends before dst is full is an error, wrapping io.ErrUnexpectedEOF.
func Decode(dst, segment []byte) error {
	at := 0
	for i := 0; at < len(dst) && i < len(segment); {
		control := int(int8(segment[i]))
		i++
		switch {
		case control >= 0:
			n := control + 1
			if n > len(segment)-i {
				return fmt.Errorf("expected %d bytes of a literal run, found %d: %w", n, len(segment)-i, io.ErrUnexpectedEOF)
			}
			copy(dst[at:], segment[i:i+n])
			i, at = i+n, at+n
		case control > -128:
			if i == len(segment) {
				return fmt.Errorf("expected the byte of a replicate run: %w", io.ErrUnexpectedEOF)
			}
			n := 1 - control
			run := dst[at:min(at+n, len(dst))]
			for k, value := 0, segment[i]; k < len(run); k++ {
				run[k] = value
			}
			i, at = i+1, at+n
		}
	}
	if at < len(dst) {
		return fmt.Errorf("expected %d bytes, found %d: %w", len(dst), at, io.ErrUnexpectedEOF)
	}
	return nil
}

// MinLength returns the least number of bytes in which a segment of n bytes can be coded, so that a claim about an image can be
// checked against the data before memory is taken for it: two bytes for a run of 128.
func MinLength(n int) int { return 2 * ((n + 127) / 128) }
