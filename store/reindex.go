package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// ReindexReport says what Reindex found.
type ReindexReport struct {
	Indexed int       // instances in the fresh index, without those in the recycle bin
	Failed  []BadBlob // blobs that are not in it
}

// BadBlob is a blob that could not be indexed, and why: it is damaged, it cannot be read, or another blob has its SOP Instance
// UID, as no sequence of uploads and crashes produces, but a copied file may.
type BadBlob struct {
	Blob BlobID
	Err  error
}

// Reindex reads every blob into fresh, which is empty and in use by nobody else. The result is equal to the index that the
// store had: it does not depend on the order in which the instances came. What the journal calls deleted or replaced comes into
// the recycle bin again, or is a tombstone if its blob has gone; nothing is written into the journal. A blob that cannot be indexed is reported and passed
// over. Of two blobs with one SOP Instance UID the one that was stored later is taken: the other was left by a crash before it
// was acknowledged, and its sender came again with other bytes. progress, if not nil, is called as blobs are done.
func (s *Store) Reindex(ctx context.Context, fresh Index, progress func(done, total int)) (ReindexReport, error) {
	journal, err := s.readJournal(ctx)
	if err != nil {
		return ReindexReport{}, err
	}
	var blobs []BlobInfo
	for info, err := range s.blobs.List(ctx) {
		if err != nil {
			return ReindexReport{}, err
		}
		blobs = append(blobs, info)
	}
	// The latest first. What was stored together comes together, so that a study is written once and not for each instance.
	slices.SortFunc(blobs, func(a, b BlobInfo) int {
		return cmp.Or(b.Stored.Compare(a.Stored), bytes.Compare(a.ID[:], b.ID[:]))
	})
	r := reindexer{index: fresh, journal: journal}
	done := 0
	for part := range slices.Chunk(blobs, 4*runtime.GOMAXPROCS(0)) {
		for _, sc := range s.scanBlobs(ctx, part) {
			if errors.Is(sc.err, errLong) {
				if err := r.flush(ctx); err != nil {
					return r.report, err
				}
				sc = s.scanBlob(ctx, sc.info.ID, nil)
			}
			if err := r.add(ctx, sc); err != nil {
				return r.report, err
			}
			if done++; progress != nil {
				progress(done, len(blobs))
			}
		}
	}
	if err := r.flush(ctx); err != nil {
		return r.report, err
	}
	if err := r.bury(ctx); err != nil {
		return r.report, err
	}
	return r.report, r.settle(ctx)
}

// settle has every study settled: who follows the new feed shall not take old studies for new ones.
func (r *reindexer) settle(ctx context.Context) error {
	for {
		next, err := r.index.Settle(ctx, time.Now().Add(time.Hour), settleAtOnce)
		if err != nil || next.IsZero() {
			return err
		}
	}
}

// errLong is the error of a data set that is too long to be in memory beside others: it is read again when those before it have gone.
var errLong = errors.New("a long data set")

// scanBlobs reads blobs at the same time. The results are in their order. Those with long data sets have errLong.
func (s *Store) scanBlobs(ctx context.Context, blobs []BlobInfo) []scanned {
	results := make([]scanned, len(blobs))
	var readers errgroup.Group
	readers.SetLimit(runtime.GOMAXPROCS(0))
	for i, info := range blobs {
		readers.Go(func() error {
			results[i] = s.scanBlob(ctx, info.ID, func(int64) error { return errLong })
			return nil
		})
	}
	_ = readers.Wait() // each result has its own error
	return results
}

// scanned is a blob that was read for Reindex.
type scanned struct {
	info  BlobInfo  // what is known of it; its ID in any case
	claim dicom.Ref // which instance a damaged file says that it is; zero where it does not
	entry *Entry    // nil: err says why
	err   error
}

// scanBlob reads a blob to its end, and checks that it is what its name says. Of a data set that takes more than readUnasked admit, if not nil,
// is asked as part10.Limits.Admit is; its error is that of the result. How long it may be was judged when it was stored, maybe by other limits.
func (s *Store) scanBlob(ctx context.Context, id BlobID, admit func(n int64) error) scanned {
	info := BlobInfo{ID: id}
	blob, err := s.blobs.Open(ctx, id)
	if err != nil {
		return scanned{info: info, err: err}
	}
	defer blob.Close()
	info.Size, info.Stored = blob.Size(), blob.Stored()
	digest := sha256.New()
	in := &intake{ctx: ctx, r: io.NewSectionReader(blob, 0, blob.Size()), w: digest}
	limits := s.options.Limits
	limits.Header, limits.Admit = math.MaxInt64, beyondUnasked(admit)
	file, err := part10.Scan(in, limits)
	if errors.Is(err, errLong) {
		return scanned{info: info, err: err}
	}
	_, _ = io.Copy(io.Discard, in) // what Scan left unread where it found a fault; in.err keeps the error
	switch {
	case in.err != nil:
		return scanned{info: info, err: in.err}
	case BlobID(digest.Sum(nil)) != info.ID:
		return damagedBlob(info, file, err)
	}
	if err != nil {
		return scanned{info: info, err: err}
	}
	entry, failure := newEntry(file, dicom.Ref{})
	if failure != nil {
		return scanned{info: info, err: failure}
	}
	entry.Blob, entry.Stored = info.ID, info.Stored
	return scanned{info: info, entry: entry}
}

// beyondUnasked asks admit for what goes beyond readUnasked.
func beyondUnasked(admit func(n int64) error) func(n int64) error {
	if admit == nil {
		return nil
	}
	taken := int64(0)
	return func(n int64) error {
		if taken += n; taken <= readUnasked {
			return nil
		}
		return admit(n)
	}
}

// damagedBlob is the result for a file that is not what its name says, which may be readable all the same: nothing tells a good file under
// a wrong name from one that has rotted, so that its bytes are never taken for those that were stored.
func damagedBlob(info BlobInfo, file *part10.File, unreadable error) scanned {
	sc := scanned{info: info, err: fmt.Errorf("%w: its SHA-256 is not its name", ErrBlobDamaged)}
	if unreadable != nil {
		return sc
	}
	if entry, failure := newEntry(file, dicom.Ref{}); failure == nil {
		sc.claim = entry.Ref
		sc.err = fmt.Errorf("%w; it says that it is instance %s", sc.err, entry.Ref.Instance)
	}
	return sc
}

// reindexer inserts in large transactions.
type reindexer struct {
	index   Index
	journal journal // of what has not been met yet
	entries []*Entry
	removed []*Removed
	memory  int64
	report  ReindexReport
}

func (r *reindexer) add(ctx context.Context, sc scanned) error {
	record, known := r.journal[sc.info.ID]
	if known && sc.err == nil {
		sc.entry.Record = record.Number
	}
	if r.journal.has(sc.info.ID) {
		removed := record.found(sc)
		delete(r.journal, sc.info.ID)
		r.removed = append(r.removed, removed)
		r.memory += removed.Entry.memory
		return r.flushFull(ctx)
	}
	if sc.err != nil {
		r.report.Failed = append(r.report.Failed, BadBlob{sc.info.ID, sc.err})
		return ctx.Err()
	}
	r.entries = append(r.entries, sc.entry)
	r.memory += sc.entry.memory
	return r.flushFull(ctx)
}

// flushFull inserts when there is enough.
func (r *reindexer) flushFull(ctx context.Context) error {
	if len(r.entries)+len(r.removed) >= 8*batchInstances || r.memory >= batchMemory {
		return r.flush(ctx)
	}
	return nil
}

// bury makes tombstones of the removed instances whose blobs have gone.
func (r *reindexer) bury(ctx context.Context) error {
	for record := range r.journal.behind(0) {
		if !r.journal.has(record.Blob) {
			continue
		}
		tombstone := record.removed()
		tombstone.Purged = true
		if r.removed = append(r.removed, tombstone); len(r.removed) >= 8*batchInstances {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
	}
	return r.flush(ctx)
}

func (r *reindexer) flush(ctx context.Context) error {
	inserted, err := r.index.Insert(ctx, r.entries)
	if err != nil {
		return err
	}
	for i, e := range r.entries {
		if inserted[i] == InsertedNew {
			r.report.Indexed++
			continue
		}
		err := errors.New("another file has the same SOP Instance UID")
		r.report.Failed = append(r.report.Failed, BadBlob{e.Blob, fmt.Errorf("instance %s: %w", e.Ref.Instance, err)})
	}
	err = r.index.Remove(ctx, r.removed)
	r.entries, r.removed, r.memory = nil, nil, 0
	return err
}
