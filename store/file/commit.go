package file

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/internal/failpoint"
	"github.com/noctis-dicom/noctis/store"
)

const (
	// syncing is how many syncs of a commit run at once. File systems with a journal write one record for all that wait.
	syncing = 16
	// many blobs are made durable by a sync of the file system; fewer each by one of its own.
	many = 8
	// ahead is how many bytes of a blob are written before the disk begins with them, while the rest of the upload comes.
	ahead = 256 << 10
)

// blobWriter is a file below tmp.
type blobWriter struct {
	blobs   *Blobs
	file    *os.File // nil: committed or cancelled
	sum     hash.Hash
	size    int64
	started int64 // up to where write-back has begun
	full    int64 // Blobs.full when the file was made
}

// Create implements store.Blobs.
func (b *Blobs) Create(ctx context.Context) (store.BlobWriter, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := b.poisoned(); err != nil {
		return nil, err
	}
	w := &blobWriter{blobs: b, sum: sha256.New(), full: b.full.Load()}
	path := filepath.Join(b.root, temporary, rand.Text())
	// Sweep never sees a file which it does not know to be in use.
	b.mu.Lock()
	b.writing[path] = true
	b.mu.Unlock()
	var err error
	if w.file, err = durable.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL); err != nil {
		w.done(path)
		return nil, fmt.Errorf("blob: %w", refused(err))
	}
	failpoint.Hit("blob created")
	return w, nil
}

func (w *blobWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.sum.Write(p[:n])
	w.size += int64(n)
	if w.size-w.started >= ahead {
		writeBack(w.file, w.started, w.size-w.started)
		w.started = w.size
	}
	if err != nil {
		err = fmt.Errorf("blob: %w", refused(err))
	}
	return n, err
}

func (w *blobWriter) ReadAt(p []byte, offset int64) (int, error) { return w.file.ReadAt(p, offset) }

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
		defer ours[i].Cancel() // in the fast way it removes the name below tmp
	}
	if err := errors.Join(ctx.Err(), b.poisoned()); err != nil {
		return nil, err
	}
	failpoint.Hit("blob written")
	infos := make([]store.BlobInfo, len(ours))
	var linked, others []*blobWriter
	for i, w := range ours {
		info, err := w.file.Stat()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("blob: %w", err), b.unlink(linked))
		}
		infos[i] = store.BlobInfo{ID: w.ID(), Size: info.Size(), Stored: stored(info)}
		if b.all != nil && os.Link(w.file.Name(), b.path(infos[i].ID)) == nil {
			linked = append(linked, w)
		} else {
			others = append(others, w)
		}
		failpoint.Hit("blob named")
	}
	err := b.syncLinked(linked)
	failpoint.Hit("blobs synced")
	if err == nil {
		err = b.rename(others)
	}
	if err != nil {
		return nil, errors.Join(err, b.unlink(linked))
	}
	return infos, nil
}

// unlink takes the names of blobs back, as long as the files have those below tmp.
func (b *Blobs) unlink(writers []*blobWriter) (err error) {
	for _, w := range writers {
		err = errors.Join(err, os.Remove(b.path(w.ID())))
	}
	return err
}

// syncLinked makes files durable that have their names already: bytes and names by one sync of each file, or of all.
func (b *Blobs) syncLinked(writers []*blobWriter) error {
	if len(writers) >= many {
		done, err := b.syncAll()
		if err != nil {
			return err
		}
		// That the disk was full is told to one sync, and may concern any file there was. Each knows of itself.
		for _, w := range writers {
			done = done && w.full == b.full.Load()
		}
		if done {
			return nil
		}
	}
	if b.namesToo {
		return b.syncEach(writers)
	}
	var syncs errgroup.Group // at the same time: the disk is flushed for both
	syncs.Go(func() error { return b.syncEach(writers) })
	syncs.Go(func() error { return b.syncFolders(writers) })
	return syncs.Wait()
}

// syncEach syncs each file.
func (b *Blobs) syncEach(writers []*blobWriter) error {
	var syncs errgroup.Group
	syncs.SetLimit(syncing)
	for _, w := range writers {
		syncs.Go(func() error {
			if err := b.sync(w.file); err != nil {
				return b.poison(err)
			}
			return nil
		})
	}
	return syncs.Wait()
}

// rename makes files durable in the order that any file system keeps: bytes, names, folders. It replaces a blob that is there.
func (b *Blobs) rename(writers []*blobWriter) error {
	if err := b.syncEach(writers); err != nil {
		return err
	}
	for _, w := range writers {
		if err := w.rename(b.path(w.ID())); err != nil {
			return err
		}
	}
	return b.syncFolders(writers)
}

// syncFolders makes the names durable that files have as blobs.
func (b *Blobs) syncFolders(writers []*blobWriter) error {
	folders := map[string]bool{}
	for _, w := range writers {
		folders[filepath.Dir(b.path(w.ID()))] = true
	}
	var syncs errgroup.Group
	syncs.SetLimit(syncing)
	for dir := range folders {
		syncs.Go(func() error {
			if err := syncDir(dir, b.sync); err != nil {
				return b.poison(err)
			}
			return nil
		})
	}
	return syncs.Wait()
}

// syncAll syncs the file system, together with others who want that. It reports whether that was done.
func (b *Blobs) syncAll() (bool, error) {
	err := b.all.do()
	if errors.Is(err, store.ErrNoSpace) {
		return false, b.poisoned()
	}
	return err == nil, errors.Join(err, b.poisoned())
}

// syncedAll takes in what a sync of the file system told, before the next one begins: a failure is told only once, whosever
// file it was. Of a full disk each file's own sync tells whether it lost anything; any other failure poisons.
func (b *Blobs) syncedAll(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(full(err), store.ErrNoSpace) {
		b.full.Add(1)
	}
	return b.poison(err)
}

func (w *blobWriter) rename(path string) error {
	temporary := w.file.Name()
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("blob: %w", refused(err))
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
