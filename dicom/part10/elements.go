package part10

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strconv"

	"github.com/noctis-dicom/noctis/dicom"
)

// level is an open data set: the top one, or an item of a sequence.
type level struct {
	up     *level
	tag    dicom.Tag // of the sequence that it is an item of
	number int       // of the item, from 1
	depth  int
	meta   bool // the File Meta Information
	enc    Encoding
	end    int64 // the offset where it ends; -1: at a delimiter, the top level at the end of the file
	outer  int64 // the offset where the nearest thing of defined length around it ends; -1: there is none

	base      int // where its elements begin on the stack
	last      dicom.Tag
	unordered bool        // a tag was not greater than the one before
	long      *dicom.Long // its elements before those on the stack, once they are many; nil until then
	folding   bool        // the sequence that was just read is being added to them
	since     int64       // what had been counted when the last of those was
	folded    int64       // what those take

	text   textState
	signed sign
	open   []ambiguity // elements below that are US or SS, as long as Pixel Representation is not known
}

// path names an element of the level as dicom.BulkPath does.
func (l *level) path(t dicom.Tag) string {
	parts := []string{t.String()}
	for ; l.up != nil; l = l.up {
		parts = append(parts, strconv.Itoa(l.number), l.tag.String())
	}
	slices.Reverse(parts)
	return dicom.BulkPath(parts...)
}

// within is the offset where what is read inside the level has to end at the latest, if lengths are right; -1 if none is known.
func (l *level) within() int64 { return nearer(l.end, l.outer) }

// nearer returns the smaller of two offsets that are known, -1 if neither is.
func nearer(a, b int64) int64 {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}

// dataSet reads the elements of a level up to its end, a delimiter included. Where lengths contradict each other the elements
// are right: an item ends behind the element that reaches its end, even beyond it, and an item that would be longer than what is
// around it ends if that ends just where an element does.
func (s *scanner) dataSet(l *level) (*dicom.DataSet, error) {
	l.base, l.since = len(s.stack), s.memory
	for (l.end < 0 || s.in.offset < l.end) && s.in.offset != l.outer {
		b := s.in.peek(8)
		if l.up == nil {
			if done, err := s.ended(b); err != nil {
				return nil, err
			} else if done {
				return s.close(l)
			}
		}
		if len(b) < 8 {
			return nil, s.broken(l, 0, s.in.err)
		}
		if h, _ := parseHeader(b, Encoding{ImplicitVR: true, BigEndian: l.enc.BigEndian}); h.tag.Group() == 0xFFFE {
			done, err := s.delimiter(l, h.tag)
			if err != nil {
				return nil, err
			}
			if done {
				return s.close(l)
			}
			continue
		}
		if err := s.element(l); err != nil {
			return nil, err
		}
	}
	if l.end != s.in.offset {
		s.warn(l, l.last, "an item that does not end where it says")
	}
	return s.close(l)
}

// ended reports whether the top level is at its end: that of the file, or nothing but zeros up to there.
func (s *scanner) ended(b []byte) (bool, error) {
	if len(b) < 8 && s.in.err != io.EOF {
		return false, s.broken(nil, 0, s.in.err)
	}
	if len(bytes.Trim(b, "\x00")) > 0 {
		return false, nil
	}
	n, zeros, err := s.in.drain()
	switch {
	case err != nil:
		return false, s.broken(nil, 0, err)
	case !zeros:
		return false, s.fail(nil, 0, Malformed, "zeros where an element should begin, and other bytes after them")
	case n > 0:
		s.warn(nil, 0, "zeros after the data set")
	}
	return true, nil
}

// delimiter handles a tag of group FFFE where an element could begin. It ends the level, unless the level is the top one.
func (s *scanner) delimiter(l *level, t dicom.Tag) (done bool, err error) {
	switch {
	case t != dicom.Item && t != dicom.ItemDelimitationItem && t != dicom.SequenceDelimitationItem:
		return false, s.fail(l, t, Malformed, "a tag of group FFFE that does not exist")
	case l.up == nil && t == dicom.Item:
		return false, s.fail(l, t, Malformed, "an item outside of a sequence")
	case l.up == nil:
		s.warn(l, t, "a delimiter outside of a sequence")
		if s.elements++; s.elements > s.limits.Elements {
			return false, s.fail(l, t, LimitExceeded, "too many elements")
		}
		return false, s.in.skip(itemHeader)
	case t == dicom.ItemDelimitationItem:
		if l.end >= 0 {
			s.warn(l, t, "a delimiter in an item of defined length")
		}
		return true, s.in.skip(itemHeader)
	}
	s.warn(l, t, "an item without its delimiter, or longer than its content")
	return true, nil
}

// element reads one element and puts it onto the stack.
func (s *scanner) element(l *level) error {
	if s.elements++; s.elements > s.limits.Elements {
		return s.fail(l, l.last, LimitExceeded, "too many elements")
	}
	if s.elements%256 == 0 {
		s.pacer.Pace()
	}
	if err := s.keep(l, l.last, elementCost); err != nil {
		return err
	}
	h, err := s.header(l)
	if err != nil {
		return err
	}
	e, keep, err := s.value(l, h)
	folding := l.folding
	l.folding = false
	switch {
	case err != nil:
		return err
	case !keep && folding:
		l.long.Drop()
		return nil
	case !keep:
		return nil
	}
	if e.Tag <= l.last {
		l.unordered = true
	}
	l.last = e.Tag
	if folding {
		return s.folded(l, e.Tag, l.long.End())
	}
	s.stack = append(s.stack, e)
	if l.up == nil && !l.meta {
		s.top = len(s.stack)
	}
	if s.isLong(l) {
		return s.fold(l)
	}
	return nil
}

// header reads the header of an element.
func (s *scanner) header(l *level) (header, error) {
	b := s.in.peek(12)
	h, ok := parseHeader(b, l.enc)
	if !ok {
		return h, s.broken(l, l.last, s.in.err)
	}
	if !l.enc.ImplicitVR && !h.vr.Valid() {
		s.warn(l, h.tag, "an invalid VR")
		h = s.invalidVR(l, h, b)
	}
	if h.length%2 == 1 && !h.undefined() {
		s.warn(l, h.tag, "an odd length")
	}
	return h, s.in.skip(int64(h.size))
}

// invalidVR finds the length of an element whose VR is none of PS3.5 6.2: future ones have 32 bits, after two reserved bytes
// (PS3.5 7.1.2), junk has the 16 bits of the VR that was meant, and an element that strayed in from an implicit VR data set has 32
// bits in place of VR and length. The first of these after which the data set goes on is taken. The element is UN.
func (s *scanner) invalidVR(l *level, h header, b []byte) header {
	o := l.enc.order()
	short := header{h.tag, dicom.UN, uint32(o.Uint16(b[6:])), 8, true}
	implicit := header{h.tag, dicom.UN, o.Uint32(b[4:]), 8, true}
	candidates := []header{short, implicit}
	if len(b) == 12 && o.Uint16(b[6:]) == 0 {
		long := header{h.tag, dicom.UN, o.Uint32(b[8:]), 12, true}
		if isUpper(h.vr[0]) && isUpper(h.vr[1]) {
			candidates = []header{long, short, implicit}
		} else {
			candidates = []header{short, long, implicit}
		}
	}
	for _, c := range candidates {
		if s.goesOn(l, c, h.vr) {
			return c
		}
	}
	return candidates[0]
}

// lookahead is how far a value is looked over for what follows it.
const lookahead = 64 << 10

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

// goesOn reports whether an element, a delimiter or the end follows the value of the element that is about to be read.
func (s *scanner) goesOn(l *level, h header, invalid dicom.VR) bool {
	if h.undefined() {
		b := s.in.peek(h.size + itemHeader)
		return len(b) > h.size && beginsItem(b[h.size:], l.enc)
	}
	size := int64(h.size) + int64(h.length)
	if l.end >= 0 && s.in.offset+size >= l.end {
		return s.in.offset+size == l.end
	}
	if size > lookahead {
		return false
	}
	b := s.in.peek(int(size) + 12)
	if int64(len(b)) <= size {
		return int64(len(b)) == size && l.up == nil
	}
	next, ok := parseHeader(b[size:], l.enc)
	return ok && next.tag > h.tag && (next.vr.Valid() || next.vr == invalid || next.tag.Group() == 0xFFFE)
}

// close ends a level: it takes the elements from the stack, in order and no tag twice; of several with one tag the first stays.
func (s *scanner) close(l *level) (*dicom.DataSet, error) {
	ds, twice := &dicom.DataSet{}, false
	if l.long != nil {
		if err := s.fold(l); err != nil {
			return nil, err
		}
		ds, twice = l.long.DataSet()
	}
	elements := s.stack[l.base:]
	if l.unordered {
		s.warn(nil, 0, "elements that are not in ascending order")
		slices.SortStableFunc(elements, func(a, b dicom.Element) int { return cmp.Compare(a.Tag, b.Tag) })
	}
	ds.Grow(len(elements))
	for _, e := range elements {
		if l.unordered && ds.Has(e.Tag) {
			twice = true
			continue
		}
		ds.Set(e)
	}
	if twice {
		s.duplicates = true
		s.warn(nil, 0, "elements that occur twice; the first one counts")
	}
	s.stack = s.stack[:l.base]
	l.settleCharset(ds)
	l.settleSigns(ds)
	return ds, nil
}
