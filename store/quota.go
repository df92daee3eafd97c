package store

import (
	"context"
	"errors"
	"fmt"
)

// ErrQuota: the archive holds as much as it may. Nothing is wrong with what is stored; deleting helps when the recycle bin is purged.
var ErrQuota = errors.New("the quota of the archive is exhausted")

// Quota is how much an archive may hold, with what is in its recycle bin, since that lies on the disk all the same; zero: as much as there is
// room for.
type Quota struct {
	Bytes     int64 `json:"bytes,omitempty"`
	Instances int64 `json:"instances,omitempty"`
}

// Usage is how much an archive holds: what is stored, and what is in its recycle bin.
type Usage struct {
	Bytes     int64 `json:"bytes"`
	Instances int64 `json:"instances"`
}

// Admits reports whether an instance of that size may be added to what is held.
func (q Quota) Admits(u Usage, size int64) bool {
	return (q.Bytes <= 0 || u.Bytes+size <= q.Bytes) && (q.Instances <= 0 || u.Instances < q.Instances)
}

// SetQuota changes how much the archive may hold. What it holds already stays, even if it is more.
func (s *Store) SetQuota(q Quota) { s.quota.Store(&q) }

// Quota returns how much the archive may hold.
func (s *Store) Quota() Quota { return *s.quota.Load() }

// Usage returns how much the archive holds.
func (s *Store) Usage(ctx context.Context) (Usage, error) { return s.index.Usage(ctx) }

// room is how much of the quota is left for the instances of a batch, one after the other. It spares what cannot be admitted the way to the
// disk; what it lets through the index decides, which counts.
type room struct {
	quota Quota
	held  Usage           // what the index counts
	taken Usage           // by those of the batch that were admitted
	named map[BlobID]bool // which ones they are
}

// measure begins anew with what the index counts.
func (r *room) measure(ctx context.Context, s *Store) (err error) {
	if r.quota = s.Quota(); r.quota != (Quota{}) {
		r.held, err = s.index.Usage(ctx)
	}
	return err
}

// admit reports whether an instance that would be written may be, and counts it then.
func (r *room) admit(ctx context.Context, index Index, e *Entry) (bool, error) {
	if r.quota == (Quota{}) {
		return true, nil
	}
	e.Quota = r.quota
	if r.named[e.Blob] {
		return true, nil
	}
	if held, err := index.Names(ctx, e.Blob); held || err != nil { // it is in the recycle bin, and only leaves that
		return held, err
	}
	if !r.quota.Admits(Usage{r.held.Bytes + r.taken.Bytes, r.held.Instances + r.taken.Instances}, e.Size) {
		return false, nil
	}
	r.taken.Bytes += e.Size
	r.taken.Instances++
	r.named[e.Blob] = true
	return true, nil
}

// String says it in words.
func (q Quota) String() string {
	switch {
	case q.Bytes > 0 && q.Instances > 0:
		return fmt.Sprintf("it may hold %d bytes and %d instances, recycle bin included", q.Bytes, q.Instances)
	case q.Bytes > 0:
		return fmt.Sprintf("it may hold %d bytes, recycle bin included", q.Bytes)
	case q.Instances > 0:
		return fmt.Sprintf("it may hold %d instances, recycle bin included", q.Instances)
	}
	return "it has none"
}
