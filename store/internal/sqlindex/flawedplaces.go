package sqlindex

import (
	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/worklist"
)

// misplaced finds out whether the lock of a workitem is that of its state, and whether it is on the list as its study is stored.
func (it *item) misplaced(at place) (flaws []Flaw) {
	find := func(what string, mend func(*session) error) {
		flaws = append(flaws, wrong("workitem", it.id, what, mend))
	}
	switch {
	case it.State() == worklist.Scheduled && it.Lock != "":
		find("is SCHEDULED, and has a Transaction UID", func(s *session) error { return s.do(`UPDATE workitem SET lock = '' WHERE id = ?`, it.id) })
	case it.State() == worklist.InProgress && !it.Lock.Valid():
		find("is IN PROGRESS, and its Transaction UID is lost: only SCHEDULED again it can be performed", it.release)
	}
	switch {
	case it.Study == "" && it.resting:
		find("is off the list as that of a deleted study, and is of none", func(s *session) error {
			if err := s.do(`UPDATE workitem SET resting = 0 WHERE id = ?`, it.id); err != nil {
				return err
			}
			return s.changeItem(store.WorkitemCreated, "", it.UID(), it.State())
		})
	case it.Study == "" || at.stored: // a study whose workitem rests has none (Missing)
	case !at.recycled:
		find("is of a study that is neither stored nor in the recycle bin", func(s *session) error {
			if err := s.do(`INSERT INTO workitem_gone (uid) VALUES (?) ON CONFLICT DO NOTHING`, it.UID()); err != nil {
				return err
			}
			return s.takeOff(`DELETE FROM workitem WHERE id = ?`, it.id)
		})
	case !it.resting:
		find("is on the list, and its study is in the recycle bin", func(s *session) error { return s.takeOff(`UPDATE workitem SET resting = 1 WHERE id = ?`, it.id) })
	}
	if at.free {
		find("is to be removed, and nobody holds it", func(s *session) error { return s.collect(`id = ?`, it.id) })
	}
	if at.gone {
		find("is there, and is called gone", func(s *session) error { return s.do(`DELETE FROM workitem_gone WHERE uid = ?`, it.UID()) })
	}
	return flaws
}

// release has a workitem SCHEDULED again.
func (it *item) release(s *session) error {
	before := it.DataSet
	it.DataSet, it.Lock = before.Clone(), ""
	it.DataSet.SetStrings(dicom.ProcedureStepState, dicom.CS, string(worklist.Scheduled))
	if err := s.changeItem(store.WorkitemState, it.Study, it.UID(), it.State()); err != nil {
		return err
	}
	return s.apply(it, before, worklist.Change{Events: []worklist.Event{it.Initial()}})
}
