package store

import (
	"bytes"
	"context"
	"iter"
	"time"
)

// Swept is what a sweep removed.
type Swept struct {
	Blobs     int   // blobs that no entry names
	Bytes     int64 // in those
	Temporary int   // files that an upload began and a crash cut off
}

// Sweep removes what crashes left behind before the given time: blobs that no entry names, and uploads that never ended.
// Instances may be stored meanwhile, by this Store. Its memory does not grow with the store.
func (s *Store) Sweep(ctx context.Context, before time.Time) (Swept, error) {
	var swept Swept
	n, err := s.blobs.Sweep(ctx, before)
	swept.Temporary = n
	if err != nil {
		return swept, err
	}
	for orphan, err := range s.orphans(ctx) {
		if err != nil {
			return swept, err
		}
		if orphan.Stored.After(before) {
			continue
		}
		removed, err := s.removeOrphan(ctx, orphan.ID)
		if err != nil {
			return swept, err
		}
		if removed {
			swept.Blobs++
			swept.Bytes += orphan.Size
		}
	}
	return swept, nil
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

// removeOrphan removes the blob unless an entry names it by now. The lock keeps out whoever is about to store the same bytes.
func (s *Store) removeOrphan(ctx context.Context, id BlobID) (bool, error) {
	release, err := s.locks.acquire(ctx, []string{blobLock(id)})
	if err != nil {
		return false, err
	}
	defer release()
	if named, err := s.index.Names(ctx, id); err != nil || named {
		return false, err
	}
	return true, s.blobs.Remove(ctx, id)
}
