// Package memlist is the reference implementation of worklist.Repository, in memory: every answer is worked out from the workitems
// alone, by the oracle of package match. worklisttest compares every other implementation with it.
package memlist

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/worklist"
)

// Repository implements worklist.Repository.
type Repository struct {
	hub worklist.Hub

	mu       sync.Mutex
	items    map[dicom.UID]*item
	gone     map[dicom.UID]bool
	entities map[string]*entity
	last     int64 // id of the last event
}

type item struct {
	worklist.Workitem
	locks  map[string]bool // by the entities that have subscribed: with a deletion lock
	remove bool
}

type entity struct {
	lists   map[dicom.UID]worklist.Subscription // Global, Filtered
	queue   []worklist.Report
	dropped bool
}

// New returns an empty repository.
func New() *Repository {
	return &Repository{items: map[dicom.UID]*item{}, gone: map[dicom.UID]bool{}, entities: map[string]*entity{}}
}

// Hub implements worklist.Repository.
func (r *Repository) Hub() *worklist.Hub { return &r.hub }

func noSuch(gone bool) error {
	return &worklist.Refusal{Code: worklist.NoSuchWorkitem, Detail: "there is no such workitem or subscription", Gone: gone}
}

// Add implements worklist.Repository.
func (r *Repository) Add(ctx context.Context, w *worklist.Workitem) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.items[w.UID()] != nil || r.gone[w.UID()] {
		return &worklist.Refusal{Code: worklist.DuplicateInstance, Detail: "there is or was a workitem with this UID"}
	}
	r.add(w)
	return ctx.Err()
}

func (r *Repository) add(w *worklist.Workitem) {
	it := &item{Workitem: *w, locks: map[string]bool{}}
	r.items[w.UID()] = it
	for ae, e := range r.entities {
		for _, s := range e.lists {
			if s.Selects(w) {
				it.locks[ae] = it.locks[ae] || s.Lock
			}
		}
	}
	r.tell(it, w.Created()...)
}

// tell queues events for all who have subscribed to the workitem.
func (r *Repository) tell(it *item, events ...worklist.Event) {
	for _, e := range events {
		r.send(e, slices.Collect(maps.Keys(it.locks))...)
	}
	r.hub.Publish(slices.Collect(maps.Keys(it.locks)))
}

func (r *Repository) send(event worklist.Event, to ...string) {
	r.last++
	for _, ae := range to {
		e := r.entities[ae]
		e.queue = append(e.queue, worklist.Report{ID: r.last, DataSet: event.Report(r.last)})
		if n := len(e.queue); n > worklist.MaxQueue {
			e.queue, e.dropped = e.queue[n-worklist.MaxQueue:], true
		}
	}
}

// Workitem implements worklist.Repository.
func (r *Repository) Workitem(_ context.Context, uid dicom.UID) (*worklist.Workitem, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	it := r.items[uid]
	if it == nil {
		return nil, noSuch(r.gone[uid])
	}
	w := it.Workitem
	return &w, nil
}

// Change implements worklist.Repository.
func (r *Repository) Change(_ context.Context, uid dicom.UID, change func(*worklist.Workitem, bool) (worklist.Change, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	it := r.items[uid]
	if it == nil {
		return noSuch(r.gone[uid])
	}
	w := it.Workitem
	c, err := change(&w, len(it.locks) > 0)
	if err != nil {
		return err
	}
	it.Workitem, it.remove = w, it.remove || c.Remove
	if len(c.Events) > 0 {
		r.tell(it, c.Events...)
	}
	if c.Replacement != nil {
		r.add(c.Replacement)
	}
	r.collect(it)
	return nil
}

// collect removes the workitem if it is to be removed and nobody holds it.
func (r *Repository) collect(it *item) {
	for _, locked := range it.locks {
		if locked {
			return
		}
	}
	if it.remove {
		delete(r.items, it.UID())
		r.gone[it.UID()] = true
	}
}

// Search implements worklist.Repository.
func (r *Repository) Search(ctx context.Context, q match.Query) iter.Seq2[*worklist.Workitem, error] {
	return func(yield func(*worklist.Workitem, error) bool) {
		found := r.matches(q)
		found = found[min(q.Offset, len(found)):]
		if q.Limit >= 0 {
			found = found[:min(q.Limit, len(found))]
		}
		for _, w := range found {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !yield(w, nil) {
				return
			}
		}
	}
}

// Count implements worklist.Repository.
func (r *Repository) Count(ctx context.Context, q match.Query, _ int) (int, error) {
	return len(r.matches(q)), ctx.Err()
}

func (r *Repository) matches(q match.Query) []*worklist.Workitem {
	r.mu.Lock()
	defer r.mu.Unlock()
	q.Level, q.Scope = match.Instance, dicom.Ref{}
	var found []*worklist.Workitem
	for _, it := range r.items {
		if w := it.Workitem; q.Match(w.Shown()) {
			found = append(found, &w)
		}
	}
	by := worklist.OrderOf(q)
	slices.SortFunc(found, func(a, b *worklist.Workitem) int {
		order := cmp.Or(cmp.Compare(a.Moment(by.Tag), b.Moment(by.Tag)), cmp.Compare(a.UID(), b.UID()))
		if by.Descending {
			return -order
		}
		return order
	})
	return found
}
