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

// lock is a file with an exclusive lock, which the kernel releases with the process, however that ends.
type lock struct{ *os.File }

// Close releases the lock. To close the file would not do while a process that is just being started has it, too.
func (l lock) Close() error {
	return errors.Join(syscall.Flock(int(l.Fd()), syscall.LOCK_UN), l.File.Close())
}

// lockFile takes the lock.
func lockFile(path string) (lock, error) {
	f, err := durable.OpenFile(path, os.O_CREATE|os.O_RDWR)
	if err != nil {
		return lock{}, fmt.Errorf("blobs: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrInUse
	}
	if err != nil {
		f.Close()
		return lock{}, fmt.Errorf("blobs in %s: %w", filepath.Dir(path), err)
	}
	return lock{f}, nil
}
