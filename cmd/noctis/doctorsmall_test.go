package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDoctorOfAccess: a key by which nobody is let in is told, and left to people, since a backup would bring back what has been revoked since; sessions that cannot
// be read are moved aside, and made again by who logs in.
func TestDoctorOfAccess(t *testing.T) {
	w := newWard(t)
	folder := accessFolder(w.data)
	w.check(os.MkdirAll(folder, 0o700))
	keys, digest := filepath.Join(folder, "keys.json"), strings.Repeat("ab", 32)
	content := `[{"id": "one", "name": "one", "sha256": "` + digest + `", "roles": ["raed"]}, {"id": "two", "name": "two", "sha256": "` + digest +
		`", "roles": ["read"], "tenant": "nowhere"}, {"id": "three", "name": "three", "sha256": "` + digest + `", "roles": ["read"]}]`
	w.write(keys, []byte(content))
	w.write(filepath.Join(folder, "sessions.json"), []byte(`[{"sha256": "77"`))
	d, code := w.doctor()
	if said := strings.Join(kinds(d), "\n"); code != 1 || len(d.Findings) != 3 || !strings.Contains(said, `(one): role "raed"`) ||
		!strings.Contains(said, `(two): there is no tenant "nowhere"`) || !strings.Contains(said, "sessions.json") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	if d, code = w.doctor("--fix"); code != 1 || d.Findings[len(d.Findings)-1].Help == "" {
		t.Errorf("--fix: exit code %d, %v", code, kinds(d))
	}
	if text, err := os.ReadFile(keys); err != nil || string(text) != content {
		t.Errorf("the keys have changed: %v %s", err, text)
	}
	if d, code = w.doctor(); code != 1 || len(d.Findings) != 2 {
		t.Errorf("afterwards: exit code %d, %v", code, kinds(d))
	}
	w.check(os.MkdirAll(tenantFolder(w.data, "nowhere"), 0o700))
	w.write(filepath.Join(tenantFolder(w.data, "nowhere"), tenantFile), []byte("{}"))
	if flaws := examineAccess(w); len(flaws) != 1 {
		t.Errorf("with the tenant: %v", flaws)
	}
	w.write(filepath.Join(folder, "link.key"), []byte("short"))
	if flaws := examineAccess(w); len(flaws) != 2 || !strings.Contains(strings.Join(flaws, "\n"), "link.key: it has 5 bytes instead of 32") {
		t.Errorf("with a key that is none: %v", flaws)
	}
}

// examineAccess is what doctor says of the small files alone.
func examineAccess(w *ward) []string {
	p := &patient{doctorCommand: doctorCommand{Data: w.data}, d: &diagnosis{}}
	p.examineSmall()
	return kinds(p.d)
}
