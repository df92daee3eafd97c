// Package jpegls decodes and encodes JPEG-LS (ITU-T T.87), lossless and near-lossless: 2 to 16 bits, any number of components, all three
// interleave modes, preset coding parameters, restart intervals. It is strict: a whole image comes out, or an error.
//
// jpegls.go reads the marker segments, params.go what follows from the coding parameters, scan.go the lines of a scan, context.go
// the two modes in which samples are coded, bits.go the bits. encode.go and writer.go go the same way back.
package jpegls

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ErrFeature is the error, wrapped, of a stream that needs what is not supported: mapping tables, sub-sampled components, a point
// transform, a color transform, dimensions beyond 65535.
var ErrFeature = errors.New("JPEG-LS feature not supported")

// Header is the frame header (T.87 C.2.2).
type Header struct {
	Width, Height int
	Precision     int
	Components    int
}

// Markers (T.87 Table C.1; T.81 Table B.1).
const (
	rst0  = 0xD0
	soi   = 0xD8
	eoi   = 0xD9
	sos   = 0xDA
	dri   = 0xDD
	app8  = 0xE8
	sof55 = 0xF7
	lse   = 0xF8
)

// Decode reads the headers, hands them to accept, and, if that returns nil, decodes the samples: those of a pixel side by side, row
// by row. Data that ends early is an error that wraps io.ErrUnexpectedEOF. The context's end stops it between lines.
func Decode(ctx context.Context, data []byte, accept func(Header) error) ([]uint16, error) {
	if len(data) < 2 || data[0] != 0xFF || data[1] != soi {
		return nil, errors.New("no SOI marker at the beginning")
	}
	d := decoder{data: data, pos: 2, accept: accept}
	for {
		marker, err := d.marker()
		if err != nil {
			return nil, err
		}
		if marker == eoi {
			return d.finish()
		}
		if marker == 0x01 || marker >= rst0 && marker < soi {
			continue // stands alone
		}
		at := d.pos - 2
		parameters, err := d.segment()
		if err == nil {
			err = d.read(ctx, marker, parameters)
		}
		if err != nil {
			return nil, fmt.Errorf("segment %02X at byte %d: %w", marker, at, err)
		}
	}
}

// decoder walks through the segments of an image.
type decoder struct {
	data    []byte
	pos     int
	accept  func(Header) error
	header  Header
	ids     []byte // of the components
	scanned []bool // by component
	preset  preset
	restart int // lines of a restart interval, 0 if there is none
	samples []uint16
}

// marker finds the next marker; between segments there is nothing but fill bytes, behind a scan there may be padding.
func (d *decoder) marker() (byte, error) {
	for d.pos+1 < len(d.data) {
		if d.data[d.pos] != 0xFF || d.data[d.pos+1] < 0x80 && d.data[d.pos+1] != 1 || d.data[d.pos+1] == 0xFF {
			d.pos++
			continue
		}
		d.pos += 2
		return d.data[d.pos-1], nil
	}
	return 0, fmt.Errorf("no EOI marker at the end: %w", io.ErrUnexpectedEOF)
}

// segment returns the parameters that follow a marker, without their length.
func (d *decoder) segment() ([]byte, error) {
	if d.pos+2 > len(d.data) {
		return nil, fmt.Errorf("expected a length: %w", io.ErrUnexpectedEOF)
	}
	n := int(d.data[d.pos])<<8 | int(d.data[d.pos+1])
	if n < 2 || d.pos+n > len(d.data) {
		return nil, fmt.Errorf("expected %d bytes, found %d: %w", n, len(d.data)-d.pos, io.ErrUnexpectedEOF)
	}
	parameters := d.data[d.pos+2 : d.pos+n]
	d.pos += n
	return parameters, nil
}

func (d *decoder) read(ctx context.Context, marker byte, p []byte) error {
	switch {
	case marker == sof55:
		return d.frame(p)
	case marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC:
		return fmt.Errorf("%w: the process is SOF%d", ErrFeature, marker-0xC0)
	case marker == lse:
		return d.extension(p)
	case marker == dri:
		return d.interval(p)
	case marker == app8 && len(p) >= 5 && string(p[:4]) == "mrfx" && p[4] != 0:
		return fmt.Errorf("%w: color transform %d", ErrFeature, p[4])
	case marker == sos:
		return d.scan(ctx, p)
	}
	return nil
}

func (d *decoder) frame(p []byte) error {
	if d.ids != nil {
		return errors.New("a second frame header")
	}
	if len(p) < 6 || len(p) < 6+3*int(p[5]) {
		return errors.New("frame header is too short")
	}
	h := Header{
		Precision:  int(p[0]),
		Height:     int(p[1])<<8 | int(p[2]),
		Width:      int(p[3])<<8 | int(p[4]),
		Components: int(p[5]),
	}
	if h.Precision < 2 || h.Precision > 16 || h.Components == 0 {
		return fmt.Errorf("%d components of %d bits", h.Components, h.Precision)
	}
	if h.Height == 0 || h.Width == 0 {
		return fmt.Errorf("%w: dimensions outside the frame header", ErrFeature)
	}
	for i := range h.Components {
		d.ids = append(d.ids, p[6+3*i])
		if p[7+3*i] != p[7] {
			return fmt.Errorf("%w: component %d is sub-sampled", ErrFeature, i+1)
		}
	}
	d.header = h
	return nil
}

// extension reads preset coding parameters (T.87 C.2.4.1).
func (d *decoder) extension(p []byte) error {
	if len(p) < 1 {
		return errors.New("no kind of extension")
	}
	if p[0] != 1 {
		return fmt.Errorf("%w: extension of kind %d", ErrFeature, p[0])
	}
	if len(p) < 11 {
		return errors.New("coding parameters are too short")
	}
	value := func(i int) int { return int(p[1+2*i])<<8 | int(p[2+2*i]) }
	d.preset = preset{value(0), value(1), value(2), value(3), value(4)}
	return nil
}

// interval reads the restart interval: a number of MCUs, which T.87 C.2.5 lets have 2 to 4 bytes.
func (d *decoder) interval(p []byte) error {
	if len(p) < 2 || len(p) > 4 {
		return errors.New("restart interval has another length")
	}
	d.restart = 0
	for _, b := range p {
		d.restart = d.restart<<8 | int(b)
	}
	return nil
}

// finish returns the samples, if there is a scan of each component.
func (d *decoder) finish() ([]uint16, error) {
	if d.samples == nil {
		return nil, errors.New("no scan")
	}
	for i, scanned := range d.scanned {
		if !scanned {
			return nil, fmt.Errorf("no scan of component %d", i+1)
		}
	}
	return d.samples, nil
}
