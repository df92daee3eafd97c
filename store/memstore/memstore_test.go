package memstore_test

import (
	"testing"

	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
	"github.com/noctis-dicom/noctis/store/storetest"
)

func TestIndex(t *testing.T) {
	storetest.Index(t, func(t *testing.T) storetest.OpenIndex {
		x := memstore.NewIndex()
		return func() (store.Index, error) { return x, nil }
	})
}

func TestBlobs(t *testing.T) {
	storetest.Blobs(t, func(t *testing.T) storetest.OpenBlobs {
		b := memstore.NewBlobs()
		return func() (store.Blobs, error) { return b, nil }
	})
}
