package authn

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/noctis-dicom/noctis/internal/durable"
)

// ledger is a file of records that the server reads and that commands change while it runs. A change is durable when it returns, and
// the next read of any process sees it: each looks whether the file is still the one that it has read, which costs a stat. Safe for
// concurrent use.
type ledger[T any] struct {
	path string
	name func(T) string // by which a record is found; of those with the same name the last one is

	mu      sync.Mutex
	read    os.FileInfo // of the file that was read last; nil: there was none
	records []T
	byName  map[string]T
	begun   bool // the file has been there
}

func newLedger[T any](folder, file string, name func(T) string) *ledger[T] {
	return &ledger[T]{path: filepath.Join(folder, file), name: name}
}

// Begun reports whether there is such a file, or was one: whoever loses it has not let everybody in.
func (l *ledger[T]) Begun() (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.refresh()
	return l.begun, err
}

// all returns the records in their order. They must not be changed.
func (l *ledger[T]) all() ([]T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.refresh()
	return l.records, err
}

func (l *ledger[T]) find(name string) (record T, found bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err = l.refresh(); err == nil {
		record, found = l.byName[name]
	}
	return record, found, err
}

// refresh reads the file if it is another than last time. A file that cannot be read is an error, and not one without records.
func (l *ledger[T]) refresh() error {
	info, err := os.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		l.read, l.records, l.byName = nil, nil, nil
		return nil
	}
	if err != nil {
		return err
	}
	// A change is another file under the same name (durable.WriteFile).
	if l.read != nil && os.SameFile(l.read, info) && l.read.ModTime().Equal(info.ModTime()) && l.read.Size() == info.Size() {
		return nil
	}
	records, info, err := readRecords[T](l.path)
	if err != nil {
		return err
	}
	l.read, l.records, l.begun, l.byName = info, records, true, make(map[string]T, len(records))
	for _, r := range records {
		l.byName[l.name(r)] = r
	}
	return nil
}

// readRecords reads a file, and tells which one it was.
func readRecords[T any](path string) ([]T, os.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	var records []T
	if err := json.NewDecoder(f).Decode(&records); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return records, info, nil
}

// change replaces the records by what edit makes of them. No other change comes between.
func (l *ledger[T]) change(edit func([]T) ([]T, error)) error {
	unlock, err := lockFolder(filepath.Dir(l.path))
	if err != nil {
		return err
	}
	defer unlock()
	records, _, err := readRecords[T](l.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if records, err = edit(records); err != nil {
		return err
	}
	if records == nil {
		records = []T{}
	}
	text, err := json.MarshalIndent(records, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(l.path, append(text, '\n'))
}

// lockFolder keeps other processes from changing what lies in a folder, which it makes, until unlock is called.
func lockFolder(folder string) (unlock func(), err error) {
	if err := durable.MkdirAll(folder); err != nil {
		return nil, err
	}
	f, err := durable.OpenFile(filepath.Join(folder, "lock"), os.O_CREATE|os.O_RDWR)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { f.Close() }, nil
}
