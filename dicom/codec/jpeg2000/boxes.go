package jpeg2000

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// contiguousCodestream finds the codestream: the data themselves, or the first jp2c box of a JP2 file (T.800 I.4, I.5.4). The
// other boxes say how the components are to be shown, which is the caller's business.
func contiguousCodestream(data []byte) ([]byte, error) {
	for box := data; len(box) >= 8; {
		if binary.BigEndian.Uint32(box) == markSOC<<16|markSIZ {
			return box, nil
		}
		header, length := 8, uint64(binary.BigEndian.Uint32(box))
		if length == 1 && len(box) >= 16 {
			header, length = 16, binary.BigEndian.Uint64(box[8:])
		}
		last := length == 0 || length > uint64(len(box))
		if !last && length < uint64(header) {
			return nil, errors.New("neither a JPEG 2000 codestream nor a JP2 file")
		}
		if string(box[4:8]) == "jp2c" {
			if !last {
				box = box[:length]
			}
			if len(box) < header+8 || binary.BigEndian.Uint32(box[header:]) != markSOC<<16|markSIZ {
				return nil, errors.New("the jp2c box holds no codestream")
			}
			return box[header:], nil
		}
		if last {
			break
		}
		box = box[length:]
	}
	if len(data) < 8 {
		return nil, fmt.Errorf("%d bytes: %w", len(data), ErrTruncated)
	}
	return nil, errors.New("neither a JPEG 2000 codestream nor a JP2 file")
}
