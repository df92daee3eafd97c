package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/sqlite"
	"github.com/noctis-dicom/noctis/store/storetest"
)

func TestIndex(t *testing.T) {
	storetest.Index(t, func(t *testing.T) storetest.OpenIndex {
		path := filepath.Join(t.TempDir(), "index.db")
		return func() (store.Index, error) { return sqlite.Open(context.Background(), path) }
	})
}
