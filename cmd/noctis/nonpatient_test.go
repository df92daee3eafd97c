package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
)

// nonPatientFolder has a file of each kind, and an image among them.
func nonPatientFolder(t *testing.T) (folder string, files map[string][]byte) {
	t.Helper()
	folder, files = t.TempDir(), map[string][]byte{}
	for i, in := range append(dicomtest.NonPatient("folder"), dicomtest.Image{Study: "folder"}.Instance()) {
		file, err := in.File()
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, fmt.Sprint(i, ".dcm")), file, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		files[in.DataSet.Ref().Path()] = file
	}
	return folder, files
}

// TestNonPatientOnItsWay takes instances of no patient through all commands: import from a folder, here and to a server, copy, export, backup,
// restore, doctor, reindex and recycle; each is the very file then.
func TestNonPatientOnItsWay(t *testing.T) {
	folder, files := nonPatientFolder(t)
	all := fmt.Sprint(len(files))
	data := filepath.Join(t.TempDir(), "data")
	says := func(want string, args ...string) {
		t.Helper()
		if out := command(t, 0, args...); !strings.Contains(out, want) {
			t.Errorf("noctis %s: want %q:\n%s", strings.Join(args, " "), want, out)
		}
	}
	says(all+" stored", "import", "--data", data, folder)
	says(all+" already there", "import", "--data", data, folder)
	says(all+" instances examined: nothing is wrong", "doctor", "--deep", "--data", data)
	says("equals", "reindex", "--check", "--data", data)

	server := httptest.NewServer(conformanceHandler(t))
	defer server.Close()
	says(all+" stored", "import", "--server", server.URL+"/dicom-web", folder)
	other := httptest.NewServer(conformanceHandler(t))
	defer other.Close()
	says(all+" copied", "copy", other.URL+"/dicom-web", "--all", "--data", data)
	for path, file := range files {
		for _, base := range []string{server.URL, other.URL} {
			if got := fetched(t, base+"/dicom-web"+path); !bytes.Equal(got, file) {
				t.Errorf("%s comes back as %d other bytes", path, len(got))
			}
		}
	}

	exported := filepath.Join(t.TempDir(), "uid")
	says(all+" files written", "export", exported, "--all", "--layout", "uid", "--data", data)
	protocol := dicomtest.HangingProtocol("folder", "CT").DataSet.Ref()
	if got, err := os.ReadFile(filepath.Join(exported, protocol.Resource, string(protocol.Instance)+".dcm")); err != nil || !bytes.Equal(got, files[protocol.Path()]) {
		t.Errorf("exported: %v", err)
	}
	onMedia(t, says, data, files)

	saved, back := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "data")
	command(t, 0, "backup", saved, "--data", data)
	command(t, 0, "restore", saved, "--data", back)
	says(all+" instances examined: nothing is wrong", "doctor", "--deep", "--data", back)

	a, err := openArchive(t.Context(), data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Delete(t.Context(), protocol); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	says("hanging-protocols", "recycle", "list", "--data", data)
	says("1 instances restored", "recycle", "restore", strings.TrimPrefix(protocol.Path(), "/"), "--data", data)
	says(all+" instances examined: nothing is wrong", "doctor", "--deep", "--data", data)
}

// onMedia exports as file sets: all files are in them, and those for which PS3.3 F.4 has records at the root are in the DICOMDIR.
func onMedia(t *testing.T, says func(string, ...string), data string, files map[string][]byte) {
	t.Helper()
	all := fmt.Sprint(len(files))
	for _, layout := range []string{"media", "zip"} {
		dest := filepath.Join(t.TempDir(), layout)
		says(all+" files written, 0 there already", "export", dest, "--all", "--layout", layout, "--data", data)
		says("0 files written, "+all+" there already", "export", dest, "--all", "--layout", layout, "--data", data)
		contents := map[string]bool{}
		var records []string
		take := func(name string, content []byte) {
			contents[string(content)] = true
			if filepath.Base(name) != directoryName {
				return
			}
			f, err := part10.Scan(bytes.NewReader(content), part10.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range f.DataSet.Items(dicom.DirectoryRecordSequence) {
				if item.Has(dicom.ReferencedFileID) {
					records = append(records, item.String(dicom.DirectoryRecordType))
				}
			}
		}
		eachExported(t, dest, take)
		for path, file := range files {
			if !contents[string(file)] {
				t.Errorf("%s: %s is not in it", layout, path)
			}
		}
		slices.Sort(records)
		want := "[HANGING PROTOCOL IMAGE IMPLANT IMPLANT ASSY IMPLANT GROUP INVENTORY PALETTE]"
		if got := fmt.Sprint(records); got != want {
			t.Errorf("%s: records %s, want %s", layout, got, want)
		}
	}
}

// eachExported hands out the files of an export, and those in its archives.
func eachExported(t *testing.T, dest string, take func(name string, content []byte)) {
	t.Helper()
	err := filepath.WalkDir(dest, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil || filepath.Ext(path) != ".zip" {
			take(path, content)
			return err
		}
		archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return err
		}
		return fs.WalkDir(archive, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := fs.ReadFile(archive, path)
			take(path, content)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fetched is a file as it is stored.
func fetched(t *testing.T, address string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/dicom; transfer-syntax=*")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(response.Body); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("%s: %s, %v", address, response.Status, err)
	}
	return b.Bytes()
}

// TestDoctorKnowsNonPatients: an entry without its file, and a file without its entry, are found; the one comes back from a backup, the other
// is taken in.
func TestDoctorKnowsNonPatients(t *testing.T) {
	folder, files := nonPatientFolder(t)
	data, saved := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backup")
	command(t, 0, "import", "--data", data, folder)
	command(t, 0, "backup", saved, "--data", data)
	protocol := dicomtest.HangingProtocol("folder", "CT").DataSet.Ref()
	var blob string
	err := filepath.WalkDir(filepath.Join(data, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if content, readErr := os.ReadFile(path); readErr == nil && bytes.Equal(content, files[protocol.Path()]) {
				blob = path
			}
		}
		return err
	})
	if err != nil || blob == "" {
		t.Fatal("its file is not there", err)
	}
	if err := os.Remove(blob); err != nil {
		t.Fatal(err)
	}
	if out := command(t, 1, "doctor", "--data", data); !strings.Contains(out, "file missing") || !strings.Contains(out, protocol.Path()) {
		t.Errorf("a missing file:\n%s", out)
	}
	command(t, 0, "doctor", "--fix", "--backup", saved, "--data", data)

	image := filepath.Join(t.TempDir(), "data") // the index of one image, and the files of all
	command(t, 0, "import", "--data", image, filepath.Join(folder, fmt.Sprint(len(files)-1, ".dcm")))
	err = filepath.WalkDir(filepath.Join(data, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".dcm" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		to := filepath.Join(image, strings.TrimPrefix(path, data))
		if _, err := os.Stat(to); err == nil {
			return nil
		}
		return errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, content, 0o600))
	})
	if err != nil {
		t.Fatal(err)
	}
	if out := command(t, 1, "doctor", "--data", image); strings.Count(out, "no entry names it") != len(files)-1 {
		t.Errorf("files without entries:\n%s", out)
	}
	command(t, 0, "doctor", "--fix", "--data", image)
	if out := command(t, 0, "doctor", "--deep", "--data", image); !strings.Contains(out, fmt.Sprint(len(files), " instances examined")) {
		t.Errorf("afterwards:\n%s", out)
	}
}

// TestKilledServerKeepsNonPatients kills the server while clients store and delete instances of no patient. What was acknowledged holds after
// each restart, byte for byte.
func TestKilledServerKeepsNonPatients(t *testing.T) {
	const kills, clients = 15, 3
	var mu sync.Mutex
	stored, gone := map[dicom.Ref][]byte{}, map[dicom.Ref]bool{}
	folder := crashing(t, kills, func(s *server, round int) (load []func()) {
		for client := range clients {
			load = append(load, func() {
				for n := 0; ; n++ {
					for i, in := range dicomtest.NonPatient(fmt.Sprint("killed ", round, client, n)) {
						file, err := in.File()
						if err != nil {
							t.Error(err)
							return
						}
						ref := in.DataSet.Ref()
						if !posted(s.url+"/dicom-web/"+ref.Resource, file) {
							return
						}
						if i%3 > 0 {
							mu.Lock()
							stored[ref] = file
							mu.Unlock()
							continue
						}
						if status, err := s.send("DELETE", ref.Path(), ""); err != nil || status != http.StatusNoContent {
							return
						}
						mu.Lock()
						gone[ref] = true
						mu.Unlock()
					}
				}
			})
		}
		return load
	}, func(s *server, round int) {
		for ref, file := range stored {
			if status, body, err := s.get(ref.Path(), "application/dicom; transfer-syntax=*"); err != nil || status != http.StatusOK || !bytes.Equal(body, file) {
				t.Errorf("after kill %d: %s: status %d, %d bytes, %v", round, ref.Path(), status, len(body), err)
			}
		}
		for ref := range gone {
			if status, _, err := s.get(ref.Path(), "application/dicom+json"); err != nil || status != http.StatusGone {
				t.Errorf("after kill %d: %s: status %d, %v", round, ref.Path(), status, err)
			}
		}
	})
	t.Logf("%d kills, %d instances and %d deletions acknowledged", kills, len(stored), len(gone))
	if len(stored) < kills || len(gone) < kills {
		t.Error("the test tried nothing")
	}
	command(t, 0, "doctor", "--deep", "--data", filepath.Join(folder, "data"))
}

func posted(address string, file []byte) bool {
	response, err := http.Post(address, "application/dicom", bytes.NewReader(file))
	if err != nil {
		return false // the server was killed
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}
