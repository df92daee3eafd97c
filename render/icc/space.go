// Package icc converts the colors of pictures between the spaces that PS3.18 8.3.5.1.5 names and those that ICC profiles (ISO 15076-1,
// versions 2 and 4) describe.
//
// A conversion goes by way of the profile connection space, CIE XYZ relative to D50, and is relatively colorimetric: white becomes white,
// and a color that the other space does not have becomes the nearest on each of its three axes. space.go has the spaces and makes
// profiles of them, profile.go reads profiles, curve.go and table.go what is in them, convert.go does the pixels. The package knows
// nothing of DICOM.
package icc

import (
	"encoding/binary"
	"math"
)

// Space is a color space of three primaries with one tone curve.
type Space struct {
	primaries
	name  string
	curve []byte // curveType
	back  matrix // from XYZ
	*encoder
}

// The spaces of PS3.18 8.3.5.1.5.
var (
	// SRGB is that of IEC 61966-2-1.
	SRGB = newSpace("sRGB IEC61966-2.1", matrix{
		{0.43607, 0.38515, 0.14307},
		{0.22249, 0.71687, 0.06061},
		{0.01392, 0.09708, 0.71410},
	}, sampledCurve, func(v float64) float64 {
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	})
	// AdobeRGB is that of Adobe RGB (1998).
	AdobeRGB = newSpace("Adobe RGB (1998)", matrix{
		{0.60974, 0.20528, 0.14919},
		{0.31111, 0.62567, 0.06322},
		{0.01947, 0.06087, 0.74457},
	}, gammaCurve(adobeGamma), func(v float64) float64 { return math.Pow(v, adobeGamma/256.0) })
	// ROMMRGB is that of ISO 22028-2.
	ROMMRGB = newSpace("ROMM RGB: ISO 22028-2", matrix{
		{0.79767, 0.13519, 0.03134},
		{0.28804, 0.71188, 0.00009},
		{0.00000, 0.00000, 0.82491},
	}, sampledCurve, func(v float64) float64 {
		if v < 16.0/512 {
			return v / 16
		}
		return math.Pow(v, 1.8)
	})
)

// adobeGamma is the exponent of Adobe RGB (1998) in 256ths, 2.19921875.
const adobeGamma = 563

func newSpace(name string, columns matrix, encoded func(linear func(float64) float64) []byte, linear func(float64) float64) *Space {
	s := &Space{name: name, curve: encoded(linear), back: columns.inverse(), encoder: newEncoder(linear)}
	s.matrix = columns
	for i := range s.linear {
		for v := range s.linear[i] {
			s.linear[i][v] = linear(float64(v) / math.MaxUint8)
		}
	}
	return s
}

// curveEntries are the entries of a tone curve in a profile.
const curveEntries = 1024

// sampledCurve is a curveType of a table.
func sampledCurve(linear func(float64) float64) []byte {
	b := binary.BigEndian.AppendUint32(append([]byte("curv"), 0, 0, 0, 0), curveEntries)
	for i := range curveEntries {
		b = binary.BigEndian.AppendUint16(b, uint16(linear(float64(i)/(curveEntries-1))*math.MaxUint16+0.5))
	}
	return b
}

// gammaCurve is a curveType of an exponent in 256ths.
func gammaCurve(exponent uint16) func(func(float64) float64) []byte {
	return func(func(float64) float64) []byte {
		return binary.BigEndian.AppendUint16([]byte{'c', 'u', 'r', 'v', 0, 0, 0, 0, 0, 0, 0, 1}, exponent)
	}
}

// white is the D50 of the profile connection space.
var white = [3]float64{0.9642, 1, 0.8249}

// Profile makes an ICC profile of version 2 of the space: three primaries and their curve.
func (s *Space) Profile() []byte {
	const copyright = "No copyright, use freely"
	description := binary.BigEndian.AppendUint32(append([]byte("desc"), 0, 0, 0, 0), uint32(len(s.name)+1))
	description = append(append(description, s.name...), make([]byte, 1+4+4+2+1+67)...) // no Unicode, no ScriptCode
	primary := func(i int) []byte { return xyzType(s.matrix[0][i], s.matrix[1][i], s.matrix[2][i]) }
	return assemble([]tag{
		{"desc", description}, {"cprt", append(append([]byte("text"), 0, 0, 0, 0), copyright+"\x00"...)},
		{"wtpt", xyzType(white[0], white[1], white[2])}, {"rXYZ", primary(0)}, {"gXYZ", primary(1)}, {"bXYZ", primary(2)},
		{"rTRC", s.curve}, {"gTRC", s.curve}, {"bTRC", s.curve},
	})
}

// xyzType is an XYZType of one value, in 16.16 fixed point.
func xyzType(x, y, z float64) []byte {
	b := append([]byte("XYZ "), 0, 0, 0, 0)
	for _, v := range []float64{x, y, z} {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*(1<<16)))))
	}
	return b
}

// tag is an entry of a profile's table.
type tag struct {
	signature string
	data      []byte
}

// The header of a profile, and an entry of the table of tags that follows it.
const (
	headerSize = 128
	entrySize  = 12
)

// assemble puts a profile for displays together: header, table of tags, data. Tags of the same data share it.
func assemble(tags []tag) []byte {
	b := make([]byte, headerSize, 4096)
	b[8] = 2 // version 2.1
	b[9] = 0x10
	copy(b[12:], "mntrRGB XYZ ")
	for i, v := range []uint16{2026, 1, 1, 0, 0, 0} {
		binary.BigEndian.PutUint16(b[24+2*i:], v)
	}
	copy(b[36:], "acsp")
	copy(b[68:], xyzType(white[0], white[1], white[2])[8:])
	b = binary.BigEndian.AppendUint32(b, uint32(len(tags)))
	var data []byte
	start, from := headerSize+4+entrySize*len(tags), 0
	for i, t := range tags {
		if i == 0 || &t.data[0] != &tags[i-1].data[0] {
			data = append(data, make([]byte, -len(data)&3)...)
			from = start + len(data)
			data = append(data, t.data...)
		}
		b = append(b, t.signature...)
		b = binary.BigEndian.AppendUint32(b, uint32(from))
		b = binary.BigEndian.AppendUint32(b, uint32(len(t.data)))
	}
	b = append(b, data...)
	b = append(b, make([]byte, -len(b)&3)...)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}
