package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"
)

// viewerPolicy lets the viewer run only what was packaged, and keeps it from loading code, styles and fonts from elsewhere.
// Its decoders and array kernels are compiled at run time, hence unsafe-eval. Data may come from other origins: bulk data
// has absolute addresses, and the public address of the server need not be the one that the browser used.
const viewerPolicy = "default-src 'self'; script-src 'self' 'unsafe-eval' blob:; worker-src 'self' blob:; " +
	"style-src 'self' 'unsafe-inline'; font-src 'self' data:; connect-src * data: blob:; img-src * data: blob:; " +
	"media-src * data: blob:; object-src * data: blob:; frame-src * data: blob:; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"

// viewerConfig is the configuration of OHIF: its own defaults, and this server as the source of data.
//
//go:embed app-config.js
var viewerConfig []byte

// Viewer is the OHIF viewer, as packaged in dir by the program in the folder viewer. It is mounted at "/viewer/", without
// http.StripPrefix. Its configuration, which it gets from here, expects the API at "../dicom-web" and "../wado" from where
// it lies. If dir holds no viewer, the answer says how to get one; dir is looked at for each request.
//
// login is, for a request of that configuration, what OHIF needs to log in by itself at an OpenID provider (its setting oidc), or nil if it
// is not to; it may be nil itself.
func Viewer(dir string, login func(*http.Request) any) http.Handler {
	return viewer{os.DirFS(dir), login}
}

type viewer struct {
	files fs.FS
	login func(*http.Request) any
}

func (v viewer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header(), viewerPolicy)
	if !readOnly(w, r) {
		return
	}
	name, below := strings.CutPrefix(r.URL.Path, "/viewer/")
	switch {
	case r.URL.Path == "/viewer":
		// Relative, as the path that the browser sees may have more before it.
		w.Header().Set("Location", (&url.URL{Path: "viewer/", RawQuery: r.URL.RawQuery}).String())
		w.WriteHeader(http.StatusMovedPermanently)
	case !below:
		fail(w, http.StatusNotFound, "there is nothing at this address")
	case name == "app-config.js":
		v.config(w, r)
	case name == "LICENSE" || mediaTypes[path.Ext(name)] != "":
		v.file(w, r, name)
	default:
		v.index(w, r, name)
	}
}

// config answers with the configuration of OHIF for whoever asks.
func (v viewer) config(w http.ResponseWriter, r *http.Request) {
	text := viewerConfig
	if v.login != nil {
		w.Header().Set("Vary", "Cookie, Authorization")
		if login := v.login(r); login != nil {
			setting, err := json.Marshal([]any{login}) // as JavaScript has it: < and U+2028 are escaped
			if err != nil {
				fail(w, http.StatusInternalServerError, "the configuration cannot be written")
				return
			}
			text = fmt.Appendf(bytes.Clone(text), "window.config.oidc = %s;\n", setting)
		}
	}
	v.content(w, r, "app-config.js", text)
}

// index answers with the page of OHIF, which does its own routing: it is the page of every address that is no file's.
func (v viewer) index(w http.ResponseWriter, r *http.Request, name string) {
	text, err := fs.ReadFile(v.files, "index.html")
	if err != nil {
		noViewer(w)
		return
	}
	if depth := strings.Count(name, "/"); depth > 0 {
		up := `="` + strings.Repeat("../", depth)
		text = bytes.ReplaceAll(text, []byte(`="./`), []byte(up))
	}
	v.content(w, r, "index.html", text)
}

// content answers with a text that may change at the same address.
func (v viewer) content(w http.ResponseWriter, r *http.Request, name string, text []byte) {
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(text)))
	w.Header().Set("Content-Type", mediaType(name))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
}

// file answers with a packaged file. Those in folders never change: the folder's name has the digest of what is in it.
func (v viewer) file(w http.ResponseWriter, r *http.Request, name string) {
	f, compressed, err := v.open(name)
	if err != nil {
		fail(w, http.StatusNotFound, "the viewer has no such file")
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		fail(w, http.StatusNotFound, "the viewer has no such file")
		return
	}
	h := w.Header()
	h.Set("Content-Type", mediaType(name))
	h.Set("Cache-Control", "no-cache")
	if strings.Contains(name, "/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	tag := fmt.Sprintf("%x-%x", info.ModTime().UnixNano(), info.Size())
	h.Set("ETag", `"`+tag+`"`)
	if compressed {
		h.Set("Vary", "Accept-Encoding")
		if !acceptsGzip(r) {
			h.Set("ETag", `"`+tag+`-identity"`)
			inflate(w, r, f)
			return
		}
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", fmt.Sprint(info.Size()))
	}
	seeker, ok := f.(io.ReadSeeker)
	if !ok {
		fail(w, http.StatusInternalServerError, "the viewer cannot be read")
		return
	}
	http.ServeContent(w, r, "", info.ModTime(), seeker)
}

// open opens a file, or the gzipped form in which it was packaged.
func (v viewer) open(name string) (f fs.File, compressed bool, err error) {
	if f, err = v.files.Open(name + ".gz"); err == nil {
		return f, true, nil
	}
	f, err = v.files.Open(name)
	return f, false, err
}

// inflate sends a gzipped file to a client that does not take it so.
func inflate(w http.ResponseWriter, r *http.Request, f io.Reader) {
	z, err := gzip.NewReader(f)
	if err != nil {
		fail(w, http.StatusInternalServerError, "the viewer is damaged; make viewer packages it anew")
		return
	}
	if r.Method == http.MethodHead {
		return
	}
	// #nosec G110 -- our own file, and none of it is kept
	if _, err := io.Copy(w, z); err != nil {
		panic(http.ErrAbortHandler) // so that no client takes a part for the whole
	}
}

// acceptsGzip reports whether the client takes gzip (RFC 9110 12.5.3): named, or by "*", with a weight that is not zero.
func acceptsGzip(r *http.Request) bool {
	any := false
	for _, element := range strings.Split(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, weight, _ := strings.Cut(strings.ToLower(element), ";")
		refused := strings.Trim(strings.ReplaceAll(weight, " ", ""), "0.") == "q="
		switch strings.TrimSpace(coding) {
		case "gzip", "x-gzip":
			return !refused
		case "*":
			any = !refused
		}
	}
	return any
}

// noViewer says how to get the viewer.
func noViewer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNotFound)
	io.WriteString(w, noViewerPage)
}

const noViewerPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>No viewer yet</title>
<h1>The viewer is not installed</h1>
<p>The OHIF viewer is fetched from npm and packaged by</p>
<pre>make viewer</pre>
<p>which writes it to <code>bin/viewer</code>, beside the program. Another folder is named with
<code>noctis serve --viewer DIR</code>. No restart is needed.</p>
</html>
`
