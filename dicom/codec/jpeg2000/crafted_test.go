package jpeg2000_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeg2000"
)

// The tests of this file make codestreams that no encoder at hand writes.

// segment is a marker segment.
func segment(marker uint16, content ...byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, marker)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(content)+2)), content...)
}

// TestPackedHeaders moves the packet headers of a codestream, which lie between SOP and EPH, into PPT and into PPM segments.
func TestPackedHeaders(t *testing.T) {
	data := vector(t, "styles")
	sot := bytes.Index(data, []byte{0xFF, 0x90})
	sod := sot + bytes.Index(data[sot:], []byte{0xFF, 0x93})
	var headers, bodies []byte
	for rest := data[sod+2 : len(data)-2]; len(rest) > 0; {
		eph := bytes.Index(rest, []byte{0xFF, 0x92})
		if !bytes.HasPrefix(rest, []byte{0xFF, 0x91}) || eph < 0 {
			t.Fatal("no SOP or no EPH")
		}
		end := bytes.Index(rest[eph:], []byte{0xFF, 0x91})
		if end < 0 {
			end = len(rest) - eph
		}
		headers, bodies = append(headers, rest[6:eph+2]...), append(append(bodies, rest[:6]...), rest[eph+2:eph+end]...)
		rest = rest[eph+end:]
	}
	half := len(headers) / 2
	tilePart := func(header []byte) []byte {
		b := append(bytes.Clone(data[sot:sot+12]), header...)
		b = append(append(b, 0xFF, 0x93), bodies...)
		binary.BigEndian.PutUint32(b[6:], uint32(len(b)))
		return append(b, 0xFF, 0xD9)
	}
	ppt := append(segment(0xFF61, append([]byte{1}, headers[half:]...)...), segment(0xFF61, append([]byte{0}, headers[:half]...)...)...)
	packed := append(binary.BigEndian.AppendUint32(nil, uint32(len(headers))), headers...)
	ppm := append(segment(0xFF60, append([]byte{0}, packed[:half]...)...), segment(0xFF60, append([]byte{1}, packed[half:]...)...)...)
	want := pattern(37, 29, 1, 12).samples
	for name, b := range map[string][]byte{
		"PPT": append(bytes.Clone(data[:sot]), tilePart(ppt)...),
		"PPM": append(append(bytes.Clone(data[:sot]), ppm...), tilePart(nil)...),
	} {
		img, err := jpeg2000.Decode(context.Background(), b, jpeg2000.Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if d := worst(t, interleaved(img), want); d != 0 {
			t.Errorf("%s: samples differ by up to %d", name, d)
		}
	}
}

// packetHeader writes the bits of a packet header (T.800 B.10.1).
type packetHeader struct {
	bytes []byte
	free  int
}

func (h *packetHeader) write(value, n int) {
	for n--; n >= 0; n-- {
		if h.free == 0 {
			h.free = 8
			if k := len(h.bytes); k > 0 && h.bytes[k-1] == 0xFF {
				h.free = 7
			}
			h.bytes = append(h.bytes, 0)
		}
		h.free--
		h.bytes[len(h.bytes)-1] |= byte(value>>n&1) << h.free
	}
}

// refined makes of an HT codestream with one code-block of b bit-planes, which has a cleanup pass only, one in which that
// pass leaves out the given number of bit-planes, and random bits refine the highest of them.
func refined(t *testing.T, data []byte, below, passes int, causal bool, seed uint32) []byte {
	t.Helper()
	sot, qcd, cod := bytes.Index(data, []byte{0xFF, 0x90}), bytes.Index(data, []byte{0xFF, 0x5C}), bytes.Index(data, []byte{0xFF, 0x52})
	sod := sot + bytes.Index(data[sot:], []byte{0xFF, 0x93})
	header := bytes.Clone(data[:sod+2])
	planes := int(header[qcd+4]>>5) + int(header[qcd+5]>>3) - 1
	header[qcd+5] += byte(below) << 3
	if causal {
		header[cod+12] |= 8
	}
	// The packet of the original: not empty, included, all bit-planes but one missing, one pass, lengths.
	length := len(data) - 2 - (sod + 2)
	cleanup := data[sod+2:]
	for n := 1; n < 8; n++ { // the body follows a header of a few bytes; it ends with the length of MEL and VLC
		var h packetHeader
		h.write(0b11, 2)
		h.write(1, planes)
		h.write(0, 1)
		size := length - n
		extra := max(0, bits.Len(uint(size))-3)
		h.write(1<<(extra+1)-2, extra+1)
		h.write(size, 3+extra)
		if len(h.bytes) == n && bytes.HasPrefix(cleanup, h.bytes) {
			cleanup = cleanup[n:length]
			break
		}
	}
	if len(cleanup) > length {
		t.Fatal("the packet header is another one than thought")
	}
	refinement := make([]byte, 900)
	for i := range refinement {
		seed = seed*1664525 + 1013904223
		refinement[i] = byte(seed >> 24 & 0x7F) // no FF, and nothing above 8F, so that no byte is stuffed
	}
	var h packetHeader
	h.write(0b11, 2)
	h.write(1, planes) // as many missing as before, of more
	h.write([]int{0, 0b10, 0b1100}[passes-1], []int{1, 2, 4}[passes-1])
	extra := 12
	h.write(1<<(extra+1)-2, extra+1)
	h.write(len(cleanup), 3+extra)
	if passes > 1 {
		h.write(len(refinement), 3+extra+passes-2)
	} else {
		refinement = nil
	}
	out := append(append(append(header, h.bytes...), cleanup...), refinement...)
	binary.BigEndian.PutUint32(out[sot+6:], uint32(len(out)-sot))
	return append(out, 0xFF, 0xD9)
}

func mustDecode(t *testing.T, data []byte) *jpeg2000.Image {
	t.Helper()
	img, err := jpeg2000.Decode(context.Background(), data, jpeg2000.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestRefinement compares the refinement passes of T.814, which OpenJPH does not write, with OpenJPEG's decoder.
func TestRefinement(t *testing.T) {
	p := pattern(61, 51, 1, 8)
	for i, v := range p.samples {
		p.samples[i] = 128 + max(0, v%64-40)/4*(1-v&2) // few significant ones, so that some are left to find
	}
	data := encode(t, p, "ht -reversible true -num_decomps 0")
	for below := 1; below < 3; below++ {
		for passes := 1; passes <= 3; passes++ {
			for _, causal := range []bool{false, true} {
				t.Run(fmt.Sprint(below, passes, causal), func(t *testing.T) {
					b := refined(t, data, below, passes, causal, uint32(passes))
					img := mustDecode(t, b)
					want := decodeByReference(t, b, 1)
					if d := worst(t, interleaved(img), want); d != 0 {
						t.Errorf("samples differ by up to %d", d)
					}
					if passes > 1 && worst(t, want, interleaved(mustDecode(t, refined(t, data, below, passes-1, causal, 1)))) == 0 {
						t.Error("the last pass says nothing")
					}
				})
			}
		}
	}
}
