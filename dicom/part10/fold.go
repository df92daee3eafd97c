package part10

import (
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// A long data set is folded while it is read: what has been read of it becomes its DICOM JSON (dicom.Long). Elements as such would take three times as much, all of it pointers, and while
// garbage collection follows 900,000 of them, whoever allocates has to help, and waits. docs/adr/0065-long-data-sets-are-folded.md.

// isLong reports whether a level holds much that is not folded.
func (s *scanner) isLong(l *level) bool { return !l.meta && s.memory-l.since >= s.limits.fold }

// fold folds the elements of a level that are on the stack. Sequences stay as long as Pixel Representation may still change what is in
// their items.
func (s *scanner) fold(l *level) error {
	if l.long == nil {
		l.long = &dicom.Long{}
	}
	unsettled := slices.ContainsFunc(l.open, ambiguity.inItem)
	kept := s.stack[:l.base]
	for _, e := range s.stack[l.base:] {
		if unsettled && e.VR == dicom.SQ {
			kept = append(kept, e)
		} else if err := s.folded(l, e.Tag, l.long.Add(e)); err != nil {
			return err
		}
	}
	clear(s.stack[len(kept):])
	s.stack = kept
	if unsettled {
		l.since = s.memory // with those that stayed
		return nil
	}
	s.recount(l)
	return nil
}

// recount counts what a level holds anew, once it is folded.
func (s *scanner) recount(l *level) {
	now := l.long.Memory()
	s.memory = min(s.memory, l.since+now-l.folded)
	l.since, l.folded = s.memory, now
}

// folded turns an error of folding into what it says about the file.
func (s *scanner) folded(l *level, t dicom.Tag, err error) error {
	if err != nil {
		return s.fail(l, t, Malformed, err.Error())
	}
	return nil
}

// inItem reports whether the element lies in an item that is complete.
func (a ambiguity) inItem() bool { return a.ds != nil }

// itemList are the items of a sequence that is being read.
type itemList struct {
	tag      dicom.Tag
	n        int         // of them
	items    dicom.Items // those that are not folded
	folded   bool        // the others are
	open     int         // ambiguities of the level before the sequence
	unfolded int64       // scanner.unfolded before it
}

// addItem adds an item, and folds the sequence if it is long and nothing can change it any more.
func (s *scanner) addItem(l *level, q *itemList, item *dicom.DataSet) (err error) {
	q.n++
	q.items = append(q.items, item)
	switch settled := len(l.open) == q.open; {
	case q.folded && !settled: // once in a lifetime
		if err = s.keep(l, q.tag, s.unfolded-q.unfolded); err != nil {
			return err
		}
		q.folded = false
		var before dicom.Items
		before, err = l.long.TakeBack()
		q.items = append(before, q.items...)
	case q.folded || settled && s.isLong(l):
		if !q.folded {
			if err = s.fold(l); err != nil {
				return err
			}
			q.folded = true
			l.long.Begin(q.tag)
		}
		for _, item := range q.items {
			if err = l.long.AddItem(item); err != nil {
				break
			}
		}
		clear(q.items)
		q.items = q.items[:0]
		s.recount(l)
	}
	return s.folded(l, q.tag, err)
}

// value is the value of the sequence at its end; of one that is folded there is none.
func (q *itemList) value(l *level) dicom.Value {
	l.folding = q.folded
	if len(q.items) == 0 {
		return nil
	}
	return q.items
}
