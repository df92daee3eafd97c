package file

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/store"
)

// TestSharedSync checks that each call returns after a sync that began after it, and that no two run at once.
func TestSharedSync(t *testing.T) {
	const callers, calls = 16, 200
	var written, durable, running atomic.Int64
	s := &sharedSync{sync: func() error {
		if running.Add(1) > 1 {
			t.Error("two syncs run")
		}
		durable.Store(written.Load())
		running.Add(-1)
		return nil
	}}
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range calls {
				mine := written.Add(1)
				if err := s.do(); err != nil || durable.Load() < mine {
					t.Errorf("do returned before %d was durable: %v", mine, err)
				}
			}
		})
	}
	group.Wait()
}

// openTogether opens blobs whose file system is synced by the given function.
func openTogether(t *testing.T, sync func() error) *Blobs {
	t.Helper()
	b, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	b.all = &sharedSync{sync: func() error { return b.syncedAll(sync()) }}
	return b
}

func createMany(t *testing.T, b *Blobs, text string) []store.BlobWriter {
	t.Helper()
	var writers []store.BlobWriter
	for i := range many {
		writers = append(writers, create(t, b, fmt.Sprint(text, i)))
	}
	return writers
}

// TestManyBlobs checks the order of a large commit: at its one sync all files have the name of a blob, and still that below tmp, by
// which Sweep knows them for what may be torn. Afterwards they have only the former.
func TestManyBlobs(t *testing.T) {
	var named []int
	var b *Blobs
	b = openTogether(t, func() error {
		files, err := filepath.Glob(filepath.Join(b.root, "*", "*"+extension))
		uncertain, _ := filepath.Glob(filepath.Join(b.root, temporary, "*"))
		named = append(named, len(files), len(uncertain))
		return err
	})
	b.sync = func(f *os.File) error { return fmt.Errorf("%s is synced alone", filepath.Base(f.Name())) }
	if _, err := b.Commit(t.Context(), createMany(t, b, "many")...); err != nil {
		t.Fatal(err)
	}
	uncertain, _ := filepath.Glob(filepath.Join(b.root, temporary, "*"))
	if want := []int{many, many}; fmt.Sprint(named) != fmt.Sprint(want) || len(uncertain) > 0 {
		t.Errorf("names of blobs and below tmp at the sync: %v, want %v; %d below tmp afterwards", named, want, len(uncertain))
	}
}

// TestNamesWithoutJournal checks what a small commit syncs: its files, and where no journal keeps their names with them each folder too.
func TestNamesWithoutJournal(t *testing.T) {
	for _, journal := range []bool{true, false} {
		b := openTogether(t, func() error { return errors.New("all is synced for two") })
		b.namesToo = journal
		var mu sync.Mutex
		files, folders := 0, map[string]bool{}
		b.sync = func(f *os.File) error {
			mu.Lock()
			defer mu.Unlock()
			if info, err := f.Stat(); err == nil && info.IsDir() {
				folders[f.Name()] = true
			} else {
				files++
			}
			return nil
		}
		infos, err := b.Commit(t.Context(), create(t, b, "one"), create(t, b, "two"))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for _, info := range infos {
			if !journal {
				want[filepath.Dir(b.path(info.ID))] = true
			}
		}
		if files != 2 || !maps.Equal(folders, want) {
			t.Errorf("journal %v: %d files and the folders %v are synced, want 2 and %v", journal, files, folders, want)
		}
	}
}

// TestReplacedBlob commits bytes that are there already: the old file stays until the new one is durable, whatever the file system.
func TestReplacedBlob(t *testing.T) {
	b := openTogether(t, func() error { return nil })
	id := commitOne(t, b, "twice")
	if err := os.Truncate(b.path(id), 3); err != nil {
		t.Fatal(err)
	}
	var order []string
	b.sync = func(f *os.File) error {
		info, err := os.Stat(b.path(id))
		if err == nil {
			order = append(order, fmt.Sprint(filepath.Base(filepath.Dir(f.Name())) == temporary, info.Size()))
		}
		return f.Sync()
	}
	if again := commitOne(t, b, "twice"); again != id || fmt.Sprint(order) != "[true 3 false 5000]" {
		t.Errorf("%s again is %s; a file below tmp synced, and the size of the blob then: %v", id, again, order)
	}
}

// TestTornBlobs leaves below tmp what a power cut does: files that have a blob's name too, one of them whole.
func TestTornBlobs(t *testing.T) {
	b := openTogether(t, func() error { return nil })
	whole, torn, other := commitOne(t, b, "whole"), commitOne(t, b, "torn"), commitOne(t, b, "other")
	for _, id := range []store.BlobID{whole, torn} {
		if err := os.Link(b.path(id), filepath.Join(b.root, temporary, id.String())); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []store.BlobID{torn, other} { // other was damaged in another way: it is not Sweep's to remove
		if err := os.Truncate(b.path(id), 100); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := b.Sweep(t.Context(), time.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	var left []store.BlobID
	for info, err := range b.List(t.Context()) {
		if left = append(left, info.ID); err != nil {
			t.Fatal(err)
		}
	}
	if len(left) != 2 || !slices.Contains(left, whole) || !slices.Contains(left, other) {
		t.Errorf("left are %v", left)
	}
	if files, _ := os.ReadDir(filepath.Join(b.root, temporary)); len(files) > 0 {
		t.Errorf("%d files stay below tmp", len(files))
	}
}

// TestFailedSyncOfAll lets the sync of a large commit fail: nothing is acknowledged, then or later.
func TestFailedSyncOfAll(t *testing.T) {
	b := openTogether(t, func() error { return os.NewSyscallError("syncfs", syscall.EIO) })
	waiting := createMany(t, b, "waiting")
	if _, err := b.Commit(t.Context(), createMany(t, b, "failed")...); !errors.Is(err, store.ErrPoisoned) || !errors.Is(err, syscall.EIO) {
		t.Errorf("the sync fails: %v", err)
	}
	if _, err := b.Commit(t.Context(), waiting...); !errors.Is(err, store.ErrPoisoned) {
		t.Errorf("a later commit: %v", err)
	}
	if _, err := b.Create(t.Context()); !errors.Is(err, store.ErrPoisoned) {
		t.Errorf("a later blob: %v", err)
	}
}

// TestFullFileSystem tells one sync of the file system that it was full, as another program's file may be the cause of. Then
// each file that there was is asked itself, also of a commit that comes later; what begins after that is synced together again.
func TestFullFileSystem(t *testing.T) {
	fail := true
	b := openTogether(t, func() error {
		if fail {
			fail = false
			return os.NewSyscallError("syncfs", syscall.ENOSPC)
		}
		return nil
	})
	alone, lost := 0, false
	var mu sync.Mutex
	b.sync = func(f *os.File) error {
		mu.Lock()
		defer mu.Unlock()
		if alone++; lost {
			return &os.PathError{Op: "fsync", Path: f.Name(), Err: syscall.ENOSPC}
		}
		return f.Sync()
	}
	waiting := createMany(t, b, "waiting")
	if _, err := b.Commit(t.Context(), createMany(t, b, "first")...); err != nil || alone < many {
		t.Errorf("another's file found no space: %v, %d syncs of its own", err, alone)
	}
	alone, lost = 0, true
	if _, err := b.Commit(t.Context(), waiting...); !errors.Is(err, store.ErrNoSpace) || errors.Is(err, store.ErrPoisoned) {
		t.Errorf("a file that was there, and lost its bytes: %v", err)
	}
	alone = 0
	if _, err := b.Commit(t.Context(), createMany(t, b, "last")...); err != nil || alone > 0 {
		t.Errorf("a later commit: %v, %d syncs of its own", err, alone)
	}
}
