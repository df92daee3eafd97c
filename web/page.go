package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

// pagePolicy lets the page run its own scripts and styles and talk to its own server, and nothing else; texts of patients
// can not become markup (require-trusted-types-for).
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// Page is the page: the list of studies, search, and upload. It answers "/" and the files of the page below it, and is
// mounted at the root. All addresses in it are relative: the API is expected at "dicom-web/", the viewer at "viewer/".
func Page() http.Handler {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // only for a name that is no path
	}
	return page{files}
}

type page struct{ files fs.FS }

func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header(), pagePolicy)
	if !readOnly(w, r) {
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		name = "index.html"
	}
	text, err := fs.ReadFile(p.files, name)
	if err != nil {
		fail(w, http.StatusNotFound, "there is nothing at this address")
		return
	}
	// The files have no version in their names: they are asked for again, and not sent again.
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(text)))
	w.Header().Set("Content-Type", mediaType(name))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
}
