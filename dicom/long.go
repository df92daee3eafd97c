package dicom

import (
	"errors"
	"math"
	"slices"

	"github.com/noctis-dicom/noctis/internal/giveway"
)

// Long makes a data set that turns out to be long while it is read: its elements become their DICOM JSON one after the other, and are read when
// they are asked for, as those of a long text are that ReadJSON was given. That takes a third of the memory, and hardly anything that garbage collection has
// to follow. The zero value is empty and ready for use, by one goroutine.
type Long struct {
	text      []byte // the members of the data set, each with a comma behind it
	parts     []part
	sequence  part // that is being made
	items     int  // of it, so far
	unordered bool // a tag was not greater than the one before
	pacer     giveway.Pacer
}

var errTooLong = errors.New("DICOM JSON: more than 4 GiB")

// Add appends an element. Group lengths are left out. The error is that of AppendJSON.
func (l *Long) Add(e Element) error {
	if e.Tag.IsGroupLength() {
		return nil
	}
	l.text = roomier(l.text, room, &l.pacer)
	l.text = appendName(l.text, e.Tag)
	at := len(l.text)
	var err error
	if l.text, err = e.appendJSON(l.text, 0); err != nil {
		return err
	}
	return l.note(e.Tag, at)
}

// Begin begins a sequence, whose items AddItem appends until End.
func (l *Long) Begin(t Tag) {
	l.text = roomier(l.text, room, &l.pacer)
	l.text = appendName(l.text, t)
	l.sequence, l.items = part{tag: t, at: uint32(len(l.text))}, 0 // #nosec G115 -- note checks it
	l.text = append(l.text, sequence...)
}

// AddItem appends an item to the sequence that was begun. The error is that of AppendJSON.
func (l *Long) AddItem(item *DataSet) error {
	l.text = roomier(l.text, room, &l.pacer)
	between := `,"Value":[`
	if l.items++; l.items > 1 {
		between = ","
	}
	l.text = append(l.text, between...)
	var err error
	l.text, err = item.appendJSON(l.text, 1)
	return err
}

// End ends the sequence that was begun.
func (l *Long) End() error {
	if l.items > 0 {
		l.text = append(l.text, ']')
	}
	l.text = append(l.text, '}')
	return l.note(l.sequence.tag, int(l.sequence.at))
}

// TakeBack returns the items of the sequence that was begun, which is as if it had not been.
func (l *Long) TakeBack() (Items, error) {
	r := jsonReader{jsonScanner{text: string(append(l.text[l.sequence.at:], "]}"...))}}
	e, err := r.attribute(l.sequence.tag, 0)
	items, _ := e.Value.(Items)
	l.Drop()
	return items, err
}

// Drop leaves out the sequence that was begun.
func (l *Long) Drop() { l.text = l.text[:l.sequence.at-uint32(partName)] }

func (l *Long) note(t Tag, at int) error {
	if uint64(len(l.text)) > math.MaxUint32 {
		return errTooLong
	}
	if n := len(l.parts); n > 0 && l.parts[n-1].tag >= t {
		l.unordered = true
	}
	l.parts = roomier(l.parts, 1, &l.pacer)
	l.parts = append(l.parts, part{t, uint32(at), uint32(len(l.text) - at)}) // #nosec G115 -- see above
	l.text = append(l.text, ',')
	return nil
}

// Memory is how many bytes the data set takes, and once more its DICOM JSON made of it.
func (l *Long) Memory() int64 { return 3*int64(len(l.text)) + 18*int64(len(l.parts)) }

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
	return &DataSet{rest: &unread{text: stringOf(l.text), parts: l.parts, seen: &readSequences{all: map[uint32]Element{}}}}, twice
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
