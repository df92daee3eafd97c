package file

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/noctis-dicom/noctis/store"
)

// sweepLinked settles files below tmp that a crash left with a blob's name beside their own: they were being synced, or had just
// been. One that is whole keeps the blob's name. One that is not has never been acknowledged, and loses both names. It returns
// how many those were.
func (b *Blobs) sweepLinked(ctx context.Context, linked []fs.FileInfo) (torn int, err error) {
	if len(linked) == 0 {
		return 0, nil
	}
	for blob, err := range b.List(ctx) {
		if err != nil {
			return torn, err
		}
		path := b.path(blob.ID)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return torn, fmt.Errorf("blobs: %w", err)
		}
		if !among(linked, info) {
			continue
		}
		whole, err := isWhole(path, blob.ID)
		if err == nil && !whole {
			torn++
			err = os.Remove(path)
		}
		if err != nil {
			return torn, fmt.Errorf("blobs: %w", err)
		}
	}
	for _, info := range linked {
		if err := os.Remove(filepath.Join(b.root, temporary, info.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return torn, fmt.Errorf("blobs: %w", err)
		}
	}
	return torn, nil
}

func among(files []fs.FileInfo, file fs.FileInfo) bool {
	if links(file) < 2 {
		return false
	}
	for _, f := range files {
		if os.SameFile(f, file) {
			return true
		}
	}
	return false
}

// isWhole reports whether the file is what its name says.
func isWhole(path string, id store.BlobID) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return false, err
	}
	return store.BlobID(sum.Sum(nil)) == id, nil
}
