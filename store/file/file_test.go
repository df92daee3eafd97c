package file_test

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/file"
	"github.com/noctis-dicom/noctis/store/storetest"
)

func TestBlobs(t *testing.T) {
	storetest.Blobs(t, func(t *testing.T) storetest.OpenBlobs {
		root := t.TempDir()
		return func() (store.Blobs, error) { return file.Open(root) }
	})
}

func open(t *testing.T, root string) *file.Blobs {
	t.Helper()
	b, err := file.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestOneProcessAtATime(t *testing.T) {
	root := t.TempDir()
	b := open(t, root)
	if _, err := file.Open(root); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("opened twice: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, root)
}

// TestSweepAfterCrash leaves files as a killed process does.
func TestSweepAfterCrash(t *testing.T) {
	root := filepath.Join(t.TempDir(), "new", "blobs")
	b := open(t, root)
	stale := filepath.Join(root, "tmp", "123456")
	if err := os.WriteFile(stale, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Sweep(t.Context(), time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("a young file: swept %d, %v", n, err)
	}
	if n, err := b.Sweep(t.Context(), time.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

// TestOnlyBlobsAreListed puts files of others among the blobs.
func TestOnlyBlobsAreListed(t *testing.T) {
	root := t.TempDir()
	b := open(t, root)
	digest := store.BlobID(sha256.Sum256(nil)).String()
	for _, name := range []string{
		"e3/README", "e3/" + digest, "e3/" + digest[:62] + ".dcm", "e3/" + strings.ToUpper(digest) + ".dcm", "00/" + digest + ".dcm",
	} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for info, err := range b.List(t.Context()) {
		t.Errorf("listed %+v, %v", info, err)
	}
}

// TestPrivate checks that nobody else may read what is stored.
func TestPrivate(t *testing.T) {
	root := filepath.Join(t.TempDir(), "blobs")
	b := open(t, root)
	w, err := b.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Commit(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
