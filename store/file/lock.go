package file

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/noctis-dicom/noctis/internal/durable"
)

// ErrInUse: another process has the directory open.
var ErrInUse = errors.New("another process has it open")

// Lock keeps other processes from opening the directory, without opening it or changing anything in it, until the lock is closed. ErrInUse,
// wrapped: one has it open.
func Lock(root string) (io.Closer, error) { return lockFile(filepath.Join(root, lockName)) }

// lockFile takes an exclusive lock, which the kernel releases with the process, however that ends.
func lockFile(path string) (*os.File, error) {
	f, err := durable.OpenFile(path, os.O_CREATE|os.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("blobs: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrInUse
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("blobs in %s: %w", filepath.Dir(path), err)
	}
	return f, nil
}
