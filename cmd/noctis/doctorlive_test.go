package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	viewing "github.com/noctis-dicom/noctis/readiness"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// TestDoctorLive: while a server has the folder open and stores, nothing is wrong with what it does; what is damaged is found; mending waits.
func TestDoctorLive(t *testing.T) {
	w := newWard(t)
	folder := filepath.Dir(w.data)
	s, err := start(folder, "--data", "data", "--log-level", "error")
	w.check(err)
	defer s.stop() //nolint:errcheck // nothing depends on it
	stop := make(chan struct{})
	acked := &acknowledgements{files: map[dicom.Ref][]byte{}}
	wait := acked.load(t, s, 7, 2, stop)
	d, code := w.doctor()
	close(stop)
	wait()
	if code != 0 || !d.Live || !d.Healthy || d.Entries < 10 {
		t.Errorf("a sound store at work: exit code %d, %+v", code, d)
	}
	for _, f := range d.Findings {
		t.Errorf("%s: %s", f.Kind, f.Detail)
	}
	if out := command(t, 1, "doctor", "--fix", "--data", w.data); !strings.Contains(out, "stop the server") {
		t.Errorf("--fix: %s", out)
	}
	w.check(os.Truncate(w.blob(1), 300))
	w.check(os.Remove(w.blob(2)))
	d, code = w.doctor()
	kinds := map[string]int{}
	for _, f := range d.Findings {
		kinds[f.Kind]++
	}
	if code != 1 || kinds["file damaged"] != 1 || kinds["file missing"] != 1 || len(d.Findings) != 2 {
		t.Errorf("exit code %d, %v", code, kinds)
	}
	if left, _ := filepath.Glob(filepath.Join(w.data, "doctor-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestForgive: of a file without an entry a running server explains a new one, and one that it names meanwhile, but not an old one.
func TestForgive(t *testing.T) {
	w := newWard(t)
	index, err := sqlite.Open(t.Context(), indexFile(w.data))
	w.check(err)
	defer index.Close()
	blobs, err := openBlobs(w.data)
	w.check(err)
	defer blobs.Close()
	p := &patient{doctorCommand: doctorCommand{Data: w.data}, files: blobs, d: &diagnosis{}}
	old := []byte("old and of nobody")
	w.write(w.blobOf(old), old)
	id := idOf(t, w.blobOf(old))
	for _, c := range []struct {
		kind store.DefectKind
		blob store.BlobID
		age  bool
		want bool
	}{
		{store.Orphan, id, false, true}, {store.Orphan, id, true, false}, {store.Orphan, idOf(t, w.blob(1)), true, true},
		{store.BlobMissing, idOf(t, w.blob(1)), false, false}, {store.BlobMissing, id, false, true}, {store.BlobDamaged, id, false, false},
	} {
		at := now().Add(-time.Hour)
		if !c.age {
			at = now()
		}
		w.check(os.Chtimes(w.blobOf(old), at, at))
		explained, err := p.explained(t.Context(), index, &finding{Kind: string(c.kind), defect: store.Defect{Blob: c.blob}})
		if err != nil || explained != c.want {
			t.Errorf("%s of age %t: explained %t, %v", c.kind, c.age, explained, err)
		}
	}
}

// TestDoctorViewers: what viewers cannot show is summed up, and no fault of the store.
func TestDoctorViewers(t *testing.T) {
	w := newWard(t)
	d, code := w.doctor()
	if v := d.Viewers; code != 0 || v == nil || v.Studies != 2 || v.Frames != 10 || v.Decoded != 10 {
		t.Fatalf("%d, %+v", code, d.Viewers)
	}
	v := &viewers{}
	text := `{"studyInstanceUID":"1.2","ready":false,"series":[{"frames":3,"framesDecoded":1}],"findings":[
		{"severity":"hidden","kind":"frame not decodable","instances":2,"detail":"first"},{"severity":"hidden","kind":"frame not decodable","instances":1},{"severity":"limited","kind":"window","instances":1}]}`
	for range 2 {
		r := newReport(t, text)
		v.add(r)
	}
	if v.Ready != 0 || v.Frames != 6 || v.Decoded != 2 || len(v.Problems) != 2 || v.Problems[0].Studies != 2 || v.Problems[0].Instances != 6 || v.Problems[0].Detail != "first" {
		text, _ := json.Marshal(v)
		t.Errorf("%s", text)
	}
}

// TestDoctorSettings: a configuration that the server would not take, or that is of another folder.
func TestDoctorSettings(t *testing.T) {
	w := newWard(t)
	file := filepath.Join(t.TempDir(), "noctis.yaml")
	for text, want := range map[string]string{
		"data: " + w.data + "\n": "", "data: /elsewhere\n": "it names the data folder /elsewhere", "liste: x\n": `unknown key "liste"`,
		"data: " + w.data + "\nsop-classes: [x]\n": "is no UID", "data: [\n": "yaml",
	} {
		w.write(file, []byte(text))
		d, code := w.doctor("--settings", file)
		got := ""
		for _, f := range d.Findings {
			got += f.Kind + ": " + f.Detail
		}
		if (code == 0) != (want == "") || !strings.Contains(got, want) || want != "" && !strings.HasPrefix(got, "configuration: ") {
			t.Errorf("%q: exit code %d, %s", text, code, got)
		}
	}
}

// TestDoctorPublic: the address that the server says of itself is asked for through the proxy.
func TestDoctorPublic(t *testing.T) {
	w := newWard(t)
	s, err := start(filepath.Dir(w.data), "--data", "data", "--log-level", "error")
	w.check(err)
	defer s.stop() //nolint:errcheck // nothing depends on it
	behind, err := url.Parse(s.url)
	w.check(err)
	mode := ""
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case mode == "closed":
			http.Error(rw, "no", http.StatusUnauthorized)
			return
		case mode == "bulk" && strings.Contains(r.URL.Path, "/bulkdata"), mode == "bulk" && strings.Contains(r.URL.Path, "/frames"):
			http.Error(rw, "no", http.StatusBadGateway)
			return
		}
		(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(behind)
			if mode != "silent" {
				p.SetXForwarded()
			}
		}}).ServeHTTP(rw, r)
	}))
	defer proxy.Close()
	for _, c := range []struct{ mode, want string }{
		{"", ""}, {"silent", "the server says that it is at "}, {"closed", "401 Unauthorized: give a key"}, {"bulk", "502 Bad Gateway"},
	} {
		mode = c.mode
		d, code := w.doctor("--public-url", proxy.URL+"/")
		got := ""
		for _, f := range d.Findings {
			got += f.Kind + ": " + f.Detail
		}
		if (code == 0) != (c.want == "") || !strings.Contains(got, c.want) || c.want != "" && !strings.HasPrefix(got, "public address: ") {
			t.Errorf("%q: exit code %d, %s", c.mode, code, got)
		}
	}
}

// TestBackupShare: what is in the backup is read again, a share of it each day and all of it with --verify; what has rotted is replaced.
func TestBackupShare(t *testing.T) {
	w := newWard(t)
	dest := filepath.Join(t.TempDir(), "backup")
	for _, name := range []string{"access/keys.json", "audit/2026-11.log", "note.txt"} {
		w.check(os.MkdirAll(filepath.Dir(filepath.Join(w.data, name)), 0o700))
		w.write(filepath.Join(w.data, name), []byte(name))
	}
	command(t, 0, "backup", dest, "--data", w.data)
	rotten := filepath.Join(blobFolder(dest), strings.TrimPrefix(w.blob(3), blobFolder(w.data)))
	bad := bytes.Clone(w.files[3])
	bad[len(bad)-7] ^= 4
	w.write(rotten, bad)
	if out := command(t, 0, "backup", dest, "--data", w.data, "--verify"); !strings.Contains(out, "11 read again") || !strings.Contains(out, "1 files had rotted") {
		t.Errorf("--verify: %s", out)
	}
	if got, err := os.ReadFile(rotten); err != nil || !bytes.Equal(got, w.files[3]) {
		t.Error("it was not replaced", err)
	}
	if kept, _ := filepath.Glob(filepath.Join(dest, "damaged", "*", "*.dcm")); len(kept) != 1 {
		t.Errorf("the rotten one is not kept: %v", kept)
	}
	restored := filepath.Join(t.TempDir(), "restored")
	command(t, 0, "restore", dest, "--data", restored)
	for _, name := range []string{"access/keys.json", "audit/2026-11.log", "note.txt"} {
		if got, err := os.ReadFile(filepath.Join(restored, name)); err != nil || string(got) != name {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	seen := map[store.BlobID]int{}
	for day := range 30 {
		share := backupCommand{}.share(now().AddDate(0, 0, day))
		for b := range 256 {
			if id := (store.BlobID{31: byte(b)}); share(id) {
				seen[id]++
			}
		}
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s is read %d times in thirty days", id, times)
		}
	}
	if len(seen) != 256 {
		t.Errorf("%d of 256 are read in thirty days", len(seen))
	}
}

func now() time.Time { return time.Now().UTC() }

// idOf is the SHA-256 that a file is named by.
func idOf(t *testing.T, path string) (id store.BlobID) {
	t.Helper()
	if _, err := hex.Decode(id[:], []byte(strings.TrimSuffix(filepath.Base(path), ".dcm"))); err != nil {
		t.Fatal(err)
	}
	return id
}

func newReport(t *testing.T, text string) *viewing.Report {
	t.Helper()
	r := &viewing.Report{}
	if err := json.Unmarshal([]byte(text), r); err != nil {
		t.Fatal(err)
	}
	return r
}
