// Package durable writes small files so that neither a crash nor a power cut leaves half of one.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// WriteFile writes a file, readable for its owner only, so that a crash or a power cut leaves the old one or the new one, whole.
// When it returns, the new one is durable.
func WriteFile(path string, content []byte) error {
	f, err := OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
