package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Recovered is what Recover found after a crash.
type Recovered struct {
	Temporary int       // uploads that were cut off, and are removed
	Adopted   int       // whole instances that were durable and not yet acknowledged: they are in the index now
	Purged    int       // instances that had been purged from the recycle bin, whose files were still there: they have gone now
	SetAside  []BadBlob // blobs that no entry names and none can: they are left alone
}

// Recover makes a store whole that a crash has interrupted. Uploads that were cut off are removed. A blob that no entry names
// was durable when the process died before its commit; it is taken into the index. It is never removed, unless it was purged: an
// index that was lost, or put back from a backup, does not know the files of patients either. Instances may be stored meanwhile,
// by this Store. Its memory does not grow with the store.
func (s *Store) Recover(ctx context.Context) (Recovered, error) {
	var found Recovered
	n, err := s.blobs.Sweep(ctx, time.Now())
	found.Temporary = n
	if err != nil {
		return found, err
	}
	for orphan, err := range s.orphans(ctx) {
		if err != nil {
			return found, err
		}
		adopted, err := s.adopt(ctx, orphan, &found)
		var bad *unadoptable
		switch {
		case errors.As(err, &bad):
			found.SetAside = append(found.SetAside, BadBlob{orphan.ID, bad.err})
		case err != nil:
			return found, err
		case adopted:
			found.Adopted++
		}
	}
	return found, nil
}

// orphans yields the blobs that no entry names, by walking both lists side by side. A blob that is stored meanwhile may be
// among them.
func (s *Store) orphans(ctx context.Context) iter.Seq2[BlobInfo, error] {
	return func(yield func(BlobInfo, error) bool) {
		next, stop := iter.Pull2(s.index.Blobs(ctx))
		defer stop()
		named, err, more := next()
		for blob, listErr := range s.blobs.List(ctx) {
			if listErr != nil {
				yield(BlobInfo{}, listErr)
				return
			}
			for more && err == nil && bytes.Compare(named[:], blob.ID[:]) < 0 {
				named, err, more = next()
			}
			if more && err != nil {
				yield(BlobInfo{}, err)
				return
			}
			if more && named == blob.ID {
				continue
			}
			if !yield(blob, nil) {
				return
			}
		}
	}
}

// unadoptable is the error of a blob that cannot be an instance of this store.
type unadoptable struct{ err error }

func (u *unadoptable) Error() string { return u.err.Error() }

// adopt indexes the blob unless an entry names it by now. The locks keep out whoever is about to store the same bytes, or the
// same instance.
func (s *Store) adopt(ctx context.Context, orphan BlobInfo, found *Recovered) (bool, error) {
	admit, done := s.patient(ctx)
	defer done()
	sc := s.scanBlob(ctx, orphan.ID, admit)
	names := []string{blobLock(orphan.ID)}
	if sc.entry != nil {
		names = append(names, string(sc.entry.Ref.Instance))
	}
	release, err := s.locks.acquire(ctx, names)
	if err != nil {
		return false, err
	}
	defer release()
	if named, err := s.index.Names(ctx, orphan.ID); err != nil || named {
		return false, err
	}
	if purged, err := s.isPurged(ctx, orphan.ID); err != nil || purged {
		if err == nil {
			found.Purged++
			err = s.blobs.Remove(ctx, orphan.ID)
		}
		return false, err
	}
	switch {
	case errors.Is(sc.err, ErrNotFound): // removed meanwhile
		return false, nil
	case sc.err != nil:
		return false, errors.Join(ctx.Err(), &unadoptable{sc.err})
	}
	inserted, err := s.index.Insert(ctx, []*Entry{sc.entry})
	s.touched()
	switch {
	case err != nil:
		return false, err
	case inserted[0] == InsertedConflict:
		return false, &unadoptable{fmt.Errorf("instance %s is stored already, with other bytes", sc.entry.Ref.Instance)}
	}
	return inserted[0] == InsertedNew, nil
}

// isPurged reports whether the blob should have gone.
func (s *Store) isPurged(ctx context.Context, id BlobID) (bool, error) {
	for r, err := range s.index.Removed(ctx, RemovedQuery{Blob: &id, Tombstones: true}) {
		if err != nil {
			return false, err
		}
		return r.Purged, nil
	}
	return false, nil
}
