package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// get asks a handler, with headers as pairs.
func get(h http.Handler, method, address string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, address, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestMediaType(t *testing.T) {
	for name, want := range map[string]string{
		"a.js":       "text/javascript; charset=utf-8",
		"a/b.wasm":   "application/wasm",
		"a.b.css":    "text/css; charset=utf-8",
		"LICENSE":    "text/plain; charset=utf-8",
		"font.woff2": "font/woff2",
	} {
		if got := mediaType(name); got != want {
			t.Errorf("mediaType(%q) = %q, want %q", name, got, want)
		}
	}
}
