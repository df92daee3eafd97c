package store_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/file"
	"github.com/noctis-dicom/noctis/store/memstore"
	"github.com/noctis-dicom/noctis/store/sqlite"
	"github.com/noctis-dicom/noctis/store/storetest"
)

func TestStoreInMemory(t *testing.T) {
	storetest.Store(t, func(t *testing.T) (store.Index, store.Blobs) { return memstore.NewIndex(), memstore.NewBlobs() })
}

func TestStoreOnDisk(t *testing.T) {
	storetest.Store(t, func(t *testing.T) (store.Index, store.Blobs) { return onDisk(t, t.TempDir()) })
}

func onDisk(t testing.TB, dir string) (*sqlite.Index, *file.Blobs) {
	t.Helper()
	blobs, err := file.Open(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	index, err := sqlite.Open(context.Background(), filepath.Join(dir, "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { index.Close() })
	return index, blobs
}
