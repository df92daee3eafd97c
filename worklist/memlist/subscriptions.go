package memlist

import (
	"context"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/worklist"
)

// Subscribe implements worklist.Repository.
func (r *Repository) Subscribe(_ context.Context, s worklist.Subscription) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := s.Resource == worklist.Global || s.Resource == worklist.Filtered
	if !list && r.items[s.Resource] == nil {
		return noSuch(r.gone[s.Resource])
	}
	e := r.entities[s.AE]
	if e == nil {
		e = &entity{lists: map[dicom.UID]worklist.Subscription{}}
		r.entities[s.AE] = e
	}
	if !list {
		it := r.items[s.Resource]
		it.locks[s.AE] = s.Lock
		r.send(it.Initial(), s.AE)
		r.collect(it)
	} else {
		e.lists[s.Resource] = s
		r.subscribeAll(s)
	}
	r.hub.Publish([]string{s.AE})
	return nil
}

// subscribeAll subscribes to what is there already, as the rows "Subscribes Globally" of PS3.4 Table CC.2.3-2 have it.
func (r *Repository) subscribeAll(s worklist.Subscription) {
	for _, it := range r.items {
		if _, subscribed := it.locks[s.AE]; subscribed || !s.Selects(&it.Workitem) {
			continue
		}
		it.locks[s.AE] = s.Lock
		if s.Lock {
			r.send(it.Initial(), s.AE)
		}
	}
}

// Unsubscribe implements worklist.Repository.
func (r *Repository) Unsubscribe(_ context.Context, ae string, resource dicom.UID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entities[ae]
	if e == nil {
		return noSuch(false)
	}
	list := resource == worklist.Global || resource == worklist.Filtered
	found := list && len(e.lists) > 0
	if list {
		clear(e.lists)
	}
	for _, it := range r.items {
		if _, subscribed := it.locks[ae]; subscribed && (list || it.UID() == resource) {
			found = true
			delete(it.locks, ae)
			r.collect(it)
		}
	}
	if !found {
		return noSuch(r.gone[resource])
	}
	return nil
}

// Suspend implements worklist.Repository.
func (r *Repository) Suspend(_ context.Context, ae string, resource dicom.UID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entities[ae]
	if e == nil {
		return noSuch(false)
	}
	if _, there := e.lists[resource]; !there {
		return noSuch(false)
	}
	delete(e.lists, resource)
	return nil
}

// Pending implements worklist.Repository.
func (r *Repository) Pending(_ context.Context, ae string, after int64, limit int) ([]worklist.Report, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entities[ae]
	if e == nil {
		return nil, noSuch(false)
	}
	if e.dropped {
		e.dropped = false
		r.send(worklist.Restarted(false), ae)
	}
	i := slices.IndexFunc(e.queue, func(p worklist.Report) bool { return p.ID > after })
	if i < 0 {
		return nil, nil
	}
	return slices.Clone(e.queue[i:min(len(e.queue), i+limit)]), nil
}

// Acknowledge implements worklist.Repository.
func (r *Repository) Acknowledge(_ context.Context, ae string, id int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entities[ae]; e != nil {
		e.queue = slices.DeleteFunc(e.queue, func(p worklist.Report) bool { return p.ID <= id })
	}
	return nil
}

// Send implements worklist.Repository.
func (r *Repository) Send(_ context.Context, event worklist.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var to []string
	for ae, e := range r.entities {
		subscribed := len(e.lists) > 0
		for _, it := range r.items {
			_, one := it.locks[ae]
			subscribed = subscribed || one
		}
		if subscribed {
			to = append(to, ae)
		}
	}
	r.send(event, to...)
	r.hub.Publish(to)
	return nil
}
