package memlist_test

import (
	"testing"

	"github.com/noctis-dicom/noctis/worklist"
	"github.com/noctis-dicom/noctis/worklist/memlist"
	"github.com/noctis-dicom/noctis/worklist/worklisttest"
)

func TestRepository(t *testing.T) {
	worklisttest.Repository(t, func(*testing.T) worklisttest.Open {
		r := memlist.New()
		return func(*testing.T) worklist.Repository { return r }
	})
}
