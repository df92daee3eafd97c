package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom"
)

// staged is an instance that is written, but not committed.
type staged struct {
	outcome int // index into Batch.outcomes
	writer  BlobWriter
	entry   *Entry
	verdict verdict
	first   *staged // of a repetition: the one that came first in the batch
}

// verdict is what the index says of an instance before anything is committed.
type verdict int

const (
	fresh     verdict = iota // to be stored
	replacing                // to be stored in the place of another file
	known                    // stored already
	lost                     // stored already, but the file has gone: the upload mends it
	taken                    // another file is stored under the UID, and stays
	excessive                // the quota does not admit it
	repeated                 // the batch holds the same bytes before: its outcome is that of the first
	outside                  // whoever sent it may not store it
)

// Conflict is what is done with an instance whose UID is stored with other bytes.
type Conflict int

// The policies of conflicts.
const (
	Reject  Conflict = iota // it is refused with ReasonDuplicateInstance
	Keep                    // it is accepted, and the file that is stored stays
	Replace                 // it is stored; the file that was stored goes into the recycle bin
)

// flush makes what is staged durable and visible, in the order that a crash cannot break: the blobs, then the index.
func (b *Batch) flush(ctx context.Context) error {
	batch := b.staged
	b.staged = nil
	if len(batch) == 0 {
		return nil
	}
	defer b.share.shrink(0)
	defer func() {
		for _, st := range batch {
			st.writer.Cancel()
		}
	}()
	err := b.store.commitStaged(ctx, batch, b.dry)
	var noted error
	if b.dry == nil {
		noted = b.store.note(ctx)
	}
	for _, st := range batch {
		o := &b.outcomes[st.outcome]
		o.settle(st, err, noted, b.store.options.Conflict)
		o.Elsewhere = o.Kept && !b.holds(ctx, o.Ref)
		if o.Replaced && b.store.options.PurgeAtOnce && b.dry == nil {
			// Now that no lock is held. What cannot be purged now stays in the recycle bin.
			_, _, _ = b.store.Purge(ctx, RemovedQuery{Ref: dicom.Ref{Instance: o.Ref.Instance}}, -1)
		}
	}
	return errors.Join(err, noted)
}

// holds reports whether the instance is where its reference says; true where the index does not tell.
func (s *Store) holds(ctx context.Context, ref dicom.Ref) bool {
	for range s.index.Entries(ctx, ref) {
		return true
	}
	return false
}

// commitStaged judges the batch and commits it, or only judges it if it is dry.
func (s *Store) commitStaged(ctx context.Context, batch []*staged, dry *rehearsal) error {
	release, err := s.locks.acquire(ctx, lockNames(batch))
	if err != nil {
		return err
	}
	defer release()
	if err := s.judge(ctx, batch, dry); err != nil {
		return err
	}
	if dry != nil {
		dry.note(batch)
		return nil
	}
	return s.commit(ctx, batch)
}

// settle is the outcome of a staged instance; err is that of the commit, noted that of the journal, without which nothing is
// acknowledged.
func (o *Outcome) settle(st *staged, err, noted error, policy Conflict) {
	e := st.entry
	if st.verdict == repeated {
		st = st.first
	}
	switch {
	case st.verdict == outside:
		o.Failure = e.failure(ReasonNotAuthorized, fmt.Errorf("instance %s is not within what may be stored with these credentials", e.Ref.Instance))
	case st.verdict == excessive:
		o.Failure = e.failure(ReasonOutOfResources, fmt.Errorf("%w: %v", ErrQuota, st.entry.Quota))
	case st.verdict == taken && policy != Keep:
		o.Failure = e.failure(ReasonDuplicateInstance, fmt.Errorf("instance %s is stored already, with other bytes", e.Ref.Instance))
	case noted != nil:
		o.Failure = storeFailure(e, noted)
	case st.verdict == taken:
		o.Kept = true
	case err != nil && st.verdict != known:
		o.Failure = storeFailure(e, err)
	case st.verdict == replacing && st.entry == e:
		o.Replaced = true
	case st.verdict != fresh || st.entry != e:
		o.Duplicate = true
	}
}

// judge asks the index about each instance of the batch, or what a rehearsal has seen before it. The same UID may come twice in it: then
// the first that may be stored counts as stored.
func (s *Store) judge(ctx context.Context, batch []*staged, dry *rehearsal) error {
	left := &room{named: map[BlobID]bool{}}
	if dry != nil {
		left = &dry.room
	}
	if err := left.measure(ctx, s); err != nil {
		return err
	}
	first := map[dicom.UID]*staged{}
	for _, st := range batch {
		if err := s.judgeOne(ctx, st, first[st.entry.Ref.Instance], dry); err != nil {
			return err
		}
		if st.verdict == fresh || st.verdict == replacing {
			admitted, err := left.admit(ctx, s.index, st.entry)
			if err != nil {
				return err
			}
			if !admitted {
				st.verdict = excessive
			}
		}
		switch st.verdict {
		case fresh, replacing, known, lost:
			first[st.entry.Ref.Instance] = st
		}
	}
	return nil
}

// judgeOne judges an instance by itself; f is the one of the batch that counts as stored under its UID, if there is one.
func (s *Store) judgeOne(ctx context.Context, st, f *staged, dry *rehearsal) error {
	within, err := s.mayStore(ctx, st.entry)
	switch {
	case err != nil:
		return err
	case !within:
		st.verdict = outside
		return nil
	case f != nil && f.entry.Blob == st.entry.Blob:
		st.verdict, st.first = repeated, f
		return nil
	}
	var blob BlobID
	var stored, rehearsed bool
	if f != nil {
		blob, stored = f.entry.Blob, true
	} else if dry != nil {
		blob, rehearsed = dry.blobOf(st.entry.Ref.Instance)
		stored = rehearsed
	}
	if !stored {
		if blob, stored, err = s.index.BlobOf(ctx, st.entry.Ref.Instance); err != nil {
			return err
		}
	}
	switch {
	case stored && blob != st.entry.Blob && s.options.Conflict == Replace:
		st.verdict = replacing
	case stored && blob != st.entry.Blob:
		st.verdict = taken
	case stored && (rehearsed || s.intact(ctx, st.entry)):
		st.verdict = known
	case stored:
		st.verdict = lost
	}
	return nil
}

// commit is the write path: blobs, then index. Its error is that of all instances that are fresh or lost.
func (s *Store) commit(ctx context.Context, batch []*staged) error {
	var writers []BlobWriter
	var written, inserts []*staged
	var entries []*Entry
	for _, st := range batch {
		switch st.verdict {
		case fresh, replacing:
			st.entry.Replace = st.verdict == replacing
			inserts = append(inserts, st)
			entries = append(entries, st.entry)
			fallthrough
		case lost:
			written = append(written, st)
			writers = append(writers, st.writer)
		}
	}
	if len(writers) == 0 {
		return nil
	}
	defer s.commits.begin()()
	infos, err := s.blobs.Commit(ctx, writers...)
	if err != nil {
		s.discard(ctx, written)
		return err
	}
	for i, st := range written {
		st.entry.Stored = infos[i].Stored
		s.found(st.entry.Blob, 0, nil)
	}
	if len(inserts) == 0 {
		return nil
	}
	before := s.generations.growing(entries)
	inserted, err := s.index.Insert(ctx, entries)
	if err != nil {
		s.touched() // nobody knows then what is visible
		s.discard(ctx, inserts)
		return err
	}
	s.grown(ctx, before, entries, inserted)
	var losers []*staged
	for i, st := range inserts {
		switch inserted[i] {
		case InsertedDuplicate:
			st.verdict = known
		case InsertedReplacing:
			s.totals.replaced.Add(1)
		case InsertedNew:
			st.verdict = fresh
		case InsertedConflict:
			st.verdict = taken
			losers = append(losers, st)
		case InsertedNot:
			st.verdict = excessive
			losers = append(losers, st)
		}
	}
	s.discard(ctx, losers)
	return nil
}

// discard removes blobs that were committed in vain. Their locks are held, so nobody is about to name them. What cannot be
// removed now, or what the index cannot rule out that it names, stays as an orphan, for Recover.
func (s *Store) discard(ctx context.Context, batch []*staged) {
	ctx = context.WithoutCancel(ctx)
	for _, st := range batch {
		if named, err := s.index.Names(ctx, st.entry.Blob); err == nil && !named {
			_ = s.blobs.Remove(ctx, st.entry.Blob)
		}
	}
}

// intact reports whether the blob of the entry is there as it was stored, as far as Open would know.
func (s *Store) intact(ctx context.Context, e *Entry) bool {
	in, err := s.Open(ctx, e)
	if err == nil {
		in.Close()
		return true
	}
	return !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrBlobDamaged)
}

// lockNames are the names that a batch holds while it commits.
func lockNames(batch []*staged) []string {
	names := make([]string, 0, 2*len(batch))
	for _, st := range batch {
		names = append(names, string(st.entry.Ref.Instance), blobLock(st.entry.Blob))
	}
	return names
}

func blobLock(id BlobID) string { return "sha256:" + id.String() }
