package part10

import (
	"github.com/noctis-dicom/noctis/dicom"
)

// Layout is where the values lie that are not kept in memory. Offsets count from the start of the file; those of a deflated data
// set (PS3.5 A.5) from the start of the inflated data set.
type Layout struct {
	Encoding Encoding
	DataSet  int64 // offset in the file of the first byte after the File Meta Information
	Bulk     []BulkValue
	Pixel    *PixelData // nil: no Pixel Data, Float Pixel Data or Double Float Pixel Data at the top level
}

// Span is a run of bytes.
type Span struct{ Offset, Length int64 }

// BulkValue is a value that the data set holds as dicom.Bulk.
type BulkValue struct {
	Path string // dicom.BulkPath, the key under which it is asked for
	VR   dicom.VR
	Span
}

// PixelData is where the frames lie.
type PixelData struct {
	Tag            dicom.Tag // (7FE0,0010), (7FE0,0008) or (7FE0,0009)
	VR             dicom.VR
	Encapsulated   bool
	Value          Span    // the native value; for encapsulated data everything from the first item to the delimiter
	Fragments      []Span  // encapsulated: the bytes of each fragment, without the offset table
	FirstFragments []int   // encapsulated: for each frame the index of its first fragment
	NumberOfFrames int     // frames that are really there
	FrameBits      int64   // native: bits of one frame; frames follow each other without padding (PS3.5 8.1.1, 8.2)
	BigEndian      bool    // native: words are big endian
	Extended       []int64 // Extended Offset Table Lengths, where the file has one (PS3.3 C.7.6.3.1.8); a frame's bytes end there
}
