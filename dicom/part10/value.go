package part10

import (
	"bytes"
	"math"

	"github.com/noctis-dicom/noctis/dicom"
)

// longNumbers is the length from which on numbers are kept out of memory like binary values.
const longNumbers = 1 << 20

// manyValues is from what size of a data set on all arrays of numbers are kept out of memory, however much may be in it.
const manyValues = 64 << 20

// leaves reports whether numbers stay in the file, as PS3.18 10.4.3.3.2 allows for all VRs of numbers but AT: because they are
// many, or because the memory for values is running out, which a structure set of many contours would else be refused for. Beyond manyValues
// that does not depend on what is left: a file that is read again by other limits is to be read alike.
func (s *scanner) leaves(l *level, h header) bool {
	return !l.meta && (h.length > longNumbers || s.unfolded > min(s.limits.Header/2, manyValues) && int64(h.length) > int64(s.limits.Inline))
}

// value reads the value of an element. keep is false for what does not belong into a data set: group lengths, which mean
// nothing any more (PS3.5 7.2), and group 0002 outside of the File Meta Information.
func (s *scanner) value(l *level, h header) (e dicom.Element, keep bool, err error) {
	e = dicom.Element{Tag: h.tag, VR: h.vr}
	alien := !l.meta && (h.tag.IsGroupLength() || h.tag.Group() == 2)
	if alien && !h.undefined() {
		return e, false, s.discard(l, h)
	}
	order, perSign := l.enc, false
	if h.vr == "" || h.vr == dicom.UN {
		e.VR, perSign = vrOfTag(h.tag)
	}
	if h.vr == dicom.UN && !l.enc.ImplicitVR { // PS3.5 6.2.2: UN is implicit VR little endian, whatever surrounds it
		if !h.junk {
			order = Encoding{ImplicitVR: true}
		}
		if !h.undefined() && !s.retypes(e.VR, h) {
			e.VR, perSign = dicom.UN, false
		}
	}
	switch {
	case l.up == nil && !l.meta && isPixelTag(h.tag) && (h.length > 0 || h.undefined()):
		return s.pixelData(l, h, e)
	case h.undefined():
		e, err = s.undefinedValue(l, h, e)
		return e, !alien, err
	case e.VR == dicom.SQ:
		enc := l.enc
		if h.vr == dicom.UN {
			enc = s.unknownEncoding(l, h)
		}
		e.Value, err = s.sequence(l, h, enc)
		return e, true, err
	case h.length == 0:
	case l.up == nil && (h.tag == dicom.ExtendedOffsetTable || h.tag == dicom.ExtendedOffsetTableLengths):
		e.Value, err = s.offsets(l, h, e.VR, order)
	case e.VR.IsBinary():
		e.Value, err = s.binary(l, h, e.VR, order)
	case e.VR.IsText():
		e.Value, err = s.textual(l, h, e.VR)
	default:
		e, err = s.numbers(l, h, e, order)
	}
	if err != nil {
		return e, true, err
	}
	switch {
	case h.tag == dicom.SpecificCharacterSet:
		l.text.declare(e.Value)
	case h.tag == dicom.PixelRepresentation:
		l.noteSign(e)
	case perSign && e.VR == dicom.US:
		e = l.perSign(e)
	}
	return e, true, nil
}

// retypes reports whether the value of a UN element can be read under the VR that the dictionary has for it.
func (s *scanner) retypes(vr dicom.VR, h header) bool {
	switch {
	case vr == dicom.SQ:
		b := s.in.peek(itemHeader)
		return h.length == 0 || h.length >= itemHeader && (beginsItem(b, Encoding{}) || beginsItem(b, Encoding{BigEndian: true}))
	case vr.IsText():
		return true
	}
	return h.length%uint32(unitSize(vr)) == 0
}

// undefinedValue reads a value of undefined length other than the pixel data: a sequence, or items of bytes (PS3.5 A.4).
func (s *scanner) undefinedValue(l *level, h header, e dicom.Element) (dicom.Element, error) {
	var err error
	switch {
	case h.vr == dicom.OB || h.vr == dicom.OW || e.VR == dicom.OB || e.VR == dicom.OW:
		var span Span
		if span, err = s.fragments(l, h, -1, nil); err == nil {
			e.Value, err = s.bulk(l, h.tag, dicom.OB, span, 1)
		}
		e.VR = dicom.OB
		return e, err
	case e.VR != dicom.SQ && e.VR != dicom.UN:
		if !beginsItem(s.in.peek(itemHeader), l.enc) {
			return e, s.fail(l, h.tag, Malformed, "undefined length under a VR that cannot have it")
		}
		s.warn(l, h.tag, "a sequence under another VR")
	}
	enc := l.enc
	if h.vr == dicom.UN {
		enc = s.unknownEncoding(l, h)
	}
	e.VR = dicom.SQ
	e.Value, err = s.sequence(l, h, enc)
	return e, err
}

// binary reads a value of bytes into memory, or leaves it where it is.
func (s *scanner) binary(l *level, h header, vr dicom.VR, enc Encoding) (dicom.Value, error) {
	word := 1
	if enc.BigEndian {
		word = wordSize(vr)
	}
	if int64(h.length) > int64(s.limits.Inline) && !l.meta {
		return s.left(l, h, vr, word)
	}
	b, err := s.bytes(l, h, 7*int64(h.length)/3) // with its Base64
	if err != nil {
		return nil, err
	}
	return dicom.Bytes(swapped(b, word)), nil
}

func (s *scanner) textual(l *level, h header, vr dicom.VR) (dicom.Value, error) {
	if (vr == dicom.DS || vr == dicom.IS) && s.leaves(l, h) {
		return s.left(l, h, vr, 1)
	}
	cost := 2 * int64(h.length) // with its DICOM JSON
	if h.length > bufferSize {
		cost += int64(h.length) // it is copied on the way
	}
	b, err := s.bytes(l, h, cost)
	if err != nil {
		return nil, err
	}
	if !vr.IsSingleText() { // a string header for each value, and there can be as many as bytes
		if err := s.keep(l, h.tag, 16*int64(bytes.Count(b, []byte{'\\'}))); err != nil {
			return nil, err
		}
	}
	return l.text.decode(vr, b), nil
}

// numbers reads a value of fixed-size units. One that is not a whole number of them becomes UN, so that no byte is lost.
func (s *scanner) numbers(l *level, h header, e dicom.Element, enc Encoding) (dicom.Element, error) {
	unit := int64(unitSize(e.VR))
	switch {
	case int64(h.length)%unit != 0:
		s.warn(l, h.tag, "a length that is no multiple of what its VR has")
		e.VR = dicom.UN
		var err error
		e.Value, err = s.binary(l, h, e.VR, enc)
		return e, err
	case e.VR != dicom.AT && s.leaves(l, h):
		word := 1
		if enc.BigEndian {
			word = int(unit)
		}
		var err error
		e.Value, err = s.left(l, h, e.VR, word)
		return e, err
	}
	b, err := s.bytes(l, h, int64(h.length)/unit*16) // with its DICOM JSON
	if err == nil {
		e.Value = numbersOf(e.VR, b, enc.order())
	}
	return e, err
}

// unitSize is the number of bytes of one value of a VR of numbers; 1 for all others.
func unitSize(vr dicom.VR) int {
	if vr == dicom.AT {
		return 4
	}
	return wordSize(vr)
}

// numbersOf decodes b, a whole number of units.
func numbersOf(vr dicom.VR, b []byte, o byteOrder) dicom.Value {
	n := len(b) / unitSize(vr)
	switch vr {
	case dicom.AT:
		v := make(dicom.Tags, n)
		for i := range v {
			v[i] = dicom.NewTag(o.Uint16(b[4*i:]), o.Uint16(b[4*i+2:]))
		}
		return v
	case dicom.UV:
		v := make(dicom.Uints, n)
		for i := range v {
			v[i] = o.Uint64(b[8*i:])
		}
		return v
	case dicom.FL, dicom.FD:
		v := make(dicom.Floats, n)
		for i := range v {
			if vr == dicom.FL {
				v[i] = float64(math.Float32frombits(o.Uint32(b[4*i:])))
			} else {
				v[i] = math.Float64frombits(o.Uint64(b[8*i:]))
			}
		}
		return v
	}
	v := make(dicom.Ints, n)
	for i := range v {
		switch vr {
		case dicom.US:
			v[i] = int64(o.Uint16(b[2*i:]))
		case dicom.SS:
			v[i] = int64(int16(o.Uint16(b[2*i:])))
		case dicom.UL:
			v[i] = int64(o.Uint32(b[4*i:]))
		case dicom.SL:
			v[i] = int64(int32(o.Uint32(b[4*i:])))
		default: // SV
			v[i] = int64(o.Uint64(b[8*i:]))
		}
	}
	return v
}

// left leaves a value where it is.
func (s *scanner) left(l *level, h header, vr dicom.VR, word int) (dicom.Value, error) {
	span := Span{s.in.offset, int64(h.length)}
	if err := s.discard(l, h); err != nil {
		return nil, err
	}
	return s.bulk(l, h.tag, vr, span, word)
}

// bulk notes a value that stays in the file, and returns what stands for it.
func (s *scanner) bulk(l *level, t dicom.Tag, vr dicom.VR, span Span, word int) (dicom.Value, error) {
	path := l.path(t)
	if err := s.keep(l, t, bulkCost+3*int64(len(path))); err != nil {
		return nil, err
	}
	s.file.Layout.Bulk = append(s.file.Layout.Bulk, BulkValue{Path: path, VR: vr, Span: span, Word: word})
	return dicom.Bulk{URI: bulkPrefix + path}, nil
}

const bulkPrefix = "bulkdata/"

// discard leaves out the value of an element.
func (s *scanner) discard(l *level, h header) error {
	if err := s.in.skip(int64(h.length)); err != nil {
		return s.broken(l, h.tag, err)
	}
	return nil
}

// bytes reads the value of an element that will take cost bytes of memory. They are valid until the next read.
func (s *scanner) bytes(l *level, h header, cost int64) ([]byte, error) {
	if err := s.keep(l, h.tag, cost); err != nil {
		return nil, err
	}
	b, err := s.in.next(int64(h.length))
	if err != nil {
		return nil, s.broken(l, h.tag, err)
	}
	return b, nil
}

// What an element and an item take beside their values, as a heap shows it that has a million of them. An element: itself, the interface
// and the slice that hold its value, and then either its place on the stack or its DICOM JSON. An item: the data set, its place among the
// items, which grow by doubling, and its braces. A value that stays in the file: its place in the Layout, and three times its path. A
// fragment: its place in the Layout.
const (
	elementCost  = 144
	itemCost     = 64
	bulkCost     = 160
	fragmentCost = 8
)

// admitted is how much memory is asked for at once.
const admitted = 64 << 10

// keep counts the memory of an element or a value before it is taken.
func (s *scanner) keep(l *level, t dicom.Tag, n int64) error {
	s.unfolded += n
	if s.memory += n; s.memory > s.limits.Header {
		return s.fail(l, t, LimitExceeded, "the data set is more than is kept in memory")
	}
	if s.memory <= s.admitted || s.limits.Admit == nil {
		return nil
	}
	step := (s.memory - s.admitted + admitted - 1) / admitted * admitted
	s.admitted += step
	return s.limits.Admit(step)
}
