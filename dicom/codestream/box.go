package codestream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// errFound ends a walk over boxes early.
var errFound = errors.New("found")

// maxBoxes bounds the boxes of one level.
const maxBoxes = 10_000

// eachBox calls visit for each box of a container: that of JPEG 2000, JPEG XL and MP4 is the same (ISO/IEC 14496-12 4.2).
func eachBox(r *io.SectionReader, visit func(kind string, body *io.SectionReader) error) error {
	at, size := int64(0), r.Size()
	for range maxBoxes {
		if at == size {
			return nil
		}
		var b [16]byte
		n, _ := r.ReadAt(b[:], at) // fewer than 16 may be left
		header, length := int64(8), int64(binary.BigEndian.Uint32(b[:]))
		switch {
		case n < 8:
			return fmt.Errorf("the container ends inside a box at byte %d", at)
		case length == 0: // to the end
			length = size - at
		case length == 1 && n == 16:
			header, length = 16, int64(binary.BigEndian.Uint64(b[8:]))
		}
		if length < header || length > size-at {
			return fmt.Errorf("a box at byte %d is longer than what it lies in", at)
		}
		if err := visit(string(b[4:8]), io.NewSectionReader(r, at+header, length-header)); err != nil {
			return err
		}
		at += length
	}
	return errors.New("too many boxes")
}
