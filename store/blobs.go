package store

import (
	"context"
	"encoding/hex"
	"io"
	"iter"
	"time"
)

// BlobID is the SHA-256 of a blob's bytes.
type BlobID [32]byte

// String returns 64 lower-case hexadecimal digits.
func (id BlobID) String() string { return hex.EncodeToString(id[:]) }

// BlobInfo says what is known of a blob without opening it.
type BlobInfo struct {
	ID     BlobID
	Size   int64     // bytes
	Stored time.Time // when it was committed: UTC, whole seconds
}

// Blobs keeps immutable files, addressed by their SHA-256, and beside them a journal of what was deleted. All methods are safe for
// concurrent use.
type Blobs interface {
	// Create begins a blob. Nothing of it is visible before Commit.
	Create(ctx context.Context) (BlobWriter, error)
	// Commit makes the blobs durable: when it returns nil they survive a power cut. Writers share syncs. Each has been written
	// completely; none may be used afterwards. The infos are in the order of writers. A blob that is there already is replaced
	// by its equal. After an error some of the blobs may be there and some not. A failed sync is never retried: after one,
	// every later Create and Commit fails with ErrPoisoned (the disk cannot be trusted), and reads go on.
	Commit(ctx context.Context, writers ...BlobWriter) ([]BlobInfo, error)
	// Open opens a blob for reading; ErrNotFound if there is none.
	Open(ctx context.Context, id BlobID) (Blob, error)
	// Remove removes a blob; that it is not there is no error. Who has it open can go on reading.
	Remove(ctx context.Context, id BlobID) error
	// List yields every committed blob in ascending order of ids. Whether one that is committed or removed meanwhile is among
	// them is left open.
	List(ctx context.Context) iter.Seq2[BlobInfo, error]
	// Sweep discards what writers that are gone (of a process that was killed) began before the given time and never
	// committed. It never touches a writer of this process. It returns how many it discarded.
	Sweep(ctx context.Context, before time.Time) (int, error)

	// Record adds lines to the journal, all or none of them: when it returns nil they survive a power cut. Its failures are those of
	// Commit.
	Record(ctx context.Context, lines ...string) error
	// Records yields the lines of the journal in their order, those that were there when it began.
	Records(ctx context.Context) iter.Seq2[string, error]
}

// BlobWriter takes the bytes of one blob and is used by one goroutine. Write fails with ErrNoSpace on a full disk.
type BlobWriter interface {
	io.Writer
	io.ReaderAt // of what has been written so far
	// ID is the digest of what has been written so far, under which Commit will keep it.
	ID() BlobID
	// Cancel discards the blob; it may be called at any time, and does nothing after Commit.
	Cancel()
}

// Blob is an open blob.
type Blob interface {
	io.ReaderAt
	io.Closer
	Size() int64
	Stored() time.Time // as in BlobInfo
	State() uint64     // another number, or as good as ever, when the file has been written to or replaced
}
