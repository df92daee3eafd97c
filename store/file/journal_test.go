package file

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/noctis-dicom/noctis/store"
)

func records(t *testing.T, b *Blobs) []string {
	t.Helper()
	var lines []string
	for line, err := range b.Records(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// TestTornJournal opens a journal that a crash has cut off after each of its bytes: whole lines stay, and what comes then begins a line.
func TestTornJournal(t *testing.T) {
	whole := []string{"first line", strings.Repeat("second ", 1000), "third"}
	text := strings.Join(whole, "\n") + "\n"
	for n := 0; n <= len(text); n += 1 + 7*(n%97) {
		root := t.TempDir()
		if err := os.WriteFile(filepath.Join(root, journalName), []byte(text[:n]), 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := Open(root)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Record(t.Context(), "new"); err != nil {
			t.Fatal(err)
		}
		want := append(slices.Clone(whole[:strings.Count(text[:n], "\n")]), "new")
		if got := records(t, b); !slices.Equal(got, want) {
			t.Errorf("cut off after %d bytes: %d lines, want %d", n, len(got), len(want))
		}
		b.Close()
	}
}

// TestJournalSync lets the sync of the journal fail: what was not acknowledged is not there, and only a full disk is forgiven.
func TestJournalSync(t *testing.T) {
	root := t.TempDir()
	b, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Record(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	b.sync = func(f *os.File) error { return &os.PathError{Op: "fsync", Path: f.Name(), Err: syscall.ENOSPC} }
	if err := b.Record(t.Context(), "lost"); !errors.Is(err, store.ErrNoSpace) || errors.Is(err, store.ErrPoisoned) {
		t.Errorf("a full disk: %v", err)
	}
	b.sync = (*os.File).Sync
	if err := b.Record(t.Context(), "two"); err != nil {
		t.Errorf("after a full disk: %v", err)
	}
	b.sync = func(f *os.File) error { return &os.PathError{Op: "fsync", Path: f.Name(), Err: syscall.EIO} }
	if err := b.Record(t.Context(), "lost"); !errors.Is(err, store.ErrPoisoned) {
		t.Errorf("a failed sync: %v", err)
	}
	b.sync = (*os.File).Sync
	if err := b.Record(t.Context(), "three"); !errors.Is(err, store.ErrPoisoned) {
		t.Errorf("after a failed sync: %v", err)
	}
	if got := records(t, b); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("%q", got)
	}
	b.Close()
	if b, err = Open(root); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got := records(t, b); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("after a restart: %q", got)
	}
}
