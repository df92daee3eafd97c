package worklist

import (
	"context"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// List is the service: the operations of PS3.4 CC.2 on what a repository keeps.
type List struct {
	Repository
	// Now is the clock.
	Now func() time.Time
}

// New returns the service on top of a repository.
func New(r Repository) *List { return &List{Repository: r, Now: time.Now} }

// Create makes a workitem (PS3.4 CC.2.5). uid is the one that the client chose outside of the data set, or "".
func (l *List) Create(ctx context.Context, given *dicom.DataSet, uid dicom.UID) (*Workitem, Code, error) {
	w, code, err := Create(given, uid, l.Now())
	if err != nil {
		return nil, 0, err
	}
	return w, code, l.Add(ctx, w)
}

// Update changes attributes (PS3.4 CC.2.6). lock is the Transaction UID that the client knows, or "".
func (l *List) Update(ctx context.Context, uid dicom.UID, given *dicom.DataSet, lock dicom.UID) (Code, error) {
	return l.change(ctx, uid, func(w *Workitem, _ bool) (code Code, c Change, err error) {
		code, c.Events, err = w.update(given, lock, l.Now())
		return code, c, err
	})
}

// ChangeState changes the state (PS3.4 CC.2.1). With a warning the workitem was in the state already.
func (l *List) ChangeState(ctx context.Context, uid dicom.UID, to State, lock dicom.UID) (Code, error) {
	return l.change(ctx, uid, func(w *Workitem, _ bool) (code Code, c Change, err error) {
		code, c.Events, err = w.changeState(to, lock, l.Now())
		return code, c, err
	})
}

// RequestCancel asks for the workitem to be canceled (PS3.4 CC.2.2). reason may be nil.
func (l *List) RequestCancel(ctx context.Context, uid dicom.UID, reason *dicom.DataSet) (Code, error) {
	return l.change(ctx, uid, func(w *Workitem, subscribed bool) (code Code, c Change, err error) {
		code, c.Events, err = w.cancel(reason, subscribed, l.Now())
		return code, c, err
	})
}

// Release gives a claimed workitem back. The standard has no way from IN PROGRESS to SCHEDULED, so that at one moment the workitem is
// CANCELED and leaves the worklist, and another takes its place, which names it in Replaced Procedure Step Sequence. It returns the UID of
// that.
func (l *List) Release(ctx context.Context, uid, lock dicom.UID) (dicom.UID, error) {
	var next dicom.UID
	_, err := l.change(ctx, uid, func(w *Workitem, _ bool) (Code, Change, error) {
		fresh := w.replacement(l.Now())
		code, events, err := w.changeState(Canceled, lock, l.Now())
		if err == nil && code != Success {
			err = refuse(NoLongerUpdatable, "%s", details[NoLongerUpdatable])
		}
		next, w.Study = fresh.UID(), ""
		return code, Change{Events: events, Remove: true, Replacement: fresh}, err
	})
	return next, err
}

func (l *List) change(ctx context.Context, uid dicom.UID, change func(*Workitem, bool) (Code, Change, error)) (code Code, err error) {
	err = l.Change(ctx, uid, func(w *Workitem, subscribed bool) (c Change, err error) {
		code, c, err = change(w, subscribed)
		return c, err
	})
	if err != nil {
		return 0, err
	}
	return code, nil
}
