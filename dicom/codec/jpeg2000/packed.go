package jpeg2000

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// packedHeaders are packet headers that lie in marker segments instead of before their packets: PPM in the main header (T.800
// A.7.4), PPT in those of the tile-parts (T.800 A.7.5).
type packedHeaders struct{ segments []packedSegment }

type packedSegment struct {
	index byte // Zppm or Zppt
	data  []byte
}

func (p *packedHeaders) present() bool { return len(p.segments) > 0 }

func (p *packedHeaders) add(name string, s []byte) error {
	if len(s) < 1 {
		return fmt.Errorf("%s: %w", name, errShort)
	}
	p.segments = append(p.segments, packedSegment{s[0], s[1:]})
	return nil
}

// joined returns all data in the order of the indices.
func (p *packedHeaders) joined() []byte {
	slices.SortStableFunc(p.segments, func(a, b packedSegment) int { return cmp.Compare(a.index, b.index) })
	var data []byte
	for _, s := range p.segments {
		data = append(data, s.data...)
	}
	return data
}

// split returns the share of each tile-part, in the order of the tile-parts. A share may reach from one PPM into the next.
func (p *packedHeaders) split() ([][]byte, error) {
	var shares [][]byte
	for data := p.joined(); len(data) > 0; {
		if len(data) < 4 {
			return nil, errors.New("PPM: bytes after the last packet headers")
		}
		n := binary.BigEndian.Uint32(data)
		if data = data[4:]; uint64(n) > uint64(len(data)) {
			return nil, fmt.Errorf("PPM: %d bytes of packet headers, found %d: %w", n, len(data), ErrTruncated)
		}
		shares, data = append(shares, data[:n]), data[n:]
	}
	return shares, nil
}
