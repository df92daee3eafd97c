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
	b.dry = &rehearsal{seen: map[dicom.UID]rehearsed{}}
	return b
}

// rehearsal is what a dry batch has to remember, since the index will not.
type rehearsal struct{ seen map[dicom.UID]rehearsed }

// rehearsed is an instance that would be stored.
type rehearsed struct {
	ref  dicom.Ref
	blob BlobID
}

// judge says of the instances that would be stored what the index would say of them, had it stored those before.
func (d *rehearsal) judge(batch []*staged, policy Conflict) {
	for _, st := range batch {
		e := st.entry
		if st.verdict != fresh && st.verdict != replacing {
			continue
		}
		now := rehearsed{e.Ref, e.Blob}
		switch before, there := d.seen[e.Ref.Instance]; {
		case !there:
			d.seen[e.Ref.Instance] = now
		case before.blob == e.Blob:
			st.verdict = known
		case policy == Replace:
			d.seen[e.Ref.Instance], st.verdict = now, replacing
		default:
			st.verdict = taken
		}
	}
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
