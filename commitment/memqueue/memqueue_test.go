package memqueue_test

import (
	"testing"

	"github.com/noctis-dicom/noctis/commitment"
	"github.com/noctis-dicom/noctis/commitment/committest"
	"github.com/noctis-dicom/noctis/commitment/memqueue"
)

func TestRepository(t *testing.T) {
	committest.Repository(t, func(*testing.T) committest.Open {
		r := memqueue.New()
		return func(*testing.T) commitment.Repository { return r }
	})
}
