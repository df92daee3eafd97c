package part10

import (
	"github.com/noctis-dicom/noctis/dicom"
)

// Layout is where the values lie that are not kept in memory. Offsets count from the start of the file; those of a deflated data
// set (PS3.5 A.5) from the start of the inflated data set. Once made it is not changed: any number of goroutines may read it.
type Layout struct {
	Encoding Encoding
	DataSet  int64       // offset in the file where the data set begins; a zlib header before a deflated one is left out
	Bulk     []BulkValue // in the order of the file; Pixel Data of the top level is not among them
	Pixel    *PixelData  // nil: no Pixel Data, Float Pixel Data or Double Float Pixel Data at the top level, or an empty one
}

// Span is a run of bytes.
type Span struct{ Offset, Length int64 }

// BulkValue is a value that the data set holds as dicom.Bulk.
type BulkValue struct {
	Path string // dicom.BulkPath, the key under which it is asked for
	VR   dicom.VR
	Span     // the value as it lies in the stream; of an encapsulated one all items and the delimiter
	Word int // bytes of a word, where the value is big endian and its words are to be swapped; else 1
}

// Value finds a bulk value by its path; native Pixel Data of the top level is found too, encapsulated is not.
func (l *Layout) Value(path string) (BulkValue, bool) {
	for _, v := range l.Bulk {
		if v.Path == path {
			return v, true
		}
	}
	if p := l.Pixel; p != nil && !p.Encapsulated && p.Tag.String() == path {
		return BulkValue{Path: path, VR: p.VR, Span: p.Value, Word: p.Word}, true
	}
	return BulkValue{}, false
}

// PixelData is where the frames lie.
type PixelData struct {
	Tag            dicom.Tag // (7FE0,0010), (7FE0,0008) or (7FE0,0009)
	VR             dicom.VR
	Encapsulated   bool
	Value          Span      // the native value; for encapsulated data everything from the first item to the delimiter
	NumberOfFrames int       // frames that are really there, complete
	FrameBits      int64     // native: bits of one frame; frames follow each other without padding (PS3.5 8.1.1, 8.2)
	Word           int       // native: bytes to reverse, where samples are big endian: 2, 4 or 8; else 1
	Fragments      Fragments // encapsulated: the fragments, without the offset table

	firsts  []uint32 // encapsulated: the index of each frame's first fragment; nil: each fragment is a frame
	padding []uint8  // encapsulated: bytes at the end of each frame that do not belong to it; nil: none is known
}

// Frame is where one frame lies.
type Frame struct {
	Spans []Span // its bytes, in order; of a big endian value: those it has after its words have been swapped
	Shift int    // bits of the first byte that belong to the frame before, counted from the least significant (PS3.5 8.1.1)
	Bits  int64  // bits of the frame, from there on
}

// Frame locates a frame, counted from 1; false if it is not there.
func (p *PixelData) Frame(n int) (Frame, bool) {
	if n < 1 || n > p.NumberOfFrames {
		return Frame{}, false
	}
	if p.Encapsulated {
		return p.encapsulatedFrame(n - 1), true
	}
	first := int64(n-1) * p.FrameBits
	end := first + p.FrameBits
	span := Span{Offset: p.Value.Offset + first/8, Length: (end+7)/8 - first/8}
	return Frame{Spans: []Span{span}, Shift: int(first % 8), Bits: p.FrameBits}, true
}

func (p *PixelData) encapsulatedFrame(i int) Frame {
	from, to := i, i+1
	if p.firsts != nil {
		from, to = int(p.firsts[i]), p.Fragments.Len()
		if i+1 < len(p.firsts) {
			to = int(p.firsts[i+1])
		}
	}
	f := Frame{Spans: make([]Span, 0, to-from)}
	for j := from; j < to; j++ {
		f.Spans = append(f.Spans, p.Fragments.Span(j))
	}
	if p.padding != nil {
		f.Spans[len(f.Spans)-1].Length -= int64(p.padding[i])
	}
	for _, s := range f.Spans {
		f.Bits += 8 * s.Length
	}
	return f
}

// Fragments are the fragments of encapsulated pixel data. Each lies behind the one before and an item header of 8 bytes
// (PS3.5 A.4), so that four bytes are enough to keep each.
type Fragments struct {
	lengths []uint32
	marks   []int64 // the offset of each fragment whose index is a multiple of marked
}

const (
	itemHeader = 8
	marked     = 256
)

// Len returns the number of fragments.
func (f *Fragments) Len() int { return len(f.lengths) }

// Span returns the bytes of a fragment, counted from 0.
func (f *Fragments) Span(i int) Span {
	s := Span{Offset: f.marks[i/marked], Length: int64(f.lengths[i])}
	for _, n := range f.lengths[i/marked*marked : i] {
		s.Offset += int64(n) + itemHeader
	}
	return s
}

// add appends the fragment that begins at the offset.
func (f *Fragments) add(offset int64, length uint32) {
	if len(f.lengths)%marked == 0 {
		f.marks = append(f.marks, offset)
	}
	f.lengths = append(f.lengths, length)
}
