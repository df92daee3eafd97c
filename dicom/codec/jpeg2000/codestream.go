package jpeg2000

import (
	"encoding/binary"
	"fmt"
)

// The markers of T.800 Table A.2 that a decoder meets outside of the packets, and CAP and CPF of T.814.
const (
	markSOC = 0xFF4F
	markCAP = 0xFF50
	markSIZ = 0xFF51
	markCOD = 0xFF52
	markCOC = 0xFF53
	markTLM = 0xFF55
	markPLM = 0xFF57
	markPLT = 0xFF58
	markCPF = 0xFF59
	markQCD = 0xFF5C
	markQCC = 0xFF5D
	markRGN = 0xFF5E
	markPOC = 0xFF5F
	markPPM = 0xFF60
	markPPT = 0xFF61
	markCRG = 0xFF63
	markCOM = 0xFF64
	markSOT = 0xFF90
	markSOP = 0xFF91
	markEPH = 0xFF92
	markSOD = 0xFF93
	markEOC = 0xFFD9
)

// codestream is a codestream whose marker segments were read: all that the packets need to be decoded.
type codestream struct {
	data   []byte // from SOC on
	at     int    // where reading stopped
	size   imageSize
	main   *parameters
	packed packedHeaders // of the main header (PPM)
	tiles  []tileStream
	marked bool // CAP says that there are code-blocks of T.814
}

// tileStream is what the tile-parts of a tile hold.
type tileStream struct {
	parameters *parameters // those of the main header, or a copy that the tile has changed
	parts      [][]byte    // the packets of each tile-part
	packed     packedHeaders
	headers    [][]byte // the tile's share of PPM
}

// parseMainHeader reads the marker segments up to the first tile-part (T.800 A.3).
func parseMainHeader(data []byte) (*codestream, error) {
	data, err := contiguousCodestream(data)
	if err != nil {
		return nil, err
	}
	cs := &codestream{data: data, at: 2}
	for {
		marker, segment, err := cs.next()
		if err != nil {
			return nil, fmt.Errorf("main header: %w", err)
		}
		if marker == markSOT {
			break
		}
		if marker == markSOD || cs.main == nil && marker != markSIZ {
			return nil, fmt.Errorf("main header: marker %04X at byte %d (T.800 A.3)", marker, cs.at)
		}
		if err := cs.mainSegment(marker, segment); err != nil {
			return nil, fmt.Errorf("main header: %w", err)
		}
	}
	return cs, cs.main.complete()
}

// next reads a marker and its segment, without the length. It stops before the segment of SOT, which begins the tile-part.
func (cs *codestream) next() (marker int, segment []byte, err error) {
	rest := cs.data[cs.at:]
	if len(rest) < 4 {
		return 0, nil, fmt.Errorf("a marker segment is due at byte %d: %w", cs.at, ErrTruncated)
	}
	marker = int(binary.BigEndian.Uint16(rest))
	if marker < 0xFF4F || marker == markEOC {
		return 0, nil, fmt.Errorf("%04X at byte %d, where a marker segment is due", marker, cs.at)
	}
	if marker == markSOT || marker == markSOD {
		return marker, nil, nil
	}
	length := int(binary.BigEndian.Uint16(rest[2:]))
	if length < 2 {
		return 0, nil, fmt.Errorf("marker %04X at byte %d: segment of %d bytes", marker, cs.at, length)
	}
	if len(rest) < 2+length {
		return 0, nil, fmt.Errorf("marker %04X at byte %d: segment of %d bytes: %w", marker, cs.at, length, ErrTruncated)
	}
	cs.at += 2 + length
	return marker, rest[4 : 2+length], nil
}

func (cs *codestream) mainSegment(marker int, s []byte) (err error) {
	switch marker {
	case markSIZ:
		if cs.main != nil {
			return fmt.Errorf("a second SIZ (T.800 A.5.1)")
		}
		if cs.size, err = parseSize(s); err == nil {
			cs.main = newParameters(len(cs.size.components))
		}
		return err
	case markPPM:
		return cs.packed.add("PPM", s)
	case markCAP:
		cs.marked = len(s) >= 4 && binary.BigEndian.Uint32(s)&(1<<17) != 0 // Pcap15 (T.814 A.3)
		return nil
	}
	return cs.main.segment(marker, s)
}

// header describes the image as the main header does.
func (cs *codestream) header() Header {
	h := Header{
		Width: cs.size.area.width(), Height: cs.size.area.height(), Tiles: cs.size.tiles(),
		Layers: cs.main.layers, Levels: cs.main.components[0].levels, Progression: cs.main.order,
		ColorTransform: cs.main.colorTransform, Reversible: true, HighThroughput: cs.marked,
	}
	for i, c := range cs.size.components {
		area := cs.size.area.subsampled(c.dx, c.dy)
		h.Components = append(h.Components, Component{Width: area.width(), Height: area.height(), Precision: c.precision,
			Signed: c.signed, DX: c.dx, DY: c.dy})
		h.Reversible = h.Reversible && cs.main.components[i].reversible
		h.HighThroughput = h.HighThroughput || cs.main.components[i].style&styleHT != 0
	}
	return h
}

// within compares the image with the limits.
func (cs *codestream) within(l Limits) error {
	samples := 0
	for _, c := range cs.size.components {
		area := cs.size.area.subsampled(c.dx, c.dy)
		if area.empty() {
			return fmt.Errorf("SIZ: a component without samples (T.800 B.2)")
		}
		if area.width() > (l.Samples-samples)/area.height() {
			return fmt.Errorf("SIZ: %d components of an image of %d by %d, where %d samples are allowed: %w",
				len(cs.size.components), cs.size.area.width(), cs.size.area.height(), l.Samples, ErrLimit)
		}
		samples += area.width() * area.height()
	}
	if n := cs.size.tiles(); n > l.Tiles {
		return fmt.Errorf("SIZ: %d tiles, where %d are allowed: %w", n, l.Tiles, ErrLimit)
	}
	if cs.main.layers > l.Layers {
		return fmt.Errorf("COD: %d layers, where %d are allowed: %w", cs.main.layers, l.Layers, ErrLimit)
	}
	return nil
}

// parseTileParts reads the headers of all tile-parts and notes where their packets are (T.800 A.4.2). Whether the packets are
// all there shows when they are read, so a wrong Psot or a missing EOC does no harm.
func (cs *codestream) parseTileParts() error {
	cs.tiles = make([]tileStream, cs.size.tiles())
	shares, err := cs.packed.split()
	if err != nil {
		return err
	}
	for part := 0; len(cs.data)-cs.at >= 12; part++ {
		s := cs.data[cs.at:]
		if binary.BigEndian.Uint16(s) != markSOT {
			break // EOC, or padding that follows it
		}
		index, length := int(binary.BigEndian.Uint16(s[4:])), int(binary.BigEndian.Uint32(s[6:]))
		if index >= len(cs.tiles) {
			return fmt.Errorf("SOT at byte %d: tile %d of %d", cs.at, index, len(cs.tiles))
		}
		end := len(cs.data)
		if length == 0 { // the last tile-part reaches to EOC
			if binary.BigEndian.Uint16(cs.data[end-2:]) == markEOC {
				end -= 2
			}
		} else if length < 14 {
			return fmt.Errorf("SOT at byte %d: tile-part of %d bytes", cs.at, length)
		} else if length < len(s) {
			end = cs.at + length
		}
		t := &cs.tiles[index]
		if err := cs.parseTilePart(t, end); err != nil {
			return fmt.Errorf("tile %d: %w", index, err)
		}
		if cs.packed.present() && part < len(shares) {
			t.headers = append(t.headers, shares[part])
		}
		cs.at = end
	}
	for i := range cs.tiles {
		if cs.tiles[i].parts == nil {
			return fmt.Errorf("tile %d of %d has no tile-part: %w", i, len(cs.tiles), ErrTruncated)
		}
	}
	return nil
}

// parseTilePart reads the header of the tile-part that begins here and ends where told.
func (cs *codestream) parseTilePart(t *tileStream, end int) error {
	if t.parameters == nil {
		t.parameters = cs.main
	}
	first := t.parts == nil
	for cs.at += 12; ; {
		marker, s, err := cs.next()
		if err != nil {
			return err
		}
		if marker == markSOD {
			break
		}
		switch marker {
		case markSIZ, markSOT, markPPM, markCAP:
			return fmt.Errorf("marker %04X in the header of a tile-part", marker)
		case markPPT:
			err = t.packed.add("PPT", s)
		case markCOD, markCOC, markQCD, markQCC, markRGN, markPOC:
			if !first && marker != markPOC {
				return fmt.Errorf("marker %04X in a tile-part that is not the tile's first", marker)
			}
			if t.parameters == cs.main {
				t.parameters = cs.main.forTile()
			}
			err = t.parameters.segment(marker, s)
		}
		if err != nil {
			return err
		}
	}
	cs.at += 2
	if cs.at > end {
		return fmt.Errorf("the header of the tile-part is longer than the tile-part")
	}
	t.parts = append(t.parts, cs.data[cs.at:end])
	return nil
}
