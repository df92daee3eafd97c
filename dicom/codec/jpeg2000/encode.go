package jpeg2000

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
)

// EncodeOptions say how to encode. The zero value stands for the defaults.
type EncodeOptions struct {
	HighThroughput bool // code-blocks of T.814, which are quicker to decode and a little longer
	// Progression is the order of the packets. RPCL brings with it the lengths of the tile-parts (TLM) and as many decomposition
	// levels as make the smallest resolution no larger than 64 by 64, so that a thumbnail is at the beginning.
	Progression Progression
	// Ratio asks for the irreversible transforms, and an image that many times smaller than its samples in whole bytes. 0 is without
	// loss. It must be above 1; code-blocks of T.814 do not go with it. Images of a few kilobytes become less small: of the smallest
	// the ratio would leave nothing but a header.
	Ratio   float64
	Workers int // goroutines that encode at a time; GOMAXPROCS by default
}

// MaxEncodedPrecision bounds the bits of a sample, so that the coefficients of all sub-bands have at most maxPlanes bits.
const MaxEncodedPrecision = 24

// leastBody is how many bytes the packets of an image may have whatever the ratio.
const leastBody = 512

// Encode encodes an image: one tile, one layer, five levels of the 5-3 transform or, with a Ratio, of the 9-7 transform,
// code-blocks of 64 by 64, and of three or more components the first three by the RCT or ICT where the header says ColorTransform.
// Of the header it uses that and the components, none of which may be sub-sampled; samples have 1 to 24 bits. Samples outside of
// their precision are an error. Of the image nothing is changed or kept. It looks at the context before each code-block.
func Encode(ctx context.Context, img *Image, o EncodeOptions) ([]byte, error) {
	if err := encodable(img); err != nil {
		return nil, err
	}
	if o.Ratio != 0 && (!(o.Ratio > 1) || o.HighThroughput) {
		return nil, fmt.Errorf("a ratio of %g, high throughput %v", o.Ratio, o.HighThroughput)
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	out := mainHeader(img, o)
	cs, err := parseMainHeader(append(bytes.Clone(out), 0xFF, 0x90, 0, 10)) // the layout of the tile follows from the header, as in decoding
	if err != nil {
		return nil, err
	}
	cs.tiles = []tileStream{{parameters: cs.main}}
	limits := Limits{}.withDefaults()
	t, err := newTile(cs, 0, limits.Blocks, limits)
	if err != nil {
		return nil, err
	}
	if err := t.transform(ctx, img, o.Workers); err != nil {
		return nil, err
	}
	tasks, encoded, err := t.encodeBlocks(ctx, o.Workers)
	if err != nil {
		return nil, err
	}
	var body []byte
	if o.Ratio > 0 {
		body, err = t.writeWithin(ctx, cs.main, tasks, encoded, max(int(float64(img.bytes())/o.Ratio)-len(out)-16, leastBody))
	} else {
		body, err = t.writePackets(ctx, cs.main, tasks, encoded)
	}
	if err != nil {
		return nil, err
	}
	length := uint32(14 + len(body)) // of the only tile-part
	if o.Progression == RPCL {
		out = binary.BigEndian.AppendUint32(append(out, 0xFF, 0x55, 0, 8, 0, 0x40), length)
	}
	sot := len(out)
	out = append(out, 0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, 0x93)
	out = append(out, body...)
	binary.BigEndian.PutUint32(out[sot+6:], length)
	return append(out, 0xFF, 0xD9), nil
}

func encodable(img *Image) error {
	if img.Width < 1 || img.Height < 1 || img.Width > 1<<20 || img.Height > 1<<20 || len(img.Components) < 1 ||
		len(img.Components) > 255 || len(img.Planes) != len(img.Components) {
		return fmt.Errorf("an image of %d by %d with %d components and %d planes", img.Width, img.Height, len(img.Components), len(img.Planes))
	}
	for i, c := range img.Components {
		if c.Precision < 1 || c.Precision > MaxEncodedPrecision || len(img.Planes[i]) != img.Width*img.Height {
			return fmt.Errorf("component %d: %d samples of %d bits", i, len(img.Planes[i]), c.Precision)
		}
		low, high, shift := c.bounds()
		for _, v := range img.Planes[i] {
			if v -= shift; v < low || v > high {
				return fmt.Errorf("component %d: a sample outside of %d bits", i, c.Precision)
			}
		}
	}
	if c := img.Components; img.ColorTransform && (len(c) < 3 || c[1].Precision != c[0].Precision || c[2].Precision != c[0].Precision) {
		return fmt.Errorf("a component transform of components that are not alike")
	}
	return nil
}

// levelsOf returns five, or as many as leave something to transform; with RPCL, as many as EncodeOptions say.
func levelsOf(img *Image, o EncodeOptions) int {
	n := 0
	for n < 5 && min(img.Width, img.Height)>>(n+1) > 0 {
		n++
	}
	for o.Progression == RPCL && (max(img.Width, img.Height)-1)>>n >= 64 {
		n++
	}
	return n
}

// mainHeader writes SOC, SIZ, COD and a QCD or QCC for each component (T.800 A.4 to A.6).
func mainHeader(img *Image, o EncodeOptions) []byte {
	be := binary.BigEndian
	n, levels := len(img.Components), levelsOf(img, o)
	b := []byte{0xFF, 0x4F, 0xFF, 0x51}
	b = be.AppendUint16(b, uint16(38+3*n))
	capabilities, style := uint16(0), byte(0)
	if o.HighThroughput {
		capabilities, style = 1<<14, styleHT
	}
	b = be.AppendUint16(b, capabilities)
	for range 2 { // the image, then the only tile
		for _, v := range []int{img.Width, img.Height, 0, 0} {
			b = be.AppendUint32(b, uint32(v))
		}
	}
	b = be.AppendUint16(b, uint16(n))
	for _, c := range img.Components {
		b = append(b, c.depth(), 1, 1)
	}
	transform := byte(0)
	if img.ColorTransform {
		transform = 1
	}
	if o.HighThroughput {
		b = append(b, capability(img)...)
	}
	reversible := byte(1)
	if o.Ratio > 0 {
		reversible = 0
	}
	b = append(b, 0xFF, 0x52, 0, 12, 0, byte(o.Progression), 0, 1, transform, byte(levels), 4, 4, style, reversible)
	for i, c := range img.Components {
		steps := reversibleSteps(c, levels, img.ColorTransform && i < 3)
		if o.Ratio > 0 {
			steps = irreversibleSteps(c, levels)
		}
		if i == 0 {
			b = be.AppendUint16(append(b, 0xFF, 0x5C), uint16(2+len(steps)))
		} else {
			b = append(be.AppendUint16(append(b, 0xFF, 0x5D), uint16(3+len(steps))), byte(i))
		}
		b = append(b, steps...)
	}
	return b
}

// guardBits of T.800 equation E-2, where the segments have them: three, because samples of one bit that jump from pixel to pixel
// make coefficients, rounded as they are, for which two are not enough.
const guardBits = 3 << 5

// reversibleSteps are the exponents of a component: its precision, with the gains of T.800 Table E.1.
func reversibleSteps(c Component, levels int, transformed bool) []byte {
	exponent := byte(c.Precision)
	if transformed {
		exponent++
	}
	b := []byte{guardBits, exponent << 3}
	for range levels { // HL, LH and HH
		b = append(b, (exponent+1)<<3, (exponent+1)<<3, (exponent+2)<<3)
	}
	return b
}

// capability is the CAP segment: Part 15 (Pcap15), HT code-blocks only, without loss, and how many bits their magnitudes have at
// most (T.814 A.3).
func capability(img *Image) []byte {
	most := 0
	for i, c := range img.Components {
		n := c.Precision + 4 // the gain of HH, and guard bits
		if img.ColorTransform && i < 3 {
			n++
		}
		most = max(most, n)
	}
	bound := max(most-8, 0)
	if most > 27 {
		bound = 13 + most/4
	}
	return []byte{0xFF, 0x50, 0, 8, 0, 2, 0, 0, 0, byte(bound)}
}

// transform makes wavelet coefficients of the samples, quantized where that is not reversible.
func (t *tile) transform(ctx context.Context, img *Image, workers int) error {
	for i := range t.components {
		c := &t.components[i]
		_, _, shift := img.Components[i].bounds()
		c.ints = make([]int32, len(img.Planes[i]))
		for k, v := range img.Planes[i] {
			c.ints[k] = v - shift
		}
	}
	if !t.components[0].reversible {
		return t.transformLossy(ctx, img, workers)
	}
	if img.ColorTransform {
		rct(t.components[0].ints, t.components[1].ints, t.components[2].ints)
	}
	return parallel(ctx, workers, len(t.components), func(_, i int) error {
		return analyze(ctx, &t.components[i], t.components[i].ints, lift53)
	})
}

// rct is the forward reversible component transform (T.800 G.2.1).
func rct(r, g, b []int32) {
	for i := range r {
		y, u, v := (r[i]+2*g[i]+b[i])>>2, b[i]-g[i], r[i]-g[i]
		r[i], g[i], b[i] = y, u, v
	}
}

// encodeBlocks encodes all code-blocks, each as far as it goes.
func (t *tile) encodeBlocks(ctx context.Context, workers int) ([]blockTask, []encodedBlock, error) {
	var tasks []blockTask
	for i := range t.components {
		c := &t.components[i]
		for r := range c.resolutions {
			for k := range c.resolutions[r].precincts {
				parts, err := t.precinctParts(c, r, k)
				if err != nil {
					return nil, nil, err
				}
				c.resolutions[r].precincts[k].parts = parts
				for n := range parts {
					for m := range parts[n].blocks {
						tasks = append(tasks, blockTask{c, &parts[n].blocks[m]})
					}
				}
			}
		}
	}
	encoders, ht, results := make([]blockEncoder, workers), make([]htEncoder, workers), make([]encodedBlock, len(tasks))
	return tasks, results, parallel(ctx, workers, len(tasks), func(worker, i int) error {
		c, b := tasks[i].component, tasks[i].block
		at := (b.band.y+b.y0-b.band.y0)*c.stride + b.band.x + b.x0 - b.band.x0
		if c.style&styleHT != 0 {
			results[i] = ht[worker].encode(b, c.ints[at:], c.stride)
		} else {
			results[i] = encoders[worker].encode(b, c.ints[at:], c.stride)
		}
		if results[i].zero < 0 {
			return fmt.Errorf("a coefficient of more than %d bits in sub-band %d", b.band.planes, b.band.orientation)
		}
		return nil
	})
}

// writePackets writes the packets.
func (t *tile) writePackets(ctx context.Context, p *parameters, tasks []blockTask, results []encodedBlock) ([]byte, error) {
	encoded := make(map[*block]encodedBlock, len(tasks))
	for i, r := range results {
		encoded[tasks[i].block] = r
	}
	var w packetWriter
	err := t.packets(ctx, p, func(place packetPlace, _ int) error {
		w.packet(t.components[place.component].resolutions[place.resolution].precincts[place.precinct].parts, encoded)
		return nil
	})
	return w.out, err
}
