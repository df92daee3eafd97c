package dicom

import (
	"errors"
	"slices"

	"github.com/noctis-dicom/noctis/internal/giveway"
)

// Long makes a data set that turns out to be long while it is read: its elements become their DICOM JSON one after the other, and are read when
// they are asked for, as those of a long text are that ReadJSON was given. That takes a third of the memory, and hardly anything that garbage collection has
// to follow. The zero value is empty and ready for use, by one goroutine.
type Long struct {
	full      []string // pieces of text that nothing is added to any more
	piece     []byte   // the one after them: members of the data set, each with a comma behind it
	object    []byte   // the member that is being made
	parts     []part
	sequence  Tag // that is being made
	items     int // of it, so far
	bytes     int64
	unordered bool // a tag was not greater than the one before
	pacer     giveway.Pacer
}

var errTooLong = errors.New("DICOM JSON: more than 4 GiB")

// Add appends an element. Group lengths are left out. The error is that of AppendJSON.
func (l *Long) Add(e Element) error {
	if e.Tag.IsGroupLength() {
		return nil
	}
	var err error
	if l.object, err = e.appendJSON(appendName(l.object[:0], e.Tag), 0); err != nil {
		return err
	}
	return l.place(e.Tag)
}

// Begin begins a sequence, whose items AddItem appends until End.
func (l *Long) Begin(t Tag) {
	l.sequence, l.items = t, 0
	l.object = append(appendName(l.object[:0], t), sequence...)
}

// AddItem appends an item to the sequence that was begun. The error is that of AppendJSON.
func (l *Long) AddItem(item *DataSet) error {
	l.object = roomier(l.object, room, &l.pacer)
	between := value
	if l.items++; l.items > 1 {
		between = ","
	}
	l.object = append(l.object, between...)
	var err error
	l.object, err = item.appendJSON(l.object, 1)
	return err
}

// End ends the sequence that was begun.
func (l *Long) End() error {
	if l.items > 0 {
		l.object = append(l.object, ']')
	}
	l.object = append(l.object, '}')
	return l.place(l.sequence)
}

// TakeBack returns the items of the sequence that was begun, which is as if it had not been.
func (l *Long) TakeBack() (Items, error) {
	r := jsonReader{jsonScanner{text: string(append(l.object[partName:], "]}"...))}}
	e, err := r.attribute(l.sequence, 0)
	items, _ := e.Value.(Items)
	l.Drop()
	return items, err
}

// Drop leaves out the sequence that was begun.
func (l *Long) Drop() { l.object = nil }

// place appends the member that was made. One that is longer than a piece is one of its own.
func (l *Long) place(t Tag) error {
	if cap(l.piece)-len(l.piece) <= len(l.object) {
		if len(l.piece) > 0 {
			l.full = append(l.full, stringOf(l.piece))
		}
		l.piece = nil
		if len(l.object) < pieceSize {
			l.piece = make([]byte, 0, pieceSize)
		}
	}
	if len(l.full) >= 1<<(32-pieceBits)-1 || uint64(len(l.object)) >= 1<<32 {
		return errTooLong
	}
	if n := len(l.parts); n > 0 && l.parts[n-1].tag >= t {
		l.unordered = true
	}
	l.parts = roomier(l.parts, 1, &l.pacer)
	at := len(l.full)<<pieceBits + len(l.piece) + partName
	l.parts = append(l.parts, part{t, uint32(at), uint32(len(l.object) - partName)}) // #nosec G115 -- see above
	l.bytes += int64(len(l.object)) + 1
	if len(l.object) >= pieceSize {
		l.full = append(l.full, stringOf(l.object))
		l.object = nil
		return nil
	}
	l.piece = append(append(l.piece, l.object...), ',')
	if cap(l.object) > room {
		l.object = nil
	}
	return nil
}

// Memory is how many bytes the data set takes, and once more its DICOM JSON made of it.
func (l *Long) Memory() int64 {
	return 3*(l.bytes+int64(len(l.object))) + 18*int64(len(l.parts)) + pieceSize
}

// DataSet returns the data set of all elements so far; of several with one tag the first, and twice is true then. Nothing may be added afterwards.
func (l *Long) DataSet() (ds *DataSet, twice bool) {
	if len(l.parts) == 0 {
		return &DataSet{}, false
	}
	if l.unordered {
		n := len(l.parts)
		slices.SortStableFunc(l.parts, func(a, b part) int { return int(int64(a.tag) - int64(b.tag)) })
		l.parts = slices.CompactFunc(l.parts, func(a, b part) bool { return a.tag == b.tag })
		twice = len(l.parts) < n
	}
	pieces := append(l.full[:len(l.full):len(l.full)], stringOf(l.piece))
	return &DataSet{rest: &unread{pieces: pieces, parts: l.parts, seen: &readSequences{all: map[uint32]Element{}}}}, twice
}

// room is what an element or an item takes as a rule, at most.
const room = 4 << 10

// roomier makes room for n more, as append does, but copies a stretch at a time.
func roomier[T any](s []T, n int, pacer *giveway.Pacer) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	more := make([]T, 0, len(s)+len(s)/2+64*n)
	for piece := range slices.Chunk(s, stretch) {
		more = append(more, piece...)
		pacer.Pace()
	}
	return more
}
