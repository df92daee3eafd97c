package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// What root makes in a folder of somebody else belongs to him: who runs a command at a machine is mostly root, and a server with an account of its own could
// not read a key that was added to it.

// OpenFile opens a file, which its owner alone may read if it makes it.
func OpenFile(path string, flag int) (*os.File, error) {
	owner, another := ownerOf(filepath.Dir(path))
	if !another {
		return os.OpenFile(path, flag, 0o600)
	}
	f, err := os.OpenFile(path, flag|syscall.O_NOFOLLOW, 0o600) // a link of his must not lead root to what is not his
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if made, ok := info.Sys().(*syscall.Stat_t); ok && made.Uid == 0 && made.Nlink == 1 && info.Mode().IsRegular() {
		if err := f.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// MkdirAll makes a folder and those that it is in, where they are missing; their owner alone may enter them.
func MkdirAll(path string) error {
	parent := filepath.Dir(path)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) || parent == path {
		return os.MkdirAll(path, 0o700) // it says what is wrong
	}
	if err := MkdirAll(parent); err != nil {
		return err
	}
	owner, another := ownerOf(parent)
	err := os.Mkdir(path, 0o700)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil // somebody was faster
	case err != nil || !another:
		return err
	}
	return os.Lchown(path, int(owner.Uid), int(owner.Gid))
}

// ownerOf is who owns a folder; another reports whether this process is root and he is not.
func ownerOf(folder string) (owner *syscall.Stat_t, another bool) {
	if os.Geteuid() != 0 {
		return nil, false
	}
	info, err := os.Stat(folder)
	if err != nil {
		return nil, false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	return owner, ok && owner.Uid != 0
}
