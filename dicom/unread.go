package dicom

import (
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/noctis-dicom/noctis/internal/giveway"
)

// unread are the elements of a long text, each of which is read when it is asked for: read at once, 900,000 of them would take four times as
// much as their text, and whoever makes a picture or a record of the instance wants twenty. It is never changed, but for what seen has. So are the
// items of a long sequence, where they would take ten times as much: of each only the text is known, and gone through when it is asked.
type unread struct {
	text   string                  // as AppendJSON writes it
	pieces []string                // in its place, of what was folded (Long): members with a comma behind each, in any order
	parts  []part                  // ascending by tag; nil: those of the text, an item
	seen   *readSequences          // nil: none are kept
	change func(*DataSet) *DataSet // what is made of each item when it is read; nil: nothing. All parts are long sequences then.
}

// part is an element in a text.
type part struct {
	tag        Tag
	at, length uint32 // of the object of the attribute, which its name stands before
}

// A part of pieces lies at its place in a piece, and pieceBits higher stands in which. None but one that is a piece reaches as far as pieceSize.
const (
	pieceBits = 20
	pieceSize = 1<<pieceBits - 64
)

// at is the text from an offset on, as far as that is one piece.
func (u *unread) at(offset uint32) string {
	if u.pieces == nil {
		return u.text[offset:]
	}
	return u.pieces[offset>>pieceBits][offset%(1<<pieceBits):]
}

// of is the object of a part.
func (u *unread) of(p part) string { return u.at(p.at)[:p.length] }

// partName is how long the name of an attribute is, with the colon.
const partName = len(`"00080005":`)

// longText is from how many bytes on a text is read piecemeal.
const longText = 1 << 20

// readSequences are the sequences that were read: who draws the frames of an image asks for the same ones again and again.
type readSequences struct {
	mu  sync.Mutex
	all map[uint32]Element // by part.at
}

// partsOf finds the elements of a text. It returns nil if it is not as AppendJSON writes it.
func partsOf(text string) *unread {
	if len(text) < 2 || uint64(len(text)) > 1<<32-1 || text[0] != '{' || text[len(text)-1] != '}' {
		return nil
	}
	const name = partName
	u := &unread{text: text, parts: make([]part, 0, len(text)/64), seen: &readSequences{all: map[uint32]Element{}}}
	for at := 1; ; at++ {
		if len(text)-at < name || text[at] != '"' || text[at+name-2] != '"' || text[at+name-1] != ':' {
			return nil
		}
		t, err := ParseTag(text[at+1 : at+name-2])
		if err != nil || len(u.parts) > 0 && u.parts[len(u.parts)-1].tag >= t {
			return nil
		}
		at += name
		n := ObjectLength(text[at:])
		u.parts = append(u.parts, part{t, uint32(at), uint32(n)}) // #nosec G115 -- both are below len(text), which is checked above
		if n == 0 || !strings.HasPrefix(text[at:], `{"vr":"`) {
			return nil
		}
		if at += n; at == len(text)-1 {
			u.parts = slices.Clone(u.parts) // of long sequences there are few
			return u
		}
		if at >= len(text) || text[at] != ',' {
			return nil
		}
	}
}

// all are the parts; none where u is nil.
func (u *unread) all() []part {
	if u == nil || u.parts != nil {
		return u.known()
	}
	return partsOf(u.text).known()
}

func (u *unread) known() []part {
	if u == nil {
		return nil
	}
	return u.parts
}

// find finds a part.
func (u *unread) find(t Tag) (part, bool) {
	parts := u.all()
	i, found := place(parts, t)
	if !found {
		return part{}, false
	}
	return parts[i], true
}

// place is where the part of a tag is among parts, or would be.
func place(parts []part, t Tag) (int, bool) {
	return slices.BinarySearchFunc(parts, t, func(p part, t Tag) int { return int(int64(p.tag) - int64(t)) })
}

// get returns an element, and keeps it if it is a sequence.
func (u *unread) get(p part) Element {
	if u.seen == nil || !strings.HasPrefix(u.of(p), sequence) {
		return u.read(p)
	}
	u.seen.mu.Lock()
	defer u.seen.mu.Unlock()
	e, found := u.seen.all[p.at]
	if !found {
		e = u.read(p)
		u.seen.all[p.at] = e
	}
	return e
}

// sequence and value are how the object of a sequence that has items begins.
const (
	sequence = `{"vr":"SQ"`
	value    = `,"Value":[`
)

// read reads an element, which keeps no part of the text, or who keeps a word of it keeps all of it: only of a long sequence it does. One that
// cannot be read is empty: the text is one that we have written.
func (u *unread) read(p part) Element {
	if u.change != nil {
		return Element{p.tag, SQ, Items(slices.Collect(u.each(p)))}
	}
	if u.isLong(p) {
		return Element{p.tag, SQ, lazyItems(u.list(p))}
	}
	text := u.of(p)
	if len(text) < longText {
		text = strings.Clone(text)
	}
	r := jsonReader{jsonScanner{text: text}}
	e, err := r.attribute(p.tag, 0)
	if err != nil {
		return Element{Tag: p.tag, VR: p.tag.VR()}
	}
	return e
}

// items yields the items of a long sequence, none of which keeps a part of the text but one that is long itself; nil if it is none, or has been read.
func (u *unread) items(p part) iter.Seq[*DataSet] {
	if u.seen != nil {
		u.seen.mu.Lock()
		_, read := u.seen.all[p.at]
		u.seen.mu.Unlock()
		if read {
			return nil
		}
	}
	if !u.isLong(p) {
		return nil
	}
	return u.each(p)
}

// isLong reports whether a part is a long sequence that has items.
func (u *unread) isLong(p part) bool {
	return p.length >= longText && strings.HasPrefix(u.of(p), sequence+value)
}

// list is what stands in the text behind the bracket of a sequence that has items.
func (u *unread) list(p part) string { return u.of(p)[len(sequence+value):] }

// texts yields the texts of the items of a list.
func texts(list string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for ; ; list = list[1:] {
			n := ObjectLength(list)
			if n == 0 || !yield(list[:n]) {
				return
			}
			if list = list[n:]; list == "" || list[0] != ',' {
				return
			}
		}
	}
}

// lazyItems are the items of a long list, none of which is read.
func lazyItems(list string) Items {
	n, short := 0, 0
	for text := range texts(list) {
		if n++; len(text) > len("{}") && len(text) < scanned {
			short++
		}
	}
	type lazy struct {
		DataSet
		unread
	}
	items, all, empty := make(Items, 0, n), make([]lazy, 0, short), &DataSet{}
	for text := range texts(list) {
		one := empty
		switch {
		case len(text) >= scanned:
			one = &DataSet{rest: partsOf(text)}
			if one.rest != nil && len(text) < longText {
				one.rest.seen = nil
			}
		case len(text) > len("{}"):
			all = append(all, lazy{unread: unread{text: text}})
			last := &all[len(all)-1]
			last.rest, one = &last.unread, &last.DataSet
		}
		items = append(items, one)
	}
	return items
}

// scanned is from how many bytes on it is known where in the text of an item its elements lie: shorter ones are gone through each time.
const scanned = 4 << 10

// each yields the items of a sequence that has some.
func (u *unread) each(p part) iter.Seq[*DataSet] {
	return func(yield func(*DataSet) bool) {
		for text := range texts(u.list(p)) {
			ds, err := readItem(text)
			if err != nil {
				return
			}
			if u.change != nil {
				ds = u.change(ds)
			}
			if !yield(ds) {
				return
			}
		}
	}
}

// readItem reads an item, piecemeal if it is long.
func readItem(text string) (*DataSet, error) {
	if len(text) >= longText {
		if u := partsOf(text); u != nil {
			return &DataSet{rest: u}, nil
		}
	}
	r := jsonReader{jsonScanner{text: strings.Clone(text)}}
	return r.dataSet(1)
}

// refers reports whether an element may hold a Bulk.
func (u *unread) refers(p part) bool {
	return strings.Contains(u.of(p), `"BulkDataURI":`)
}

// appendText appends what stands in the text, or in one piece of it.
func (u *unread) appendText(dst []byte, begin, end uint32) []byte {
	if begin == end {
		return dst
	}
	var pacer giveway.Pacer
	text := u.at(begin)[:end-begin]
	dst = slices.Grow(dst, len(text))
	for ; len(text) > stretch; text = text[stretch:] {
		dst = append(dst, text[:stretch]...)
		pacer.Pace()
	}
	return append(dst, text...)
}

// follows reports whether a part stands in the text just behind what begins and ends there, as it is to be written.
func (u *unread) follows(p part, begin, end uint32) bool {
	return end > begin && p.at == end+uint32(len(",")+partName) && (u.pieces == nil || p.at>>pieceBits == begin>>pieceBits)
}

// stretch is how much is copied at once: nobody is interrupted while he copies, and everybody waits for him when garbage collection begins.
const stretch = 256 << 10

// length is how long the parts are in a text.
func (u *unread) length() int {
	n := len("{}")
	for _, p := range u.all() {
		n += partName + len(",") + int(p.length)
	}
	return n
}

// only are those parts that keep wants.
func (u *unread) only(keep func(Tag) bool) *unread {
	if u == nil {
		return nil
	}
	all := u.all()
	left := &unread{text: u.text, pieces: u.pieces, parts: []part{}, seen: u.seen, change: u.change}
	for i, p := range all {
		if keep(p.tag) {
			if len(left.parts) == 0 {
				left.parts = make([]part, 0, min(len(all)-i, 64))
			}
			left.parts = append(left.parts, p)
		}
	}
	return left
}

// merged yields the elements of ds, and the parts that it has not read, in the order of their tags: one or the other. Of an element that was set
// in the place of a part only that is there.
func (ds *DataSet) merged() iter.Seq2[*Element, part] {
	return func(yield func(*Element, part) bool) {
		parts := ds.rest.all()
		for i := range ds.elements {
			e := &ds.elements[i]
			for ; len(parts) > 0 && parts[0].tag < e.Tag; parts = parts[1:] {
				if !yield(nil, parts[0]) {
					return
				}
			}
			if len(parts) > 0 && parts[0].tag == e.Tag {
				parts = parts[1:]
			}
			if !yield(e, part{}) {
				return
			}
		}
		for _, p := range parts {
			if !yield(nil, p) {
				return
			}
		}
	}
}

// Pieces yields the elements like All, but of a sequence of a long text that was not read no value: its items come beside it, are read one at a
// time, and not kept.
func (ds *DataSet) Pieces() iter.Seq2[Element, iter.Seq[*DataSet]] {
	return func(yield func(Element, iter.Seq[*DataSet]) bool) {
		for e, p := range ds.merged() {
			var items iter.Seq[*DataSet]
			if e == nil {
				one := Element{Tag: p.tag, VR: SQ}
				if items = ds.rest.items(p); items == nil {
					one = ds.rest.read(p)
				}
				e = &one
			}
			if !yield(*e, items) {
				return
			}
		}
	}
}

// SetEach sets a sequence of what change makes of each item of that of another data set: of those of a long text when they are read, and
// each time they are. The data set may have others of that text, with lower tags and the same change.
func (ds *DataSet) SetEach(t Tag, of *DataSet, change func(*DataSet) *DataSet) {
	if _, there := of.EachItem(t); !there {
		ds.SetItems(t)
		return
	}
	ds.Delete(t)
	p, found := of.rest.find(t)
	if _, set := of.find(t); set || !found || of.rest.change != nil || of.rest.items(p) == nil {
		var changed Items
		for _, item := range of.Items(t) {
			changed = append(changed, change(item))
		}
		ds.Set(Element{t, SQ, changed})
		return
	}
	if ds.rest == nil {
		ds.rest = &unread{text: of.rest.text, pieces: of.rest.pieces, seen: &readSequences{all: map[uint32]Element{}}, change: change}
	}
	ds.rest.parts = append(ds.rest.parts, p)
}
