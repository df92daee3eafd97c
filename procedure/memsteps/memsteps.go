// Package memsteps is the reference implementation of procedure.Repository, in memory: what is found is what the oracle of package match
// finds, and what follows from what is worked out anew each time.
package memsteps

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/procedure"
)

// Repository implements procedure.Repository.
type Repository struct {
	mu        sync.Mutex
	scheduled map[procedure.Name]*dicom.DataSet
	performed map[dicom.UID]*procedure.Performed
}

// New returns an empty repository.
func New() *Repository {
	return &Repository{scheduled: map[procedure.Name]*dicom.DataSet{}, performed: map[dicom.UID]*procedure.Performed{}}
}

// Schedule implements procedure.Repository.
func (r *Repository) Schedule(_ context.Context, s *procedure.Scheduled) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.scheduled[s.Name()] != nil {
		return procedure.ErrConflict
	}
	r.scheduled[s.Name()] = s.DataSet
	return nil
}

// Reschedule implements procedure.Repository.
func (r *Repository) Reschedule(_ context.Context, s *procedure.Scheduled) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.scheduled[s.Name()] == nil {
		return procedure.ErrUnknown
	}
	r.scheduled[s.Name()] = s.DataSet
	return nil
}

// Unschedule implements procedure.Repository.
func (r *Repository) Unschedule(_ context.Context, n procedure.Name) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.scheduled[n] == nil {
		return procedure.ErrUnknown
	}
	delete(r.scheduled, n)
	return nil
}

// Scheduled implements procedure.Repository.
func (r *Repository) Scheduled(_ context.Context, n procedure.Name) (*procedure.Scheduled, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.scheduled[n] == nil {
		return nil, procedure.ErrUnknown
	}
	return r.step(n), nil
}

// step is a scheduled step, with the status that follows from those performed for it.
func (r *Repository) step(n procedure.Name) *procedure.Scheduled {
	s := &procedure.Scheduled{DataSet: r.scheduled[n]}
	for _, p := range r.performed {
		if !slices.Contains(p.Names(), n) {
			continue
		}
		switch p.Status() {
		case "COMPLETED":
			s.Performed = "COMPLETED"
		case "IN PROGRESS":
			s.Performed = cmp.Or(s.Performed, "STARTED")
		}
	}
	return s
}

// Search implements procedure.Repository.
func (r *Repository) Search(ctx context.Context, q match.Query) (page []*procedure.Scheduled, total int, err error) {
	q.Level, q.Scope = match.Instance, dicom.Ref{}
	r.mu.Lock()
	defer r.mu.Unlock()
	for n := range r.scheduled {
		s := r.step(n)
		if (s.Performed != "COMPLETED" || procedure.AsksForStatus(q)) && q.Match(s.Shown()) {
			page = append(page, s)
		}
	}
	slices.SortFunc(page, func(a, b *procedure.Scheduled) int {
		return cmp.Or(cmp.Compare(a.Start(), b.Start()), cmp.Compare(a.Name().Study, b.Name().Study), cmp.Compare(a.Name().Step, b.Name().Step))
	})
	total = len(page)
	page = page[min(q.Offset, total):]
	if q.Limit >= 0 {
		page = page[:min(q.Limit, len(page))]
	}
	return page, total, ctx.Err()
}

// Begin implements procedure.Repository.
func (r *Repository) Begin(_ context.Context, p *procedure.Performed) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.performed[p.UID()] != nil {
		return procedure.ErrConflict
	}
	r.performed[p.UID()] = p
	return nil
}

// Performed implements procedure.Repository.
func (r *Repository) Performed(_ context.Context, uid dicom.UID) (*procedure.Performed, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.performed[uid] == nil {
		return nil, procedure.ErrUnknown
	}
	return clone(r.performed[uid]), nil
}

// Change implements procedure.Repository.
func (r *Repository) Change(_ context.Context, uid dicom.UID, change func(*procedure.Performed) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.performed[uid] == nil {
		return procedure.ErrUnknown
	}
	p := clone(r.performed[uid])
	if err := change(p); err != nil {
		return err
	}
	r.performed[uid] = p
	return nil
}

func clone(p *procedure.Performed) *procedure.Performed {
	return &procedure.Performed{DataSet: p.DataSet.Clone()}
}
