// Package corpus opens the shared corpus of real DICOM files with reference results, which lies beside the checkout and is not
// part of it. Where it is absent, tests that want it skip and say so.
package corpus

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// File is one file of the corpus: a row of its manifest.
type File struct {
	Path   string // absolute
	Name   string // as in the manifest: "files/…"
	ID     string // first 20 hex digits of its SHA-256, the name of its references
	Row    map[string]string
	folder string
}

// Files returns all files of the corpus, or skips the test.
func Files(t testing.TB) []File {
	t.Helper()
	dir := folder(t)
	f, err := os.Open(filepath.Join(dir, "manifest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var files []File
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = row[i]
		}
		files = append(files, File{
			Path: filepath.Join(dir, m["path"]), Name: m["path"], ID: m["sha256"][:20], Row: m, folder: dir,
		})
	}
	return files
}

// Bytes returns the file's content.
func (f File) Bytes(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Reference returns the content of a reference of the file, gunzipped, by its suffix: "json", "dicom.json.gz", "f1.raw.gz",
// "render8.gz"; nil if the corpus has none.
func (f File) Reference(t testing.TB, suffix string) []byte {
	t.Helper()
	r, err := os.Open(filepath.Join(f.folder, "reference", f.ID+"."+suffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var src io.Reader = r
	if filepath.Ext(suffix) == ".gz" {
		if src, err = gzip.NewReader(r); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(src)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Describe reads the JSON reference of the file into v; false if there is none.
func (f File) Describe(t testing.TB, v any) bool {
	t.Helper()
	b := f.Reference(t, "json")
	if b == nil {
		return false
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
	return true
}

// folder finds ../shared/corpus beside the checkout, from whichever folder of it the test runs in.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
	dir = filepath.Join(dir, "..", "shared", "corpus")
	if _, err := os.Stat(filepath.Join(dir, "manifest.csv")); err != nil {
		t.Skip("the shared corpus is not here (../shared/corpus beside the checkout)")
	}
	return dir
}
