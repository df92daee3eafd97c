package file

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/noctis-dicom/noctis/store"
)

// syncing is how many syncs of a commit run at once. File systems with a journal write one record for all that wait.
const syncing = 16

// blobWriter is a file below tmp.
type blobWriter struct {
	blobs *Blobs
	file  *os.File // nil: committed or cancelled
	sum   hash.Hash
}

// Create implements store.Blobs.
func (b *Blobs) Create(ctx context.Context) (store.BlobWriter, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := b.poisoned(); err != nil {
		return nil, err
	}
	// The lock is held over the creation, so that Sweep never sees a file which it does not know to be in use.
	b.mu.Lock()
	defer b.mu.Unlock()
	f, err := os.CreateTemp(filepath.Join(b.root, temporary), "")
	if err != nil {
		return nil, fmt.Errorf("blob: %w", full(err))
	}
	b.writing[f.Name()] = true
	return &blobWriter{blobs: b, file: f, sum: sha256.New()}, nil
}

func (w *blobWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.sum.Write(p[:n])
	if err != nil {
		err = fmt.Errorf("blob: %w", full(err))
	}
	return n, err
}

func (w *blobWriter) ID() (id store.BlobID) {
	w.sum.Sum(id[:0])
	return id
}

// Cancel implements store.BlobWriter.
func (w *blobWriter) Cancel() {
	if w.file == nil {
		return
	}
	path := w.file.Name()
	w.file.Close()
	os.Remove(path) // what stays behind is swept at the next start
	w.done(path)
}

func (w *blobWriter) done(path string) {
	w.blobs.mu.Lock()
	defer w.blobs.mu.Unlock()
	delete(w.blobs.writing, path)
	w.file = nil
}

// Commit implements store.Blobs.
func (b *Blobs) Commit(ctx context.Context, writers ...store.BlobWriter) ([]store.BlobInfo, error) {
	ours := make([]*blobWriter, len(writers))
	for i, w := range writers {
		ours[i] = w.(*blobWriter)
		defer ours[i].Cancel()
	}
	if err := errors.Join(ctx.Err(), b.poisoned()); err != nil {
		return nil, err
	}
	var syncs errgroup.Group
	syncs.SetLimit(syncing)
	infos := make([]store.BlobInfo, len(ours))
	for i, w := range ours {
		syncs.Go(func() error {
			if err := b.sync(w.file); err != nil {
				return b.poison(err)
			}
			info, err := w.file.Stat()
			if err != nil {
				return fmt.Errorf("blob: %w", err)
			}
			infos[i] = store.BlobInfo{ID: w.ID(), Size: info.Size(), Stored: stored(info)}
			return nil
		})
	}
	if err := syncs.Wait(); err != nil {
		return nil, err
	}
	touched := map[string]bool{}
	for i, w := range ours {
		path := b.path(infos[i].ID)
		if err := w.rename(path); err != nil {
			return nil, err
		}
		touched[filepath.Dir(path)] = true
	}
	for dir := range touched {
		syncs.Go(func() error {
			if err := syncDir(dir, b.sync); err != nil {
				return b.poison(err)
			}
			return nil
		})
	}
	return infos, syncs.Wait()
}

func (w *blobWriter) rename(path string) error {
	temporary := w.file.Name()
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("blob: %w", full(err))
	}
	w.file.Close() // its bytes are synced: nothing can fail any more
	w.done(temporary)
	return nil
}

// poison remembers that a sync failed: what the kernel could not write it may have dropped, and a second sync would report
// success. Only a full disk is a failure that says what was lost: this file.
func (b *Blobs) poison(err error) error {
	if err := full(err); errors.Is(err, store.ErrNoSpace) {
		return fmt.Errorf("blob: %w", err)
	}
	err = fmt.Errorf("%w: %w", store.ErrPoisoned, err)
	b.failed.CompareAndSwap(nil, &err)
	return err
}

func (b *Blobs) poisoned() error {
	if err := b.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// syncDir makes the names in a directory durable.
func syncDir(dir string, sync func(*os.File) error) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return sync(d)
}
