package sqlindex

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestPacker: rows that are compressed at once and piece by piece say how long they are, and are what they were.
func TestPacker(t *testing.T) {
	p, err := newPacker()
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, 1 << 10, longRow - 1, longRow, 3*longRow + 17} {
		row := make([]byte, 0, size+20)
		for i := 0; len(row) < size; i++ {
			row = fmt.Appendf(row, `"%08X":{"vr":"SH"},`, i*i)
		}
		row = row[:size]
		packed := p.pack(row)
		var header zstd.Header
		if err := header.Decode(packed); size >= 1<<10 && (err != nil || !header.HasFCS || header.FrameContentSize != uint64(size)) {
			t.Errorf("%d bytes: the row says %d, %v", size, header.FrameContentSize, err)
		}
		if again, err := p.unpack(packed); err != nil || !bytes.Equal(again, row) {
			t.Errorf("%d bytes: another row, %v", size, err)
		}
	}
}
