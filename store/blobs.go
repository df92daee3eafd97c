package store

import (
	"context"
	"io"
	"iter"
)

// BlobID is the SHA-256 of a blob's bytes.
type BlobID [32]byte

// Blobs keeps immutable files, addressed by their SHA-256. All methods are safe for concurrent use.
type Blobs interface {
	// Create begins a blob. Nothing of it is visible before Commit.
	Create(ctx context.Context) (BlobWriter, error)
	// Commit makes the blobs durable: when it returns nil they survive a power cut. Writers share syncs. Each has been written
	// completely; none may be used afterwards. The ids are in the order of writers. A failed sync is never retried: after one,
	// every later Create and Commit fails (the disk cannot be trusted), and reads go on.
	Commit(ctx context.Context, writers ...BlobWriter) ([]BlobID, error)
	// Open opens a blob for reading; ErrNotFound if there is none.
	Open(ctx context.Context, id BlobID) (Blob, error)
	Remove(ctx context.Context, id BlobID) error
	// List yields every committed blob.
	List(ctx context.Context) iter.Seq2[BlobID, error]
}

// BlobWriter takes the bytes of one blob and is used by one goroutine. Cancel discards them; it may be called at any time, and
// does nothing after Commit.
type BlobWriter interface {
	io.Writer
	Cancel()
}

// Blob is an open blob.
type Blob interface {
	io.ReaderAt
	io.Closer
	Size() int64
}
