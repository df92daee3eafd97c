package worklist

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Limited is a repository that keeps to the limits of contexts (match.Within): a workitem outside of them is not there, and none is made.
// That of a stored study is within them if the study is, others if what they name is (match.Limits.AllowTask).
type Limited struct {
	Repository
	// Seen reports whether the study is within the limits of the context.
	Seen func(ctx context.Context, study dicom.UID) (bool, error)
}

// notAuthorized is Refused: Not Authorized (PS3.7 C.5.20).
const notAuthorized Code = 0x0124

func unlimited(ctx context.Context) bool { return match.LimitsOf(ctx).Everything() }

// within reports whether the context may see the workitem.
func (l Limited) within(ctx context.Context, w *Workitem) (bool, error) {
	if w.Study != "" {
		return l.Seen(ctx, w.Study)
	}
	return match.LimitsOf(ctx).AllowTask(w.DataSet), nil
}

func noSuch() error { return refuse(NoSuchWorkitem, "%s", details[NoSuchWorkitem]) }

// Add implements Repository. What it says of a workitem that may not be made does not tell whether its UID is taken.
func (l Limited) Add(ctx context.Context, w *Workitem) error {
	refused := refuse(notAuthorized, "the workitem is not within what may be done with these credentials")
	if unlimited(ctx) {
		return l.Repository.Add(ctx, w)
	}
	in, err := l.within(ctx, w)
	switch {
	case err != nil:
		return err
	case !in:
		return refused
	}
	err = l.Repository.Add(ctx, w)
	var r *Refusal
	if errors.As(err, &r) && r.Code == DuplicateInstance {
		if _, err := l.Workitem(ctx, w.UID()); err != nil {
			return refused
		}
	}
	return err
}

// Workitem implements Repository.
func (l Limited) Workitem(ctx context.Context, uid dicom.UID) (*Workitem, error) {
	w, err := l.Repository.Workitem(ctx, uid)
	if unlimited(ctx) {
		return w, err
	}
	var r *Refusal
	if errors.As(err, &r) {
		return nil, noSuch() // whose it was that has gone nobody knows
	}
	if err == nil {
		var in bool
		if in, err = l.within(ctx, w); err == nil && !in {
			err = noSuch()
		}
	}
	return w, err
}

// Change implements Repository. It cannot take a workitem out of the limits.
func (l Limited) Change(ctx context.Context, uid dicom.UID, change func(*Workitem, bool) (Change, error)) error {
	if unlimited(ctx) {
		return l.Repository.Change(ctx, uid, change)
	}
	if _, err := l.Workitem(ctx, uid); err != nil {
		return err
	}
	return l.Repository.Change(ctx, uid, func(w *Workitem, subscribed bool) (Change, error) {
		c, err := change(w, subscribed)
		if err == nil && w.Study == "" && c.Replacement == nil && !match.LimitsOf(ctx).AllowTask(w.DataSet) {
			err = refuse(notAuthorized, "the workitem would not be within what may be done with these credentials")
		}
		return c, err
	})
}

// narrowed is the query with what narrows it down to the limits.
func narrowed(ctx context.Context, q match.Query) match.Query {
	q.Keys = append(slices.Clone(q.Keys), match.LimitsOf(ctx).TaskKeys()...)
	q.Offset, q.Limit = 0, -1
	return q
}

// Search implements Repository.
func (l Limited) Search(ctx context.Context, q match.Query) iter.Seq2[*Workitem, error] {
	if unlimited(ctx) {
		return l.Repository.Search(ctx, q)
	}
	return func(yield func(*Workitem, error) bool) {
		skip, left := q.Offset, q.Limit
		if left == 0 {
			return
		}
		for w, err := range l.Repository.Search(ctx, narrowed(ctx, q)) {
			in := false
			if err == nil {
				in, err = l.within(ctx, w)
			}
			switch {
			case err != nil:
				yield(nil, err)
				return
			case !in:
				continue
			case skip > 0:
				skip--
				continue
			}
			if left--; !yield(w, nil) || left == 0 {
				return
			}
		}
	}
}

// Count implements Repository.
func (l Limited) Count(ctx context.Context, q match.Query, most int) (n int, err error) {
	if unlimited(ctx) {
		return l.Repository.Count(ctx, q, most)
	}
	q.Offset, q.Limit = 0, -1
	if most >= 0 {
		q.Limit = most + 1
	}
	for _, err := range l.Search(ctx, q) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// Subscribe implements Repository. Who subscribes to the whole worklist hears of what lies within the limits of whoever listens.
func (l Limited) Subscribe(ctx context.Context, s Subscription) error {
	if err := l.reachable(ctx, s.Resource); err != nil {
		return err
	}
	return l.Repository.Subscribe(ctx, s)
}

// Unsubscribe implements Repository.
func (l Limited) Unsubscribe(ctx context.Context, ae string, resource dicom.UID) error {
	if err := l.reachable(ctx, resource); err != nil {
		return err
	}
	return l.Repository.Unsubscribe(ctx, ae, resource)
}

// reachable is nil for what can be subscribed to.
func (l Limited) reachable(ctx context.Context, resource dicom.UID) error {
	if unlimited(ctx) || resource == Global || resource == Filtered {
		return nil
	}
	_, err := l.Workitem(ctx, resource)
	return err
}

// Pending implements Repository. Reports of workitems outside of the limits are left out.
func (l Limited) Pending(ctx context.Context, ae string, after int64, limit int) ([]Report, error) {
	for {
		reports, err := l.Repository.Pending(ctx, ae, after, limit)
		if err != nil || unlimited(ctx) || len(reports) == 0 {
			return reports, err
		}
		after = reports[len(reports)-1].ID
		var seen []Report
		for _, r := range reports {
			err := l.reachable(ctx, r.DataSet.UID(affected))
			var refused *Refusal
			switch {
			case err == nil:
				seen = append(seen, r)
			case !errors.As(err, &refused):
				return nil, err
			}
		}
		if len(seen) > 0 {
			return seen, nil
		}
	}
}
