package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

func command(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if code := run(context.Background(), args, &out, &out); code != want {
		t.Fatalf("noctis %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, want, out.String())
	}
	return out.String()
}

// acknowledgements are what a server has said to be stored.
type acknowledgements struct {
	mu    sync.Mutex
	files map[dicom.Ref][]byte
}

func (a *acknowledgements) snapshot() map[dicom.Ref][]byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	files := map[dicom.Ref][]byte{}
	for ref, file := range a.files {
		files[ref] = file
	}
	return files
}

// load uploads with clients until stop is closed.
func (a *acknowledgements) load(t *testing.T, s *server, round, clients int, stop <-chan struct{}) (wait func()) {
	var group sync.WaitGroup
	for client := range clients {
		group.Go(func() {
			for n := 0; !t.Failed(); n++ {
				select {
				case <-stop:
					return
				default:
					a.store(t, s, round, client, n)
				}
			}
		})
	}
	return group.Wait
}

func (a *acknowledgements) store(t *testing.T, s *server, round, client, n int) {
	files, refs := upload(round, client, n)
	if status, _, err := s.stow(files...); err != nil || status != 200 {
		t.Errorf("STOW: %d, %v", status, err)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, ref := range refs {
		a.files[ref] = files[i]
	}
}

// TestBackupUnderLoad makes two backups while eight clients store. What was acknowledged before each began comes out of it, byte for
// byte; the second copies what is new; each can be restored; the restored folder is sound.
func TestBackupUnderLoad(t *testing.T) {
	folder := t.TempDir()
	data, dest := filepath.Join(folder, "data"), filepath.Join(folder, "backup")
	s, err := start(folder, "--data", "data", "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop() //nolint:errcheck // it is stopped below
	acked := &acknowledgements{files: map[dicom.Ref][]byte{}}
	var before []map[dicom.Ref][]byte
	for round := range 2 {
		stop := make(chan struct{})
		wait := acked.load(t, s, round, 8, stop)
		for n := range 8 {
			acked.store(t, s, round, 8, n)
		}
		before = append(before, acked.snapshot())
		out := command(t, 0, "backup", dest, "--data", data)
		if round == 1 && strings.Contains(out, fmt.Sprintf("%d of them new", len(acked.files))) {
			t.Errorf("the second backup copied everything: %s", out)
		}
		close(stop)
		wait()
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(command(t, 0, "restore", dest, "--list"))
	if len(names) != 2 {
		t.Fatalf("backups %v", names)
	}
	for i, name := range names {
		restored := fmt.Sprint("restored", i)
		at := name[:4] + "-" + name[4:6] + "-" + name[6:8] + "T" + name[9:11] + ":" + name[11:13] + ":" + name[13:15] + "Z"
		command(t, 0, "restore", dest, "--data", filepath.Join(folder, restored), "--at", at)
		command(t, 0, "doctor", "--deep", "--data", filepath.Join(folder, restored))
		verifyFolder(t, folder, restored, before[i])
	}
	command(t, 1, "restore", dest, "--data", data) // which is not empty
}

func verifyFolder(t *testing.T, folder, data string, want map[dicom.Ref][]byte) {
	t.Helper()
	s, err := start(folder, "--data", data, "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop() //nolint:errcheck // nothing depends on it
	for ref, file := range want {
		if status, body, err := s.get(ref.Path(), "application/dicom; transfer-syntax=*"); err != nil || status != 200 || !bytes.Equal(body, file) {
			t.Fatalf("%s: %s: status %d, %d bytes, %v", data, ref.Path(), status, len(body), err)
		}
	}
}

// TestBackupKilled goes on with what a backup and a restore have left that were killed: files whose times are those of the copy, uploads that were cut
// off, a backup that is not complete. All of that is put right, and what is restored is sound.
func TestBackupKilled(t *testing.T) {
	w := newWard(t)
	dest, restored := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "restored")
	long, sum := now().Add(-100*time.Hour), idOf(t, w.blob(1))
	w.check(os.Chtimes(w.blob(1), long, long))
	w.sql("UPDATE instance SET stored = ? WHERE blob = ?", long.Unix(), sum[:])
	command(t, 0, "backup", dest, "--data", w.data)
	left := func(folder string) {
		t.Helper()
		name := filepath.Base(w.blob(1))
		w.check(os.Chtimes(filepath.Join(blobFolder(folder), name[:2], name), now(), now()))
		w.write(filepath.Join(blobFolder(folder), "tmp", "123"), []byte("x"))
	}
	left(dest)
	w.check(os.MkdirAll(filepath.Join(backupsFolder(dest), "20200101T000000Z"+partSuffix, "access"), 0o700))
	command(t, 0, "backup", dest, "--data", w.data)
	if parts, _ := filepath.Glob(filepath.Join(backupsFolder(dest), "*"+partSuffix)); len(parts) > 0 {
		t.Errorf("left: %v", parts)
	}
	command(t, 0, "restore", dest, "--data", restored)
	names := strings.Fields(command(t, 0, "restore", dest, "--list"))
	w.write(filepath.Join(restored, restoring), []byte(names[len(names)-1]))
	left(restored)
	command(t, 0, "restore", dest, "--data", restored)
	for _, folder := range []string{dest, restored} {
		if tmp, err := os.ReadDir(filepath.Join(blobFolder(folder), "tmp")); err != nil || len(tmp) > 0 {
			t.Errorf("%s: left: %v, %v", folder, tmp, err)
		}
	}
	command(t, 0, "doctor", "--deep", "--data", restored)
}

// TestBackupDamaged backs up a store with a damaged file, and restores a backup that was damaged or interrupted: each says so.
func TestBackupDamaged(t *testing.T) {
	w := newWard(t)
	dest := filepath.Join(t.TempDir(), "backup")
	command(t, 0, "backup", dest, "--data", w.data)
	name := strings.TrimSpace(command(t, 0, "restore", dest, "--list"))
	stored := strings.TrimPrefix(w.blob(3), blobFolder(w.data))
	w.write(filepath.Join(blobFolder(dest), stored), []byte("rotten"))
	restored := filepath.Join(t.TempDir(), "restored")
	if out := command(t, 1, "restore", dest, "--data", restored); !strings.Contains(out, "1 are damaged in it") || !strings.Contains(out, instanceIn(w.files[3])+": its file") {
		t.Errorf("a damaged backup: %s", out)
	}
	// The damaged file has another length, so that the next backup replaces it. An interrupted restore goes on.
	w.check(os.RemoveAll(filepath.Join(backupsFolder(dest), name)))
	if out := command(t, 0, "backup", dest, "--data", w.data); !strings.Contains(out, "1 of them new") {
		t.Errorf("mending the backup: %s", out)
	}
	name = strings.TrimSpace(command(t, 0, "restore", dest, "--list"))
	half := filepath.Join(t.TempDir(), "half")
	w.check(os.Mkdir(half, 0o700))
	w.write(filepath.Join(half, restoring), []byte(name))
	command(t, 0, "restore", dest, "--data", half)
	command(t, 0, "doctor", "--deep", "--data", half)
	// A store that is damaged itself.
	w.write(w.blob(4), []byte("rotten"))
	if out := command(t, 1, "backup", filepath.Join(t.TempDir(), "other"), "--data", w.data); !strings.Contains(out, "is damaged") {
		t.Errorf("a damaged store: %s", out)
	}
	w.check(os.Remove(w.blob(5)))
	gaps := filepath.Join(t.TempDir(), "gaps")
	if out := command(t, 1, "backup", gaps, "--data", w.data); !strings.Contains(out, "1 files are damaged in the store and 1 are missing from it") ||
		!strings.Contains(out, instanceIn(w.files[5])+": its file") {
		t.Errorf("a store with a file missing: %s", out)
	}
	if out := command(t, 1, "restore", gaps, "--data", filepath.Join(t.TempDir(), "restored")); !strings.Contains(out, "9 files of 11") {
		t.Errorf("what is left of it: %s", out)
	}
}

// TestRestoredFeed: nobody can go on in the change feed of a restored index from where he was in that of the lost one, whose later numbers it
// gives to something else.
func TestRestoredFeed(t *testing.T) {
	w := newWard(t)
	dest, restored := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "restored")
	command(t, 0, "backup", dest, "--data", w.data)
	command(t, 0, "restore", dest, "--data", restored)
	var latest []store.Cursor
	for _, data := range []string{w.data, restored} {
		a, err := openArchive(t.Context(), data, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		at, err := a.LatestChange(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		latest = append(latest, at)
		for _, err := range a.Changes(t.Context(), latest[0]) {
			if (data == restored) != errors.Is(err, store.ErrStale) {
				t.Errorf("%s: %v", data, err)
			}
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if latest[0].Epoch == latest[1].Epoch || latest[1].Number == 0 {
		t.Errorf("%v", latest)
	}
}

// TestRestoreSaysWhatIsWrong: what is damaged beside the files is named, with what can be done; small files can be left out, the index cannot.
func TestRestoreSaysWhatIsWrong(t *testing.T) {
	w := newWard(t)
	w.write(filepath.Join(w.data, "anonymize.secret"), []byte("secret"))
	dest := filepath.Join(t.TempDir(), "backup")
	command(t, 0, "backup", dest, "--data", w.data)
	command(t, 0, "backup", dest, "--data", w.data)
	names := strings.Fields(command(t, 0, "restore", dest, "--list"))
	last := filepath.Join(backupsFolder(dest), names[1])
	tell := func(code int, says string, args ...string) {
		t.Helper()
		if out := command(t, code, append([]string{"restore", dest}, args...)...); !strings.Contains(out, says) {
			t.Errorf("restore %v: %s", args, out)
		}
	}
	to := filepath.Join(t.TempDir(), "restored")
	w.write(filepath.Join(last, "anonymize.secret"), []byte("other"))
	tell(1, "anonymize.secret of backup "+names[1]+" is damaged", "--data", to)
	tell(1, "--leave-damaged leaves them out\nThe one before it is --at "+names[0], "--data", to)
	tell(1, "11 files of 11", "--data", to, "--leave-damaged")
	if _, err := os.Stat(filepath.Join(to, "anonymize.secret")); err == nil {
		t.Error("what is damaged was restored")
	}
	w.write(filepath.Join(last, "index.db"), []byte("other"))
	other := filepath.Join(t.TempDir(), "restored")
	tell(1, "its index is damaged\nThe one before it is --at "+names[0], "--data", other, "--leave-damaged")
	tell(0, "11 files of 11", "--data", other, "--at", names[0])
	tell(1, "no restore was interrupted in it", "--data", w.data, "--at", names[0])
	w.check(os.RemoveAll(filepath.Join(backupsFolder(dest), names[0])))
	tell(1, "noctis import "+blobFolder(dest), "--data", filepath.Join(t.TempDir(), "restored"))
	tell(1, "the first one is "+names[1], "--at", "2020-01-01T00:00:00Z")
	tell(2, "is no time like", "--at", "yesterday")
}

// TestRestoreInterrupted: nothing else is done with a folder that is half restored, and the same command goes on with the backup that it had
// begun with, although there is a later one.
func TestRestoreInterrupted(t *testing.T) {
	w := newWard(t)
	dest, half := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "half")
	command(t, 0, "backup", dest, "--data", w.data)
	command(t, 0, "backup", dest, "--data", w.data)
	names := strings.Fields(command(t, 0, "restore", dest, "--list"))
	w.check(os.MkdirAll(blobFolder(half), 0o700))
	w.write(filepath.Join(half, restoring), []byte(names[0]))
	for _, args := range [][]string{{"serve"}, {"doctor"}, {"doctor", "--fix"}, {"reindex"}, {"export", filepath.Join(t.TempDir(), "x"), "--all"}, {"import", w.blob(1)}} {
		if out := command(t, 1, append(args, "--data", half)...); !strings.Contains(out, "the restore of backup "+names[0]+" was interrupted in it") {
			t.Errorf("%v: %s", args, out)
		}
	}
	if out := command(t, 1, "restore", dest, "--data", half, "--at", names[1]); !strings.Contains(out, "the restore of backup "+names[0]) {
		t.Errorf("of another backup: %s", out)
	}
	if out := command(t, 0, "restore", dest, "--data", half); !strings.Contains(out, "backup "+names[0]+" restored") {
		t.Error(out)
	}
	command(t, 0, "doctor", "--deep", "--data", half)
}

// TestBackupInTheWay: a backup in the data folder would be part of the next one, and one of nothing none.
func TestBackupInTheWay(t *testing.T) {
	w := newWard(t)
	link := filepath.Join(t.TempDir(), "link")
	w.check(os.Symlink(w.data, link))
	for _, dest := range []string{w.data, filepath.Join(w.data, "backup"), filepath.Join(link, "a", "b")} {
		if out := command(t, 1, "backup", dest, "--data", w.data); !strings.Contains(out, "lies in the data folder") {
			t.Errorf("%s: %s", dest, out)
		}
	}
	dest := filepath.Join(t.TempDir(), "backup")
	if out := command(t, 1, "backup", dest, "--data", filepath.Join(w.data, "none")); !strings.Contains(out, "is no data folder") {
		t.Error(out)
	}
	if _, err := os.Stat(dest); err == nil {
		t.Error("a backup of nothing has begun")
	}
}

// instanceIn is the SOP Instance UID of a file.
func instanceIn(content []byte) string {
	_, instance := namedIn(bufio.NewReaderSize(bytes.NewReader(content), headBytes))
	return string(instance)
}

// TestBackupHasTheSettings: the configuration file is part of a backup without being named, as it was at the last start.
func TestBackupHasTheSettings(t *testing.T) {
	folder := t.TempDir()
	config, data, dest := filepath.Join(folder, "noctis.yaml"), filepath.Join(folder, "data"), filepath.Join(folder, "backup")
	for _, text := range []string{"max-results: 17\n", "max-results: 18\n", ""} {
		args := []string{"--data", "data", "--log-level", "error"}
		if text != "" {
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			args = append(args, "--config", config)
		}
		s, err := start(folder, args...)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(t.TempDir(), "restored")
		command(t, 0, "backup", dest, "--data", data)
		command(t, 0, "restore", dest, "--data", to)
		kept, err := os.ReadFile(filepath.Join(to, settingsCopy))
		if string(kept) != text || (err == nil) != (text != "") {
			t.Errorf("%q, %v, want %q", kept, err, text)
		}
	}
}
