package worklist

import (
	"github.com/noctis-dicom/noctis/dicom"
)

// EventType is an Event Type ID of PS3.4 Table CC.2.4-1.
type EventType int

// The events.
const (
	StateReport     EventType = 1
	CancelRequested EventType = 2
	ProgressReport  EventType = 3
	StatusChange    EventType = 4
	Assigned        EventType = 5
)

// Event is something that those who have subscribed to a workitem are told.
type Event struct {
	Type     EventType
	Workitem dicom.UID
	DataSet  *dicom.DataSet // the attributes of the table
}

// affected is Affected SOP Instance UID (0000,1000).
const affected dicom.Tag = 0x00001000

// Report is the event as it is sent, with the command elements of N-EVENT-REPORT (PS3.18 11.13, 8.10.5.1.1). id tells events apart.
func (e Event) Report(id int64) *dicom.DataSet {
	ds := &dicom.DataSet{}
	ds.SetStrings(0x00000002, dicom.UI, string(SOPClass)) // Affected SOP Class UID
	ds.SetInts(0x00000110, dicom.US, id&0xFFFF)           // Message ID
	ds.SetStrings(affected, dicom.UI, string(e.Workitem))
	ds.SetInts(0x00001002, dicom.US, int64(e.Type))
	for el := range e.DataSet.All() {
		ds.Set(el)
	}
	return ds
}

func (w *Workitem) event(t EventType, from *dicom.DataSet, tags ...dicom.Tag) Event {
	ds := &dicom.DataSet{}
	for _, t := range tags {
		if e, there := from.Get(t); there {
			ds.Set(e)
		}
	}
	return Event{Type: t, Workitem: w.UID(), DataSet: ds}
}

// stateReport is a UPS State Report, also the one that who subscribes is sent first.
func (w *Workitem) stateReport() Event {
	e := w.event(StateReport, w.DataSet, dicom.ProcedureStepState, dicom.InputReadinessState)
	if items := w.DataSet.Items(dicom.ProcedureStepProgressInformationSequence); w.State() == Canceled && len(items) > 0 {
		for _, t := range []dicom.Tag{dicom.ReasonForCancellation, dicom.ProcedureStepDiscontinuationReasonCodeSequence} {
			if el, there := items[0].Get(t); there {
				e.DataSet.Set(el)
			}
		}
	}
	return e
}

// webRequester is the Requesting AE (0074,1236), which is of type 1, of clients of the web, which have none.
const webRequester = "DICOMWEB"

// cancelRequested passes on what the request said.
func (w *Workitem) cancelRequested(reason *dicom.DataSet) Event {
	if reason == nil {
		reason = &dicom.DataSet{}
	}
	e := w.event(CancelRequested, reason, dicom.RequestingAE, dicom.ReasonForCancellation,
		dicom.ProcedureStepDiscontinuationReasonCodeSequence, dicom.ContactURI, dicom.ContactDisplayName)
	if e.DataSet.String(dicom.RequestingAE) == "" {
		e.DataSet.SetStrings(dicom.RequestingAE, dicom.AE, webRequester)
	}
	return e
}

func (w *Workitem) progress() Event {
	return w.event(ProgressReport, w.DataSet, dicom.ProcedureStepProgressInformationSequence)
}

// assigned has the code and organization of the humans beside the stations, as the table has it.
func (w *Workitem) assigned() Event {
	e := w.event(Assigned, w.DataSet, dicom.ScheduledStationNameCodeSequence)
	for _, human := range w.DataSet.Items(dicom.ScheduledHumanPerformersSequence) {
		for _, t := range []dicom.Tag{dicom.HumanPerformerCodeSequence, dicom.HumanPerformerOrganization} {
			if el, there := human.Get(t); there && el.HasValue() {
				e.DataSet.Set(el)
			}
		}
	}
	return e
}

// Created are the events of a new workitem (PS3.4 CC.2.4.3).
func (w *Workitem) Created() []Event {
	events := []Event{w.stateReport()}
	for _, t := range []dicom.Tag{dicom.ScheduledStationNameCodeSequence, dicom.ScheduledHumanPerformersSequence} {
		if len(w.DataSet.Items(t)) > 0 {
			return append(events, w.assigned())
		}
	}
	return events
}

// Initial is what who subscribes to a workitem is sent first.
func (w *Workitem) Initial() Event { return w.stateReport() }

// Restarted is the SCP Status Change that subscribers are sent when the server begins to serve. complete: none of the events of a
// subscriber were dropped; else it should look at the worklist again.
func Restarted(complete bool) Event {
	ds := &dicom.DataSet{}
	list := "WARM START"
	if !complete {
		list = "COLD START"
	}
	ds.SetStrings(dicom.SCPStatus, dicom.CS, "RESTARTED")
	ds.SetStrings(dicom.SubscriptionListStatus, dicom.CS, list)
	ds.SetStrings(dicom.UnifiedProcedureStepListStatus, dicom.CS, "WARM START")
	return Event{Type: StatusChange, Workitem: Global, DataSet: ds}
}
