package render

import (
	"errors"
	"fmt"
	"math"

	"github.com/noctis-dicom/noctis/dicom"
)

// Palette maps stored values to colors (PS3.3 C.7.6.3.1.5): Colors[0] is that of First and of all values below, the last one that
// of all values beyond the table.
type Palette struct {
	First  int
	Colors [][3]uint8 // red, green, blue
}

// at returns the color of a stored value.
func (p *Palette) at(v int) [3]uint8 {
	return p.Colors[min(max(v-p.First, 0), len(p.Colors)-1)]
}

// channel is one of the three tables of a palette.
type channel struct {
	name                        string
	descriptor, data, segmented dicom.Tag
}

var channels = [3]channel{
	{"Red Palette Color Lookup Table (0028,1201)", dicom.RedPaletteColorLookupTableDescriptor,
		dicom.RedPaletteColorLookupTableData, dicom.SegmentedRedPaletteColorLookupTableData},
	{"Green Palette Color Lookup Table (0028,1202)", dicom.GreenPaletteColorLookupTableDescriptor,
		dicom.GreenPaletteColorLookupTableData, dicom.SegmentedGreenPaletteColorLookupTableData},
	{"Blue Palette Color Lookup Table (0028,1203)", dicom.BluePaletteColorLookupTableDescriptor,
		dicom.BluePaletteColorLookupTableData, dicom.SegmentedBluePaletteColorLookupTableData},
}

// palette reads the Palette Color Lookup Module (PS3.3 C.7.9).
func (r reader) palette(ds *dicom.DataSet) (*Palette, error) {
	var tables [3][]uint16
	var first descriptor
	greatest := uint16(0)
	for i, c := range channels {
		d, err := readDescriptor(ds, c.descriptor, c.name, r.signed)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			first = d
		} else if d.entries != first.entries || d.first != first.first {
			return nil, fmt.Errorf("%s: %d entries from %d on, but the red one has %d from %d on",
				c.name, d.entries, d.first, first.entries, first.first)
		}
		if ds.Has(c.segmented) && !ds.Has(c.data) {
			tables[i], err = r.segmented(ds, c, d)
		} else {
			tables[i], err = r.entries(ds, c.data, c.name, d)
		}
		if err != nil {
			return nil, err
		}
		for _, e := range tables[i] {
			greatest = max(greatest, e)
		}
	}
	// Entries of 16 bits are intensities of 16 bits, of which the upper half is shown. But files say 16 and mean 8 where no entry
	// has anything there; such a palette would be black.
	shift := 0
	if greatest > math.MaxUint8 {
		shift = max(first.bits-8, 0)
		if greatest>>shift > math.MaxUint8 { // more bits than the descriptor says
			shift = 8
		}
	}
	p := &Palette{First: first.first, Colors: make([][3]uint8, first.entries)}
	for i := range p.Colors {
		for k := range tables {
			p.Colors[i][k] = uint8(tables[k][i] >> shift)
		}
	}
	return p, nil
}

// segmented reads a table of segments (PS3.3 C.7.9.2).
func (r reader) segmented(ds *dicom.DataSet, c channel, d descriptor) ([]uint16, error) {
	e, _ := ds.Get(c.segmented)
	b, err := r.bytes(e.Value, c.segmented, c.name)
	if err != nil {
		return nil, err
	}
	x := expansion{size: d.entries}
	x.offset = 1
	if d.bits == 8 {
		x.data = make([]uint16, len(b))
		for i, v := range b {
			x.data[i] = uint16(v)
		}
	} else {
		x.data, x.offset = words(b), 2
	}
	if err := x.run(0, math.MaxInt, true); err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	if len(x.out) < d.entries {
		return nil, fmt.Errorf("%s: expected %d entries, found %d", c.name, d.entries, len(x.out))
	}
	return x.out, nil
}

// expansion makes a table of its segments.
type expansion struct {
	data   []uint16 // opcodes, lengths and values, 8 or 16 bits each in the file
	offset int      // bytes of each of them, in which an indirect segment counts
	size   int      // entries that are wanted
	seen   int      // segments so far
	out    []uint16
}

// maxSegments bounds the work on segments of no length; others make an entry at least.
const maxSegments = 1 << 17

// The kinds of segments (PS3.3 C.7.9.2.1, C.7.9.2.2, C.7.9.2.3).
const (
	discrete = 0
	linear   = 1
	indirect = 2
)

// run expands at most so many segments from the position on, until the table is full.
func (x *expansion) run(at, segments int, outermost bool) error {
	for ; segments > 0 && len(x.out) < x.size && at+2 <= len(x.data); segments-- {
		if x.seen++; x.seen > maxSegments {
			return fmt.Errorf("more than %d segments", maxSegments)
		}
		opcode, n := x.data[at], int(x.data[at+1])
		at += 2
		switch opcode {
		case discrete:
			if at+n > len(x.data) {
				return fmt.Errorf("a discrete segment of %d values, found %d", n, len(x.data)-at)
			}
			x.out = append(x.out, x.data[at:at+min(n, x.size-len(x.out))]...)
			at += n
		case linear:
			if at >= len(x.data) || len(x.out) == 0 {
				return errors.New("a linear segment without its ends")
			}
			x.interpolate(n, x.data[at])
			at++
		case indirect:
			target, length := x.target(at)
			if length == 0 || target >= len(x.data) {
				return errors.New("an indirect segment that points nowhere")
			}
			if !outermost {
				return errors.New("an indirect segment within another")
			}
			if err := x.run(target, n, false); err != nil {
				return err
			}
			at += length
		default:
			return fmt.Errorf("a segment of unknown kind %d", opcode)
		}
	}
	return nil
}

// interpolate appends n values on the way from the last one to end, which is reached.
func (x *expansion) interpolate(n int, end uint16) {
	start := float64(x.out[len(x.out)-1])
	step := (float64(end) - start) / float64(n)
	for i := 1; i <= n && len(x.out) < x.size; i++ {
		x.out = append(x.out, uint16(math.RoundToEven(start+float64(i)*step)))
	}
}

// target reads the byte offset of an indirect segment: 32 bits, in as many values as that takes.
func (x *expansion) target(at int) (index, length int) {
	length = 4 / x.offset
	if at+length > len(x.data) {
		return 0, 0
	}
	value := 0
	for i := range length {
		value |= int(x.data[at+i]) << (8 * x.offset * i)
	}
	return value / x.offset, length
}
