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
