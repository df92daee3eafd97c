package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
)

// TestTidy deletes an instance, and lets its time in the recycle bin and in the change feed pass.
func TestTidy(t *testing.T) {
	a, err := openArchive(t.Context(), t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	in := dicomtest.Image{Study: "tidy", Series: "1", Number: 1}.Instance()
	file, err := in.File()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Ingest(t.Context(), bytes.NewReader(file), ""); err != nil {
		t.Fatal(err)
	}
	ref := in.DataSet.Ref()
	if _, err := a.Delete(t.Context(), dicom.Ref{Study: ref.Study}); err != nil {
		t.Fatal(err)
	}
	count := func() (bin, changes, blobs int) {
		for _, err := range a.RecycleBin(t.Context(), store.RemovedQuery{}) {
			if bin++; err != nil {
				t.Fatal(err)
			}
		}
		for _, err := range a.Changes(t.Context(), store.Cursor{}) {
			if changes++; err != nil {
				t.Fatal(err)
			}
		}
		for _, err := range a.blobs.List(t.Context()) {
			if blobs++; err != nil {
				t.Fatal(err)
			}
		}
		return bin, changes, blobs
	}
	f := retentionFlags{RecycleRetention: 24 * time.Hour, ChangeRetention: 48 * time.Hour}
	for _, c := range []struct {
		hours               time.Duration
		bin, changes, blobs int
	}{{23, 1, 5, 1}, {25, 0, 5, 0}, {49, 0, 0, 0}} {
		if _, err := f.tidy(t.Context(), a, time.Now().Add(c.hours*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if bin, changes, blobs := count(); bin != c.bin || changes != c.changes || blobs != c.blobs {
			t.Errorf("after %d hours: %d in the bin, %d changes, %d files", c.hours, bin, changes, blobs)
		}
	}
}
