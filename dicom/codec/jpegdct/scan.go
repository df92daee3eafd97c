// Package jpegdct decodes JPEG images of DCT blocks with Huffman codes (ITU-T T.81): baseline and extended of 8 and 12 bits, and
// progressive. It is strict: a whole image comes out, or an error. Decoders for browsers show what they can of a damaged or truncated
// image; in medicine half a picture must not pass for one.
//
// Samples are those of the integer transform of the Independent JPEG Group's library ("islow"), to the bit.
//
// scan.go walks through the scans, blocks.go through the codes of a block, idct.go turns coefficients into samples.
package jpegdct

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/dicom/codec/internal/t81"
)

// ErrProcess is the error, wrapped, of a process that is not sequential or progressive DCT with Huffman codes, of 8 or 12 bits.
var ErrProcess = errors.New("JPEG process not supported")

// Component says how a component is sampled: H of the image's columns in units of the header's HMax, V of its rows in units of VMax.
type Component = t81.Component

// Header is what a JPEG says of its image.
type Header struct {
	t81.Frame
	JFIF  bool // the components are Y, Cb, Cr by the rules of JFIF
	Adobe int  // color transform of the Adobe segment: 0 none, 1 YCbCr; -1 without the segment
}

// Plane is a decoded component: Width x Height samples, row by row, each row Stride long; in U8 where the precision is 8, else in
// U16. A component that is sub-sampled is smaller than the image.
type Plane struct {
	Width, Height, Stride int
	U8                    []uint8
	U16                   []uint16
}

// Decode reads the headers, hands them to accept, and, if that returns nil, decodes the components. Data that ends early is an
// error that wraps io.ErrUnexpectedEOF. The context's end stops it between rows of blocks.
func Decode(ctx context.Context, data []byte, accept func(Header) error) ([]Plane, error) {
	s, err := t81.Open(data)
	if err != nil {
		return nil, err
	}
	var w walker
	for n := 1; ; n++ {
		scan, err := s.NextScan()
		if err == io.EOF {
			return w.finish(ctx)
		}
		if err != nil {
			return nil, err
		}
		if n == 1 {
			if f := s.Frame; f.Process > 2 || f.Precision != 8 && f.Precision != 12 {
				return nil, fmt.Errorf("%w: SOF%d with %d bits", ErrProcess, f.Process, f.Precision)
			}
			if err := accept(Header{*s.Frame, s.JFIF, s.Adobe}); err != nil {
				return nil, err
			}
			if err := w.begin(s.Frame, len(data)); err != nil {
				return nil, err
			}
		}
		if n > maxScans {
			return nil, fmt.Errorf("more than %d scans", maxScans)
		}
		if err := w.scan(ctx, s, scan); err != nil {
			return nil, fmt.Errorf("scan %d: %w", n, err)
		}
	}
}

// maxScans bounds the work that a small progressive image can ask for; encoders make about ten.
const maxScans = 1000

// plane is one component: its size in blocks, and what was seen of it.
type plane struct {
	wide, high   int     // blocks that hold samples: the extent of a scan of this component alone (T.81 A.2.2)
	stride       int     // blocks in a row of whole MCUs
	scanned      bool    // a scan began it
	coefficients []int16 // progressive: by block, 64 each, by rows
	quant        [64]int32
	dc           int32 // of the block before (T.81 F.1.1.5.1)
	out          Plane
}

// walker holds what the scans of an image share.
type walker struct {
	frame  *t81.Frame
	planes []plane

	bits   *t81.Bits
	eobrun int // progressive: blocks to come of an end-of-band run (T.81 G.1.2.2)
}

func (w *walker) begin(f *t81.Frame, length int) error {
	w.frame = f
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
		p.out = Plane{
			Width:  ceil(f.Width*c.H, f.HMax),
			Height: ceil(f.Height*c.V, f.VMax),
			Stride: 8 * p.stride,
		}
		if f.Process == 2 {
			p.coefficients = make([]int16, 64*p.stride*rows)
		}
		if f.Precision == 8 {
			p.out.U8 = make([]uint8, 64*p.stride*rows)
		} else {
			p.out.U16 = make([]uint16, 64*p.stride*rows)
		}
		w.planes = append(w.planes, p)
	}
	return nil
}

// blocks is the number of blocks that a component has in one direction.
func blocks(size, factor, greatest int) int { return ceil(ceil(size*factor, greatest), 8) }

func ceil(a, b int) int { return (a + b - 1) / b }

// finish returns the planes, if there is a scan of each.
func (w *walker) finish(ctx context.Context) ([]Plane, error) {
	if len(w.planes) == 0 {
		return nil, errors.New("no scan")
	}
	planes := make([]Plane, len(w.planes))
	for i := range w.planes {
		p := &w.planes[i]
		if !p.scanned {
			return nil, fmt.Errorf("no scan of component %d", i+1)
		}
		if p.coefficients != nil {
			if err := w.transformAll(ctx, p); err != nil {
				return nil, err
			}
		}
		planes[i] = p.out
	}
	return planes, nil
}

// decodeBlock reads the part of a block that a scan holds.
type decodeBlock func(p *plane, n int, dc, ac *t81.Huffman) error

// scan walks through the MCUs of a scan, row by row (T.81 A.2).
func (w *walker) scan(ctx context.Context, s *t81.Stream, scan *t81.Scan) error {
	decode, err := w.decoder(s, scan)
	if err != nil {
		return err
	}
	w.bits = s.Bits()
	w.reset()
	single := len(scan.Components) == 1
	across, down := ceil(w.frame.Width, 8*w.frame.HMax), ceil(w.frame.Height, 8*w.frame.VMax)
	if single {
		across, down = w.planes[scan.Components[0].Index].wide, w.planes[scan.Components[0].Index].high
	}
	left, restarts := s.Interval, 0
	for y := range down {
		if err := ctx.Err(); err != nil {
			return err
		}
		for x := range across {
			if s.Interval > 0 && left == 0 {
				if !w.bits.Restart(restarts) {
					return fmt.Errorf("MCU %d of %d: expected marker RST%d", y*across+x, across*down, restarts&7)
				}
				left, restarts = s.Interval, restarts+1
				w.reset()
			}
			left--
			if err := w.mcu(s, scan, decode, x, y, single); err != nil {
				return fmt.Errorf("MCU %d of %d: %w", y*across+x, across*down, err)
			}
		}
	}
	s.Resume(w.bits)
	return nil
}

// reset begins a scan or a restart interval.
func (w *walker) reset() {
	w.eobrun = 0
	for i := range w.planes {
		w.planes[i].dc = 0
	}
}

func (w *walker) mcu(s *t81.Stream, scan *t81.Scan, decode decodeBlock, x, y int, single bool) error {
	for _, sc := range scan.Components {
		p, c := &w.planes[sc.Index], w.frame.Components[sc.Index]
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
	if w.bits.Overrun() {
		return fmt.Errorf("the data ends: %w", io.ErrUnexpectedEOF)
	}
	return nil
}

// decoder chooses what a scan holds of its blocks, and checks that the header and tables are there for it.
func (w *walker) decoder(s *t81.Stream, scan *t81.Scan) (decodeBlock, error) {
	progressive := w.frame.Process == 2
	dc := !progressive || scan.Ss == 0
	ac := !progressive || scan.Ss > 0
	for _, c := range scan.Components {
		p := &w.planes[c.Index]
		if dc && scan.Ah == 0 {
			if p.scanned {
				return nil, fmt.Errorf("component %d comes twice", c.Index+1)
			}
			p.scanned = true
			quant := s.Quant[w.frame.Components[c.Index].Quant]
			if quant == nil {
				return nil, fmt.Errorf("no quantization table for component %d", c.Index+1)
			}
			for k, place := range zigzag {
				p.quant[place] = int32(quant[k])
			}
		}
		if !p.scanned {
			return nil, fmt.Errorf("component %d has not begun", c.Index+1)
		}
		if dc && scan.Ah == 0 && s.DC[c.DC] == nil || ac && s.AC[c.AC] == nil {
			return nil, fmt.Errorf("no Huffman table for component %d", c.Index+1)
		}
	}
	if !progressive {
		return w.sequential, nil
	}
	if scan.Ss > scan.Se || scan.Se > 63 || scan.Ss == 0 && scan.Se != 0 || scan.Ss > 0 && len(scan.Components) != 1 {
		return nil, fmt.Errorf("spectral selection %d to %d of %d components", scan.Ss, scan.Se, len(scan.Components))
	}
	return w.progressive(scan), nil
}
