package part10

import (
	"io"

	"github.com/noctis-dicom/noctis/dicom"
)

// sequence reads the items of a sequence (PS3.5 7.5) whose header was read, with its delimiter.
func (s *scanner) sequence(l *level, h header, enc Encoding) (dicom.Value, error) {
	if l.depth+1 > s.limits.Depth {
		return nil, s.fail(l, h.tag, LimitExceeded, "sequences nested too deeply")
	}
	end := int64(-1)
	if !h.undefined() {
		end = s.in.offset + int64(h.length)
	}
	items := &itemList{tag: h.tag, open: len(l.open), unfolded: s.unfolded}
	outer := l.within()
	for (end < 0 || s.in.offset < end) && s.in.offset != outer {
		b := s.in.peek(itemHeader)
		if len(b) == 0 && end < 0 && items.n > 0 && s.endsWith(l, h.tag) {
			return items.value(l), nil
		}
		if len(b) < itemHeader {
			return nil, s.broken(l, h.tag, s.in.err)
		}
		item, _ := parseHeader(b, enc)
		if item.tag == dicom.SequenceDelimitationItem {
			if end >= 0 {
				s.warn(l, h.tag, "a delimiter in a sequence of defined length")
			}
			if err := s.in.skip(itemHeader); err != nil {
				return nil, err
			}
			return items.value(l), nil
		}
		if item.tag != dicom.Item {
			return s.noItem(l, h, end, items)
		}
		ds, err := s.item(l, h.tag, items.n+1, item, enc, nearer(end, outer))
		if err == nil {
			err = s.addItem(l, items, ds)
		}
		if err != nil {
			return nil, err
		}
	}
	if end != s.in.offset {
		s.warn(l, h.tag, "a sequence that does not end where it says")
	}
	return items.value(l), nil
}

// endsWith reports whether the file ends where only the delimiter of a sequence or of encapsulated data is left to come, the last of the data set: some
// writers leave it out. A file that is cut just there looks the same, so that it is noted as something that is wrong with the file.
func (s *scanner) endsWith(l *level, t dicom.Tag) bool {
	if s.in.err != io.EOF || l.up != nil {
		return false
	}
	s.unended = true
	s.lenient(l.path(t) + ": the file ends without the delimiter, and may be cut off")
	return true
}

// item reads one item, its header included.
func (s *scanner) item(l *level, t dicom.Tag, number int, h header, enc Encoding, outer int64) (*dicom.DataSet, error) {
	if s.elements++; s.elements > s.limits.Elements {
		return nil, s.fail(l, t, LimitExceeded, "too many items")
	}
	if err := s.keep(l, t, itemCost); err != nil {
		return nil, err
	}
	if err := s.in.skip(itemHeader); err != nil {
		return nil, err
	}
	in := &level{
		up: l, tag: t, number: number, depth: l.depth + 1, enc: enc, end: -1, outer: outer, text: l.text.inherited(),
	}
	if !h.undefined() {
		in.end = s.in.offset + int64(h.length)
	}
	return s.dataSet(in)
}

// noItem handles a sequence that goes on with something else than an item. One of undefined length has lost its delimiter: it
// ends here. One of defined length is longer than its items; what follows them cannot be told from the elements after it.
func (s *scanner) noItem(l *level, h header, end int64, items *itemList) (dicom.Value, error) {
	if end >= 0 || items.n == 0 {
		return nil, s.fail(l, h.tag, Malformed, "a sequence that goes on with something else than an item")
	}
	s.warn(l, h.tag, "a sequence without its delimiter")
	return items.value(l), nil
}

// unknownEncoding is how the items of a UN element are encoded: implicit VR little endian (PS3.5 6.2.2), unless its writer forgot
// that and the first item plainly is encoded like what surrounds it.
func (s *scanner) unknownEncoding(l *level, h header) Encoding {
	implicit := Encoding{ImplicitVR: true}
	b := s.in.peek(itemHeader + sniffed)
	if !h.undefined() {
		b = b[:min(len(b), int(min(h.length, itemHeader+sniffed)))]
	}
	for _, enc := range [...]Encoding{implicit, l.enc} {
		if !beginsItem(b, enc) {
			continue
		}
		item, _ := parseHeader(b, enc)
		content := b[itemHeader:]
		whole := false
		if !item.undefined() && int64(item.length) <= int64(len(content)) {
			content, whole = content[:item.length], true
		}
		if item.tag == dicom.Item && item.length > 0 && fitsItem(content, enc, whole) {
			return enc
		}
	}
	return implicit
}

// fitsItem is fits for the content of an item, which may be empty up to its delimiter.
func fitsItem(b []byte, enc Encoding, whole bool) bool {
	if h, ok := parseHeader(b, enc); ok && h.tag == dicom.ItemDelimitationItem {
		return true
	}
	return fits(b, enc, whole)
}
