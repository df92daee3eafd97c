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
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	_ "github.com/mattn/go-sqlite3"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/procedure"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/sqlite"
	"github.com/noctis-dicom/noctis/worklist"
)

// ward is a data folder with ten instances in two studies, of which one is being read, and a deleted one.
type ward struct {
	t       *testing.T
	data    string
	files   [][]byte
	deleted []byte
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
	w.deleted = dicomtest.Image{Study: "ward0", Number: 20}.File()
	receipt, err := a.Ingest(t.Context(), bytes.NewReader(w.deleted), "")
	w.check(err)
	_, err = a.Delete(t.Context(), receipt.Ref)
	w.check(err)
	for item, err := range a.index.Worklist().Search(t.Context(), match.Query{Limit: 1}) {
		w.check(err)
		list := worklist.New(a.index.Worklist())
		code, err := list.ChangeState(t.Context(), item.DataSet.UID(dicom.SOPInstanceUID), worklist.InProgress, dicomtest.UID("lock"))
		if w.check(err); code != worklist.Success {
			t.Fatalf("the workitem is refused: %v", code)
		}
	}
	w.steps(a.index.Procedures())
	w.entrust(a)
	w.check(a.Close())
	return w
}

// steps schedules two steps, of which one is being performed.
func (w *ward) steps(to procedure.Repository) {
	w.t.Helper()
	for _, id := range []string{"first", "second"} {
		step, of := &dicom.DataSet{}, &dicom.DataSet{}
		step.SetStrings(dicom.ScheduledProcedureStepID, dicom.SH, id)
		step.SetStrings(dicom.ScheduledProcedureStepStartDate, dicom.DA, "20260102")
		step.SetStrings(dicom.ScheduledProcedureStepStartTime, dicom.TM, "0800")
		of.SetStrings(dicom.StudyInstanceUID, dicom.UI, string(dicomtest.UID("planned")))
		of.SetStrings(dicom.PatientID, dicom.LO, "planned")
		of.SetItems(dicom.ScheduledProcedureStepSequence, step)
		w.check(to.Schedule(w.t.Context(), &procedure.Scheduled{DataSet: of}))
	}
	item, performed := &dicom.DataSet{}, &dicom.DataSet{}
	item.SetStrings(dicom.StudyInstanceUID, dicom.UI, string(dicomtest.UID("planned")))
	item.SetStrings(dicom.ScheduledProcedureStepID, dicom.SH, "first")
	performed.SetStrings(dicom.SOPInstanceUID, dicom.UI, string(dicomtest.UID("performed")))
	performed.SetStrings(dicom.PerformedProcedureStepStatus, dicom.CS, procedure.InProgress)
	performed.SetItems(dicom.ScheduledStepAttributesSequence, item)
	w.check(to.Begin(w.t.Context(), &procedure.Performed{DataSet: performed}))
}

// copied is a ward like another.
func (w *ward) copied(t *testing.T) *ward {
	t.Helper()
	c := &ward{t: t, data: filepath.Join(t.TempDir(), "data"), files: slices.Clone(w.files), deleted: w.deleted}
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
		if !d.Type().IsRegular() && d.Type() != fs.ModeSymlink { // nobody writes into a pipe
			return nil
		}
		content, err := os.ReadFile(path)
		if files[path] = string(content); errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) { // a link to nothing
			return nil
		}
		return err
	}))
	return files
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
	for _, damage := range slices.Concat(damages, rowDamages) {
		t.Run(damage.name, func(t *testing.T) {
			t.Parallel()
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
	if content, err := os.ReadFile(w.blobOf(w.deleted)); err != nil || !bytes.Equal(content, w.deleted) {
		w.t.Errorf("the deleted file: %v, %d bytes", err, len(content))
	}
	from, err := openReading(w.t.Context(), w.data)
	w.check(err)
	defer from.close() //nolint:errcheck // it has only been read
	for r, err := range from.index.Removed(w.t.Context(), store.RemovedQuery{}) {
		if id := idOf(w.t, w.blobOf(w.deleted)); err != nil || r.Entry.Blob != id {
			w.t.Errorf("in the recycle bin lies %v, %v", r.Entry.Blob, err)
		}
	}
	if name := w.t.Name(); strings.Contains(name, "database") {
		return
	}
	if extras, err := from.index.ExtraKeys(w.t.Context()); err != nil || len(extras) < 2 || slices.ContainsFunc(extras, func(e sqlite.ExtraKey) bool { return !e.Complete }) {
		w.t.Errorf("indexed by hand: %v, %v", extras, err)
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

// TestDoctorWrongEntry: where an entry names a file that is missing, and another one says that it is this instance, that one stays where it is, and
// is taken for the instance only by who says that the other may be forgotten.
func TestDoctorWrongEntry(t *testing.T) {
	w := newWard(t)
	w.sql("UPDATE instance SET blob = zeroblob(32) WHERE id = 3")
	if d, code := w.doctor("--fix"); code != 1 || !hasKind(d, "entry differs") || !hasKind(d, "file missing") {
		t.Errorf("--fix: exit code %d, %v", code, kinds(d))
	}
	w.sound()
	if d, code := w.doctor("--fix", "--forget-missing"); code != 0 || d.Entries != 10 {
		t.Errorf("--forget-missing: exit code %d, %d instances, %v", code, d.Entries, kinds(d))
	}
	w.sound()
}

// TestDoctorOnlyLooks: without --fix nothing is changed, whatever is wrong: no journal is made, nor is the index brought up to date or filled with what lies
// in its write-ahead log; and an index of a newer version is no damage.
func TestDoctorOnlyLooks(t *testing.T) {
	w := newWard(t)
	w.sql("UPDATE study SET instance_count = 77 WHERE id = 1")
	db, err := sql.Open("sqlite3", indexFile(w.data)) // as after a crash: what was committed last is in the log
	w.check(err)
	defer db.Close()
	_, err = db.Exec(`DELETE FROM schema_version WHERE version_id >= 28; DROP TABLE study_holder;
		DROP TRIGGER holding_stored_non_patient; DROP TRIGGER holding_gone_non_patient; DROP TABLE extra_index;
		CREATE TABLE extra_index (id INTEGER PRIMARY KEY AUTOINCREMENT, attribute INTEGER, level INTEGER, done INTEGER, complete INTEGER);
		INSERT INTO extra_index VALUES (1, 0x00100040, 0, 0, 1), (2, 0x00200011, 1, 0, 1), (3, 0x00280010, 2, 0, 1)`) // as an older version left it
	w.check(err)
	w.check(os.Remove(journalFile(w.data)))
	files := func() map[string]string {
		all := map[string]string{}
		for _, path := range []string{journalFile(w.data), indexFile(w.data), indexFile(w.data) + "-wal"} {
			content, _ := os.ReadFile(path)
			all[path] = string(content)
		}
		return all
	}
	before := files()
	if d, code := w.doctor(); code != 1 || !hasKind(d, journal) {
		t.Errorf("exit code %d, %v", code, kinds(d))
	}
	for path, content := range files() {
		if content != before[path] {
			t.Errorf("%s has changed", path)
		}
	}
	if len(before[indexFile(w.data)+"-wal"]) == 0 {
		t.Error("nothing lies in the write-ahead log: the test shows little")
	}
	_, err = db.Exec("INSERT INTO schema_version (version_id, is_applied) VALUES (9999, 1)")
	w.check(err)
	for _, args := range [][]string{{}, {"--fix"}} {
		var out, errs bytes.Buffer
		code := run(t.Context(), append([]string{"doctor", "--data", w.data}, args...), &out, &errs)
		if code == 0 || !strings.Contains(errs.String(), "newer version") || strings.Contains(out.String(), "made anew") {
			t.Errorf("doctor %v: %d %s%s", args, code, out.Bytes(), errs.Bytes())
		}
	}
}

// TestDoctorBackup takes from a backup what else is lost: small files, and the journal where the index is lost, too.
func TestDoctorBackup(t *testing.T) {
	w := newWard(t)
	backup := t.TempDir()
	secret := bytes.Repeat([]byte{7}, secretLength)
	w.write(filepath.Join(w.data, secretFile), secret)
	w.check(os.MkdirAll(filepath.Join(w.data, "access"), 0o700))
	keys := filepath.Join(w.data, "access", "keys.json")
	w.write(keys, []byte("[]"))
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"backup", backup, "--data", w.data}, &out, &errs); code != 0 {
		t.Fatalf("backup: %d %s", code, errs.Bytes())
	}
	w.check(os.Remove(filepath.Join(w.data, secretFile)))
	w.write(keys, nil)
	w.check(os.Remove(indexFile(w.data)))
	w.check(os.Remove(journalFile(w.data)))
	w.check(os.Remove(w.blob(2))) // which the index of the backup alone knows now
	w.check(os.Remove(w.blobOf(w.deleted)))
	if d, code := w.doctor(); code != 1 || !hasKind(d, small) || d.Findings[0].Help == "" {
		t.Errorf("exit code %d, %v", code, kinds(d))
	}
	if d, code := w.doctor("--fix", "--backup", backup); code != 0 || d.Entries != 10 {
		t.Errorf("--fix: exit code %d, %d instances, %v", code, d.Entries, kinds(d))
	}
	if got, err := os.ReadFile(filepath.Join(w.data, secretFile)); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("the secret is %x, %v", got, err)
	}
	if got, err := os.ReadFile(keys); err != nil || string(got) != "[]" {
		t.Errorf("the keys are %q, %v", got, err)
	}
	w.sound()
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
