// Package jpeglossless decodes lossless JPEG with Huffman codes (ITU-T T.81 Annex H, process 14): all seven predictors, samples of 2
// to 16 bits, any number of components, restart intervals, point transform. It is strict: a whole image comes out, or an error.
//
// A row is read in two passes, each a simple loop: the codes give the differences (difference.go), and the predictor makes samples
// of them (predictor.go). encode.go writes the process that most use, selection value 1.
package jpeglossless

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/dicom/codec/internal/t81"
)

// ErrProcess is the error, wrapped, of a process that is not lossless, sequential and Huffman-coded, or whose components are
// sub-sampled.
var ErrProcess = errors.New("JPEG process not supported")

// Header is what a JPEG says of its image: Width, Height, Precision, Components, and the color markers that came before the scan.
type Header struct {
	t81.Frame
	JFIF  bool
	Adobe int // color transform of the Adobe segment; -1 without the segment
}

// Decode reads the headers, hands them to accept, and, if that returns nil, decodes the samples: those of a pixel side by side, row
// by row. Data that ends early is an error that wraps io.ErrUnexpectedEOF. The context's end stops it between rows.
func Decode(ctx context.Context, data []byte, accept func(Header) error) ([]uint16, error) {
	s, err := t81.Open(data)
	if err != nil {
		return nil, err
	}
	var d decoder
	for n := 1; ; n++ {
		scan, err := s.NextScan()
		if err == io.EOF {
			return d.finish()
		}
		if err != nil {
			return nil, err
		}
		if n == 1 {
			if err := check(s.Frame); err != nil {
				return nil, err
			}
			if err := accept(Header{*s.Frame, s.JFIF, s.Adobe}); err != nil {
				return nil, err
			}
			if err := d.begin(s.Frame, len(data)); err != nil {
				return nil, err
			}
		}
		if err := d.scan(ctx, s, scan); err != nil {
			return nil, fmt.Errorf("scan %d: %w", n, err)
		}
	}
}

func check(f *t81.Frame) error {
	if f.Process != 3 {
		return fmt.Errorf("%w: SOF%d", ErrProcess, f.Process)
	}
	if f.Precision < 2 || f.Precision > 16 {
		return fmt.Errorf("%w: %d bits", ErrProcess, f.Precision)
	}
	for i, c := range f.Components {
		if c.H != f.HMax || c.V != f.VMax {
			return fmt.Errorf("%w: component %d is sub-sampled", ErrProcess, i+1)
		}
	}
	return nil
}

// decoder holds what the scans of an image share.
type decoder struct {
	frame   *t81.Frame
	samples []uint16
	scanned []bool // by component
}

func (d *decoder) begin(f *t81.Frame, length int) error {
	n := len(f.Components)
	// A sample takes one bit at the very least. So what the header says is held against the data before memory is taken for it.
	if f.Width*f.Height > 8*length/n {
		return fmt.Errorf("expected %d samples, found %d bytes: %w", f.Width*f.Height*n, length, io.ErrUnexpectedEOF)
	}
	d.frame, d.samples, d.scanned = f, make([]uint16, f.Width*f.Height*n), make([]bool, n)
	return nil
}

func (d *decoder) finish() ([]uint16, error) {
	if d.frame == nil {
		return nil, errors.New("no scan")
	}
	for i, scanned := range d.scanned {
		if !scanned {
			return nil, fmt.Errorf("no scan of component %d", i+1)
		}
	}
	return d.samples, nil
}

// scan decodes the components of one scan.
func (d *decoder) scan(ctx context.Context, s *t81.Stream, scan *t81.Scan) error {
	predict, known := predictors[scan.Ss]
	if !known {
		return fmt.Errorf("predictor %d", scan.Ss)
	}
	if scan.Al >= d.frame.Precision {
		return fmt.Errorf("point transform by %d of %d bits", scan.Al, d.frame.Precision)
	}
	width := d.frame.Width
	if s.Interval%width != 0 {
		return fmt.Errorf("restart interval of %d samples in rows of %d (T.81 H.1.1)", s.Interval, width)
	}
	r := reader{bits: s.Bits(), tables: make([]*table, len(scan.Components))}
	for i, c := range scan.Components {
		if d.scanned[c.Index] {
			return fmt.Errorf("component %d comes twice", c.Index+1)
		}
		d.scanned[c.Index] = true
		if s.DC[c.DC] == nil {
			return fmt.Errorf("no Huffman table for component %d", c.Index+1)
		}
		r.tables[i] = newTable(s.DC[c.DC])
	}
	differences := make([]int32, width*len(scan.Components))
	interval := s.Interval / width
	for y, restarts := 0, 0; y < d.frame.Height; y++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		first := y == 0
		if interval > 0 && y > 0 && y%interval == 0 {
			if !r.bits.Restart(restarts) {
				return fmt.Errorf("row %d of %d: expected marker RST%d", y, d.frame.Height, restarts&7)
			}
			restarts++
			first = true
		}
		if err := r.row(differences); err != nil {
			return fmt.Errorf("row %d of %d: %w", y, d.frame.Height, err)
		}
		for i, c := range scan.Components {
			d.reconstruct(y, c.Index, differences[i:], len(scan.Components), first, predict, scan.Al)
		}
	}
	s.Resume(r.bits)
	if scan.Al > 0 {
		d.raise(scan)
	}
	return nil
}

// raise undoes the point transform (T.81 H.1.2.1), when all of the scan was predicted from.
func (d *decoder) raise(scan *t81.Scan) {
	n := len(d.frame.Components)
	for _, c := range scan.Components {
		for i := c.Index; i < len(d.samples); i += n {
			d.samples[i] <<= scan.Al
		}
	}
}
