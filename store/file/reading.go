package file

import (
	"context"

	"github.com/noctis-dicom/noctis/store"
)

// Reading reads the blobs of a directory that another process may have open: it takes no lock. It is for a store that is only read:
// of store.Blobs it has Open, the other methods are not there, and calling one panics.
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
