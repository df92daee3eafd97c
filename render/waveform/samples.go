package waveform

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

// format is how a sample is stored (PS3.3 C.10.9.1.5): Waveform Sample Interpretation and bytes, little endian.
type format struct {
	bytes          int
	interpretation string
}

// formats are the interpretations and how many bytes they have.
var formats = map[string]int{"SB": 1, "UB": 1, "MB": 1, "AB": 1, "SS": 2, "US": 2, "SL": 4, "UL": 4, "SV": 8, "UV": 8}

func (f format) valid() bool { return f.bytes > 0 && formats[f.interpretation] == f.bytes }

func (f format) sample(b []byte) int64 {
	switch f.interpretation {
	case "SB":
		return int64(int8(b[0]))
	case "UB":
		return int64(b[0])
	case "MB":
		return muLaw(b[0])
	case "AB":
		return aLaw(b[0])
	case "SS":
		return int64(int16(binary.LittleEndian.Uint16(b)))
	case "US":
		return int64(binary.LittleEndian.Uint16(b))
	case "SL":
		return int64(int32(binary.LittleEndian.Uint32(b)))
	case "UL":
		return int64(binary.LittleEndian.Uint32(b))
	}
	return int64(binary.LittleEndian.Uint64(b)) // SV; a UV of more than 63 bits is no signal
}

// muLaw and aLaw expand the companded samples of ITU-T G.711.
func muLaw(b byte) int64 {
	b = ^b
	v := (int64(b&0x0F)<<3+0x84)<<(b>>4&7) - 0x84
	if b&0x80 != 0 {
		return -v
	}
	return v
}

func aLaw(b byte) int64 {
	b ^= 0x55
	v := int64(b&0x0F)<<4 + 8
	if exponent := b >> 4 & 7; exponent > 0 {
		v = (v + 0x100) << (exponent - 1)
	}
	if b&0x80 != 0 {
		return v
	}
	return -v
}

// bytesAt reads a value that lies in memory.
type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// mostSamples bounds the samples of one drawing, all channels together.
const mostSamples = 4 << 20

// chunk is how many bytes are read at once.
const chunk = 1 << 20

// signals reads all channels from one sample on; padding is NaN.
func (g *Group) signals(from, count int) ([][]float32, error) {
	if count*len(g.Channels) > mostSamples {
		return nil, fmt.Errorf("%w: %d samples of %d channels, more than %d in all; a shorter duration has fewer",
			ErrOptions, count, len(g.Channels), mostSamples)
	}
	out := make([][]float32, len(g.Channels))
	for i := range out {
		out[i] = make([]float32, 0, count)
	}
	frame := g.format.bytes * len(g.Channels)
	buffer := make([]byte, max(chunk/frame, 1)*frame)
	for count > 0 {
		n := min(count, len(buffer)/frame)
		b := buffer[:n*frame]
		if read, err := g.data.ReadAt(b, int64(from)*int64(frame)); read < len(b) {
			return nil, fmt.Errorf("its samples cannot be read: %w", err)
		}
		for ; len(b) > 0; b = b[frame:] {
			for i, c := range g.Channels {
				v := g.format.sample(b[i*g.format.bytes:])
				if g.padding != nil && v == *g.padding {
					out[i] = append(out[i], float32(math.NaN()))
					continue
				}
				out[i] = append(out[i], float32(float64(v)*c.factor+c.offset))
			}
		}
		from, count = from+n, count-n
	}
	return out, nil
}

// extent is the lowest, the middle and the highest value of a signal; ok is false if it has none.
func extent(signal []float32) (low, median, high float64, ok bool) {
	values := slices.DeleteFunc(slices.Clone(signal), func(v float32) bool { return v != v || math.IsInf(float64(v), 0) })
	if len(values) == 0 {
		return 0, 0, 0, false
	}
	slices.Sort(values)
	return float64(values[0]), float64(values[len(values)/2]), float64(values[len(values)-1]), true
}
