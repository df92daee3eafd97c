package file

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/noctis-dicom/noctis/store"
)

// TestFailedSync lets the sync of a file or of its folder fail: nothing is acknowledged, then or later, and reads go on.
func TestFailedSync(t *testing.T) {
	for _, of := range []string{"file", "folder"} {
		b, err := Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if of == "folder" {
			b.all = nil // else no folder is synced
		}
		before := commitOne(t, b, "before")
		fail := true
		b.sync = func(f *os.File) error {
			inTmp := filepath.Base(filepath.Dir(f.Name())) == temporary
			if fail && inTmp == (of == "file") {
				return &os.PathError{Op: "fsync", Path: f.Name(), Err: syscall.EIO}
			}
			return f.Sync()
		}
		waiting := create(t, b, "waiting")
		if _, err := b.Commit(t.Context(), create(t, b, "failed")); !errors.Is(err, store.ErrPoisoned) || !errors.Is(err, syscall.EIO) {
			t.Errorf("sync of a %s fails: %v", of, err)
		}
		fail = false
		if _, err := b.Commit(t.Context(), waiting); !errors.Is(err, store.ErrPoisoned) {
			t.Errorf("a later commit: %v", err)
		}
		if _, err := b.Create(t.Context()); !errors.Is(err, store.ErrPoisoned) {
			t.Errorf("a later blob: %v", err)
		}
		blob, err := b.Open(t.Context(), before)
		if err != nil {
			t.Errorf("reads do not go on: %v", err)
		} else {
			blob.Close()
		}
		if files, _ := os.ReadDir(filepath.Join(b.root, temporary)); len(files) > 0 {
			t.Errorf("%d temporary files stay", len(files))
		}
	}
}

// TestDiskFull checks that a full disk is told as such and does not poison.
func TestDiskFull(t *testing.T) {
	b, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		b.sync = func(f *os.File) error { return &os.PathError{Op: "fsync", Path: f.Name(), Err: cause} }
		if _, err := b.Commit(t.Context(), create(t, b, "full")); !errors.Is(err, store.ErrNoSpace) || errors.Is(err, store.ErrPoisoned) {
			t.Errorf("%v: %v", cause, err)
		}
		b.sync = (*os.File).Sync
		commitOne(t, b, fmt.Sprint("after ", cause))
	}
	n := 0
	for _, err := range b.List(t.Context()) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 2 {
		t.Errorf("%d blobs, want 2", n)
	}
}

func create(t *testing.T, b *Blobs, text string) store.BlobWriter {
	t.Helper()
	w, err := b.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(strings.Repeat(text, 1000))); err != nil {
		t.Fatal(err)
	}
	return w
}

func commitOne(t *testing.T, b *Blobs, text string) store.BlobID {
	t.Helper()
	infos, err := b.Commit(t.Context(), create(t, b, text))
	if err != nil {
		t.Fatal(err)
	}
	return infos[0].ID
}
