package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/noctis-dicom/noctis/store/sqlite"
	"github.com/noctis-dicom/noctis/worklist"
	"github.com/noctis-dicom/noctis/worklist/worklisttest"
)

func TestWorklist(t *testing.T) {
	worklisttest.Repository(t, func(t *testing.T) worklisttest.Open {
		path := filepath.Join(t.TempDir(), "index.db")
		var last *sqlite.Index
		t.Cleanup(func() {
			if flaws, err := last.Worklist().Flaws(context.Background()); err != nil || len(flaws) > 0 {
				t.Errorf("rows contradict their data sets: %v, %v", flaws, err)
			}
			last.Close()
		})
		return func(t *testing.T) worklist.Repository {
			if last != nil {
				if err := last.Close(); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if last, err = sqlite.Open(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			return last.Worklist()
		}
	})
}
