// Package t81 reads and writes the structure that all processes of ITU-T T.81 (JPEG) share: marker segments, frame and scan headers, Huffman
// tables, and the bits of a scan. What the bits mean is left to the packages of the processes.
package t81

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Markers (T.81 Table B.1).
const (
	sof0  = 0xC0
	dht   = 0xC4
	jpg   = 0xC8
	dac   = 0xCC
	rst0  = 0xD0
	soi   = 0xD8
	eoi   = 0xD9
	sos   = 0xDA
	dqt   = 0xDB
	dnl   = 0xDC
	dri   = 0xDD
	app0  = 0xE0
	app14 = 0xEE
	tem   = 0x01
)

// Component is one component of the frame header.
type Component struct {
	ID    byte
	H, V  int // sampling factors, 1 to 4
	Quant int // index of its quantization table
}

// Frame is the frame header (T.81 B.2.2).
type Frame struct {
	Process       int // n of SOFn: 0 baseline, 1 extended, 2 progressive, 3 lossless; more are not Huffman-coded or hierarchical
	Precision     int
	Height, Width int
	Components    []Component
	HMax, VMax    int // the greatest sampling factors
}

// ScanComponent is one component of a scan: its index in the frame, and its tables.
type ScanComponent struct {
	Index  int
	DC, AC int
}

// Scan is the scan header (T.81 B.2.3).
type Scan struct {
	Components []ScanComponent
	Ss, Se     int
	Ah, Al     int
}

// Stream walks through the segments of one image.
type Stream struct {
	Frame    *Frame // nil before its header was read
	DC, AC   [4]*Huffman
	Quant    [4]*[64]uint16 // in zigzag order
	Interval int            // MCUs of a restart interval, 0 if there is none
	JFIF     bool           // there was a JFIF APP0 segment
	Adobe    int            // color transform of the Adobe APP14 segment: 0 none, 1 YCbCr, 2 YCCK; -1 without that segment

	data []byte
	pos  int
}

// Open begins with the marker SOI.
func Open(data []byte) (*Stream, error) {
	if len(data) < 2 || data[0] != 0xFF || data[1] != soi {
		return nil, errors.New("no SOI marker at the beginning")
	}
	return &Stream{data: data, pos: 2, Adobe: -1}, nil
}

// NextScan reads segments up to and including the next scan header; Bits then reads the scan. After the last scan the error is
// io.EOF, and io.ErrUnexpectedEOF, wrapped, if the data ends without EOI.
func (s *Stream) NextScan() (*Scan, error) {
	for {
		marker, err := s.nextMarker()
		if err != nil {
			return nil, err
		}
		if marker == eoi {
			return nil, io.EOF
		}
		if marker == tem || marker >= rst0 && marker < soi {
			continue // stands alone
		}
		at := s.pos - 2
		segment, err := s.segment()
		if err == nil {
			switch {
			case marker == sos:
				return s.scanHeader(segment)
			case marker == dht:
				err = s.readHuffman(segment)
			case marker == dqt:
				err = s.readQuantization(segment)
			case marker == dri && len(segment) >= 2:
				s.Interval = int(segment[0])<<8 | int(segment[1])
			case marker == dnl:
				err = s.checkLines(segment)
			case marker >= sof0 && marker <= 0xCF && marker != jpg && marker != dac:
				err = s.readFrame(int(marker-sof0), segment)
			case marker == app0 && len(segment) >= 5 && string(segment[:5]) == "JFIF\x00":
				s.JFIF = true
			case marker == app14 && len(segment) >= 12 && string(segment[:5]) == "Adobe":
				s.Adobe = int(segment[11])
			}
		}
		if err != nil {
			return nil, fmt.Errorf("segment %02X at byte %d: %w", marker, at, err)
		}
	}
}

// Bits begins to read the data of the scan whose header was read last.
func (s *Stream) Bits() *Bits { return &Bits{data: s.data, pos: s.pos} }

// Resume goes on behind what b has read.
func (s *Stream) Resume(b *Bits) { s.pos = b.pos }

// nextMarker finds the next marker. Between segments there is nothing but fill bytes; behind a scan there may be padding.
func (s *Stream) nextMarker() (byte, error) {
	for s.pos+1 < len(s.data) {
		if s.data[s.pos] != 0xFF || s.data[s.pos+1] == 0 || s.data[s.pos+1] == 0xFF {
			s.pos++
			continue
		}
		s.pos += 2
		return s.data[s.pos-1], nil
	}
	return 0, fmt.Errorf("no EOI marker at the end: %w", io.ErrUnexpectedEOF)
}

// segment returns the parameters that follow a marker, without their length.
func (s *Stream) segment() ([]byte, error) {
	if s.pos+2 > len(s.data) {
		return nil, fmt.Errorf("expected a length: %w", io.ErrUnexpectedEOF)
	}
	n := int(s.data[s.pos])<<8 | int(s.data[s.pos+1])
	if n < 2 || s.pos+n > len(s.data) {
		return nil, fmt.Errorf("expected %d bytes, found %d: %w", n, len(s.data)-s.pos, io.ErrUnexpectedEOF)
	}
	segment := s.data[s.pos+2 : s.pos+n]
	s.pos += n
	return segment, nil
}

func (s *Stream) readFrame(process int, p []byte) error {
	if s.Frame != nil {
		return errors.New("a second frame header")
	}
	if len(p) < 6 || len(p) < 6+3*int(p[5]) {
		return errors.New("frame header is too short")
	}
	f := &Frame{
		Process:   process,
		Precision: int(p[0]),
		Height:    int(p[1])<<8 | int(p[2]),
		Width:     int(p[3])<<8 | int(p[4]),
	}
	for i := range int(p[5]) {
		q := p[6+3*i:]
		c := Component{ID: q[0], H: int(q[1] >> 4), V: int(q[1] & 15), Quant: int(q[2] & 3)}
		if c.H < 1 || c.H > 4 || c.V < 1 || c.V > 4 {
			return fmt.Errorf("component %d has sampling factors %dx%d", i+1, c.H, c.V)
		}
		f.HMax, f.VMax = max(f.HMax, c.H), max(f.VMax, c.V)
		f.Components = append(f.Components, c)
	}
	if f.Height == 0 {
		f.Height = s.linesAhead()
	}
	if f.Height == 0 || f.Width == 0 || len(f.Components) == 0 {
		return fmt.Errorf("frame of %dx%d with %d components", f.Width, f.Height, len(f.Components))
	}
	s.Frame = f
	return nil
}

// linesAhead is the number of lines that DNL gives behind the first scan where the frame header has none, 0 without that segment (T.81
// B.2.5). No scan has its marker in it, since what follows an FF there is a zero or the number of a restart.
func (s *Stream) linesAhead() int {
	at := bytes.Index(s.data[s.pos:], []byte{0xFF, dnl, 0, 4})
	if at < 0 || len(s.data) < s.pos+at+6 {
		return 0
	}
	return int(binary.BigEndian.Uint16(s.data[s.pos+at+4:]))
}

// checkLines compares the number of lines of DNL with that of the frame.
func (s *Stream) checkLines(p []byte) error {
	if len(p) != 2 || s.Frame == nil || s.Frame.Height != int(binary.BigEndian.Uint16(p)) {
		return errors.New("another number of lines than the frame has (T.81 B.2.5)")
	}
	return nil
}

func (s *Stream) scanHeader(p []byte) (*Scan, error) {
	if s.Frame == nil {
		return nil, errors.New("scan before the frame header")
	}
	if len(p) < 1 || p[0] < 1 || p[0] > 4 || len(p) < 4+2*int(p[0]) {
		return nil, errors.New("scan header is too short")
	}
	n := int(p[0])
	scan := &Scan{}
	seen := 0
	for i := range n {
		index := -1
		for k, c := range s.Frame.Components {
			if c.ID == p[1+2*i] && seen>>k&1 == 0 {
				index = k
				break
			}
		}
		if index < 0 {
			return nil, fmt.Errorf("scan of component %d, which the frame has not", p[1+2*i])
		}
		seen |= 1 << index
		tables := p[2+2*i]
		scan.Components = append(scan.Components, ScanComponent{index, int(tables >> 4 & 3), int(tables & 3)})
	}
	rest := p[1+2*n:]
	scan.Ss, scan.Se, scan.Ah, scan.Al = int(rest[0]), int(rest[1]), int(rest[2]>>4), int(rest[2]&15)
	return scan, nil
}

// readHuffman reads the tables of a DHT segment (T.81 B.2.4.2).
func (s *Stream) readHuffman(p []byte) error {
	for len(p) > 0 {
		if len(p) < 17 {
			return errors.New("Huffman table is too short")
		}
		class, id := p[0]>>4, p[0]&15
		counts := [16]byte(p[1:17])
		total := 0
		for _, n := range counts {
			total += int(n)
		}
		if class > 1 || id > 3 || total > 256 || len(p) < 17+total {
			return fmt.Errorf("Huffman table %d of class %d with %d codes is impossible", id, class, total)
		}
		h, err := newHuffman(&counts, p[17:17+total])
		if err != nil {
			return err
		}
		if class == 0 {
			s.DC[id] = h
		} else {
			s.AC[id] = h
		}
		p = p[17+total:]
	}
	return nil
}

// readQuantization reads the tables of a DQT segment (T.81 B.2.4.1).
func (s *Stream) readQuantization(p []byte) error {
	for len(p) > 0 {
		width, id := 1+int(p[0]>>4), p[0]&15
		if width > 2 || id > 3 || len(p) < 1+64*width {
			return fmt.Errorf("quantization table %d of %d-byte entries is impossible", id, width)
		}
		table := new([64]uint16)
		for i := range table {
			if table[i] = uint16(p[1+i*width]); width == 2 {
				table[i] = table[i]<<8 | uint16(p[2+i*width])
			}
		}
		s.Quant[id] = table // scans that have begun keep the one they know
		p = p[1+64*width:]
	}
	return nil
}
