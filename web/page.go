package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"text/template"
	"time"
)

//go:embed page
var pageFiles embed.FS

// pageParts are what all of its documents have.
//
//go:embed parts.html
var pageParts embed.FS

// pagePolicy lets the page run its own scripts and styles and talk to its own server, and nothing else; texts of patients
// can not become markup (require-trusted-types-for).
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// Page is the page: the list of studies, search, and upload. It answers "/" and the files of the page below it, and is
// mounted at the root. All addresses in it are relative: the API is expected at "dicom-web/", the viewer at "viewer/".
func Page() http.Handler {
	p := page{}
	parts := template.Must(template.ParseFS(pageParts, "parts.html"))
	err := fs.WalkDir(pageFiles, "page", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(pageFiles, name)
		if err == nil && path.Ext(name) == ".html" {
			text, err = filled(parts, path.Base(name), text)
		}
		p[strings.TrimPrefix(name, "page/")] = pageFile{text, fmt.Sprintf(`"%x"`, sha256.Sum256(text))}
		return err
	})
	if err != nil {
		panic(err) // of files that are part of the program
	}
	return p
}

// filled is a page with the parts that all have.
func filled(parts *template.Template, name string, text []byte) ([]byte, error) {
	all, err := parts.Clone()
	if err == nil {
		all, err = all.New(name).Parse(string(text))
	}
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = all.Execute(&b, name)
	return b.Bytes(), err
}

// page are the files of the page, as they are sent.
type page map[string]pageFile

type pageFile struct {
	text []byte
	etag string
}

func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header(), pagePolicy)
	if !readOnly(w, r) {
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		name = "index.html"
	}
	file, found := p[name]
	if !found {
		fail(w, http.StatusNotFound, "there is nothing at this address")
		return
	}
	// The files have no version in their names: they are asked for again, and not sent again.
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", file.etag)
	w.Header().Set("Content-Type", mediaType(name))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.text))
}
