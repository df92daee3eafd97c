package pixel

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// describe reads the attributes in the order of PS3.3 Table C.7-11a. What is absent gets a default where only one is sound;
// what contradicts itself is an error, because a guess would show a wrong picture.
func describe(ds *dicom.DataSet) (Description, error) {
	var d Description
	if err := d.readMatrix(ds); err != nil {
		return Description{}, err
	}
	if err := d.readColor(ds); err != nil {
		return Description{}, err
	}
	if err := d.readBits(ds); err != nil {
		return Description{}, err
	}
	if d.BitsAllocated == 1 && d.Samples != 1 {
		return Description{}, fmt.Errorf("Bits Allocated (0028,0100) is 1 with %d Samples per Pixel (0028,0002)", d.Samples)
	}
	if d.Float && d.Samples != 1 {
		return Description{}, fmt.Errorf("Samples per Pixel (0028,0002) is %d with float samples", d.Samples)
	}
	return d, nil
}

// readMatrix reads Rows, Columns and Number of Frames.
func (d *Description) readMatrix(ds *dicom.DataSet) (err error) {
	if d.Rows, err = required(ds, dicom.Rows, "Rows (0028,0010)", 1, math.MaxUint16); err != nil {
		return err
	}
	if d.Columns, err = required(ds, dicom.Columns, "Columns (0028,0011)", 1, math.MaxUint16); err != nil {
		return err
	}
	d.Frames = 1
	if n := frames(ds); n > math.MaxInt32 {
		return fmt.Errorf("Number of Frames (0028,0008) is %d, more than an IS can hold", n)
	} else if n > 1 {
		d.Frames = int(n)
	}
	return nil
}

// readColor reads Samples per Pixel, Photometric Interpretation and Planar Configuration. Of the first two, one that is absent
// follows from the other.
func (d *Description) readColor(ds *dicom.DataSet) (err error) {
	d.Photometric = strings.Clone(strings.ToUpper(strings.TrimSpace(ds.String(dicom.PhotometricInterpretation)))) // frames that are kept outlive data sets
	wanted := samplesOf(d.Photometric)
	d.Samples, err = optional(ds, dicom.SamplesPerPixel, "Samples per Pixel (0028,0002)", 1, 4, max(wanted, 1))
	if err != nil {
		return err
	}
	if d.Samples == 2 {
		return errors.New("Samples per Pixel (0028,0002) is 2: want 1, 3 or 4")
	}
	if d.Photometric == "" {
		d.Photometric = map[int]string{1: "MONOCHROME2", 3: "RGB", 4: "CMYK"}[d.Samples]
	} else if wanted != 0 && wanted != d.Samples {
		return fmt.Errorf("Samples per Pixel (0028,0002) is %d, but Photometric Interpretation (0028,0004) %s has %d",
			d.Samples, d.Photometric, wanted)
	}
	if d.Samples > 1 {
		planar, err := optional(ds, dicom.PlanarConfiguration, "Planar Configuration (0028,0006)", 0, 1, 0)
		if err != nil {
			return err
		}
		d.Planar = planar == 1
	}
	return nil
}

// samplesOf returns how many samples the Photometric Interpretation has (PS3.3 C.7.6.3.1.2), 0 if it is not known.
func samplesOf(photometric string) int {
	switch photometric {
	case "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR":
		return 1
	case "RGB", "HSV", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT", "XYB":
		return 3
	case "ARGB", "CMYK":
		return 4
	}
	return 0
}

// readBits reads Bits Allocated, Bits Stored, High Bit and Pixel Representation, and finds out whether the samples are
// floating point numbers (PS3.3 C.7.6.24, C.7.6.25), which have none of the last three.
func (d *Description) readBits(ds *dicom.DataSet) (err error) {
	if bits := floatBits(ds); bits != 0 {
		d.Float, d.BitsStored, d.HighBit = true, bits, bits-1
		d.BitsAllocated, err = optional(ds, dicom.BitsAllocated, "Bits Allocated (0028,0100)", bits, bits, bits)
		return err
	}
	d.BitsAllocated, err = required(ds, dicom.BitsAllocated, "Bits Allocated (0028,0100)", 1, 32)
	if err != nil {
		return err
	}
	switch d.BitsAllocated {
	case 1, 8, 16, 32:
	default:
		return fmt.Errorf("Bits Allocated (0028,0100) is %d: want 1, 8, 16 or 32", d.BitsAllocated)
	}
	// A file without High Bit means the usual place, right-aligned; one without Bits Stored means all the bits up to High Bit.
	highest, err := optional(ds, dicom.HighBit, "High Bit (0028,0102)", 0, d.BitsAllocated-1, d.BitsAllocated-1)
	if err != nil {
		return err
	}
	d.BitsStored, err = optional(ds, dicom.BitsStored, "Bits Stored (0028,0101)", 1, d.BitsAllocated, highest+1)
	if err != nil {
		return err
	}
	if d.HighBit = d.BitsStored - 1; present(ds, dicom.HighBit) {
		d.HighBit = highest
	}
	if d.HighBit < d.BitsStored-1 {
		return fmt.Errorf("High Bit (0028,0102) is %d, too low for %d Bits Stored (0028,0101)", d.HighBit, d.BitsStored)
	}
	sign, err := optional(ds, dicom.PixelRepresentation, "Pixel Representation (0028,0103)", 0, 1, 0)
	d.Signed = sign == 1
	return err
}

// floatBits returns the width of floating point samples, 0 if the samples are integers.
func floatBits(ds *dicom.DataSet) int {
	switch {
	case ds.Has(dicom.PixelData):
		return 0
	case ds.Has(dicom.FloatPixelData):
		return 32
	case ds.Has(dicom.DoubleFloatPixelData):
		return 64
	}
	return 0
}

// required reads an integer that must be there and within [low, high].
func required(ds *dicom.DataSet, t dicom.Tag, name string, low, high int) (int, error) {
	if !present(ds, t) {
		return 0, fmt.Errorf("%s is absent", name)
	}
	return optional(ds, t, name, low, high, 0)
}

// optional reads an integer that must be within [low, high] if it is there.
func optional(ds *dicom.DataSet, t dicom.Tag, name string, low, high, absent int) (int, error) {
	if !present(ds, t) {
		return absent, nil
	}
	e, _ := ds.Get(t)
	n, ok := integer(e.Value)
	if !ok {
		return 0, fmt.Errorf("%s is not a number", name)
	}
	if n < int64(low) || n > int64(high) {
		return 0, fmt.Errorf("%s is %d: want %d to %d", name, n, low, high)
	}
	return int(n), nil
}

// present reports whether the element is there with a value.
func present(ds *dicom.DataSet, t dicom.Tag) bool {
	e, found := ds.Get(t)
	return found && e.Value != nil
}

// integer returns the first value of an element whose VR should be US, but may be another one in files of careless writers.
func integer(v dicom.Value) (int64, bool) {
	switch v := v.(type) {
	case dicom.Ints:
		if len(v) > 0 {
			return v[0], true
		}
	case dicom.Uints:
		if len(v) > 0 && v[0] <= math.MaxInt64 {
			return int64(v[0]), true
		}
	case dicom.Strings:
		if len(v) > 0 {
			n, err := strconv.ParseInt(strings.TrimSpace(v[0]), 10, 64)
			return n, err == nil
		}
	case dicom.Bytes: // UN
		switch len(v) {
		case 2:
			return int64(v[0]) | int64(v[1])<<8, true
		case 4:
			return int64(v[0]) | int64(v[1])<<8 | int64(v[2])<<16 | int64(v[3])<<24, true
		}
	}
	return 0, false
}

// frames reads Number of Frames as far as it is a number: files say "1A", " 2.0" and "", and their first digits are right.
func frames(ds *dicom.DataSet) int64 {
	e, _ := ds.Get(dicom.NumberOfFrames)
	s, isText := e.Value.(dicom.Strings)
	if !isText || len(s) == 0 {
		n, _ := integer(e.Value)
		return n
	}
	digits := strings.TrimPrefix(strings.TrimSpace(s[0]), "+")
	for i, c := range digits {
		if c < '0' || c > '9' {
			digits = digits[:i]
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return math.MaxInt64
	}
	return n
}
