package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// A zip file may have folders, two files of one name, a DICOMDIR, and files that are none of ours.
func TestImportOfZip(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "disc.zip")
	var content bytes.Buffer
	w := zip.NewWriter(&content)
	add := func(name string, data []byte) {
		m, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		m.Write(data)
	}
	const instances = 60
	for i := range instances {
		name := fmt.Sprintf("DICOM/IM%04d", i/2) // each name twice
		add(name, dicomtest.Image{Study: "zip", Number: i + 1}.File())
	}
	add("DICOM/", nil)
	add("DICOMDIR", dicomtest.Image{Study: "directory"}.File())
	add("readme.txt", []byte("not an image"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := run(context.Background(), []string{"import", path, "--data", filepath.Join(folder, "data")}, &out, &errs)
	if want := fmt.Sprintf("%d stored, 0 already there, 0 refused, 2 not DICOM\n", instances); code != 0 || out.String() != want {
		t.Errorf("exit code %d, %q; want 0, %q\n%s", code, out.String(), want, errs.String())
	}
}
