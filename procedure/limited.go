package procedure

import (
	"context"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Limited is a repository that keeps to the limits of contexts (match.Within): a step that names somebody else (match.Limits.AllowTask), or
// nobody, is not there, and none is made.
type Limited struct{ Repository }

func allows(ctx context.Context, ds *dicom.DataSet) bool { return match.LimitsOf(ctx).AllowTask(ds) }

func unlimited(ctx context.Context) bool { return match.LimitsOf(ctx).Everything() }

// outside says why a step is not made, and not whether its name is taken.
func outside() error {
	return invalid("the step is not within what may be done with these credentials")
}

// Schedule implements Repository.
func (l Limited) Schedule(ctx context.Context, s *Scheduled) error {
	if unlimited(ctx) {
		return l.Repository.Schedule(ctx, s)
	}
	if !allows(ctx, s.DataSet) {
		return outside()
	}
	if there, err := l.Repository.Scheduled(ctx, s.Name()); err == nil && !allows(ctx, there.DataSet) {
		return outside()
	}
	return l.Repository.Schedule(ctx, s)
}

// Reschedule implements Repository.
func (l Limited) Reschedule(ctx context.Context, s *Scheduled) error {
	if unlimited(ctx) {
		return l.Repository.Reschedule(ctx, s)
	}
	if _, err := l.Scheduled(ctx, s.Name()); err != nil {
		return err
	}
	if !allows(ctx, s.DataSet) {
		return outside()
	}
	return l.Repository.Reschedule(ctx, s)
}

// Unschedule implements Repository.
func (l Limited) Unschedule(ctx context.Context, n Name) error {
	if !unlimited(ctx) {
		if _, err := l.Scheduled(ctx, n); err != nil {
			return err
		}
	}
	return l.Repository.Unschedule(ctx, n)
}

// Scheduled implements Repository.
func (l Limited) Scheduled(ctx context.Context, n Name) (*Scheduled, error) {
	s, err := l.Repository.Scheduled(ctx, n)
	if err == nil && !allows(ctx, s.DataSet) {
		return nil, ErrUnknown
	}
	return s, err
}

// Search implements Repository.
func (l Limited) Search(ctx context.Context, q match.Query) (page []*Scheduled, total int, err error) {
	if unlimited(ctx) {
		return l.Repository.Search(ctx, q)
	}
	wide := q
	wide.Keys = append(slices.Clone(q.Keys), match.LimitsOf(ctx).TaskKeys()...)
	wide.Offset, wide.Limit = 0, -1
	found, _, err := l.Repository.Search(ctx, wide)
	if err != nil {
		return nil, 0, err
	}
	found = slices.DeleteFunc(found, func(s *Scheduled) bool { return !allows(ctx, s.DataSet) })
	page = found[min(q.Offset, len(found)):]
	if q.Limit >= 0 {
		page = page[:min(q.Limit, len(page))]
	}
	return page, len(found), nil
}

// Begin implements Repository.
func (l Limited) Begin(ctx context.Context, p *Performed) error {
	if unlimited(ctx) {
		return l.Repository.Begin(ctx, p)
	}
	if !allows(ctx, p.DataSet) {
		return outside()
	}
	if there, err := l.Repository.Performed(ctx, p.UID()); err == nil && !allows(ctx, there.DataSet) {
		return outside()
	}
	return l.Repository.Begin(ctx, p)
}

// Performed implements Repository.
func (l Limited) Performed(ctx context.Context, uid dicom.UID) (*Performed, error) {
	p, err := l.Repository.Performed(ctx, uid)
	if err == nil && !allows(ctx, p.DataSet) {
		return nil, ErrUnknown
	}
	return p, err
}

// Change implements Repository. It cannot take a step out of the limits.
func (l Limited) Change(ctx context.Context, uid dicom.UID, change func(*Performed) error) error {
	if _, err := l.Performed(ctx, uid); err != nil {
		return err
	}
	return l.Repository.Change(ctx, uid, func(p *Performed) error {
		if err := change(p); err != nil {
			return err
		}
		if !allows(ctx, p.DataSet) {
			return outside()
		}
		return nil
	})
}
