package worklist

import (
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// changeState is Change UPS State (PS3.4 CC.2.1). The code is Success or a warning, with which nothing changed.
func (w *Workitem) changeState(to State, lock dicom.UID, now time.Time) (Code, []Event, error) {
	from := w.State()
	correct := lock.Valid() && (w.Lock == "" || lock == w.Lock)
	row := toScheduled
	switch {
	case to == InProgress && correct:
		row = toInProgress
	case to == InProgress:
		row = toInProgressUnlocked
	case to == Completed && correct:
		row = toCompleted
	case to == Completed:
		row = toCompletedUnlocked
	case to == Canceled && correct:
		row = toCanceled
	case to == Canceled:
		row = toCanceledUnlocked
	case to != Scheduled:
		return 0, nil, refuse(InvalidValue, "Procedure Step State (0074,1000) has none of the values IN PROGRESS, COMPLETED, CANCELED (PS3.18 11.7.1.4)")
	}
	cell := transitions[row][from]
	switch {
	case cell.code.Warning():
		return cell.code, nil, nil
	case cell.code != Success:
		return 0, nil, &Refusal{Code: cell.code, Detail: details[cell.code], Untransacted: lock == ""}
	}
	if to == Canceled {
		w.noteCancellation(nil, now)
	}
	if cell.final {
		if err := w.mayBecome(to); err != nil {
			return 0, nil, err
		}
	}
	if to == InProgress {
		w.Lock = lock
	}
	return Success, []Event{w.enter(to, now)}, nil
}

// cancel is Request UPS Cancel (PS3.4 CC.2.2): what is SCHEDULED goes through IN PROGRESS to CANCELED; who performs a step that is IN
// PROGRESS is told, if anybody would hear it.
func (w *Workitem) cancel(reason *dicom.DataSet, heard bool, now time.Time) (Code, []Event, error) {
	cell := transitions[requestCancel][w.State()]
	switch {
	case cell.code.Warning():
		return cell.code, nil, nil
	case cell.code != Success:
		return 0, nil, refuse(cell.code, "%s", details[cell.code])
	case cell.report && !heard:
		return 0, nil, refuse(PerformerNotContacted, "nobody has subscribed to the workitem: whoever performs it would not hear of the request")
	case cell.report:
		return Success, []Event{w.cancelRequested(reason)}, nil
	}
	requested := w.cancelRequested(reason)
	begun := w.enter(InProgress, now)
	w.noteCancellation(reason, now)
	return Success, []Event{requested, begun, w.enter(Canceled, now)}, nil
}

// enter sets the state, and returns the event that reports it.
func (w *Workitem) enter(to State, now time.Time) Event {
	w.DataSet = w.DataSet.Clone()
	w.DataSet.SetStrings(dicom.ProcedureStepState, dicom.CS, string(to))
	w.DataSet.SetStrings(dicom.ScheduledProcedureStepModificationDateTime, dicom.DT, dateTime(now))
	if to == Completed {
		w.Read = w.Instances
	}
	return w.stateReport()
}

// mayBecome holds the final state requirements (PS3.4 CC.2.5.1.1).
func (w *Workitem) mayBecome(to State) error {
	if missing, unmet := unmetIn(w.DataSet, requirements, to); unmet {
		return refuse(FinalStateUnmet, "%s needs a value before the workitem can be %s (PS3.4 Table CC.2.5-3)", missing.Keyword(), to)
	}
	for _, item := range w.DataSet.Items(dicom.UnifiedProcedureStepPerformedProcedureSequence) {
		if to == Completed && !item.Has(dicom.OutputInformationSequence) {
			return refuse(FinalStateUnmet, "OutputInformationSequence is to be there, if only empty, before the workitem can be %s (PS3.4 Table CC.2.5-3)", to)
		}
	}
	return nil
}

func unmetIn(ds *dicom.DataSet, rows []requirement, to State) (dicom.Tag, bool) {
	for _, r := range rows {
		e, _ := ds.Get(r.tag)
		if r.final.requires(to) && !e.HasValue() {
			return r.tag, true
		}
		for _, item := range ds.Items(r.tag) {
			if missing, unmet := unmetIn(item, r.items, to); unmet {
				return missing, true
			}
		}
	}
	return 0, false
}

// noteCancellation makes sure that the Progress Information says when and why, so that a workitem can be canceled without an update
// before it (PS3.4 CC.2.5.1.3.2, Note; CC.2.2.3). reason may be nil.
func (w *Workitem) noteCancellation(reason *dicom.DataSet, now time.Time) {
	item := &dicom.DataSet{}
	if items := w.DataSet.Items(dicom.ProcedureStepProgressInformationSequence); len(items) > 0 {
		item = items[0].Clone()
	}
	if reason != nil {
		for _, t := range []dicom.Tag{dicom.ReasonForCancellation, dicom.ProcedureStepDiscontinuationReasonCodeSequence} {
			if e, there := reason.Get(t); there && e.HasValue() {
				item.Set(e)
			}
		}
	}
	if item.String(dicom.ProcedureStepCancellationDateTime) == "" {
		item.SetStrings(dicom.ProcedureStepCancellationDateTime, dicom.DT, dateTime(now))
	}
	if len(item.Items(dicom.ProcedureStepDiscontinuationReasonCodeSequence)) == 0 {
		item.SetItems(dicom.ProcedureStepDiscontinuationReasonCodeSequence, code("110513", "DCM", "Discontinued for unspecified reason"))
	}
	w.DataSet = w.DataSet.Clone()
	w.DataSet.SetItems(dicom.ProcedureStepProgressInformationSequence, item)
}
