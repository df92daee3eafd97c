package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
)

// damaged are the blobs that are known not to be what their names say. It is safe for concurrent use.
type damaged struct {
	mu    sync.Mutex
	blobs map[BlobID]bool
}

func (d *damaged) has(id BlobID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.blobs[id]
}

// set reports whether that is news.
func (d *damaged) set(id BlobID, bad bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.blobs[id] == bad {
		return false
	}
	if d.blobs == nil {
		d.blobs = map[BlobID]bool{}
	}
	if d.blobs[id] = bad; !bad {
		delete(d.blobs, id)
	}
	return true
}

// MarkDamaged says of blobs what an earlier process has found: Open refuses them with ErrBlobDamaged, until they have been found good
// or have been stored again.
func (s *Store) MarkDamaged(ids ...BlobID) {
	for _, id := range ids {
		s.damaged.set(id, true)
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
	// Changed is called when Damaged has changed.
	Changed func()
}

// Scrub reads every blob once and compares its bytes with its name. One that is damaged is not served any more (MarkDamaged); one that
// is good again is. Instances may be stored and deleted meanwhile. Its memory does not grow with the store.
func (s *Store) Scrub(ctx context.Context, scrubber Scrubber) error {
	for info, err := range s.blobs.List(ctx) {
		if err != nil {
			return err
		}
		var ended error
		sum, err := s.slowDigest(ctx, info.ID, func(ctx context.Context, n int64) error {
			ended = scrubber.Pause(ctx, n)
			return ended
		})
		switch {
		case ended != nil || ctx.Err() != nil:
			return errors.Join(ended, ctx.Err())
		case errors.Is(err, ErrNotFound): // removed meanwhile
			continue
		case err == nil && sum != info.ID:
			err = fmt.Errorf("blob %s: %w: its SHA-256 is not its name", info.ID, ErrBlobDamaged)
		}
		if s.damaged.set(info.ID, err != nil) {
			scrubber.Changed()
		}
		scrubber.Checked(info.ID, err)
	}
	return nil
}

func (s *Store) slowDigest(ctx context.Context, id BlobID, pause func(context.Context, int64) error) (sum BlobID, err error) {
	blob, err := s.blobs.Open(ctx, id)
	if err != nil {
		return sum, err
	}
	defer blob.Close()
	hash := sha256.New()
	const piece = 1 << 20
	for at := int64(0); at < blob.Size(); at += piece {
		n, err := io.Copy(hash, io.NewSectionReader(blob, at, min(piece, blob.Size()-at)))
		if err == nil {
			err = pause(ctx, n)
		}
		if err != nil {
			return sum, err
		}
	}
	return BlobID(hash.Sum(nil)), nil
}

// Verify reads the stored file of an entry again, which has been durable since before the entry was there, and compares it with its
// digest. The error is ErrBlobMissing or ErrBlobDamaged, wrapped, if the instance cannot be given back as it was stored.
func (s *Store) Verify(ctx context.Context, e *Entry) error {
	in, err := s.Open(ctx, e)
	if err != nil {
		return err
	}
	if err := in.Close(); err != nil {
		return err
	}
	sum, err := s.digest(ctx, e.Blob)
	if err == nil && sum != e.Blob {
		err = fmt.Errorf("blob %s: %w: its SHA-256 is not its name", e.Blob, ErrBlobDamaged)
	}
	return err
}
