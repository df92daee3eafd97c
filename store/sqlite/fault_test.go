package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mattn/go-sqlite3"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

func openFile(t *testing.T, path string) *Index {
	t.Helper()
	x, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

// small opens an index that has room for little; broken is how it judges errors.
func small(t *testing.T, broken func(error) bool) *Index {
	t.Helper()
	pragmas := append(writing[:len(writing):len(writing)], "PRAGMA max_page_count = 200")
	d := dialect
	d.Broken = broken
	x, err := open(t.Context(), filepath.Join(t.TempDir(), "index.db"), pragmas, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

// entry has metadata of about n bytes that do not compress.
func entry(uid string, n int) *store.Entry {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.7")
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, uid)
	ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, "1.2.3")
	ds.SetStrings(dicom.SeriesInstanceUID, dicom.UI, "1.2.3.1")
	noise := make([]byte, n)
	r := rand.NewChaCha8([32]byte{})
	r.Read(noise)
	ds.Set(dicom.Element{Tag: dicom.EncapsulatedDocument, VR: dicom.OB, Value: dicom.Bytes(noise)})
	metadata, err := ds.MarshalJSON()
	if err != nil {
		panic(err)
	}
	return &store.Entry{Ref: ds.Ref(), SOPClass: ds.UID(dicom.SOPClassUID), Blob: sha256.Sum256(metadata), DataSet: ds, Metadata: metadata}
}

func insert(x *Index, e *store.Entry) error {
	_, err := x.Insert(context.Background(), []*store.Entry{e})
	return err
}

// TestDiskFull shares a transaction between one instance that does not fit and many that do.
func TestDiskFull(t *testing.T) {
	x := small(t, broken)
	var group sync.WaitGroup
	for i := range 30 {
		group.Go(func() {
			if err := insert(x, entry(fmt.Sprintf("1.2.3.1.%d", i), 100)); err != nil {
				t.Errorf("an instance that fits: %v", err)
			}
		})
		if i%10 == 0 {
			group.Go(func() {
				err := insert(x, entry(fmt.Sprintf("1.2.3.1.9%d", i), 1<<20))
				if !errors.Is(err, store.ErrNoSpace) || errors.Is(err, store.ErrPoisoned) {
					t.Errorf("an instance that does not fit: %v", err)
				}
			})
		}
	}
	group.Wait()
	n := 0
	for _, err := range x.Entries(t.Context(), dicom.Ref{}) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 30 {
		t.Errorf("%d entries, want 30", n)
	}
}

// TestBroken lets an error leave open what the disk holds: nothing is stored any more, nor said not to be there; reads go on.
func TestBroken(t *testing.T) {
	x := small(t, func(error) bool { return true })
	first := entry("1.2.3.1.1", 100)
	if err := insert(x, first); err != nil {
		t.Fatal(err)
	}
	for _, e := range []*store.Entry{entry("1.2.3.1.2", 1<<20), entry("1.2.3.1.3", 100)} {
		if err := insert(x, e); !errors.Is(err, store.ErrPoisoned) {
			t.Errorf("%v", err)
		}
	}
	if _, err := x.Names(t.Context(), first.Blob); !errors.Is(err, store.ErrPoisoned) {
		t.Errorf("Names: %v", err)
	}
	if err := x.Writable(); !errors.Is(err, store.ErrPoisoned) {
		t.Errorf("Writable: %v", err)
	}
	for _, err := range x.Entries(t.Context(), dicom.Ref{}) {
		if err != nil {
			t.Errorf("reads do not go on: %v", err)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		err            error
		noSpace, broke bool
	}{
		{sqlite3.Error{Code: sqlite3.ErrFull}, true, false},
		{sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrFsync}, false, true},
		{sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrDirFsync}, false, true},
		{sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrRead}, false, false},
		{sqlite3.Error{Code: sqlite3.ErrCorrupt, ExtendedCode: sqlite3.ErrCorruptVTab}, false, true},
		{errors.New("other"), false, false},
	} {
		if err := fmt.Errorf("wrapped: %w", c.err); noSpace(err) != c.noSpace || broken(err) != c.broke {
			t.Errorf("%v: no space %v, broken %v", err, noSpace(err), broken(err))
		}
	}
}

// TestNewerSchema opens a file that a later version has migrated.
func TestNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x := openFile(t, path)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	newer(t, path)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer version of Noctis") {
		t.Errorf("a newer schema: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the refused file was changed (%v)", err)
	}
}

func newer(t *testing.T, path string) {
	t.Helper()
	c := &connector{dsn: dsn(path, ""), pragmas: writing}
	conn, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const insert = `INSERT INTO schema_version (version_id, is_applied) VALUES (9999, 1)`
	if _, err := conn.(*sqlite3.SQLiteConn).Exec(insert, nil); err != nil {
		t.Fatal(err)
	}
}

// TestNoDatabase opens what is no SQLite file, and a path that means something in a URI.
func TestNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); err == nil {
		t.Error("a text file was opened as an index")
	}
	odd := filepath.Join(t.TempDir(), "a b?c#d%20e&mode=ro.db")
	if err := insert(openFile(t, odd), entry("1.2.3.4", 10)); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(odd); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

// TestReplace replaces an index whose process was killed: what is in its log must not come back in the new one.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	live, fresh, killed := filepath.Join(dir, "index.db"), filepath.Join(dir, "fresh.db"), filepath.Join(dir, "killed.db")
	old := openFile(t, live)
	if err := insert(old, entry("1.2.3.1.1", 100)); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} { // what a killed process leaves
		data, err := os.ReadFile(live + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(killed+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x := openFile(t, fresh)
	want := entry("1.2.3.1.2", 100)
	if err := insert(x, want); err != nil {
		t.Fatal(err)
	}
	if err := Replace(killed, fresh); err == nil {
		t.Error("an open file took the place of another")
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Replace(killed, fresh); err != nil {
		t.Fatal(err)
	}
	for e, err := range openFile(t, killed).Entries(t.Context(), dicom.Ref{}) {
		if err != nil || e.Ref != want.Ref {
			t.Errorf("%v, %v", e, err)
		}
	}
	for range 2 {
		if err := Remove(fresh); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(fresh); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}
