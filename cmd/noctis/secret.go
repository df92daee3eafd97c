package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/noctis-dicom/noctis/internal/durable"
)

// secretFile is its name in the data folder.
const secretFile = "anonymize.secret"

// secretLength is the number of bytes of a secret.
const secretLength = 32

// anonymizeSecret is what the UIDs of anonymized instances are made with. It is made once and kept in the data folder, so that
// instances that belong together still do when they are asked for in another year.
func anonymizeSecret(data string) ([]byte, error) {
	name := filepath.Join(data, secretFile)
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
	return secret, durable.WriteFile(name, secret)
}
