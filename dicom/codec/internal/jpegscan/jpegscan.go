// Package jpegscan proves that a JPEG image of DCT blocks (ITU-T T.81; baseline, extended, progressive) is whole: it walks
// through the Huffman codes of every scan, without computing a picture. Decoders of 8-bit JPEG show what they can of a damaged or
// truncated image, as is right for a browser; in medicine half a picture must not pass for one.
package jpegscan

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/dicom/codec/internal/t81"
)

// ErrProcess is the error, wrapped, of a process that is not sequential or progressive DCT with Huffman codes.
var ErrProcess = errors.New("JPEG process not supported")

// Header is what a JPEG says of its image.
type Header struct {
	t81.Frame
	JFIF  bool // the components are Y, Cb, Cr by the rules of JFIF
	Adobe int  // color transform of the Adobe segment: 0 none, 1 YCbCr; -1 without the segment
}

// Check reads the headers, hands them to accept, and, if that returns nil, walks through all scans.
func Check(ctx context.Context, data []byte, accept func(Header) error) error {
	s, err := t81.Open(data)
	if err != nil {
		return err
	}
	var v verifier
	for n := 1; ; n++ {
		scan, err := s.NextScan()
		if err == io.EOF {
			return v.complete()
		}
		if err != nil {
			return err
		}
		if n == 1 {
			if s.Frame.Process > 2 {
				return fmt.Errorf("%w: SOF%d", ErrProcess, s.Frame.Process)
			}
			if err := accept(Header{*s.Frame, s.JFIF, s.Adobe}); err != nil {
				return err
			}
			if err := v.begin(s.Frame, len(data)); err != nil {
				return err
			}
		}
		if n > maxScans {
			return fmt.Errorf("more than %d scans", maxScans)
		}
		if err := v.scan(ctx, s, scan); err != nil {
			return fmt.Errorf("scan %d: %w", n, err)
		}
	}
}

// plane is one component: its size in blocks, and what was seen of it.
type plane struct {
	wide, high   int      // blocks that hold samples: the extent of a scan of this component alone (T.81 A.2.2)
	stride       int      // blocks in a row of whole MCUs
	scanned      bool     // a scan began it
	coefficients []uint64 // progressive: by block, a bit per coefficient that is not zero
}

// verifier holds what the scans of an image share.
type verifier struct {
	frame  *t81.Frame
	planes []plane

	bits   *t81.Bits
	eobrun int // progressive: blocks to come of an end-of-band run (T.81 G.1.2.2)
}

// maxScans bounds the work that a small progressive image can ask for; encoders make about ten.
const maxScans = 1000

func (v *verifier) begin(f *t81.Frame, length int) error {
	v.frame = f
	for _, c := range f.Components {
		p := plane{
			wide:   blocks(f.Width, c.H, f.HMax),
			high:   blocks(f.Height, c.V, f.VMax),
			stride: ceil(f.Width, 8*f.HMax) * c.H,
		}
		rows := ceil(f.Height, 8*f.VMax) * c.V
		// A block takes one bit at the very least, that of its DC coefficient. So what the header says is held against the data
		// before memory is taken for it.
		if p.wide*p.high > 8*length {
			return fmt.Errorf("expected %d blocks, found %d bytes: %w", p.wide*p.high, length, io.ErrUnexpectedEOF)
		}
		if f.Process == 2 {
			p.coefficients = make([]uint64, p.stride*rows)
		}
		v.planes = append(v.planes, p)
	}
	return nil
}

// blocks is the number of blocks that a component has in one direction.
func blocks(size, factor, greatest int) int { return ceil(ceil(size*factor, greatest), 8) }

func ceil(a, b int) int { return (a + b - 1) / b }

// complete reports a component that no scan holds.
func (v *verifier) complete() error {
	if len(v.planes) == 0 {
		return errors.New("no scan")
	}
	for i, p := range v.planes {
		if !p.scanned {
			return fmt.Errorf("no scan of component %d", i+1)
		}
	}
	return nil
}

// decodeBlock reads the part of a block that a scan holds.
type decodeBlock func(p *plane, block int, dc, ac *t81.Huffman) error

// scan walks through the MCUs of a scan, row by row (T.81 A.2).
func (v *verifier) scan(ctx context.Context, s *t81.Stream, scan *t81.Scan) error {
	decode, err := v.decoder(s, scan)
	if err != nil {
		return err
	}
	v.bits, v.eobrun = s.Bits(), 0
	single := len(scan.Components) == 1
	across, down := ceil(v.frame.Width, 8*v.frame.HMax), ceil(v.frame.Height, 8*v.frame.VMax)
	if single {
		across, down = v.planes[scan.Components[0].Index].wide, v.planes[scan.Components[0].Index].high
	}
	left, restarts := s.Interval, 0
	for y := range down {
		if err := ctx.Err(); err != nil {
			return err
		}
		for x := range across {
			if s.Interval > 0 && left == 0 {
				if !v.bits.Restart(restarts) {
					return fmt.Errorf("MCU %d of %d: expected marker RST%d", y*across+x, across*down, restarts&7)
				}
				left, restarts, v.eobrun = s.Interval, restarts+1, 0
			}
			left--
			if err := v.mcu(s, scan, decode, x, y, single); err != nil {
				return fmt.Errorf("MCU %d of %d: %w", y*across+x, across*down, err)
			}
		}
	}
	s.Resume(v.bits)
	return nil
}

func (v *verifier) mcu(s *t81.Stream, scan *t81.Scan, decode decodeBlock, x, y int, single bool) error {
	for _, sc := range scan.Components {
		p, c := &v.planes[sc.Index], v.frame.Components[sc.Index]
		h, rows := c.H, c.V
		if single {
			h, rows = 1, 1
		}
		for by := range rows {
			for bx := range h {
				if err := decode(p, (y*rows+by)*p.stride+x*h+bx, s.DC[sc.DC], s.AC[sc.AC]); err != nil {
					return err
				}
			}
		}
	}
	if v.bits.Overrun() {
		return fmt.Errorf("the data ends: %w", io.ErrUnexpectedEOF)
	}
	return nil
}

// decoder chooses what a scan holds of its blocks, and checks that the header and tables are there for it.
func (v *verifier) decoder(s *t81.Stream, scan *t81.Scan) (decodeBlock, error) {
	progressive := v.frame.Process == 2
	dc := !progressive || scan.Ss == 0
	ac := !progressive || scan.Ss > 0
	for _, c := range scan.Components {
		p := &v.planes[c.Index]
		if dc && scan.Ah == 0 {
			if p.scanned {
				return nil, fmt.Errorf("component %d comes twice", c.Index+1)
			}
			p.scanned = true
		}
		if !p.scanned {
			return nil, fmt.Errorf("component %d has not begun", c.Index+1)
		}
		if dc && scan.Ah == 0 && s.DC[c.DC] == nil || ac && s.AC[c.AC] == nil {
			return nil, fmt.Errorf("no Huffman table for component %d", c.Index+1)
		}
	}
	if !progressive {
		return v.sequential, nil
	}
	if scan.Ss > scan.Se || scan.Se > 63 || scan.Ss == 0 && scan.Se != 0 || scan.Ss > 0 && len(scan.Components) != 1 {
		return nil, fmt.Errorf("spectral selection %d to %d of %d components", scan.Ss, scan.Se, len(scan.Components))
	}
	return v.progressive(scan), nil
}
