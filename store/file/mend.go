package file

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store"
)

// SetAside moves a blob into the folder, under its own name, and makes that durable. It is no blob of this store any more, and
// nothing is lost. A file that is there already is not replaced.
func (b *Blobs) SetAside(id store.BlobID, folder string) (string, error) {
	path := filepath.Join(folder, id.String()+extension)
	return path, b.moveAside(b.path(id), path)
}

// SetStrayAside moves a file that Strays has named into the folder "strays" of the folder, where it keeps its path, and returns where it is.
func (b *Blobs) SetStrayAside(stray, folder string) (string, error) {
	path := filepath.Join(folder, "strays", stray)
	return path, b.moveAside(filepath.Join(b.root, stray), path)
}

func (b *Blobs) moveAside(from, to string) error {
	if _, err := os.Lstat(from); err != nil {
		return err
	}
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("%s is there already", to))
	}
	if err := durable.MkdirAll(filepath.Dir(to)); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	for _, dir := range []string{filepath.Dir(to), filepath.Dir(from)} {
		if err := syncDir(dir, b.sync); err != nil {
			return err
		}
	}
	return nil
}

// MendJournal moves the journal into the folder, and keeps those of its lines that are good. It returns where it went.
func (b *Blobs) MendJournal(folder string, good func(line string) bool) (string, error) {
	j := b.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	text, err := os.ReadFile(j.path)
	if err != nil {
		return "", err
	}
	var kept []byte
	for line := range bytes.Lines(text[:j.size]) {
		if good(string(bytes.TrimSuffix(line, []byte{'\n'}))) {
			kept = append(kept, line...)
		}
	}
	old := filepath.Join(folder, journalName)
	if err := b.moveAside(j.path, old); err != nil {
		return "", err
	}
	fresh, err := durable.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return "", err
	}
	if _, err = fresh.Write(kept); err == nil {
		err = errors.Join(b.sync(fresh), syncDir(b.root, b.sync))
	}
	if err != nil {
		return "", errors.Join(err, fresh.Close())
	}
	err = j.file.Close()
	j.file, j.size = fresh, int64(len(kept))
	return old, err
}

// SetStored sets the time at which the blob was stored, as List tells it.
func (b *Blobs) SetStored(id store.BlobID, at time.Time) error { return os.Chtimes(b.path(id), at, at) }

// Strays returns files that lie where blobs do, and are none, relative to the root.
func (b *Blobs) Strays() ([]string, error) {
	var strays []string
	err := filepath.WalkDir(b.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relative, err := filepath.Rel(b.root, path)
		if err != nil {
			return err
		}
		folder, name := filepath.Split(relative)
		id, blob := parseName(name)
		switch {
		case relative == lockName, relative == journalName, filepath.Clean(folder) == temporary, blob && fmt.Sprintf("%02x/", id[0]) == folder:
		default:
			strays = append(strays, relative)
		}
		return nil
	})
	return strays, err
}

// Unfinished is how many files there are that were being written when a process ended.
func (b *Blobs) Unfinished() (int, error) {
	files, err := os.ReadDir(filepath.Join(b.root, temporary))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return len(slices.DeleteFunc(files, fs.DirEntry.IsDir)), err
}

// Verify reads a blob from the disk, not from memory where the system can be told so, and compares its bytes with its name.
func (b *Blobs) Verify(id store.BlobID) error {
	f, err := os.Open(b.path(id))
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	defer f.Close()
	forget(f)
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	if store.BlobID(hash.Sum(nil)) != id {
		return fmt.Errorf("blob %s: %w: its SHA-256 is not its name", id, store.ErrBlobDamaged)
	}
	return nil
}
