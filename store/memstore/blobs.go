package memstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/store"
)

// Blobs implements store.Blobs.
type Blobs struct {
	mu      sync.RWMutex
	blobs   map[store.BlobID]blob
	journal []string
}

type blob struct {
	data   []byte
	stored time.Time
}

// NewBlobs returns an empty set of blobs.
func NewBlobs() *Blobs { return &Blobs{blobs: map[store.BlobID]blob{}} }

type blobWriter struct {
	bytes.Buffer
	sum hash.Hash
}

func (w *blobWriter) Write(p []byte) (int, error) {
	w.sum.Write(p)
	return w.Buffer.Write(p)
}

func (w *blobWriter) ReadAt(p []byte, offset int64) (int, error) {
	return bytes.NewReader(w.Bytes()).ReadAt(p, offset)
}

func (w *blobWriter) ID() (id store.BlobID) {
	w.sum.Sum(id[:0])
	return id
}

func (w *blobWriter) Cancel() { w.Buffer = bytes.Buffer{} }

// Create implements store.Blobs.
func (b *Blobs) Create(ctx context.Context) (store.BlobWriter, error) {
	return &blobWriter{sum: sha256.New()}, ctx.Err()
}

// Commit implements store.Blobs.
func (b *Blobs) Commit(ctx context.Context, writers ...store.BlobWriter) ([]store.BlobInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now().UTC().Truncate(time.Second)
	infos := make([]store.BlobInfo, len(writers))
	for i, w := range writers {
		w := w.(*blobWriter)
		infos[i] = store.BlobInfo{ID: w.ID(), Size: int64(w.Len()), Stored: now}
		b.blobs[infos[i].ID] = blob{data: w.Bytes(), stored: now}
		w.Buffer = bytes.Buffer{}
	}
	return infos, nil
}

type openBlob struct {
	*bytes.Reader
	stored time.Time
}

func (openBlob) Close() error { return nil }

func (b openBlob) Stored() time.Time { return b.stored }

// State is always the same: what is here cannot be written to.
func (openBlob) State() uint64 { return 1 }

// Open implements store.Blobs.
func (b *Blobs) Open(ctx context.Context, id store.BlobID) (store.Blob, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	blob, ok := b.blobs[id]
	if !ok {
		return nil, fmt.Errorf("blob %s: %w", id, store.ErrNotFound)
	}
	return openBlob{bytes.NewReader(blob.data), blob.stored}, ctx.Err()
}

// Remove implements store.Blobs.
func (b *Blobs) Remove(ctx context.Context, id store.BlobID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.blobs, id)
	return nil
}

// List implements store.Blobs.
func (b *Blobs) List(ctx context.Context) iter.Seq2[store.BlobInfo, error] {
	return func(yield func(store.BlobInfo, error) bool) {
		b.mu.RLock()
		blobs := maps.Clone(b.blobs)
		b.mu.RUnlock()
		for _, id := range slices.SortedFunc(maps.Keys(blobs), compareBlobs) {
			if err := ctx.Err(); err != nil {
				yield(store.BlobInfo{}, err)
				return
			}
			if !yield(store.BlobInfo{ID: id, Size: int64(len(blobs[id].data)), Stored: blobs[id].stored}, nil) {
				return
			}
		}
	}
}

// Sweep implements store.Blobs: what another process left behind is gone with its memory.
func (b *Blobs) Sweep(ctx context.Context, before time.Time) (int, error) { return 0, ctx.Err() }

// Record implements store.Blobs.
func (b *Blobs) Record(ctx context.Context, lines ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.journal = append(b.journal, lines...)
	return nil
}

// Records implements store.Blobs.
func (b *Blobs) Records(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		b.mu.RLock()
		lines := b.journal
		b.mu.RUnlock()
		for _, line := range lines {
			if err := ctx.Err(); err != nil {
				yield("", err)
				return
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}

func compareBlobs(a, b store.BlobID) int { return bytes.Compare(a[:], b[:]) }
