package file

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

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

// TestManyBlobs checks the order of a large commit: no file has the name of a blob before the first sync, all have at the second.
func TestManyBlobs(t *testing.T) {
	var named []int
	var b *Blobs
	b = openTogether(t, func() error {
		files, err := filepath.Glob(filepath.Join(b.root, "*", "*"+extension))
		named = append(named, len(files))
		return err
	})
	b.sync = func(f *os.File) error { return fmt.Errorf("%s is synced alone", filepath.Base(f.Name())) }
	if _, err := b.Commit(t.Context(), createMany(t, b, "many")...); err != nil {
		t.Fatal(err)
	}
	if want := []int{0, many}; fmt.Sprint(named) != fmt.Sprint(want) {
		t.Errorf("blobs with a name at each sync: %v, want %v", named, want)
	}
}

// TestFailedSyncOfAll lets the first or the second sync of a large commit fail: nothing is acknowledged, then or later.
func TestFailedSyncOfAll(t *testing.T) {
	for fails := 1; fails <= 2; fails++ {
		n := 0
		b := openTogether(t, func() error {
			if n++; n == fails {
				return os.NewSyscallError("syncfs", syscall.EIO)
			}
			return nil
		})
		waiting := createMany(t, b, "waiting")
		if _, err := b.Commit(t.Context(), createMany(t, b, "failed")...); !errors.Is(err, store.ErrPoisoned) || !errors.Is(err, syscall.EIO) {
			t.Errorf("sync %d fails: %v", fails, err)
		}
		if _, err := b.Commit(t.Context(), waiting...); !errors.Is(err, store.ErrPoisoned) {
			t.Errorf("a later commit: %v", err)
		}
		if _, err := b.Create(t.Context()); !errors.Is(err, store.ErrPoisoned) {
			t.Errorf("a later blob: %v", err)
		}
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
