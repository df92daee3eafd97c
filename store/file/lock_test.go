package file

import (
	"errors"
	"os"
	"os/exec"
	"testing"
)

// TestLockIsLetGo: a process that is started while the lock is held has its file until it has become another program, and must not hold it.
func TestLockIsLetGo(t *testing.T) {
	folder := t.TempDir()
	blobs, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(folder); !errors.Is(err, ErrInUse) {
		t.Errorf("what is open can be locked: %v", err)
	}
	started := exec.CommandContext(t.Context(), "sleep", "600")
	started.ExtraFiles = []*os.File{blobs.lock.File}
	if err := started.Start(); err != nil {
		t.Fatal(err)
	}
	defer started.Wait() //nolint:errcheck // it is killed
	defer started.Process.Kill()
	if err := blobs.Close(); err != nil {
		t.Fatal(err)
	}
	lock, err := Lock(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
}
