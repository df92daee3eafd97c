package render

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// LUT is a lookup table (PS3.3 C.11.1.1, C.11.2.1.1): the entry for the input value First, for First+1, and so on. Inputs below
// First are mapped as First is, those beyond the table as the last one is.
type LUT struct {
	First   int
	Bits    int // of an entry; the output is 0 to 2^Bits-1
	Entries []uint16
}

// at maps an input, which is rounded to an integer.
func (l *LUT) at(x float64) float64 {
	i := math.Floor(x+0.5) - float64(l.First)
	last := float64(len(l.Entries) - 1)
	if !(i > 0) { // below, or NaN
		i = 0
	}
	return float64(l.Entries[int(min(i, last))])
}

// max is the greatest output that the table could have.
func (l *LUT) max() float64 { return float64(uint32(1)<<l.Bits - 1) }

// descriptor is a LUT Descriptor (PS3.3 C.11.1.1.1) or Palette Color Lookup Table Descriptor (C.7.6.3.1.5).
type descriptor struct{ entries, first, bits int }

// readDescriptor reads three values. The second is signed or not as the samples are, whichever VR the file has for it.
func readDescriptor(ds *dicom.DataSet, t dicom.Tag, name string, signed bool) (descriptor, error) {
	n := numbers(ds, t)
	if len(n) != 3 {
		return descriptor{}, fmt.Errorf("%s: the descriptor has %d values, want 3", name, len(n))
	}
	d := descriptor{int(represent(n[0], false)), int(represent(n[1], signed)), int(represent(n[2], false))}
	if d.entries == 0 { // 65536 does not fit into 16 bits
		d.entries = 1 << 16
	}
	if d.entries < 0 || d.entries > 1<<16 || d.bits < 8 || d.bits > 16 {
		return descriptor{}, fmt.Errorf("%s: a table of %d entries of %d bits", name, d.entries, d.bits)
	}
	return d, nil
}

// lut reads an item of a Modality or VOI LUT Sequence.
func (r reader) lut(item *dicom.DataSet, name string, signed bool) (*LUT, error) {
	d, err := readDescriptor(item, dicom.LUTDescriptor, name, signed)
	if err != nil {
		return nil, err
	}
	entries, err := r.entries(item, dicom.LUTData, name, d)
	if err != nil {
		return nil, err
	}
	l := &LUT{First: d.first, Bits: d.bits, Entries: entries}
	// Files say 8 bits and have 16. A table that goes beyond by one bit only has rounded its last entries up.
	if needed := bits.Len16(slices.Max(entries)); d.bits == 8 && needed > 9 {
		l.Bits = needed
	}
	for i, e := range entries {
		entries[i] = min(e, uint16(l.max()))
	}
	return l, nil
}

// entries reads the data of a table: words of 16 bits, or bytes where that is the length. The result is the caller's.
func (r reader) entries(ds *dicom.DataSet, t dicom.Tag, name string, d descriptor) ([]uint16, error) {
	e, _ := ds.Get(t)
	var entries []uint16
	switch v := e.Value.(type) {
	case dicom.Ints:
		for _, n := range v {
			entries = append(entries, uint16(n))
		}
	case dicom.Bytes, dicom.Bulk:
		b, err := r.bytes(v, t, name)
		if err != nil {
			return nil, err
		}
		if n := d.entries; d.bits == 8 && (len(b) == n || len(b) == n+1) {
			for _, c := range b[:n] {
				entries = append(entries, uint16(c))
			}
		} else {
			entries = words(b)
		}
	}
	if len(entries) < d.entries {
		return nil, fmt.Errorf("%s: expected %d entries, found %d", name, d.entries, len(entries))
	}
	return entries[:d.entries], nil
}

// bytes returns the bytes of a binary value, wherever they are.
func (r reader) bytes(v dicom.Value, t dicom.Tag, name string) ([]byte, error) {
	switch v := v.(type) {
	case dicom.Bytes:
		return v, nil
	case dicom.Bulk:
		if r.bulk == nil {
			return nil, fmt.Errorf("%s: the data of element %s is not in the data set (see DescribeWithBulk)", name, t)
		}
		b, err := r.bulk(v.URI)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return b, nil
	}
	return nil, nil
}
