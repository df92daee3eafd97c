package dicomweb

import (
	"bytes"
	"errors"
	"net/http/httptest"
	"testing"
	"time"
)

// TestRanges asks for ranges of ten bytes in the ways of RFC 9110 14.
func TestRanges(t *testing.T) {
	for _, test := range []struct {
		method, said string
		status       int
		body         string // "": whatever
	}{
		{"GET", "bytes=0-3", 206, "0123"},
		{"GET", "Bytes = 0-3", 206, "0123"},
		{"GET", "bytes=-3", 206, "789"},
		{"GET", "bytes=-300000000000000000000", 206, "0123456789"},
		{"GET", "bytes=8-", 206, "89"},
		{"GET", "bytes=8-99999999999999999999999", 206, "89"},
		{"GET", "bytes=00000000000000000000008-9", 206, "89"},
		{"GET", "bytes=-0, 2-3", 206, "23"},
		{"GET", "bytes=99999999999999999999999-", 416, ""},
		{"GET", "bytes=10-", 416, ""},
		{"GET", "bytes=-0", 416, ""},
		{"GET", "bytes=-000", 416, ""},
		{"GET", "bytes=-", 416, ""},
		{"GET", "bytes=3-2", 416, ""},
		{"GET", "bytes=99999999999999999999999x-", 416, ""},
		{"GET", "items=0-3", 200, "0123456789"},
		{"GET", "nonsense", 200, "0123456789"},
		{"HEAD", "bytes=0-3", 200, ""},
		{"HEAD", "bytes=10-", 200, ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), test.method, "/", nil)
		r.Header.Set("Range", test.said)
		w := httptest.NewRecorder()
		err := serveContent(w, r, time.Time{}, bytes.NewReader([]byte("0123456789")))
		status := w.Code
		if p := (*problem)(nil); errors.As(err, &p) {
			status = p.status
		}
		if status != test.status || test.body != "" && w.Body.String() != test.body {
			t.Errorf("%s %s: %d %q, want %d %q", test.method, test.said, status, w.Body, test.status, test.body)
		}
		if test.method == "HEAD" && w.Header().Get("Content-Length") != "10" {
			t.Errorf("%s %s: %v", test.method, test.said, w.Header())
		}
	}
}
