package main

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dist is a small OHIF with all places that the edits look for.
var dist = map[string]string{
	"app.bundle.0123456789abcdef.js": `__webpack_require__.p = "/"; import('/dicom-microscopy-viewer/x.js')`,
	"app.bundle.css":                 strings.Repeat("src: url(/font.woff2);\n", 5),
	"89.bundle.0123456789abcdef.js":  "PUBLIC_LIB_URL ||= './${component}/';" + strings.Repeat(`__webpack_require__.p = "/";`, 7),
	"0123456789abcdef.wasm":          "decoder",
	"font.woff2":                     "font",
	"index.html":                     "theirs",
	"app-config.js":                  "theirs",
	"sw.js":                          "service worker",
	"ort/ort.js":                     "models",
	"assets/favicon-32x32.png":       "icon",
	"assets/apple-touch-icon.png":    "icon",
	"assets/images/CT-Bone.png":      "preset",
	"dicom-microscopy-viewer/x.js":   "slides",
	"dicom-microscopy-viewer/x.map":  "source map",
}

// install writes the package as npm would.
func install(t *testing.T, dist map[string]string) ohif {
	t.Helper()
	app := ohif{dir: t.TempDir(), version: "9.8.7"}
	for name, text := range dist {
		name = filepath.Join(app.dir, "dist", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(app.dir, "LICENSE"), []byte("MIT"), 0o644); err != nil {
		t.Fatal(err)
	}
	return app
}

// unpacked reads what pack wrote: all files by name, inflated.
func unpacked(t *testing.T, out string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(out, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		r := io.Reader(f)
		if strings.HasSuffix(name, ".gz") {
			if r, err = gzip.NewReader(f); err != nil {
				return err
			}
		}
		text, err := io.ReadAll(r)
		relative, _ := filepath.Rel(out, name)
		files[strings.TrimSuffix(filepath.ToSlash(relative), ".gz")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestPack(t *testing.T) {
	out := filepath.Join(t.TempDir(), "bin", "viewer")
	if _, err := pack(install(t, dist), out); err != nil {
		t.Fatal(err)
	}
	files := unpacked(t, out)
	var folder string
	for name := range files {
		if before, _, ok := strings.Cut(name, "/"); ok {
			folder = before
		}
	}
	if !strings.HasPrefix(folder, "ohif-9.8.7-") {
		t.Fatalf("folder %q", folder)
	}
	var names []string
	for name := range files {
		names = append(names, strings.TrimPrefix(name, folder+"/"))
	}
	slices.Sort(names)
	want := []string{
		"0123456789abcdef.wasm", "89.bundle.0123456789abcdef.js", "LICENSE", "app.bundle.0123456789abcdef.js", "app.bundle.css",
		"assets/favicon-32x32.png", "assets/images/CT-Bone.png", "boot.js", "dicom-microscopy-viewer/x.js", "font.woff2",
		"index.html",
	}
	if !slices.Equal(names, want) {
		t.Errorf("files\n%q\nwant\n%q", names, want)
	}
	for name, text := range files {
		for _, e := range edits {
			if strings.Contains(text, e.old) {
				t.Errorf("%s still has %q", name, e.old)
			}
		}
	}
	page := files["index.html"]
	for _, name := range []string{"app.bundle.0123456789abcdef.js", "app.bundle.css", "boot.js"} {
		address := folder + "/" + name
		if !strings.Contains(page, `="./`+address+`"`) || files[address] == "" {
			t.Errorf("index.html does not name %s, or it is not there", address)
		}
	}
	if !strings.Contains(files[folder+"/boot.js"], icon) {
		t.Errorf("boot.js does not name the icon %s", icon)
	}
	if strings.Contains(page, "{") {
		t.Errorf("index.html has a placeholder left:\n%s", page)
	}
}

// Other contents have another address, the same contents the same; what was there before goes.
func TestPackAgain(t *testing.T) {
	out := filepath.Join(t.TempDir(), "viewer")
	folder := func(dist map[string]string) string {
		if _, err := pack(install(t, dist), out); err != nil {
			t.Fatal(err)
		}
		found, err := filepath.Glob(filepath.Join(out, "ohif-*"))
		if err != nil || len(found) != 1 {
			t.Fatalf("folders %q, %v", found, err)
		}
		return found[0]
	}
	first := folder(dist)
	if again := folder(dist); again != first {
		t.Errorf("packed twice: %s and %s", first, again)
	}
	changed := map[string]string{}
	for name, text := range dist {
		changed[name] = text
	}
	changed["font.woff2"] = "another"
	if other := folder(changed); other == first {
		t.Errorf("other contents, but still %s", other)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(out), ".viewer-*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestPackRefusesAnotherVersion(t *testing.T) {
	for name, text := range map[string]string{
		"app.bundle.css":                 "src: url(/font.woff2)",
		"89.bundle.0123456789abcdef.js":  "",
		"app.bundle.0123456789abcdef.js": `__webpack_require__.p = "/"`,
	} {
		changed := map[string]string{}
		for n, t := range dist {
			changed[n] = t
		}
		changed[name] = text
		out := filepath.Join(t.TempDir(), "viewer")
		if _, err := pack(install(t, changed), out); err == nil || !strings.Contains(err.Error(), "needs other edits") {
			t.Errorf("%s changed: error %v", name, err)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s changed: it was written all the same", name)
		}
	}
}

// The lock file pins the version that package.json asks for, and names no registry.
func TestLock(t *testing.T) {
	lock, err := readLock("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var wanted struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	text, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &wanted); err != nil {
		t.Fatal(err)
	}
	if want := wanted.Dependencies["@ohif/app"]; lock.Version != want {
		t.Errorf("locked is %s, package.json wants %s", lock.Version, want)
	}
	if text, err = os.ReadFile("package-lock.json"); err != nil || strings.Contains(string(text), "://") {
		t.Errorf("the lock file has an address in it, or cannot be read: %v", err)
	}
}
