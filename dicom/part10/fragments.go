package part10

import (
	"bytes"
	"encoding/binary"

	"github.com/noctis-dicom/noctis/dicom"
)

// pixelScan is what a scan learns of pixel data on the way, until the whole data set tells what it means.
type pixelScan struct {
	basic    []uint64 // Basic Offset Table
	extended []uint64 // Extended Offset Table (7FE0,0001)
	lengths  []uint64 // Extended Offset Table Lengths (7FE0,0002)
	begins   bitset   // which fragments begin like a codestream
	jpegXL   bool     // two bytes are enough for that
}

type bitset []uint64

func (b *bitset) set(i int) {
	for len(*b) <= i/64 {
		*b = append(*b, 0)
	}
	(*b)[i/64] |= 1 << (i % 64)
}

func (b bitset) has(i int) bool { return i/64 < len(b) && b[i/64]&(1<<(i%64)) != 0 }

// isPixelTag reports whether the tag is one of those that hold the pixels of an instance (PS3.3 C.7.6.3, C.7.6.24, C.7.6.25).
func isPixelTag(t dicom.Tag) bool {
	return t == dicom.PixelData || t == dicom.FloatPixelData || t == dicom.DoubleFloatPixelData
}

// pixelData reads the pixels of the top level. Only the first of several such elements is that of the instance.
func (s *scanner) pixelData(l *level, h header, e dicom.Element) (dicom.Element, bool, error) {
	p := &PixelData{Tag: h.tag, VR: e.VR, Word: 1, Value: Span{s.in.offset, int64(h.length)}}
	if e.VR == dicom.UN {
		p.VR = dicom.OW
	}
	ts, known := dicom.TransferSyntaxOf(s.file.TransferSyntax)
	s.pixels.jpegXL = !known || ts.MediaType == "image/jxl"
	var err error
	switch first := s.file.Layout.Pixel; {
	case first != nil:
		s.warn(l, h.tag, "a second element of pixel data is left out")
		if h.undefined() {
			_, err = s.fragments(l, h, -1, nil)
		} else {
			err = s.discard(l, h)
		}
		return e, false, err
	case h.undefined():
		p.Encapsulated, p.VR = true, dicom.OB
		p.Value, err = s.fragments(l, h, -1, p)
	case ts.Encapsulated && beginsItem(s.in.peek(itemHeader), l.enc):
		s.warn(l, h.tag, "encapsulated pixel data of defined length")
		p.Encapsulated, p.VR = true, dicom.OB
		p.Value, err = s.fragments(l, h, s.in.offset+int64(h.length), p)
	default:
		if l.enc.BigEndian && h.vr != dicom.UN {
			p.Word = wordSize(p.VR)
		}
		err = s.discard(l, h)
	}
	s.file.Layout.Pixel = p
	return dicom.Element{Tag: h.tag, VR: p.VR, Value: dicom.Bulk{URI: bulkPrefix + h.tag.String()}}, true, err
}

// fragments reads an encapsulated value: items of bytes up to a delimiter, or to end where that is not -1 (PS3.5 A.4). The first
// item is the offset table; it and the fragments are noted in p, unless p is nil. The span is that of all items and the
// delimiter.
func (s *scanner) fragments(l *level, h header, end int64, p *PixelData) (Span, error) {
	span := Span{Offset: s.in.offset}
	for n := -1; end < 0 || s.in.offset < end; n++ {
		b := s.in.peek(itemHeader)
		if len(b) == 0 && end < 0 && p != nil && n > 0 && s.endsWith(l, h.tag) {
			break
		}
		if len(b) < itemHeader {
			return span, s.broken(l, h.tag, s.in.err)
		}
		item, _ := parseHeader(b, l.enc)
		switch {
		case item.tag == dicom.SequenceDelimitationItem:
			err := s.in.skip(itemHeader)
			span.Length = s.in.offset - span.Offset
			return span, err
		case item.tag != dicom.Item:
			return span, s.fail(l, h.tag, Malformed, "something else than a fragment in encapsulated data")
		case item.undefined():
			return span, s.fail(l, h.tag, Malformed, "a fragment of undefined length")
		case n >= s.limits.Fragments:
			return span, s.fail(l, h.tag, LimitExceeded, "too many fragments")
		}
		if err := s.fragment(l, header{tag: h.tag, length: item.length}, n, p); err != nil {
			return span, err
		}
	}
	span.Length = s.in.offset - span.Offset
	return span, nil
}

// fragment reads one item of an encapsulated value, its header included; n is -1 for the offset table.
func (s *scanner) fragment(l *level, h header, n int, p *PixelData) (err error) {
	if err := s.in.skip(itemHeader); err != nil {
		return err
	}
	switch {
	case p == nil:
	case n < 0:
		s.pixels.basic, err = s.basicOffsets(l, h)
		return err
	default:
		if err := s.keep(l, h.tag, fragmentCost); err != nil {
			return err
		}
		p.Fragments.add(s.in.offset, h.length)
		if beginsCodestream(s.in.peek(int(min(h.length, 12))), s.pixels.jpegXL) {
			s.pixels.begins.set(n)
		}
	}
	return s.discard(l, h)
}

// basicOffsets reads the Basic Offset Table.
func (s *scanner) basicOffsets(l *level, h header) ([]uint64, error) {
	if int64(h.length) > 4*int64(s.limits.Fragments) {
		return nil, s.fail(l, h.tag, LimitExceeded, "the Basic Offset Table is too long")
	}
	b, err := s.bytes(l, h, 2*int64(h.length))
	if err != nil {
		return nil, err
	}
	offsets := make([]uint64, len(b)/4)
	for i := range offsets {
		offsets[i] = uint64(l.enc.order().Uint32(b[4*i:]))
	}
	return offsets, nil
}

// offsets reads (7FE0,0001) or (7FE0,0002), which are needed whatever becomes of them in the data set.
func (s *scanner) offsets(l *level, h header, vr dicom.VR, enc Encoding) (dicom.Value, error) {
	if int64(h.length) > 8*int64(s.limits.Fragments) {
		return nil, s.fail(l, h.tag, LimitExceeded, "the Extended Offset Table is too long")
	}
	span := Span{s.in.offset, int64(h.length)}
	b, err := s.bytes(l, h, 2*int64(h.length))
	if err != nil {
		return nil, err
	}
	values := make([]uint64, len(b)/8)
	for i := range values {
		values[i] = enc.order().Uint64(b[8*i:])
	}
	if h.tag == dicom.ExtendedOffsetTable {
		s.pixels.extended = values
	} else {
		s.pixels.lengths = values
	}
	word := 1
	if enc.BigEndian {
		word = wordSize(vr)
	}
	if len(b) > s.limits.Inline {
		return s.bulk(l, h.tag, vr, span, word)
	}
	return dicom.Bytes(swapped(b, word)), nil
}

// codestreams are the first bytes of what is encoded in fragments: JPEG and JPEG-LS (SOI and a marker), JPEG 2000 and HTJ2K (SOC,
// SIZ), their JP2 container, which some writers leave around them, and the container of JPEG XL.
var codestreams = [...]string{
	"\xFF\xD8\xFF",
	"\xFF\x4F\xFF\x51",
	"\x00\x00\x00\x0CjP  \r\n\x87\n",
	"\x00\x00\x00\x0CJXL \r\n\x87\n",
}

// beginsCodestream reports whether a fragment that begins with b begins a frame, as far as its bytes tell. The codestreams of
// JPEG XL begin with two bytes, too few to take them for that where the transfer syntax is known to be another.
func beginsCodestream(b []byte, jpegXL bool) bool {
	if jpegXL && bytes.HasPrefix(b, []byte("\xFF\x0A")) {
		return true
	}
	for _, c := range codestreams {
		if bytes.HasPrefix(b, []byte(c)) {
			return true
		}
	}
	// The header of RLE: the number of segments, and the offset of the first, which is the length of the header (PS3.5 G.5).
	if len(b) < 8 {
		return false
	}
	segments := binary.LittleEndian.Uint32(b)
	return segments >= 1 && segments <= 15 && binary.LittleEndian.Uint32(b[4:]) == 64
}
