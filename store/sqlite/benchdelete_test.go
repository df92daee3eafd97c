package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/file"
)

// BenchmarkDelete deletes studies of 1,000 instances, with their journal.
func BenchmarkDelete(b *testing.B) {
	x, err := Open(b.Context(), filepath.Join(b.TempDir(), "index.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	blobs, err := file.Open(filepath.Join(b.TempDir(), "blobs"))
	if err != nil {
		b.Fatal(err)
	}
	defer blobs.Close()
	s := store.New(x, blobs, store.Options{})
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		entries := batch(b, n, 1000)
		if _, err := x.Insert(b.Context(), entries); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if deleted, err := s.Delete(b.Context(), dicom.Ref{Study: entries[0].Ref.Study}); err != nil || deleted != 1000 {
			b.Fatal(deleted, err)
		}
	}
}
