package dicomweb

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// stalled is a client that takes nothing until it goes on.
type stalled struct {
	*httptest.ResponseRecorder
	began, goOn chan struct{}
}

func (s *stalled) Write(b []byte) (int, error) {
	if s.Body.Len() == 0 {
		close(s.began)
		<-s.goOn
	}
	return s.ResponseRecorder.Write(b)
}

// TestMetadataKeepsToMemory: while one client holds all the memory there is, others who want as much wait, and are told to come again; who
// wants little, or has it already, or asks only for what there is, does not wait.
func TestMetadataKeepsToMemory(t *testing.T) { synctest.Test(t, testMetadataKeepsToMemory) }

func testMetadataKeepsToMemory(t *testing.T) {
	a := newArchive(t)
	a.server.store = store.New(memstore.NewIndex(), memstore.NewBlobs(), store.Options{Memory: 1})
	long := strings.Repeat("a long text ", 100_000)
	var at [2]string
	for i, text := range []string{long, "short"} {
		file := dicomtest.Image{Series: "s", Number: i + 1, With: []any{dicom.TextValue, text}}.File()
		receipt, err := a.server.store.Ingest(t.Context(), bytes.NewReader(file), "")
		if err != nil {
			t.Fatal(err)
		}
		at[i] = BasePath + receipt.Ref.Path() + "/metadata"
	}
	slow := &stalled{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.server.ServeHTTP(slow, httptest.NewRequest("GET", at[0], nil))
	}()
	<-slow.began
	began := time.Now()
	head := a.request("HEAD", at[0], "Accept-Encoding", "gzip")
	checkStatus(t, head, http.StatusOK)
	if h := head.Header(); h.Get("Content-Encoding") != "gzip" || h.Get("ETag") == "" || h.Get("Content-Length") != "" {
		t.Errorf("HEAD of what has not been made: %v", h)
	}
	checkStatus(t, a.request("GET", at[0], "Accept-Encoding", "gzip", "If-None-Match", head.Header().Get("ETag")), http.StatusNotModified)
	for _, below := range []string{"", "?excludefield=PatientID"} {
		checkStatus(t, a.request("GET", at[1]+below), http.StatusOK)
	}
	checkStatus(t, a.request("GET", at[1], "Accept", `multipart/related; type="application/dicom+xml"`), http.StatusOK)
	if d := time.Since(began); d != 0 {
		t.Errorf("those who want little have waited for %v", d)
	}
	for _, want := range []struct{ below, accept string }{
		{"?excludeprivate=true", "application/dicom+json"},
		{"", `multipart/related; type="application/dicom+xml"`},
	} {
		began = time.Now()
		w := a.request("GET", at[0]+want.below, "Accept", want.accept, "Accept-Encoding", "gzip")
		checkStatus(t, w, http.StatusServiceUnavailable)
		if h := w.Header(); h.Get("Retry-After") == "" || h.Get("Content-Encoding") != "" || h.Get("ETag") != "" || time.Since(began) == 0 {
			t.Errorf("%s: %v after %v", want.accept, h, time.Since(began))
		}
	}
	close(slow.goOn)
	<-ended
	checkStatus(t, a.request("GET", at[0]+"?excludeprivate=true"), http.StatusOK)
	whole, head := a.request("GET", at[0], "Accept-Encoding", "gzip"), a.request("HEAD", at[0], "Accept-Encoding", "gzip")
	if n := head.Header().Get("Content-Length"); n == "" || n != whole.Header().Get("Content-Length") {
		t.Errorf("HEAD of what lies ready: %q bytes", n)
	}
}
