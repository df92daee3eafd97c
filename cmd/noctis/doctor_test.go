package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/worklist"
)

// ward is a data folder with ten instances in two studies, of which one is being read.
type ward struct {
	t     *testing.T
	data  string
	files [][]byte
}

func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{t: t, data: filepath.Join(t.TempDir(), "data")}
	a, err := openArchive(t.Context(), w.data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		file := dicomtest.Image{Study: fmt.Sprint("ward", i%2), Number: i + 1}.File()
		w.files = append(w.files, file)
		if _, err := a.Ingest(t.Context(), bytes.NewReader(file), ""); err != nil {
			t.Fatal(err)
		}
	}
	for item, err := range a.index.Worklist().Search(t.Context(), match.Query{Limit: 1}) {
		w.check(err)
		list := worklist.New(a.index.Worklist())
		code, err := list.ChangeState(t.Context(), item.DataSet.UID(dicom.SOPInstanceUID), worklist.InProgress, dicomtest.UID("lock"))
		if w.check(err); code != worklist.Success {
			t.Fatalf("the workitem is refused: %v", code)
		}
	}
	w.check(a.Close())
	return w
}

// copied is a ward like another.
func (w *ward) copied(t *testing.T) *ward {
	t.Helper()
	c := &ward{t: t, data: filepath.Join(t.TempDir(), "data"), files: slices.Clone(w.files)}
	if out, err := exec.Command("cp", "-a", w.data, c.data).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return c
}

// blob is the path of the nth file.
func (w *ward) blob(n int) string {
	name := fmt.Sprintf("%x", sha256.Sum256(w.files[n]))
	return filepath.Join(blobFolder(w.data), name[:2], name+".dcm")
}

func (w *ward) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *ward) write(path string, content []byte) { w.check(os.WriteFile(path, content, 0o600)) }

func (w *ward) sql(statement string, args ...any) {
	w.t.Helper()
	db, err := sql.Open("sqlite3", indexFile(w.data))
	w.check(err)
	defer db.Close()
	_, err = db.Exec(statement, args...)
	w.check(err)
}

// doctor runs the command and returns its report and exit code.
func (w *ward) doctor(args ...string) (*diagnosis, int) {
	w.t.Helper()
	var out, errs bytes.Buffer
	code := run(context.Background(), append([]string{"doctor", "--deep", "--json", "--data", w.data}, args...), &out, &errs)
	d := &diagnosis{}
	if err := json.Unmarshal(out.Bytes(), d); err != nil {
		w.t.Fatalf("doctor %v: exit code %d, %v\n%s%s", args, code, err, out.Bytes(), errs.Bytes())
	}
	return d, code
}

// snapshot is every stored file by path.
func (w *ward) snapshot() map[string]string {
	files := map[string]string{}
	w.check(filepath.WalkDir(blobFolder(w.data), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if files[path] = string(content); errors.Is(err, fs.ErrNotExist) { // a link to nothing
			return nil
		}
		return err
	}))
	return files
}

// damages are what happens to data folders. mendable: without a backup.
var damages = []struct {
	name, found string
	mendable    bool
	do          func(*ward)
}{
	{"missing file", "file missing", false, func(w *ward) { w.check(os.Remove(w.blob(1))) }},
	{"truncated file", "file damaged", false, func(w *ward) { w.check(os.Truncate(w.blob(1), 300)) }},
	{"emptied file", "file damaged", false, func(w *ward) { w.check(os.Truncate(w.blob(1), 0)) }},
	{"flipped bit", "file damaged", false, func(w *ward) {
		bad := bytes.Clone(w.files[1])
		bad[len(bad)-7] ^= 4
		w.write(w.blob(1), bad)
	}},
	{"longer file", "file damaged", false, func(w *ward) { w.write(w.blob(1), append(bytes.Clone(w.files[1]), 0)) }},
	{"rotten text and removed workitems", "file damaged", false, func(w *ward) {
		w.rot(1)
		w.sql("PRAGMA foreign_keys = OFF; DELETE FROM workitem WHERE state = 'SCHEDULED'")
	}},
	{"copy of one file over another, which is gone, and a removed series row", "file damaged", false, func(w *ward) {
		w.write(w.blob(1), w.files[3])
		w.check(os.Remove(w.blob(3)))
		w.sql("PRAGMA foreign_keys = OFF; DELETE FROM series WHERE id = 1")
	}},
	{"copy of a file under a wrong name", "file damaged", true, func(w *ward) { w.write(w.blobOf([]byte("other")), w.files[1]) }},
	{"swapped files", "file damaged", true, func(w *ward) {
		w.write(w.blob(1), w.files[2])
		w.write(w.blob(2), w.files[1])
	}},
	{"renamed file", "file missing", true, func(w *ward) {
		other := fmt.Sprintf("%x", sha256.Sum256([]byte("other")))
		w.check(os.Rename(w.blob(1), filepath.Join(blobFolder(w.data), other[:2], other+".dcm")))
	}},
	{"added instance", "file without an entry", true, func(w *ward) {
		w.files = append(w.files, dicomtest.Image{Study: "ward0", Number: 11}.File())
		w.write(w.blob(10), w.files[10])
	}},
	{"added rubbish", "file of no instance", true, func(w *ward) {
		w.write(w.blobOf([]byte("rubbish")), []byte("rubbish"))
	}},
	{"another file with a UID that is taken", "file of no instance", true, func(w *ward) {
		file := dicomtest.Image{Study: "ward0", Number: 1, Rows: 8}.File()
		w.write(w.blobOf(file), file)
	}},
	{"stray file", "file that is no blob", true, func(w *ward) { w.write(filepath.Join(blobFolder(w.data), "00", "notes.txt"), []byte("x")) }},
	{"file in the wrong folder", "file that is no blob", true, func(w *ward) {
		w.check(os.MkdirAll(filepath.Join(blobFolder(w.data), "zz"), 0o700))
		w.check(os.Rename(w.blob(1), filepath.Join(blobFolder(w.data), "zz", filepath.Base(w.blob(1)))))
	}},
	{"name in capitals", "file missing", true, func(w *ward) {
		folder, name := filepath.Split(w.blob(1))
		w.check(os.Rename(w.blob(1), filepath.Join(folder, strings.ToUpper(strings.TrimSuffix(name, ".dcm"))+".dcm")))
	}},
	{"link to nothing", "file missing", false, func(w *ward) {
		w.check(os.Remove(w.blob(1)))
		w.check(os.Symlink("/nowhere/at/all", w.blob(1)))
	}},
	{"link to nothing beside the files", "file that is no blob", true, func(w *ward) {
		w.check(os.Symlink("/nowhere/at/all", filepath.Join(blobFolder(w.data), "00", "x.dcm")))
	}},
	{"folder instead of a file", "file missing", false, func(w *ward) {
		w.check(os.Remove(w.blob(1)))
		w.check(os.Mkdir(w.blob(1), 0o700))
	}},
	{"journal with a line that is none", "journal of deletions damaged", true, func(w *ward) {
		w.write(filepath.Join(blobFolder(w.data), "journal"), []byte("garbage\nmore of it\n"))
	}},
	{"upload cut off", "upload that was cut off", true, func(w *ward) { w.write(filepath.Join(blobFolder(w.data), "tmp", "123"), []byte("x")) }},
	{"file that all may read", "others may read it", true, func(w *ward) { w.check(os.Chmod(w.blob(1), 0o644)) }},
	{"removed instance row", "file without an entry", true, func(w *ward) {
		w.sql("DELETE FROM instance_metadata WHERE instance_id = 3")
		w.sql("DELETE FROM instance WHERE id = 3")
	}},
	{"removed metadata row", "index cannot be read", true, func(w *ward) { w.sql("DELETE FROM instance_metadata WHERE instance_id = 3") }},
	{"changed layout", "index cannot be read", true, func(w *ward) { w.sql("UPDATE instance SET layout = x'00' WHERE id = 3") }},
	{"changed transfer syntax", "entry differs", true, func(w *ward) { w.sql("UPDATE instance SET transfer_syntax = '1.2.3' WHERE id = 3") }},
	{"wrong count of a study", "index differs from the files", true, func(w *ward) { w.sql("UPDATE study SET instance_count = 77 WHERE id = 1") }},
	{"removed series row", "database damaged", true, func(w *ward) { w.sql("PRAGMA foreign_keys = OFF; DELETE FROM series WHERE id = 1") }},
	{"database of random bytes", "database damaged", true, func(w *ward) {
		noise := make([]byte, 64<<10)
		rand.NewChaCha8([32]byte{1}).Read(noise) //nolint:errcheck // it never fails
		w.write(indexFile(w.data), noise)
	}},
	{"random page in the database", "database damaged", true, func(w *ward) {
		content, err := os.ReadFile(indexFile(w.data))
		w.check(err)
		for page := 2; page < len(content)/4096; page++ {
			rand.NewChaCha8([32]byte{2}).Read(content[page*4096+100 : (page+1)*4096]) //nolint:errcheck // it never fails
		}
		w.write(indexFile(w.data), content)
	}},
	{"truncated database", "database damaged", true, func(w *ward) { w.check(os.Truncate(indexFile(w.data), 40000)) }},
	{"no database", "database damaged", true, func(w *ward) { w.check(os.Remove(indexFile(w.data))) }},
	{"empty database", "database damaged", true, func(w *ward) { w.check(os.Truncate(indexFile(w.data), 0)) }},
	{"removed workitem", "study without a reading workitem", true, func(w *ward) { w.sql("DELETE FROM workitem WHERE state = 'SCHEDULED'") }},
}

func (w *ward) blobOf(content []byte) string {
	name := fmt.Sprintf("%x", sha256.Sum256(content))
	return filepath.Join(blobFolder(w.data), name[:2], name+".dcm")
}

// TestDoctor damages a data folder in each way: doctor finds it and changes nothing; --fix mends what can be mended, and touches no
// file that was good; with a backup everything can be mended.
func TestDoctor(t *testing.T) {
	healthy := newWard(t)
	if d, code := healthy.doctor(); code != 0 || !d.Healthy {
		t.Fatalf("a sound folder: %d %v", code, kinds(d))
	}
	for _, damage := range damages {
		t.Run(damage.name, func(t *testing.T) {
			w := healthy.copied(t)
			damage.do(w)
			before := w.snapshot()
			d, code := w.doctor()
			if code != 1 || d.Healthy || !hasKind(d, damage.found) {
				t.Fatalf("found %v, exit code %d; want %q", kinds(d), code, damage.found)
			}
			if after := w.snapshot(); len(after) != len(before) {
				t.Error("examining changed the files")
			}
			if d, code = w.doctor("--fix"); (code == 0) != damage.mendable {
				t.Errorf("--fix: exit code %d, %v %v", code, kinds(d), d.Notes)
			}
			if !damage.mendable {
				if d, code = w.doctor("--fix", "--backup", healthy.data); code != 0 {
					t.Errorf("--fix --backup: exit code %d, %v %v", code, kinds(d), d.Notes)
				}
			}
			w.sound()
			if d, code = w.doctor(); code != 0 {
				t.Errorf("after all: %d, %v", code, kinds(d))
			}
		})
	}
}

// sound checks that every instance is there byte for byte, and what is being read still is, unless the database could not be read.
func (w *ward) sound() {
	w.t.Helper()
	for n, file := range w.files {
		if content, err := os.ReadFile(w.blob(n)); err != nil || !bytes.Equal(content, file) {
			w.t.Errorf("instance %d: %v, %d bytes", n+1, err, len(content))
		}
	}
	if name := w.t.Name(); strings.Contains(name, "database") {
		return
	}
	db, err := sql.Open("sqlite3", indexFile(w.data))
	w.check(err)
	defer db.Close()
	var reading, all int
	w.check(db.QueryRow("SELECT COUNT(*), SUM(state = 'IN PROGRESS') FROM workitem").Scan(&all, &reading))
	if all != 2 || reading != 1 {
		w.t.Errorf("%d workitems, %d in progress; want 2 and 1", all, reading)
	}
}

func hasKind(d *diagnosis, kind string) bool {
	for _, f := range d.Findings {
		if f.Kind == kind {
			return true
		}
	}
	return false
}

func kinds(d *diagnosis) (list []string) {
	for _, f := range d.Findings {
		list = append(list, f.Kind+": "+f.Detail+" / "+f.Mended)
	}
	return list
}

// rot changes a byte of the text in a file, which can be read as well as before.
func (w *ward) rot(n int) {
	w.t.Helper()
	bad := bytes.Replace(w.files[n], []byte("MONOCHROME2"), []byte("MONOCHROME1"), 1)
	if bytes.Equal(bad, w.files[n]) || store.Readable(w.t.Context(), bytes.NewReader(bad)) != nil {
		w.t.Fatal("the file is not to be damaged so")
	}
	w.write(w.blob(n), bad)
}

// TestDoctorRotten: a file that can be read and is not what was stored is never taken for an instance, whatever has become of the index:
// doctor sets it aside, says which instance it was and does not call that mended; reindex and the start of the server leave it out.
func TestDoctorRotten(t *testing.T) {
	w := newWard(t)
	w.rot(1)
	w.check(os.Remove(indexFile(w.data)))
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"reindex", "--data", w.data}, &out, &errs); code != 0 || !strings.Contains(out.String(), "9 instances indexed, 1 blobs could not be") {
		t.Errorf("reindex: %d %s%s", code, out.Bytes(), errs.Bytes())
	}
	a, err := openArchive(t.Context(), w.data, store.Options{})
	w.check(err)
	if found, err := a.Recover(t.Context()); err != nil || found.Adopted != 0 || len(found.SetAside) != 1 || !errors.Is(found.SetAside[0].Err, store.ErrBlobDamaged) {
		t.Errorf("recovered %+v, %v", found, err)
	}
	w.check(a.Close())
	w.check(os.Remove(indexFile(w.data)))

	d, code := w.doctor("--fix")
	named := slices.IndexFunc(d.Findings, func(f *finding) bool { return f.Kind == "file damaged" })
	if code != 1 || d.Healthy || named < 0 || d.Findings[named].Mended != "" || !strings.Contains(d.Findings[named].Instance, "/instances/") {
		t.Fatalf("--fix: exit code %d, %v", code, kinds(d))
	}
	if d, code = w.doctor(); code != 0 || d.Entries != 9 {
		t.Errorf("afterwards: exit code %d, %d instances, %v", code, d.Entries, kinds(d))
	}
	kept, err := filepath.Glob(filepath.Join(w.data, "set-aside", "*", filepath.Base(w.blob(1))))
	if err != nil || len(kept) != 1 {
		t.Errorf("the damaged file is at %v, %v", kept, err)
	}
	a, err = openArchive(t.Context(), w.data, store.Options{})
	w.check(err)
	if _, err := a.Ingest(t.Context(), bytes.NewReader(w.files[1]), ""); err != nil {
		t.Errorf("the good file is stored again: %v", err)
	}
	w.check(a.Close())
	if d, code = w.doctor(); code != 0 || d.Entries != 10 {
		t.Errorf("at last: exit code %d, %d instances, %v", code, d.Entries, kinds(d))
	}
}

// TestLastDiagnosis: the server shows the report of the last examination, and 204 before the first.
func TestLastDiagnosis(t *testing.T) {
	w := newWard(t)
	ask := func() *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		lastDiagnosis(w.data).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", "/doctor", nil))
		return answer
	}
	if a := ask(); a.Code != 204 {
		t.Errorf("status %d before the first examination", a.Code)
	}
	want, _ := w.doctor()
	var got diagnosis
	if a := ask(); a.Code != 200 || json.Unmarshal(a.Body.Bytes(), &got) != nil || !got.Healthy || !got.Began.Equal(want.Began) || got.Entries != 10 {
		t.Errorf("status %d, %s", a.Code, a.Body)
	}
}
