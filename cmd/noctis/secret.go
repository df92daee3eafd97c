package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// secretLength is the number of bytes of a secret.
const secretLength = 32

// anonymizeSecret is what the UIDs of anonymized instances are made with. It is made once and kept in the data folder, so that
// instances that belong together still do when they are asked for in another year.
func anonymizeSecret(data string) ([]byte, error) {
	name := filepath.Join(data, "anonymize.secret")
	secret, err := os.ReadFile(name)
	switch {
	case err == nil && len(secret) != secretLength:
		return nil, fmt.Errorf("%s has %d bytes instead of %d; without it a new one is made, and with that other UIDs", name, len(secret), secretLength)
	case err == nil:
		return secret, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	secret = make([]byte, secretLength)
	rand.Read(secret)
	return secret, writeDurably(name, secret)
}

// writeDurably writes a file so that a crash or a power cut leaves the old one or the new one, whole.
func writeDurably(path string, content []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
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
