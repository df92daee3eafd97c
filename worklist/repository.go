package worklist

import (
	"context"
	"iter"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Repository keeps workitems, subscriptions and the events that subscribers have not received yet. All methods are safe for concurrent
// use. What a method changes is durable when it returns, all of it or nothing, and seen by every call that begins after that. Changes of
// one workitem exclude each other. An error that is a *Refusal says that nothing was changed, and why.
type Repository interface {
	// Add adds a workitem, subscribes to it who has subscribed to all of its kind, and sends them its Created events. Refused with
	// DuplicateInstance if the UID is or was taken.
	Add(ctx context.Context, w *Workitem) error
	// Workitem returns a copy. Refused with NoSuchWorkitem, Gone if it was there once.
	Workitem(ctx context.Context, uid dicom.UID) (*Workitem, error)
	// Change hands the workitem to change and keeps what it makes of it, together with what it returns. The error of change is that of
	// the call, and then nothing is kept. subscribed: somebody would be told of an event. change may be called more than once, and
	// calls no method of the repository.
	Change(ctx context.Context, uid dicom.UID, change func(w *Workitem, subscribed bool) (Change, error)) error
	// Search yields the workitems whose Shown data sets match, in the order of the query (see Order), from Offset on, up to Limit of
	// them. Which they are is decided when it begins; it holds no lock while its consumer is busy. Level and Scope are of no meaning.
	Search(ctx context.Context, q match.Query) iter.Seq2[*Workitem, error]
	// Count counts what Search would yield without Offset and Limit; it may stop at most+1, if most is not negative.
	Count(ctx context.Context, q match.Query, most int) (int, error)

	// Subscribe changes the subscriptions of an application entity as PS3.4 Table CC.2.3-2 has it, and sends the initial events.
	// Refused with NoSuchWorkitem if it is to a workitem that is not there.
	Subscribe(ctx context.Context, s Subscription) error
	// Unsubscribe ends the subscription to a workitem, or with Global or Filtered all of that entity. Workitems that were kept only for
	// its deletion lock go. Refused with NoSuchWorkitem if there is nothing to end.
	Unsubscribe(ctx context.Context, ae string, resource dicom.UID) error
	// Suspend ends the subscription to future workitems (Global or Filtered); the present ones stay. Refused with NoSuchWorkitem if
	// there is none.
	Suspend(ctx context.Context, ae string, resource dicom.UID) error

	// Pending returns the oldest events that the entity has not acknowledged and that come after the one with the id after, at most
	// limit of them. An entity that never subscribed is refused with NoSuchWorkitem.
	Pending(ctx context.Context, ae string, after int64, limit int) ([]Report, error)
	// Acknowledge forgets the events of the entity up to id. It may take effect later; until then Pending returns them again after a
	// restart. At most MaxQueue events of an entity are kept, the latest.
	Acknowledge(ctx context.Context, ae string, id int64) error
	// Send queues an event for every entity that has subscribed to anything.
	Send(ctx context.Context, e Event) error
	// Hub wakes those who wait for events.
	Hub() *Hub
}

// MaxQueue is how many events are kept for an application entity that does not fetch them. What is older is dropped, which it is told by
// an SCP Status Change whose Subscription List Status is COLD START.
const MaxQueue = 10_000

// Change is what becomes of a workitem beside what the data set says.
type Change struct {
	Events []Event
	// Remove takes it off the worklist, as soon as no deletion lock holds it (PS3.4 CC.2.1.3).
	Remove bool
	// Replacement, if not nil, is added at the same time.
	Replacement *Workitem
}

// Subscription is what an application entity wants to be told.
type Subscription struct {
	AE       string
	Resource dicom.UID // a workitem, Global or Filtered
	Lock     bool      // keep what is COMPLETED or CANCELED until it unsubscribes
	Filter   string    // of Filtered: see ParseFilter
}

// Report is an event that waits for its receiver. Ids ascend.
type Report struct {
	ID      int64
	DataSet *dicom.DataSet // as it is sent, but for the Message ID
}

// Orders: by Scheduled Procedure Step Start DateTime, the earliest first, unless the query says otherwise; then by UID.
var orders = map[dicom.Tag]bool{
	dicom.ScheduledProcedureStepStartDateTime:        true,
	dicom.ScheduledProcedureStepModificationDateTime: true,
}

// OrderOf is the attribute by which the results of a query come, and in which direction: the first of its Order that is one of the two
// moments by which worklists are kept.
func OrderOf(q match.Query) match.Order {
	for _, o := range q.Order {
		if orders[o.Tag] {
			return o
		}
	}
	return match.Order{Tag: dicom.ScheduledProcedureStepStartDateTime}
}

// Moment is the comparable form of a DT value of the workitem, "" if it has none.
func (w *Workitem) Moment(t dicom.Tag) string {
	m, _ := match.NormalDateTime(w.DataSet.String(t), w.DataSet.String(dicom.TimezoneOffsetFromUTC))
	return m
}

// Project returns what an answer to the query says of a workitem (PS3.18 11.9.2): what every answer has, what the query matches by, and
// what it includes. An attribute within a sequence comes with its sequence.
func Project(q match.Query, w *Workitem) *dicom.DataSet {
	ds := w.Shown()
	if q.IncludeAll {
		return ds
	}
	wanted := map[dicom.Tag]bool{dicom.SpecificCharacterSet: true, dicom.TimezoneOffsetFromUTC: true}
	for _, t := range Returned() {
		wanted[t] = true
	}
	for _, k := range q.Keys {
		wanted[k.Path[0]] = true
	}
	for _, path := range q.Include {
		wanted[path[0]] = true
	}
	result := &dicom.DataSet{}
	for e := range ds.All() {
		if wanted[e.Tag] || e.Tag.IsPrivateCreator() {
			result.Set(e)
		}
	}
	return result
}
