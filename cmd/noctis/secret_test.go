package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestAnonymizeSecretIsKept(t *testing.T) {
	data := t.TempDir()
	first, err := anonymizeSecret(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := anonymizeSecret(data)
	if err != nil || !bytes.Equal(first, again) || len(first) != secretLength {
		t.Errorf("%x, then %x, %v", first, again, err)
	}
	if other, _ := anonymizeSecret(t.TempDir()); bytes.Equal(first, other) {
		t.Error("another folder has the same")
	}
	if err := os.WriteFile(filepath.Join(data, "anonymize.secret"), first[:5], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := anonymizeSecret(data); err == nil {
		t.Error("a cut one was taken")
	}
}
