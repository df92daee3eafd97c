package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"sync"
)

// damaged are the blobs that are known not to be what their names say, in the state of the file that was read. It is safe for concurrent
// use.
type damaged struct {
	mu    sync.Mutex
	blobs map[BlobID]uint64 // 0: in a state that an earlier process saw
	watch func(BlobID, error)
}

// is reports whether a blob is damaged in a state, or, unless exactly, in whatever state it was.
func (d *damaged) is(id BlobID, state uint64, exactly bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	of, bad := d.blobs[id]
	return bad && (!exactly || of == state)
}

// set reports whether that is news.
func (d *damaged) set(id BlobID, state uint64, bad bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, was := d.blobs[id]
	if !bad {
		delete(d.blobs, id)
		return was
	}
	if d.blobs == nil {
		d.blobs = map[BlobID]uint64{}
	}
	d.blobs[id] = state
	return !was
}

// WatchDamage has f told of each blob that is found to be damaged, and why, and of each that is found good again, or was stored again (nil).
func (s *Store) WatchDamage(f func(id BlobID, err error)) {
	s.damaged.mu.Lock()
	defer s.damaged.mu.Unlock()
	s.damaged.watch = f
}

// found remembers whether a blob is damaged, and tells who watches if that is news.
func (s *Store) found(id BlobID, state uint64, err error) {
	if s.damaged.set(id, state, err != nil) {
		s.damaged.mu.Lock()
		watch := s.damaged.watch
		s.damaged.mu.Unlock()
		if watch != nil {
			watch(id, err)
		}
	}
}

// MarkDamaged says of blobs what an earlier process has found: Open refuses them with ErrBlobDamaged, until they have been found good
// or have been stored again.
func (s *Store) MarkDamaged(ids ...BlobID) {
	for _, id := range ids {
		s.damaged.set(id, 0, true)
	}
}

// Damaged returns the blobs that are known to be damaged.
func (s *Store) Damaged() []BlobID {
	s.damaged.mu.Lock()
	defer s.damaged.mu.Unlock()
	var ids []BlobID
	for id := range s.damaged.blobs {
		ids = append(ids, id)
	}
	return ids
}

// Scrubber is told what Scrub does.
type Scrubber struct {
	// Pause is called after each piece that was read, of so many bytes; it bounds the rate, and its error ends Scrub.
	Pause func(ctx context.Context, bytes int64) error
	// Checked is called after each blob, with the reason if it is damaged or cannot be read.
	Checked func(id BlobID, err error)
}

// Scrub reads every blob once and compares its bytes with its name. One that is damaged is not served any more (MarkDamaged); one that
// is good again is. Instances may be stored and deleted meanwhile. Its memory does not grow with the store.
func (s *Store) Scrub(ctx context.Context, scrubber Scrubber) error {
	for info, err := range s.blobs.List(ctx) {
		if err != nil {
			return err
		}
		var ended error
		known, err := s.compare(ctx, info.ID, func(ctx context.Context, n int64) error {
			ended = scrubber.Pause(ctx, n)
			return ended
		})
		switch {
		case ended != nil || ctx.Err() != nil:
			return errors.Join(ended, ctx.Err())
		case errors.Is(err, ErrNotFound): // removed meanwhile
			continue
		case !known: // what cannot be read is not served either
			s.found(info.ID, 0, err)
		}
		scrubber.Checked(info.ID, err)
	}
	return nil
}

// digestOf reads a blob through, with a pause after each piece.
func digestOf(ctx context.Context, blob Blob, pause func(context.Context, int64) error) (sum BlobID, err error) {
	hash := sha256.New()
	pieces := io.NewSectionReader(blob, 0, blob.Size())
	piece := make([]byte, min(blob.Size(), 128<<10)) // a tenth of a millisecond of computing
	for rest := blob.Size(); rest > 0; rest -= int64(len(piece)) {
		piece = piece[:min(rest, int64(len(piece)))]
		if _, err := io.ReadFull(pieces, piece); err != nil {
			return sum, err
		}
		hash.Write(piece)
		if err := pause(ctx, int64(len(piece))); err != nil {
			return sum, err
		}
	}
	return BlobID(hash.Sum(nil)), nil
}

// Verify reads the stored file of an entry again, which has been durable since before the entry was there, and compares it with its
// digest. The error is ErrBlobMissing or ErrBlobDamaged, wrapped, if the instance cannot be given back as it was stored.
func (s *Store) Verify(ctx context.Context, e *Entry) error {
	blob, err := s.openBlob(ctx, e)
	if err != nil {
		return err
	}
	if err := blob.Close(); err != nil {
		return err
	}
	_, err = s.compare(ctx, e.Blob, func(ctx context.Context, _ int64) error { return ctx.Err() })
	return err
}
