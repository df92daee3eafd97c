package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"github.com/noctis-dicom/noctis/dicom"
)

// DryRun begins a batch whose outcomes are what those of Batch would be, and that stores nothing: neither index nor blobs are
// written. Only what fails in writing does not fail here.
func (s *Store) DryRun(study dicom.UID) *Batch {
	b := s.Batch(study)
	b.dry = &rehearsal{seen: map[dicom.UID]rehearsed{}, room: room{named: map[BlobID]bool{}}}
	return b
}

// rehearsal is what a dry batch has to remember, since the index will not: what would be stored by now, and the room it takes.
type rehearsal struct {
	seen map[dicom.UID]rehearsed
	room room
}

// rehearsed is an instance that would be stored.
type rehearsed struct {
	ref  dicom.Ref
	blob BlobID
}

// note remembers what of a judged batch would be stored.
func (d *rehearsal) note(batch []*staged) {
	for _, st := range batch {
		if st.verdict == fresh || st.verdict == replacing {
			d.seen[st.entry.Ref.Instance] = rehearsed{st.entry.Ref, st.entry.Blob}
		}
	}
}

// blobOf returns the bytes that would be stored of an instance by now.
func (d *rehearsal) blobOf(uid dicom.UID) (BlobID, bool) {
	r, there := d.seen[uid]
	return r.blob, there
}

// holds reports whether an instance that stays lies where ref says: one that would be stored by now, or one that is.
func (b *Batch) holds(ctx context.Context, ref dicom.Ref) bool {
	if b.dry != nil {
		if r, there := b.dry.seen[ref.Instance]; there {
			return r.ref == ref
		}
	}
	return b.store.holds(ctx, ref)
}

// create begins the blob of an instance.
func (b *Batch) create(ctx context.Context) (BlobWriter, error) {
	if b.dry != nil && len(b.store.options.Rules.Coercions) == 0 { // what is coerced is read again
		return discarded{sha256.New()}, nil
	}
	if err := errors.Join(b.store.commits.hung(), b.store.index.Writable()); err != nil {
		return nil, err // before anything is written that could not be kept
	}
	return b.store.blobs.Create(ctx)
}

// discarded is a blob of which only the digest is kept.
type discarded struct{ hash.Hash }

func (d discarded) ID() (id BlobID) {
	d.Sum(id[:0])
	return id
}

func (discarded) ReadAt([]byte, int64) (int, error) { return 0, io.ErrUnexpectedEOF }

func (discarded) Cancel() {}
