package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// packaged is a folder as the program in the folder viewer writes it.
func packaged(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, text []byte) {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	compressed := func(text string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(text))
		z.Close()
		return b.Bytes()
	}
	write("index.html", []byte(`<script src="./ohif-1/app.js"></script><link href="./ohif-1/app.css">`))
	write("LICENSE", []byte("MIT"))
	write("ohif-1/app.js.gz", compressed("the program"))
	write("ohif-1/decode.wasm.gz", compressed("the decoder"))
	write("ohif-1/font.woff2", []byte("the font"))
	return dir
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestViewerRouting(t *testing.T) {
	for _, c := range []struct {
		address string
		status  int
		has     string // in the body, or the Location
	}{
		{"/viewer", 301, "viewer/"},
		{"/viewer?StudyInstanceUIDs=1.2", 301, "viewer/?StudyInstanceUIDs=1.2"},
		{"/viewer/", 200, `src="./ohif-1/app.js"`},
		{"/viewer/viewer?StudyInstanceUIDs=1.2.3", 200, `src="./ohif-1/app.js"`},
		{"/viewer/viewer/dicomweb", 200, `src="../ohif-1/app.js"`},
		{"/viewer/a/b/1.2.840.10008", 200, `href="../../ohif-1/app.css"`},
		{"/viewer/LICENSE", 200, "MIT"},
		{"/viewer/app-config.js", 200, "routerBasename: viewer.pathname"},
		{"/viewer/ohif-1/font.woff2", 200, "the font"},
		{"/viewer/ohif-1/missing.js", 404, "no such file"},
		{"/viewer/../viewer.js", 404, "no such file"},
		{"/elsewhere", 404, "nothing at this address"},
		{"/viewer/sw.js", 404, "no such file"},
	} {
		r := get(Viewer(packaged(t), nil), "GET", c.address)
		if got := r.Header.Get("Location") + body(t, r); r.StatusCode != c.status || !strings.Contains(got, c.has) {
			t.Errorf("%s: %s %q, want %d with %q", c.address, r.Status, got, c.status, c.has)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Content-Security-Policy") != viewerPolicy {
			t.Errorf("%s: headers %v", c.address, r.Header)
		}
	}
	if r := get(Viewer(packaged(t), nil), "DELETE", "/viewer/"); r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("DELETE: %s, Allow %q", r.Status, r.Header.Get("Allow"))
	}
}

func TestViewerEncoding(t *testing.T) {
	viewer := Viewer(packaged(t), nil)
	for _, c := range []struct {
		accept string
		gzip   bool
	}{
		{"gzip, deflate, br, zstd", true},
		{"br;q=1.0, GZIP ; q=0.5", true},
		{"*", true},
		{"*;q=0, gzip", true},
		{"gzip;q=0, *", false},
		{"gzip; q=0.000", false},
		{"identity", false},
		{"", false},
	} {
		r := get(viewer, "GET", "/viewer/ohif-1/app.js", "Accept-Encoding", c.accept)
		text := body(t, r)
		if got := r.Header.Get("Content-Encoding") == "gzip"; got != c.gzip {
			t.Errorf("Accept-Encoding %q: gzip %v, want %v", c.accept, got, c.gzip)
		}
		if c.gzip {
			z, err := gzip.NewReader(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			inflated, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			text = string(inflated)
		}
		if text != "the program" {
			t.Errorf("Accept-Encoding %q: %q", c.accept, text)
		}
		if r.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: no Vary", c.accept)
		}
	}
}

func TestViewerCaching(t *testing.T) {
	viewer := Viewer(packaged(t), nil)
	for address, want := range map[string]string{
		"/viewer/":                   "no-cache",
		"/viewer/app-config.js":      "no-cache",
		"/viewer/LICENSE":            "no-cache",
		"/viewer/ohif-1/app.js":      "public, max-age=31536000, immutable",
		"/viewer/ohif-1/font.woff2":  "public, max-age=31536000, immutable",
		"/viewer/ohif-1/decode.wasm": "public, max-age=31536000, immutable",
		"/viewer/ohif-1/missing.js":  "no-store",
	} {
		r := get(viewer, "GET", address, "Accept-Encoding", "gzip")
		if got := r.Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control %q, want %q", address, got, want)
		}
		if r.StatusCode != http.StatusOK {
			continue
		}
		again := get(viewer, "GET", address, "Accept-Encoding", "gzip", "If-None-Match", r.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %s, want 304", address, again.Status)
		}
	}
	plain := get(viewer, "GET", "/viewer/ohif-1/app.js")
	compressed := get(viewer, "GET", "/viewer/ohif-1/app.js", "Accept-Encoding", "gzip")
	if plain.Header.Get("ETag") == compressed.Header.Get("ETag") {
		t.Error("two encodings have the same ETag")
	}
}

func TestViewerMissing(t *testing.T) {
	r := get(Viewer(filepath.Join(t.TempDir(), "none"), nil), "GET", "/viewer/viewer?StudyInstanceUIDs=1.2")
	if text := body(t, r); r.StatusCode != 404 || !strings.Contains(text, "make viewer") {
		t.Errorf("%s %q", r.Status, text)
	}
}

func TestViewerDamaged(t *testing.T) {
	dir := packaged(t)
	if err := os.WriteFile(filepath.Join(dir, "ohif-1", "app.js.gz"), []byte("no gzip"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := get(Viewer(dir, nil), "GET", "/viewer/ohif-1/app.js")
	if r.StatusCode != 500 || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s, Cache-Control %q", r.Status, r.Header.Get("Cache-Control"))
	}
}

// OHIF gets what it needs to log in by itself, as a text that cannot leave its string.
func TestViewerLogin(t *testing.T) {
	login := func(r *http.Request) any {
		if r.Header.Get("Cookie") != "" {
			return nil
		}
		return map[string]string{"authority": "https://id.example/</script>"}
	}
	const address = "/viewer/app-config.js"
	without := get(Viewer(packaged(t), login), "GET", address, "Cookie", "noctis=1")
	with := get(Viewer(packaged(t), login), "GET", address)
	if text := body(t, with); !strings.HasSuffix(text, `window.config.oidc = [{"authority":"https://id.example/\u003c/script\u003e"}];`+"\n") {
		t.Errorf("ends with %s", text[max(0, len(text)-100):])
	}
	if text := body(t, without); strings.Contains(text, "oidc") {
		t.Error("who has a session is to log in")
	}
	if with.Header.Get("ETag") == without.Header.Get("ETag") || !strings.Contains(with.Header.Get("Vary"), "Cookie") {
		t.Errorf("ETag %s, Vary %s", with.Header.Get("ETag"), with.Header.Get("Vary"))
	}
}
