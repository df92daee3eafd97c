package sqlindex

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/noctis-dicom/noctis/internal/giveway"
)

// packer compresses what is only read as a whole. It is safe for concurrent use.
type packer struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

// maxUnpacked bounds what a damaged row may unpack to.
const maxUnpacked = 1 << 30

var packing = []zstd.EOption{zstd.WithWindowSize(128 << 10), zstd.WithEncoderCRC(false)}

func newPacker() (packer, error) {
	enc, err := zstd.NewWriter(nil, append(packing, zstd.WithEncoderConcurrency(2))...)
	if err != nil {
		return packer{}, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxUnpacked))
	return packer{enc, dec}, err
}

// longRow is from how many bytes on a row is compressed piece by piece, so that who does that can give way.
const longRow = 1 << 20

func (p packer) pack(b []byte) []byte {
	if len(b) >= longRow {
		if out, err := packPieces(b); err == nil {
			return out
		}
	}
	return p.enc.EncodeAll(b, nil)
}

func packPieces(b []byte) ([]byte, error) {
	var out bytes.Buffer
	enc, err := zstd.NewWriter(&out, append(packing, zstd.WithEncoderConcurrency(1))...)
	if err != nil {
		return nil, err
	}
	enc.ResetContentSize(&out, int64(len(b))) // which readers ask for before they unpack it
	var pacer giveway.Pacer
	for piece := range slices.Chunk(b, 64<<10) {
		if _, err := enc.Write(piece); err != nil {
			return nil, err
		}
		pacer.Pace()
	}
	err = enc.Close()
	return out.Bytes(), err
}

func (p packer) unpack(b []byte) ([]byte, error) {
	out, err := p.dec.DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("index: a row is damaged: %w", err)
	}
	return out, nil
}
