// Package jpeg2000 decodes JPEG 2000 Part 1 (ISO/IEC 15444-1, ITU-T T.800) and High-Throughput JPEG 2000 (ISO/IEC 15444-15,
// ITU-T T.814) in pure Go: a bare codestream, or the one in a JP2 file. It encodes both without
// loss, JPEG 2000 with loss too, and makes files of codestreams.
//
// The files follow the way of the data through T.800: codestream.go and parameters.go read the marker segments of Annex A,
// tile.go lays out the tiles, resolutions, sub-bands, precincts and code-blocks of Annex B, progression.go puts the packets
// in order, packet.go reads them (with tagtree.go and bits.go). block.go decodes a code-block by the coefficient bit
// modelling of Annex D with the MQ decoder of Annex C (mq.go); htblock.go does the same for the code-blocks of T.814.
// dwt*.go are the wavelet transforms of Annex F, image.go the component transforms and the level shift of Annex G, and
// decode.go runs it all. encode.go, dwtforward.go, blockencoder.go with mqencoder.go or htencode.go with htwrite.go, and
// packetencoder.go go the same way back; lossy.go is the irreversible part of it.
//
// Nothing in a codestream is believed before it is checked: memory is bounded by Limits and by the length of the data,
// damaged data is an error and never a panic, and data that ends before the last packet is ErrTruncated and never a picture.
package jpeg2000

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
)

// ErrTruncated is the error, wrapped, of a codestream that ends before its last packet. It is an io.ErrUnexpectedEOF.
var ErrTruncated = fmt.Errorf("the codestream is truncated: %w", io.ErrUnexpectedEOF)

// ErrUnsupported is the error, wrapped, of a codestream that is not wrong but uses what this package does not decode.
var ErrUnsupported = errors.New("not supported")

// ErrLimit is the error, wrapped, of a codestream that exceeds one of the Limits.
var ErrLimit = errors.New("limit exceeded")

// Header is what the main header says of an image. A tile may differ from it in how it is coded, not in its samples.
type Header struct {
	Width, Height int         // of the image area on the reference grid, at least 1 (T.800 B.2)
	Components    []Component // at least one
	Tiles         int         // their number, at least 1
	Layers        int         // quality layers, at least 1
	Levels        int         // decomposition levels of the first component, 0 to 32
	Progression   Progression
	Reversible    bool // all components use the reversible 5-3 transform: the image is lossless unless layers were cut off
	// ColorTransform: the first three components are stored by the RCT (if Reversible) or the ICT of T.800 Annex G, which
	// Decode undoes.
	ColorTransform bool
	HighThroughput bool // the code-blocks are those of T.814
}

// Component is what the main header says of one component.
type Component struct {
	Width, Height int  // samples
	Precision     int  // bits of a sample, 1 to 38 (Decode: 1 to 28)
	Signed        bool // samples are in two's complement
	DX, DY        int  // steps between samples on the reference grid; 1 where the component is not sub-sampled
}

// Progression is the order of the packets (T.800 Table A.16): of layers, resolutions, components and positions.
type Progression uint8

// The progression orders of T.800 Table A.16, the slowest index first.
const (
	LRCP Progression = iota
	RLCP
	RPCL
	PCRL
	CPRL
)

// Limits bound what a Decode may take. The zero value stands for the defaults.
type Limits struct {
	Samples int // of all components together; 268,435,456 by default. A decode takes about 4 bytes for each, 8 if irreversible.
	Tiles   int // 65,535 by default, as many as there can be
	Layers  int // 65,535 by default, as many as there can be
	// Blocks bounds the code-blocks of one tile, those of precincts that hold nothing aside, and its precincts: 1,048,576 by
	// default. A block takes about 150 bytes.
	Blocks   int
	Segments int // codeword segments of one tile, and pieces of them in layers; 4,194,304 by default, of 16 bytes each
	Workers  int // goroutines that decode at a time; GOMAXPROCS by default
}

func (l Limits) withDefaults() Limits {
	for _, v := range []struct {
		limit *int
		value int
	}{
		{&l.Samples, 1 << 28}, {&l.Tiles, 65535}, {&l.Layers, 65535}, {&l.Blocks, 1 << 20}, {&l.Segments, 1 << 22},
		{&l.Workers, runtime.GOMAXPROCS(0)},
	} {
		if *v.limit <= 0 {
			*v.limit = v.value
		}
	}
	return l
}

// Image is a decoded image.
type Image struct {
	Header
	Planes [][]int32 // the samples of each component, row by row, Component.Width to a row, within the range of its precision
}

// Config reads the main header and nothing else. It allocates no more than the components need.
func Config(data []byte) (Header, error) {
	cs, err := parseMainHeader(data)
	if err != nil {
		return Header{}, err
	}
	return cs.header(), nil
}

// Decode decodes the image completely: all tiles, layers and resolutions. It keeps no reference to data, and looks at the
// context before each code-block.
func Decode(ctx context.Context, data []byte, limits Limits) (*Image, error) {
	cs, err := parseMainHeader(data)
	if err != nil {
		return nil, err
	}
	limits = limits.withDefaults()
	if err := cs.within(limits); err != nil {
		return nil, err
	}
	if err := cs.parseTileParts(); err != nil {
		return nil, err
	}
	return cs.decode(ctx, limits)
}
