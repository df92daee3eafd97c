package rle

import (
	"context"
	"encoding/binary"
	"fmt"
)

// Encode compresses the byte planes of a frame, at least one and at most fifteen, each of rows of so many bytes, one segment for
// each. Rows are coded by themselves (PS3.5 G.3.1). It looks at the context before each plane.
func Encode(ctx context.Context, planes [][]byte, width int) ([]byte, error) {
	if len(planes) < 1 || len(planes) > maxSegments || width < 1 {
		return nil, fmt.Errorf("%d planes of rows of %d bytes: want 1 to %d", len(planes), width, maxSegments)
	}
	out := make([]byte, headerLength, headerLength+len(planes)*(len(planes[0])/2+64))
	binary.LittleEndian.PutUint32(out, uint32(len(planes)))
	for i, plane := range planes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if uint64(len(out)) > 1<<32-1 {
			return nil, fmt.Errorf("segment %d begins beyond 4 GB", i+1)
		}
		binary.LittleEndian.PutUint32(out[4+4*i:], uint32(len(out)))
		for len(plane) > 0 {
			n := min(width, len(plane))
			out = appendRow(out, plane[:n])
			plane = plane[n:]
		}
		if len(out)%2 == 1 {
			out = append(out, 0) // a segment has an even number of bytes (PS3.5 G.3.1)
		}
	}
	return out, nil
}

// longest is the longest run of either kind.
const longest = 128

// appendRow codes a row: three equal bytes and more are a replicate run, and so are two where no literal run is interrupted by it.
func appendRow(out, row []byte) []byte {
	for len(row) > 0 {
		if n := repeats(row); n >= 2 {
			out = append(out, byte(1-n), row[0])
			row = row[n:]
			continue
		}
		n := literal(row)
		out = append(out, byte(n-1))
		out = append(out, row[:n]...)
		row = row[n:]
	}
	return out
}

// repeats returns how often the first byte comes at the beginning.
func repeats(row []byte) int {
	row = row[:min(longest, len(row))]
	for i, v := range row {
		if v != row[0] {
			return i
		}
	}
	return len(row)
}

// literal returns how many bytes come before three that are equal.
func literal(row []byte) int {
	row = row[:min(longest, len(row))]
	for i := 2; i < len(row); i++ {
		if row[i] == row[i-1] && row[i] == row[i-2] {
			return i - 2
		}
	}
	return len(row)
}
