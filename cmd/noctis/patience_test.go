package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// A server that has too much to do is asked again, with the whole file; one that cannot store ends the import.
func TestImportComesAgain(t *testing.T) {
	folder := t.TempDir()
	file := dicomtest.Image{Rows: 2, Columns: 2}.File()
	if err := os.WriteFile(filepath.Join(folder, "image.dcm"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, after string
		status      int
		times       int32 // asked
		ends        string
	}{
		{"too fast", "1", 429, 2, ""},
		{"busy", "1", 503, 2, ""},
		{"full", "600", 503, 1, "503 Service Unavailable"},
		{"says no time", "", 503, 1, "503 Service Unavailable"},
	} {
		var asked atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || !bytes.Contains(body, file) {
				t.Errorf("%s: not the whole file, %v", c.name, err)
			}
			if asked.Add(1) == 1 {
				w.Header().Set("Retry-After", c.after)
				w.WriteHeader(c.status)
			}
		}))
		var out bytes.Buffer
		err := run(t.Context(), []string{"import", "--server", server.URL, folder}, &out, &out)
		server.Close()
		if asked.Load() != c.times || (err != 0) != (c.ends != "") || !strings.Contains(out.String(), c.ends) {
			t.Errorf("%s: asked %d times, exit code %d: %s", c.name, asked.Load(), err, out.String())
		}
	}
}
