package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/noctis-dicom/noctis/dicom/part10"
)

// ReindexReport says what Reindex found.
type ReindexReport struct {
	Indexed int       // instances in the fresh index
	Failed  []BadBlob // blobs that are not in it
}

// BadBlob is a blob that could not be indexed, and why: it is damaged, it cannot be read, or another blob has its SOP Instance
// UID, as no sequence of uploads and crashes produces, but a copied file may.
type BadBlob struct {
	Blob BlobID
	Err  error
}

// Reindex reads every blob into fresh, which is empty and in use by nobody else. The result is equal to the index that the
// store had: it does not depend on the order in which the instances came. A blob that cannot be indexed is reported and passed
// over. progress, if not nil, is called from one goroutine as blobs are done.
func (s *Store) Reindex(ctx context.Context, fresh Index, progress func(done, total int)) (ReindexReport, error) {
	total := 0
	for _, err := range s.blobs.List(ctx) {
		if err != nil {
			return ReindexReport{}, err
		}
		total++
	}
	group, ctx := errgroup.WithContext(ctx)
	blobs, scans := make(chan BlobInfo), make(chan scanned)
	group.Go(func() error {
		defer close(blobs)
		for info, err := range s.blobs.List(ctx) {
			if err != nil {
				return err
			}
			select {
			case blobs <- info:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	var readers errgroup.Group
	for range runtime.GOMAXPROCS(0) {
		readers.Go(func() error {
			for info := range blobs {
				select {
				case scans <- s.scanBlob(ctx, info):
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(scans)
		return readers.Wait()
	})
	r := reindexer{index: fresh}
	group.Go(func() error {
		done := 0
		for sc := range scans {
			if err := r.add(ctx, sc); err != nil {
				return err
			}
			done++
			if progress != nil {
				progress(done, max(done, total))
			}
		}
		return r.flush(ctx)
	})
	err := group.Wait()
	return r.report, err
}

// scanned is a blob that was read for Reindex.
type scanned struct {
	info  BlobInfo
	entry *Entry // nil: err says why
	err   error
}

// scanBlob reads a blob to its end, and checks that it is what its name says.
func (s *Store) scanBlob(ctx context.Context, info BlobInfo) scanned {
	blob, err := s.blobs.Open(ctx, info.ID)
	if err != nil {
		return scanned{info: info, err: err}
	}
	defer blob.Close()
	digest := sha256.New()
	r := io.TeeReader(io.NewSectionReader(blob, 0, blob.Size()), digest)
	file, err := part10.Scan(r, s.limits)
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if err == nil && BlobID(digest.Sum(nil)) != info.ID {
		err = fmt.Errorf("%w: its SHA-256 is not its name", ErrBlobDamaged)
	}
	if err != nil {
		return scanned{info: info, err: err}
	}
	entry, failure := newEntry(file, "")
	if failure != nil {
		return scanned{info: info, err: failure}
	}
	entry.Blob, entry.Stored = info.ID, info.Stored
	return scanned{info: info, entry: entry}
}

// reindexer inserts in large transactions.
type reindexer struct {
	index   Index
	entries []*Entry
	memory  int64
	report  ReindexReport
}

func (r *reindexer) add(ctx context.Context, sc scanned) error {
	if sc.err != nil {
		r.report.Failed = append(r.report.Failed, BadBlob{sc.info.ID, sc.err})
		return ctx.Err()
	}
	r.entries = append(r.entries, sc.entry)
	r.memory += sc.entry.memory()
	if len(r.entries) >= 8*batchInstances || r.memory >= batchMemory {
		return r.flush(ctx)
	}
	return nil
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
	r.entries, r.memory = nil, 0
	return nil
}
