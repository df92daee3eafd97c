// Package web holds what a browser sees: the page at the root of the server, and the OHIF viewer. Both are clients of the
// public API like any other: all they know of the server are the addresses of its services, relative to where they
// themselves lie. So they work below any path, and behind a proxy that changes it.
//
// The page is in the folder page: HTML, CSS and ES modules, embedded without a build step; parts.html has what all documents share. The viewer is
// packaged by the program in the folder viewer; it is too large to be embedded, and served from a folder.
//
// page.go serves the page, viewer.go the viewer.
package web

import (
	"net/http"
	"path"
)

// mediaTypes are those of the files that are served here. They are not left to the tables of the machine: a module or a
// WebAssembly file of another type does not run.
var mediaTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".html":  "text/html; charset=utf-8",
	".ico":   "image/x-icon",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".wasm":  "application/wasm",
	".woff2": "font/woff2",
}

// mediaType is the media type of a file, by its name.
func mediaType(name string) string {
	if t, ok := mediaTypes[path.Ext(name)]; ok {
		return t
	}
	return "text/plain; charset=utf-8"
}

// readOnly reports whether the method reads, and answers the request if it does not.
func readOnly(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	fail(w, http.StatusMethodNotAllowed, "this address can only be read")
	return false
}

// secure sets the headers that every answer has.
func secure(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// fail answers with an error, which is not kept by any cache, whatever was said of what should have been sent.
func fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Del("ETag")
	http.Error(w, text, status)
}
