package worklist

import (
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// update applies a modification (PS3.4 CC.2.6) to the workitem. The code is Success, UpdatedModified if something was left as it is, and
// the events are those of PS3.4 CC.2.4.3. A modification that changes nothing makes none.
func (w *Workitem) update(given *dicom.DataSet, lock dicom.UID, now time.Time) (Code, []Event, error) {
	if err := w.mayUpdate(lock); err != nil {
		return 0, nil, err
	}
	if s := State(given.String(dicom.ProcedureStepState)); s != "" && s != w.State() {
		return 0, nil, refuse(InvalidValue, "Procedure Step State (0074,1000) is changed by a request of its own (PS3.4 CC.2.6.2)")
	}
	ds, result, changed := w.DataSet.Clone(), Success, false
	for e := range given.All() {
		if e.Tag.Group() <= 2 || e.Tag == dicom.TransactionUID || e.Tag == dicom.SpecificCharacterSet || e.Tag == privateCreator || e.Tag == LateInstances {
			continue
		}
		e, incomplete := withItems(e)
		old, _ := ds.Get(e.Tag)
		if old.Tag == e.Tag && sameValue(old, e) {
			continue
		}
		r, known := requirementOf(e.Tag)
		if known && r.set == setNot || w.Study != "" && isOfStudy(e.Tag) {
			result = UpdatedModified
			continue
		}
		if known && (r.create == create1 || r.create == create21) && !e.HasValue() {
			return 0, nil, refuse(MissingAttribute, "%s cannot be empty (PS3.4 Table CC.2.5-3)", e.Tag.Keyword())
		}
		if incomplete != nil {
			return 0, nil, incomplete
		}
		ds.Set(e)
		changed = true
	}
	if !changed {
		return result, nil, nil
	}
	if err := checkValues(ds); err != nil {
		return 0, nil, err
	}
	ds.SetStrings(dicom.ScheduledProcedureStepModificationDateTime, dicom.DT, dateTime(now))
	before := w.DataSet
	w.DataSet = ds
	return result, w.updated(before), nil
}

// mayUpdate holds the lock (PS3.4 CC.2.6.3): while a step is IN PROGRESS only who performs it may change it.
func (w *Workitem) mayUpdate(lock dicom.UID) error {
	switch s := w.State(); {
	case s.Final():
		return refuse(NoLongerUpdatable, "%s", details[NoLongerUpdatable])
	case s == Scheduled && lock != "":
		return refuse(NotInProgress, "%s: a Transaction UID says nothing", details[NotInProgress])
	case s == InProgress && lock != w.Lock:
		return &Refusal{Code: WrongTransaction, Detail: details[WrongTransaction], Untransacted: lock == ""}
	}
	return nil
}

// updated are the events that follow from an update.
func (w *Workitem) updated(before *dicom.DataSet) []Event {
	differs := func(tags ...dicom.Tag) bool {
		for _, t := range tags {
			a, _ := before.Get(t)
			b, _ := w.DataSet.Get(t)
			if !sameValue(a, b) {
				return true
			}
		}
		return false
	}
	var events []Event
	if differs(dicom.InputReadinessState) {
		events = append(events, w.stateReport())
	}
	if differs(dicom.ScheduledStationNameCodeSequence, dicom.ScheduledHumanPerformersSequence) {
		events = append(events, w.assigned())
	}
	if differs(dicom.ProcedureStepProgressInformationSequence) {
		events = append(events, w.progress())
	}
	return events
}

// sameValue reports whether two elements say the same.
func sameValue(a, b dicom.Element) bool { return !a.HasValue() && !b.HasValue() || a.Equal(b) }
