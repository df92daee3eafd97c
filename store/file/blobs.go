// Package file keeps blobs as files of a directory:
//
//	ab/abcdef….dcm   a blob, named by its SHA-256, in one of 256 folders
//	tmp/             blobs that are being written
//	journal          what was deleted, replaced and taken back
//	lock             held by the process that uses the directory
//
// A blob becomes durable like this: write to tmp, sync the file, rename it into its folder, sync the folder. On file systems that
// keep the names of a file with its bytes (Blobs.all) two of these steps become one: write to tmp, link it into its folder too,
// sync the file (and the folder where there is no journal), remove its name below tmp. What a crash leaves then below tmp tells
// which blobs may be torn, and Sweep removes those. Many blobs share one sync of the whole file system
// (docs/adr/0007-durable-batches.md).
package file

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store"
)

const (
	temporary = "tmp"
	lockName  = "lock"
	extension = ".dcm" // the files are ordinary DICOM files, which any tool may read
	folders   = 256
)

// Blobs implements store.Blobs.
type Blobs struct {
	root    string
	lock    lock
	journal *journal
	sync    func(*os.File) error // (*os.File).Sync, except in tests
	// all syncs the file system. nil: it cannot be relied on.
	all *sharedSync
	// namesToo: a sync of a file makes its names durable too, as far as the file system has a journal. Means nothing where all is nil.
	namesToo bool
	full     atomic.Int64          // how many syncs of the file system found it full
	failed   atomic.Pointer[error] // the sync that failed

	mu      sync.Mutex
	writing map[string]bool // paths below tmp that writers of this process hold
}

// Open opens the directory, and makes it where it does not exist. One process at a time may have it open: a second one would take
// the first one's files for what a crash left, and gets an error that says so. Close it.
func Open(root string) (*Blobs, error) {
	made := []string{root, filepath.Join(root, temporary)}
	for i := range folders {
		made = append(made, filepath.Join(root, fmt.Sprintf("%02x", i)))
	}
	for _, dir := range made {
		if err := durable.MkdirAll(dir); err != nil {
			return nil, fmt.Errorf("blobs: %w", err)
		}
	}
	lock, err := lockFile(filepath.Join(root, lockName))
	if err != nil {
		return nil, err
	}
	journal, err := openJournal(root)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	for _, dir := range []string{root, filepath.Dir(root)} {
		if err := syncDir(dir, (*os.File).Sync); err != nil {
			return nil, errors.Join(fmt.Errorf("blobs: %w", err), journal.file.Close(), lock.Close())
		}
	}
	b := &Blobs{root: root, lock: lock, journal: journal, sync: (*os.File).Sync, writing: map[string]bool{}}
	// The descriptor is older than everything that is written, so that no failed write-back escapes it.
	if sync := syncFS(lock.File); sync != nil {
		b.all, b.namesToo = &sharedSync{sync: func() error { return b.syncedAll(sync()) }}, journaled(lock.File)
	}
	return b, nil
}

// Unsynced makes every later commit return without any sync: a power cut loses what was committed. It is the control of the fault
// harness.
func (b *Blobs) Unsynced() { b.all, b.sync = nil, func(*os.File) error { return nil } }

// Close lets another process open the directory.
func (b *Blobs) Close() error { return errors.Join(b.journal.file.Close(), b.lock.Close()) }

func (b *Blobs) path(id store.BlobID) string { return pathOf(b.root, id) }

func pathOf(root string, id store.BlobID) string {
	name := id.String()
	return filepath.Join(root, name[:2], name+extension)
}

type openBlob struct {
	*os.File
	size   int64
	stored time.Time
	state  uint64
}

func (b *openBlob) Size() int64 { return b.size }

func (b *openBlob) Stored() time.Time { return b.stored }

func (b *openBlob) State() uint64 { return b.state }

// Open implements store.Blobs.
func (b *Blobs) Open(ctx context.Context, id store.BlobID) (store.Blob, error) {
	return open(ctx, b.path(id), id)
}

func open(ctx context.Context, path string, id store.BlobID) (store.Blob, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe in its place keeps nobody waiting
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("blob %s: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file: %w", id, store.ErrNotFound)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("blob: %w", err)
	}
	return &openBlob{File: f, size: info.Size(), stored: stored(info), state: stateOf(info)}, nil
}

// Remove implements store.Blobs. It is not synced: a power cut may bring the blob back, as an orphan.
func (b *Blobs) Remove(ctx context.Context, id store.BlobID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.Remove(b.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("blob: %w", err)
	}
	return nil
}

// List implements store.Blobs. Files that are no blobs are passed over.
func (b *Blobs) List(ctx context.Context) iter.Seq2[store.BlobInfo, error] {
	return func(yield func(store.BlobInfo, error) bool) {
		for i := range folders {
			files, err := os.ReadDir(filepath.Join(b.root, fmt.Sprintf("%02x", i)))
			if errors.Is(err, fs.ErrNotExist) { // Open makes it
				continue
			}
			if err != nil {
				yield(store.BlobInfo{}, fmt.Errorf("blobs: %w", err))
				return
			}
			for _, file := range files {
				if err := ctx.Err(); err != nil {
					yield(store.BlobInfo{}, err)
					return
				}
				id, ok := parseName(file.Name())
				if !ok || int(id[0]) != i || file.IsDir() {
					continue
				}
				info, err := file.Info()
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					yield(store.BlobInfo{}, fmt.Errorf("blobs: %w", err))
					return
				}
				if !yield(store.BlobInfo{ID: id, Size: info.Size(), Stored: stored(info)}, nil) {
					return
				}
			}
		}
	}
}

// Sweep implements store.Blobs.
func (b *Blobs) Sweep(ctx context.Context, before time.Time) (int, error) {
	files, err := os.ReadDir(filepath.Join(b.root, temporary))
	if err != nil {
		return 0, fmt.Errorf("blobs: %w", err)
	}
	swept := 0
	var linked []fs.FileInfo // files that have a blob's name too
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return swept, err
		}
		path := filepath.Join(b.root, temporary, file.Name())
		if b.isWriting(path) || file.IsDir() { // no upload makes a folder
			continue
		}
		info, err := file.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.ModTime().Before(before) {
			continue
		}
		if err == nil && links(info) > 1 {
			linked = append(linked, info)
			continue
		}
		if err == nil {
			err = os.Remove(path)
		}
		if err != nil {
			return swept, fmt.Errorf("blobs: %w", err)
		}
		swept++
	}
	n, err := b.sweepLinked(ctx, linked)
	return swept + n, err
}

func (b *Blobs) isWriting(path string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.writing[path]
}

// stored is the time of the last write, which a rename leaves as it is.
func stored(info fs.FileInfo) time.Time { return info.ModTime().UTC().Truncate(time.Second) }

func parseName(name string) (id store.BlobID, ok bool) {
	digits, ok := strings.CutSuffix(name, extension)
	if !ok || len(digits) != 2*len(id) || digits != strings.ToLower(digits) {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(digits))
	return id, err == nil
}

// refused marks the errors of a disk that is full as store.ErrNoSpace, and those of one that takes nothing as store.ErrUnwritable.
func refused(err error) error {
	for _, refusal := range []error{syscall.EIO, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.EFBIG} {
		if errors.Is(err, refusal) {
			return fmt.Errorf("%w: %w", store.ErrUnwritable, err)
		}
	}
	return full(err)
}

// full marks the errors of a full disk as store.ErrNoSpace.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", store.ErrNoSpace, err)
	}
	return err
}
