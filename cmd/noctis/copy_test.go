package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// otherServer takes instances by STOW-RS until it has had enough.
type otherServer struct {
	t     *testing.T
	took  map[[32]byte]int // how often, by digest
	most  int              // beyond them it is 503
	token string
}

func (o *otherServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.token = r.Header.Get("Authorization"); len(o.took) == o.most {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		o.t.Error(err)
	}
	part, err := multipart.NewReader(r.Body, parameters["boundary"]).NextPart()
	if err != nil {
		o.t.Error(err)
		return
	}
	content, err := io.ReadAll(part)
	if err != nil {
		o.t.Error(err)
	}
	o.took[sha256.Sum256(content)]++
	acknowledge(w, content)
}

// acknowledge answers a Store request as PS3.18 Annex I says.
func acknowledge(w http.ResponseWriter, file []byte) {
	w.Header().Set("Content-Type", "application/dicom+json")
	fmt.Fprintf(w, `{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["%s"]}}]}}`, instanceIn(file))
}

// TestCopyGoesOn copies to a server that breaks down twice: each instance is acknowledged once, byte for byte.
func TestCopyGoesOn(t *testing.T) {
	w := newWard(t)
	other := &otherServer{t: t, took: map[[32]byte]int{}}
	server := httptest.NewServer(other)
	defer server.Close()
	for _, step := range []struct {
		most, code int
		says       string
	}{
		{4, 1, "4 copied, 0 acknowledged before, 0 refused, of 2 studies"},
		{7, 1, "3 copied, 4 acknowledged before"},
		{99, 0, "3 copied, 7 acknowledged before"},
		{99, 0, "0 copied, 10 acknowledged before"},
	} {
		other.most = step.most
		if ledgers, err := filepath.Glob(filepath.Join(w.data, "copied-*")); err != nil {
			t.Fatal(err)
		} else if len(ledgers) == 1 && step.most == 7 { // the last line was cut off
			text, err := os.ReadFile(ledgers[0])
			w.check(err)
			w.write(ledgers[0], append(text, "abc"...))
		}
		w.run(step.code, step.says, "copy", server.URL, "--all", "--parallel", "1", "--token", "secret", "--patience", "0s")
	}
	if len(other.took) != 10 || other.token != "Bearer secret" {
		t.Errorf("%d instances, Authorization %q", len(other.took), other.token)
	}
	for _, file := range w.files {
		if n := other.took[sha256.Sum256(file)]; n != 1 {
			t.Errorf("a file came %d times", n)
		}
	}
	w.run(0, "10 copied, 0 acknowledged before", "copy", server.URL, "--all", "--again")
}

// TestCopyLeavesOutDamage: what is damaged here is never sent.
func TestCopyLeavesOutDamage(t *testing.T) {
	w := newWard(t)
	content := bytes.Clone(w.files[3])
	content[len(content)-1] ^= 1
	w.write(w.blob(3), content)
	other := &otherServer{t: t, took: map[[32]byte]int{}, most: 99}
	server := httptest.NewServer(other)
	defer server.Close()
	w.run(1, "9 copied, 0 acknowledged before, 1 refused", "copy", server.URL, "--all", "--parallel", "1")
	if len(other.took) != 9 || other.took[sha256.Sum256(content)] != 0 {
		t.Error("the damaged file was sent")
	}
}

func TestSelection(t *testing.T) {
	w := newWard(t)
	for _, test := range []struct {
		code int
		says string
		args []string
	}{
		{1, "which studies", nil},
		{0, "of 1 studies", []string{"--study", string(dicomtest.UID("ward1"))}},
		{0, "of 2 studies", []string{"--study", string(dicomtest.UID("ward1")), "--study", string(dicomtest.UID("ward0"))}},
		{0, "of 2 studies", []string{"--where", "StudyDate=19000101-"}},
		{1, "no study matches", []string{"--where", "PatientID=nobody"}},
		{1, "want KEY=VALUE", []string{"--where", "PatientID"}},
		{1, "no attribute of a study", []string{"--where", "SeriesNumber=1"}},
	} {
		w.run(test.code, test.says, append([]string{"export", filepath.Join(t.TempDir(), "x")}, test.args...)...)
	}
}

// run runs a command on the folder.
func (w *ward) run(code int, says string, args ...string) {
	w.t.Helper()
	var out bytes.Buffer
	if got := run(w.t.Context(), append(args, "--data", w.data), &out, &out); got != code || !strings.Contains(out.String(), says) {
		w.t.Errorf("%s: exit code %d, want %d and %q:\n%s", strings.Join(args, " "), got, code, says, &out)
	}
}

// TestExportGoesOn: every layout holds all files byte for byte, and what an interruption left is made whole.
func TestExportGoesOn(t *testing.T) {
	w := newWard(t)
	for layout, again := range map[string]string{
		"media": "2 files written, 8 there already", "uid": "2 files written, 8 there already", "zip": "5 files written, 5 there already",
	} {
		dest := filepath.Join(t.TempDir(), layout)
		export := []string{"export", dest, "--all", "--layout", layout}
		w.run(0, "10 files written, 0 there already, 0 failed, of 2 studies", export...)
		w.holds(dest, w.files)
		files := regularFiles(t, dest)
		w.check(os.Rename(files[0], files[0]+".part"))
		if layout != "zip" {
			w.check(os.Truncate(files[1], 200))
		}
		w.run(0, again, export...)
		w.holds(dest, w.files)
		w.run(0, "0 files written, 10 there already", export...)
		w.run(1, "not left by the same export", "export", dest, "--study", string(dicomtest.UID("ward1")), "--layout", layout)
	}
}

// TestExportLeavesOutDamage: a damaged file is named and left out, and a DICOMDIR does not name it.
func TestExportLeavesOutDamage(t *testing.T) {
	w := newWard(t)
	content := bytes.Clone(w.files[3])
	content[len(content)-1] ^= 1
	w.write(w.blob(3), content)
	good := slices.Delete(slices.Clone(w.files), 3, 4)
	for _, layout := range []string{"media", "uid", "zip"} {
		dest := filepath.Join(t.TempDir(), layout)
		w.run(1, "9 files written, 0 there already, 1 failed", "export", dest, "--all", "--layout", layout)
		w.holds(dest, good)
	}
}

// regularFiles are the files of an export, without its own.
func regularFiles(t *testing.T, dest string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dest, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != exportMark && d.Name() != directoryName && !strings.HasSuffix(path, ".part") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// holds checks that an export holds just these files, and that its DICOMDIRs name them.
func (w *ward) holds(dest string, want [][]byte) {
	w.t.Helper()
	got, named := map[[32]byte]bool{}, 0
	take := func(name string, content []byte) {
		if filepath.Base(name) == directoryName {
			f, err := part10.Scan(bytes.NewReader(content), part10.Limits{})
			w.check(err)
			for _, item := range f.DataSet.Items(dicom.DirectoryRecordSequence) {
				if item.Has(dicom.ReferencedFileID) {
					named++
				}
			}
			return
		}
		got[sha256.Sum256(content)] = true
	}
	paths := regularFiles(w.t, dest)
	if index := filepath.Join(dest, directoryName); filepath.Base(dest) == "media" {
		paths = append(paths, index)
	}
	for _, path := range paths {
		if filepath.Ext(path) != ".zip" {
			content, err := os.ReadFile(path)
			w.check(err)
			take(path, content)
			continue
		}
		archive, err := zip.OpenReader(path)
		w.check(err)
		for _, f := range archive.File {
			r, err := f.Open()
			w.check(err)
			content, err := io.ReadAll(r)
			w.check(err)
			take(f.Name, content)
		}
		w.check(archive.Close())
	}
	for i, file := range want {
		if !got[sha256.Sum256(file)] {
			w.t.Errorf("%s lacks file %d", dest, i)
		}
	}
	if wantNamed := map[bool]int{true: 0, false: len(want)}[filepath.Base(dest) == "uid"]; len(got) != len(want) || named != wantNamed {
		w.t.Errorf("%s has %d files, %d of them in a DICOMDIR; want %d", dest, len(got), named, len(want))
	}
}

// TestReadinessCommand: a study that cannot be shown is exit code 1, beside a running server too.
func TestReadinessCommand(t *testing.T) {
	w := newWard(t)
	w.run(0, ": ready", "readiness", "--study", string(dicomtest.UID("ward1")))
	w.check(os.Remove(w.blob(3)))
	w.run(1, "stored file: it is missing or damaged", "readiness", "--study", string(dicomtest.UID("ward1")), "--deep")
	w.run(1, `"ready":false`, "readiness", "--all", "--json")
}
