// Package pixel describes the image of a data set (PS3.3 C.7.6.3, Image Pixel Module) and holds the samples of one frame.
package pixel

import (
	"github.com/noctis-dicom/noctis/dicom"
)

// Description is the Image Pixel Module of a data set, checked: what a frame's samples are.
type Description struct {
	Rows, Columns int // 1 to 65535
	Samples       int // Samples per Pixel: 1, 3 (4 in retired forms)
	BitsAllocated int // 1, 8, 16, 32; 32 or 64 for float samples
	BitsStored    int
	HighBit       int
	Signed        bool // Pixel Representation 1
	Float         bool // Float or Double Float Pixel Data
	Planar        bool // Planar Configuration 1
	Photometric   string
	Frames        int // Number of Frames, at least 1
}

// Pixels is Rows times Columns.
func (d Description) Pixels() int { return d.Rows * d.Columns }

// Values is the number of samples of a frame: Rows times Columns times Samples.
func (d Description) Values() int { return d.Rows * d.Columns * d.Samples }

// Frame holds the samples of one frame, interleaved by pixel (R1 G1 B1 R2 …), row by row. Exactly one of the slices is set,
// Rows*Columns*Samples long. Description says what the samples are now: after decoding, Planar is false, and Photometric is
// that of the samples (a JPEG of YBR_FULL_422 has become RGB or YBR_FULL, as documented by the decoder). Integer samples are
// cut to Bits Stored and sign-extended where Signed: a negative sample of 16 bits is its two's complement in U16.
type Frame struct {
	Description
	U8  []uint8
	U16 []uint16
	U32 []uint32
	F32 []float32
	F64 []float64
}

// Describe reads the Image Pixel Module. An absent or impossible attribute is an error that names it. Absent Samples per Pixel,
// Photometric Interpretation, Bits Stored, High Bit, Pixel Representation, Planar Configuration and Number of Frames have
// defaults. Whether samples are floating point numbers shows in which of (7FE0,0008), (7FE0,0009) and (7FE0,0010) is there; a
// data set with none of them is described as one of integers.
func Describe(ds *dicom.DataSet) (Description, error) {
	return describe(ds)
}
