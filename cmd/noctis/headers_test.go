package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/store"
)

// Whatever is asked for, and whatever comes of it, a browser is told what not to do with it.
func TestEveryAnswerIsHardened(t *testing.T) {
	s := serving(t)
	for _, c := range []struct{ address, policy string }{
		{"/", "frame-ancestors 'none'"},
		{"/worklist.html", "require-trusted-types-for 'script'"},
		{"/js/main.js", "default-src 'none'"},
		{"/nothing", "default-src 'none'"},
		{"/viewer", "frame-ancestors 'self'"},
		{"/viewer/", "frame-ancestors 'self'"},
		{"/viewer/app-config.js", "frame-ancestors 'self'"},
		{"/metrics", "default-src 'none'"},
		{"/healthz", "default-src 'none'"},
		{"/readyz", "default-src 'none'"},
		{"/doctor", "default-src 'none'"},
		{"/dicom-web/studies", "default-src 'none'"},
		{"/dicom-web/nothing", "default-src 'none'"},
		{"/wado?requestType=WADO", "default-src 'none'"},
	} {
		for _, tls := range []bool{false, true} {
			r := httptest.NewRequest(http.MethodGet, c.address, nil)
			r.RemoteAddr = "127.0.0.1:2345"
			if tls {
				r.Header.Set("X-Forwarded-Proto", "https")
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			h := w.Header()
			if got := h.Get("Content-Security-Policy"); !strings.Contains(got, c.policy) {
				t.Errorf("%s: Content-Security-Policy %q, want %q in it", c.address, got, c.policy)
			}
			for _, name := range []string{"Referrer-Policy", "Permissions-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"} {
				if h.Get(name) == "" {
					t.Errorf("%s: no %s", c.address, name)
				}
			}
			if got := h.Get("X-Content-Type-Options"); got != "nosniff" {
				t.Errorf("%s: X-Content-Type-Options %q", c.address, got)
			}
			if got := h.Get("Strict-Transport-Security"); (got != "") != tls {
				t.Errorf("%s over TLS %v: Strict-Transport-Security %q", c.address, tls, got)
			}
		}
	}
}

// What says that it came by TLS is believed of the proxy only.
func TestTLSIsNotBelievedOfEverybody(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil) // of 192.0.2.1
	r.Header.Set("X-Forwarded-Proto", "https")
	w := httptest.NewRecorder()
	serving(t).ServeHTTP(w, r)
	if got := w.Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("Strict-Transport-Security %q for somebody who only says so", got)
	}
}

// serving is the handler of a server with an empty store.
func serving(t *testing.T) http.Handler {
	t.Helper()
	data := t.TempDir()
	a, err := openArchive(t.Context(), data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	handler, err := serveCommand{Data: data, StallTimeout: time.Minute, Limits: limitFlags{MaxWait: time.Minute}}.handler(a, accessFlags{}.open(data), &readiness{archive: a}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return handler
}
