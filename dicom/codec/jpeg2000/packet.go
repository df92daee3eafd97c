package jpeg2000

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// packetReader reads the packets of a tile (T.800 B.9, B.10).
type packetReader struct {
	*tile
	at      int        // in the data of the tile
	packed  bool       // the headers are not before the packets
	headers headerBits // of the packet, or the packed ones
	pending []pending
}

// pending is what a packet header announces for a code-block.
type pending struct {
	block  *block
	chunks []chunk
}

// readPackets reads all packets of a tile: those of the layers of all precincts. Their data stay where they are.
func (t *tile) readPackets(ctx context.Context, p *parameters, s *tileStream) error {
	r := &packetReader{tile: t}
	switch {
	case s.packed.present():
		r.packed, r.headers.data = true, s.packed.joined()
	case s.headers != nil:
		r.packed = true
		for _, h := range s.headers {
			r.headers.data = append(r.headers.data, h...)
		}
	}
	n := 0
	if err := t.packets(ctx, p, func(place packetPlace, layer int) error {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := r.read(place, layer); err != nil {
			return fmt.Errorf("packet %d (layer %d, resolution %d, component %d, precinct %d): %w", n, layer, place.resolution,
				place.component, place.precinct, err)
		}
		return nil
	}); err != nil {
		return err
	}
	return t.allRead(p.layers)
}

// allRead reports precincts that progression order changes have left out.
func (t *tile) allRead(layers int) error {
	for c := range t.components {
		for r := range t.components[c].resolutions {
			for i := range t.components[c].resolutions[r].precincts {
				if n := t.components[c].resolutions[r].precincts[i].layer; n < layers {
					return fmt.Errorf("%d of %d layers of precinct %d, resolution %d, component %d: %w", n, layers, i, r, c, ErrTruncated)
				}
			}
		}
	}
	return nil
}

// read reads one packet, unless an earlier progression had it already (T.800 B.12.2).
func (r *packetReader) read(place packetPlace, layer int) error {
	c := &r.components[place.component]
	p := &c.resolutions[place.resolution].precincts[place.precinct]
	if layer != p.layer {
		return nil
	}
	p.layer++
	if rest := r.data[r.at:]; len(rest) >= 6 && binary.BigEndian.Uint16(rest) == markSOP { // T.800 A.8.1
		r.at += 6
	}
	if !r.packed {
		r.headers = headerBits{data: r.data, at: r.at}
	}
	r.pending = r.pending[:0]
	if r.headers.bit() == 1 && !r.headers.ended {
		if p.parts == nil {
			parts, err := r.precinctParts(c, place.resolution, place.precinct)
			if err != nil {
				return err
			}
			p.parts = parts
		}
		for i := range p.parts {
			if err := r.readPart(c, &p.parts[i], layer); err != nil {
				return err
			}
		}
	}
	r.headers.align()
	if r.headers.ended {
		return fmt.Errorf("packet header: %w", ErrTruncated)
	}
	if h := &r.headers; h.at+2 <= len(h.data) && binary.BigEndian.Uint16(h.data[h.at:]) == markEPH { // T.800 A.8.2
		h.at += 2
	}
	if !r.packed {
		r.at = r.headers.at
	}
	return r.takeBodies()
}

// readPart reads what a packet header says of the code-blocks in one sub-band (T.800 B.10.3 to B.10.7).
func (r *packetReader) readPart(c *tileComponent, p *part, layer int) error {
	for i := range p.blocks {
		b := &p.blocks[i]
		if b.lblock == 0 {
			x, y := i%p.wide, i/p.wide
			if !p.inclusion.below(x, y, uint16(layer+1), &r.headers) {
				continue
			}
			planes := uint16(0)
			for !p.planes.below(x, y, planes+1, &r.headers) {
				if planes++; int(planes) > b.band.planes {
					return fmt.Errorf("a code-block without %d of its %d bit-planes", planes, b.band.planes)
				}
			}
			b.zero, b.lblock = uint8(planes), 3
		} else if r.headers.bit() == 0 {
			continue
		}
		if r.headers.ended {
			return nil
		}
		if err := r.readLengths(b, c.style); err != nil {
			return err
		}
	}
	return nil
}

// readLengths reads the number of coding passes and the lengths of the codeword segments they are in.
func (r *packetReader) readLengths(b *block, style uint8) error {
	passes := r.readPasses()
	for r.headers.bit() == 1 {
		if b.lblock++; b.lblock > 31 || r.headers.ended {
			return fmt.Errorf("lengths of %d bits: %w", b.lblock, r.headers.orDamaged())
		}
	}
	if b.passes+passes > maxPasses {
		return fmt.Errorf("%d coding passes in one code-block", b.passes+passes)
	}
	announced := pending{block: b}
	for passes > 0 {
		n, begins, err := nextSegment(b, passes, style)
		if err != nil {
			return err
		}
		length := r.headers.bits(int(b.lblock) + bits.Len(uint(n)) - 1)
		if length > len(r.data)-r.at {
			return fmt.Errorf("a code-block of %d bytes where at most %d are left: %w", length, len(r.data)-r.at, ErrTruncated)
		}
		if r.segments++; r.segments > r.limits.Segments {
			return fmt.Errorf("%d codeword segments, where %d are allowed: %w", r.segments, r.limits.Segments, ErrLimit)
		}
		announced.chunks = append(announced.chunks, chunk{length: int32(length), passes: uint8(n), begins: begins})
		b.passes += n
		passes -= n
	}
	r.pending = append(r.pending, announced)
	return nil
}

// maxPasses bounds the coding passes of a code-block: three for each of 38 + 7 + 37 bit-planes, and beyond what can be
// decoded.
const maxPasses = 3 * 82

func (b *headerBits) orDamaged() error {
	if b.ended {
		return ErrTruncated
	}
	return ErrUnsupported
}

// readPasses reads the number of coding passes (T.800 Table B.4).
func (r *packetReader) readPasses() int {
	if r.headers.bit() == 0 {
		return 1
	}
	if r.headers.bit() == 0 {
		return 2
	}
	if n := r.headers.bits(2); n < 3 {
		return 3 + n
	}
	if n := r.headers.bits(5); n < 31 {
		return 6 + n
	}
	return 37 + r.headers.bits(7)
}

// nextSegment returns how many of the next passes are in one codeword segment, and whether they begin it (T.800 Table D.8,
// D.9).
func nextSegment(b *block, passes int, style uint8) (n int, begins bool, err error) {
	switch {
	case style&styleHT != 0:
		return nextHTSegment(b, passes)
	case style&styleTerminate != 0:
		return 1, true, nil
	case style&styleBypass == 0:
		return passes, b.passes == 0, nil
	case b.passes < 10: // the four most significant bit-planes
		return min(passes, 10-b.passes), b.passes == 0, nil
	}
	// From there on two raw passes, significance propagation and magnitude refinement, and one of cleanup, which is coded.
	switch k := (b.passes - 10) % 3; k {
	case 2:
		return 1, true, nil
	default:
		return min(passes, 2-k), k == 0, nil
	}
}

// takeBodies gives the code-blocks what the packet holds for them.
func (r *packetReader) takeBodies() error {
	for _, p := range r.pending {
		for _, c := range p.chunks {
			if int(c.length) > len(r.data)-r.at {
				return fmt.Errorf("a code-block of %d bytes where %d are left: %w", c.length, len(r.data)-r.at, ErrTruncated)
			}
			c.offset = r.at
			r.at += int(c.length)
			p.block.chunks = append(p.block.chunks, c)
		}
	}
	return nil
}
