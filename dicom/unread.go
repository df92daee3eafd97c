package dicom

import (
	"iter"
	"slices"
	"strings"
	"sync"
)

// unread are the elements of a long text, each of which is read when it is asked for: read at once, 900,000 of them would take four times as
// much as their text, and whoever makes a picture or a record of the instance wants twenty. It is never changed, but for what seen has.
type unread struct {
	text  string // as AppendJSON writes it
	parts []part // ascending by tag
	seen  *readSequences
}

// part is an element in a text.
type part struct {
	tag        Tag
	at, length uint32 // of the object of the attribute
}

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
	const name = len(`"00080005":`)
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
			return u
		}
		if at >= len(text) || text[at] != ',' {
			return nil
		}
	}
}

// find is slices.BinarySearch of the parts; of none where u is nil.
func (u *unread) find(t Tag) (int, bool) {
	if u == nil {
		return 0, false
	}
	return slices.BinarySearchFunc(u.parts, t, func(p part, t Tag) int { return int(int64(p.tag) - int64(t)) })
}

// get returns the element at an index of parts, and keeps it if it is a sequence.
func (u *unread) get(i int) Element {
	p := u.parts[i]
	if !strings.HasPrefix(u.text[p.at:], sequence) {
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

// sequence is how the object of a sequence begins.
const sequence = `{"vr":"SQ"`

// read reads an element, which keeps no part of the text, or who keeps a word of it keeps all of it: only of a long sequence it does. One that
// cannot be read is empty: the text is one that we have written.
func (u *unread) read(p part) Element {
	text := u.text[p.at : p.at+p.length]
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

// items yields the items of a long sequence, each of which keeps no part of the text; nil if it is none, or has been read.
func (u *unread) items(i int) iter.Seq[*DataSet] {
	p := u.parts[i]
	list, is := strings.CutPrefix(u.text[p.at:p.at+p.length], sequence+`,"Value":[`)
	u.seen.mu.Lock()
	_, read := u.seen.all[p.at]
	u.seen.mu.Unlock()
	if !is || read || len(list) < longText {
		return nil
	}
	return func(yield func(*DataSet) bool) {
		for rest := list; ; rest = rest[1:] {
			n := ObjectLength(rest)
			r := jsonReader{jsonScanner{text: strings.Clone(rest[:n])}}
			ds, err := r.dataSet(1)
			if err != nil || !yield(ds) {
				return
			}
			if rest = rest[n:]; rest == "" || rest[0] != ',' {
				return
			}
		}
	}
}

// refers reports whether an element may hold a Bulk.
func (u *unread) refers(p part) bool {
	return strings.Contains(u.text[p.at:p.at+p.length], `"BulkDataURI":`)
}

// appendJSON appends an element as it stands in the text.
func (u *unread) appendJSON(dst []byte, p part) []byte {
	dst = append(dst, '"')
	dst = appendTag(dst, p.tag)
	dst = append(dst, `":`...)
	return append(dst, u.text[p.at:p.at+p.length]...)
}

// length is how long the parts are in a text.
func (u *unread) length() int {
	n := len("{}")
	for _, p := range u.parts {
		n += len(`"00080005":,`) + int(p.length)
	}
	return n
}

// only are those parts that keep wants.
func (u *unread) only(keep func(Tag) bool) *unread {
	if u == nil {
		return nil
	}
	left := &unread{text: u.text, seen: u.seen}
	for i, p := range u.parts {
		if keep(p.tag) {
			if left.parts == nil {
				left.parts = make([]part, 0, min(len(u.parts)-i, 64))
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
		var parts []part
		if ds.rest != nil {
			parts = ds.rest.parts
		}
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
