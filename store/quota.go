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

// judgeQuota spares what cannot be admitted the way to the disk. What it lets through the index decides, which counts.
func (s *Store) judgeQuota(ctx context.Context, batch []*staged) error {
	q := s.Quota()
	if q == (Quota{}) {
		return nil
	}
	u, err := s.index.Usage(ctx)
	if err != nil {
		return err
	}
	for _, st := range batch {
		if st.verdict != fresh && st.verdict != replacing {
			continue
		}
		st.entry.Quota = q
		held, err := s.index.Names(ctx, st.entry.Blob)
		switch {
		case err != nil:
			return err
		case held: // it is in the recycle bin, and only leaves that
		case !q.Admits(u, st.entry.Size):
			st.verdict = excessive
		default:
			u.Bytes += st.entry.Size
			u.Instances++
		}
	}
	return nil
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
