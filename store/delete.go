package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// ErrGone: what was asked for was here and has been deleted. It comes together with ErrNotFound.
var ErrGone = errors.New("it has been deleted")

// removeAtOnce is how many instances are restored or purged under one set of locks.
const removeAtOnce = 256

// Delete takes everything below r out of what is stored, in one commit, and returns how many instances that were. They lie in the
// recycle bin then, or are purged at once if the store has none. What comes while it runs may stay. The error is ErrNotFound, wrapped,
// if nothing is there, and ErrGone too if it had been.
func (s *Store) Delete(ctx context.Context, r dicom.Ref) (int, error) {
	var removed []*Removed
	var names []string
	now := time.Now().UTC().Truncate(time.Second)
	for e, err := range s.index.Entries(ctx, r) {
		if err != nil {
			return 0, err
		}
		e.Layout = part10.Layout{} // it may be long
		removed = append(removed, &Removed{Entry: e, Time: now, Kind: Deleted})
		names = append(names, string(e.Ref.Instance), blobLock(e.Blob))
	}
	if len(removed) == 0 {
		return 0, s.Missing(ctx, r)
	}
	release, err := s.locks.acquire(ctx, names)
	if err != nil {
		return 0, err
	}
	defer release()
	err = s.index.Remove(ctx, removed)
	s.touched()
	if err == nil {
		s.totals.deleted.Add(int64(len(removed)))
		err = s.note(ctx)
	}
	if err == nil && s.options.PurgeAtOnce {
		_, _, err = s.discardRemoved(ctx, removed)
	}
	return len(removed), err
}

// Missing says why nothing is stored below r: ErrNotFound, and ErrGone too if it was deleted (PS3.18 8.5). In a context with limits it is
// always the former: nobody remembers whose what has gone was.
func (s *Store) Missing(ctx context.Context, r dicom.Ref) error {
	if r != (dicom.Ref{}) {
		for _, err := range s.removed(ctx, RemovedQuery{Ref: r, Tombstones: true}) {
			if err != nil {
				return err
			}
			return fmt.Errorf("%s: %w: %w", r.Path(), ErrGone, ErrNotFound)
		}
	}
	return fmt.Errorf("%s: %w", r.Path(), ErrNotFound)
}

// Restoration is what Restore did.
type Restoration struct {
	Restored  int
	Conflicts []dicom.Ref // another file is stored under their UIDs: they stay in the recycle bin
	Damaged   []dicom.Ref // their files are missing or damaged
}

// Restore takes what q chooses out of the recycle bin and stores it again; of several files of one instance the one that was removed
// last. An instance that has been stored anew with other bytes stays, unless replace is set: then that goes into the recycle bin. A
// restoration that breaks off can be repeated. The error is ErrNotFound, wrapped, if nothing is chosen.
func (s *Store) Restore(ctx context.Context, q RemovedQuery, replace bool) (Restoration, error) {
	var result Restoration
	var chosen []*Removed
	seen := map[dicom.UID]bool{}
	q.Tombstones, q.Whole = false, false
	for r, err := range s.removed(ctx, q) {
		if err != nil {
			return result, err
		}
		if !seen[r.Entry.Ref.Instance] {
			seen[r.Entry.Ref.Instance] = true
			chosen = append(chosen, r)
		}
	}
	if len(chosen) == 0 {
		return result, fmt.Errorf("in the recycle bin: %w", ErrNotFound)
	}
	for len(chosen) > 0 {
		part := chosen[:min(len(chosen), removeAtOnce)]
		chosen = chosen[len(part):]
		if err := s.restore(ctx, part, replace, &result); err != nil {
			return result, err
		}
	}
	return result, nil
}

// restore stores a part of them in one commit.
func (s *Store) restore(ctx context.Context, part []*Removed, replace bool, result *Restoration) error {
	var names []string
	for _, r := range part {
		names = append(names, string(r.Entry.Ref.Instance), blobLock(r.Entry.Blob))
	}
	release, err := s.locks.acquire(ctx, names)
	if err != nil {
		return err
	}
	defer release()
	to := restoring{Store: s, result: result}
	defer to.held.Release()
	for _, r := range part {
		e, err := s.restorable(WithAdmission(ctx, func(n int64) error { return to.admit(ctx, n) }), r.Entry.Blob)
		switch {
		case err != nil:
			return err
		case e == nil: // restored, stored or purged meanwhile
		case e.DataSet == nil || !s.intact(ctx, e):
			result.Damaged = append(result.Damaged, r.Entry.Ref)
		default:
			e.Replace = replace
			if err := to.add(ctx, e); err != nil {
				return err
			}
		}
	}
	if err := to.insert(ctx); err != nil {
		return err
	}
	return s.note(ctx)
}

// restoring inserts what is restored, early where it takes much memory.
type restoring struct {
	*Store
	result  *Restoration
	entries []*Entry
	memory  int64
	held    Holding // of one that is long
}

// restoredMemory is how much memory the instances may take that are restored in one commit.
const restoredMemory = 8 << 20

// admit takes memory for metadata that is about to be read. What is long has it alone.
func (r *restoring) admit(ctx context.Context, length int64) error {
	if length*ParsedCost > readUnasked {
		if err := r.insert(ctx); err != nil {
			return err
		}
	}
	return r.held.exchange(ctx, r.budget, length*ParsedCost)
}

func (r *restoring) add(ctx context.Context, e *Entry) error {
	r.entries = append(r.entries, e)
	if r.memory += int64(len(e.Metadata)) * ParsedCost; r.memory >= restoredMemory {
		return r.insert(ctx)
	}
	return nil
}

func (r *restoring) insert(ctx context.Context) error {
	inserted, err := r.index.Insert(ctx, r.entries)
	r.touched()
	if err != nil {
		return err
	}
	for i, e := range r.entries {
		switch inserted[i] {
		case InsertedConflict:
			r.result.Conflicts = append(r.result.Conflicts, e.Ref)
		default:
			r.result.Restored++
			r.totals.restored.Add(1)
		}
	}
	r.entries, r.memory = nil, 0
	return nil
}

// restorable is the entry of a blob in the recycle bin, ready to be inserted; without DataSet if that cannot be read, nil if the blob is
// not there any more.
func (s *Store) restorable(ctx context.Context, id BlobID) (*Entry, error) {
	for r, err := range s.index.Removed(ctx, RemovedQuery{Blob: &id, Whole: true}) {
		if err != nil {
			return nil, err
		}
		e := r.Entry
		e.Kind = Restored
		if ds, err := dicom.ReadJSON(e.Metadata); err == nil {
			e.DataSet = ds
		}
		return e, nil
	}
	return nil, nil
}

// RecycleBin yields what has been removed and can be restored, or what q chooses of it; what was removed last first.
func (s *Store) RecycleBin(ctx context.Context, q RemovedQuery) iter.Seq2[*Removed, error] {
	return s.removed(ctx, q)
}

// removed is Index.Removed, whose metadata is admitted; in a context with limits nothing has been removed.
func (s *Store) removed(ctx context.Context, q RemovedQuery) iter.Seq2[*Removed, error] {
	if !match.LimitsOf(ctx).Everything() {
		return func(func(*Removed, error) bool) {}
	}
	return func(yield func(*Removed, error) bool) {
		ctx, done := s.admitting(ctx, ParsedCost)
		defer done()
		s.index.Removed(ctx, q)(yield)
	}
}

// RecycledStudy is a study, or a resource of instances of no patient, of which something is in the recycle bin.
type RecycledStudy struct {
	Ref               dicom.Ref
	Deleted, Replaced int // versions
	Bytes             int64
	Last              time.Time // of the last removal
	Blob              BlobID    // what was removed last
}

// RecycledStudies returns the studies and resources in the recycle bin, that of the last removal first.
func (s *Store) RecycledStudies(ctx context.Context) ([]*RecycledStudy, error) {
	var list []*RecycledStudy
	studies := map[dicom.Ref]*RecycledStudy{}
	for r, err := range s.removed(ctx, RemovedQuery{}) {
		if err != nil {
			return nil, err
		}
		ref := dicom.Ref{Study: r.Entry.Ref.Study, Resource: r.Entry.Ref.Resource}
		st := studies[ref]
		if st == nil {
			st = &RecycledStudy{Ref: ref, Last: r.Time, Blob: r.Entry.Blob}
			studies[ref] = st
			list = append(list, st)
		}
		st.Bytes += r.Entry.Size
		if r.Kind == Replaced {
			st.Replaced++
		} else {
			st.Deleted++
		}
	}
	return list, nil
}

// Purge removes what q chooses from the recycle bin, for good, at most limit instances (negative: all), and returns how many and
// how many bytes those were. First the index forgets, then the file goes.
func (s *Store) Purge(ctx context.Context, q RemovedQuery, limit int) (purged int, bytes int64, err error) {
	q.Tombstones, q.Whole = false, false
	var part []*Removed
	flush := func() error {
		n, size, err := s.purge(ctx, part)
		purged, bytes, part = purged+n, bytes+size, nil
		return err
	}
	for r, err := range s.removed(ctx, q) {
		if err != nil {
			return purged, bytes, err
		}
		if limit == 0 {
			break
		}
		limit--
		if part = append(part, r); len(part) == removeAtOnce {
			if err := flush(); err != nil {
				return purged, bytes, err
			}
		}
	}
	return purged, bytes, flush()
}

func (s *Store) purge(ctx context.Context, part []*Removed) (int, int64, error) {
	var names []string
	for _, r := range part {
		names = append(names, blobLock(r.Entry.Blob))
	}
	release, err := s.locks.acquire(ctx, names)
	if err != nil {
		return 0, 0, err
	}
	defer release()
	return s.discardRemoved(ctx, part)
}

// discardRemoved purges instances whose blobs are locked. A blob that has been stored again is still named, and stays.
func (s *Store) discardRemoved(ctx context.Context, part []*Removed) (purged int, bytes int64, err error) {
	if len(part) == 0 {
		return 0, 0, nil
	}
	blobs := make([]BlobID, len(part))
	for i, r := range part {
		blobs[i] = r.Entry.Blob
	}
	if err := s.index.Purge(ctx, blobs); err != nil {
		return 0, 0, err
	}
	for _, r := range part {
		named, err := s.index.Names(ctx, r.Entry.Blob)
		if err == nil && !named {
			err = s.blobs.Remove(ctx, r.Entry.Blob)
		}
		if err != nil {
			return purged, bytes, err
		}
		if !named {
			purged, bytes = purged+1, bytes+r.Entry.Size
			s.totals.purged.Add(1)
		}
	}
	return purged, bytes, nil
}
