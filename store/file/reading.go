package file

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/noctis-dicom/noctis/store"
)

// Reading reads the blobs of a directory that another process may have open: it takes no lock. It is for a store that is only read:
// of store.Blobs it has Open, List and Records, the other methods are not there, and calling one panics.
type Reading struct {
	store.Blobs // nil
	root        string
}

// OpenReading names the directory.
func OpenReading(root string) *Reading { return &Reading{root: root} }

// Open implements store.Blobs.
func (r *Reading) Open(ctx context.Context, id store.BlobID) (store.Blob, error) {
	return open(ctx, pathOf(r.root, id), id)
}

func (r *Reading) blobs() *Blobs { return &Blobs{root: r.root} }

// List implements store.Blobs. Files that come or go meanwhile may be among them or not.
func (r *Reading) List(ctx context.Context) iter.Seq2[store.BlobInfo, error] {
	return r.blobs().List(ctx)
}

// Records implements store.Blobs: the lines that have an end, none where there is no journal.
func (r *Reading) Records(ctx context.Context) iter.Seq2[string, error] {
	path := filepath.Join(r.root, journalName)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return func(func(string, error) bool) {}
	}
	return readRecords(ctx, path, wholeLines)
}

// Strays is that of Blobs.
func (r *Reading) Strays() ([]string, error) { return r.blobs().Strays() }

// Unfinished is that of Blobs: uploads that are under way are among them.
func (r *Reading) Unfinished() (int, error) { return r.blobs().Unfinished() }
