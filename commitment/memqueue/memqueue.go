// Package memqueue is the reference implementation of commitment.Repository, in memory.
package memqueue

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/commitment"
	"github.com/noctis-dicom/noctis/dicom"
)

// Repository implements commitment.Repository.
type Repository struct {
	mu      sync.Mutex
	entries map[dicom.UID]*entry
	waiting []dicom.UID
}

// entry is a request, which waits, or its result, or neither once that has been dropped.
type entry struct {
	request, result *dicom.DataSet
	at              time.Time
}

// New returns an empty repository.
func New() *Repository { return &Repository{entries: map[dicom.UID]*entry{}} }

// Add implements commitment.Repository.
func (r *Repository) Add(_ context.Context, uid dicom.UID, request, result *dicom.DataSet, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.entries[uid] != nil:
		return commitment.ErrDuplicate
	case result != nil:
		r.entries[uid] = &entry{result: result, at: now}
	case len(r.waiting) >= commitment.MaxWaiting:
		return commitment.ErrBusy
	default:
		r.entries[uid] = &entry{request: request, at: now}
		r.waiting = append(r.waiting, uid)
	}
	return nil
}

// Result implements commitment.Repository.
func (r *Repository) Result(_ context.Context, uid dicom.UID) (*dicom.DataSet, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[uid]
	switch {
	case e == nil:
		return nil, commitment.ErrUnknown
	case e.result == nil && e.request == nil:
		return nil, commitment.ErrGone
	}
	return e.result, nil
}

// Waiting implements commitment.Repository.
func (r *Repository) Waiting(context.Context) ([]dicom.UID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.waiting), nil
}

// Request implements commitment.Repository.
func (r *Repository) Request(_ context.Context, uid dicom.UID) (*dicom.DataSet, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[uid]
	if e == nil || e.request == nil {
		return nil, commitment.ErrUnknown
	}
	return e.request, nil
}

// Finish implements commitment.Repository.
func (r *Repository) Finish(_ context.Context, uid dicom.UID, result *dicom.DataSet, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entries[uid]; e != nil && e.request != nil {
		r.entries[uid] = &entry{result: result, at: now}
		r.waiting = slices.DeleteFunc(r.waiting, func(w dicom.UID) bool { return w == uid })
	}
	return nil
}

// Expire implements commitment.Repository.
func (r *Repository) Expire(_ context.Context, before time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		if e.result != nil && e.at.Before(before) {
			e.result = nil
		}
	}
	return nil
}
