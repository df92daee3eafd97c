package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/conformance"
	"github.com/noctis-dicom/noctis/store"
)

// conformanceHandler is a whole server over an empty data folder.
func conformanceHandler(t *testing.T) http.Handler {
	t.Helper()
	folder := t.TempDir()
	archive, err := openArchive(t.Context(), folder, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { archive.Close() })
	c := serveCommand{Data: folder}
	c.AllowedOrigins, c.MaxResults, c.StallTimeout, c.Limits.MaxWait = []string{"*"}, 10_000, time.Minute, time.Minute
	handler, err := c.handler(archive, c.Access.open(folder), &readiness{archive: archive}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

func runConformance(t *testing.T, h http.Handler, o conformance.Options) *conformance.Report {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	o.BaseURL = server.URL + "/dicom-web"
	report, err := conformance.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestConformance: Noctis passes every case that the standard makes binding, and says which parts of it it has.
func TestConformance(t *testing.T) {
	report := runConformance(t, conformanceHandler(t), conformance.Options{})
	if n := len(report.Cases); n < 400 {
		t.Errorf("%d cases; want 400 at least", n)
	}
	for _, c := range report.Cases {
		// Requests without Accept are answered, because clients send them; --strict-accept is the letter of PS3.18 8.7.5.
		if c.Status == conformance.Fail && c.ID != "common.accept.absent" {
			t.Errorf("%s (%s, %s): %s\nsent: %s\ngot: %s\nexpected: %s", c.ID, c.Clause, c.Level, c.Gist, c.Sent, c.Got, c.Want)
		}
		if c.Status == conformance.Skipped {
			t.Errorf("%s is skipped: %s", c.ID, c.Reason)
		}
	}
}

// TestConformanceReadOnly: nothing is stored, and what is there is tried.
func TestConformanceReadOnly(t *testing.T) {
	handler := conformanceHandler(t)
	writes := 0
	guard := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, r.Method) && !strings.Contains(r.URL.Path, unknownCommitment) {
			writes++
		}
		handler.ServeHTTP(w, r)
	})
	server := httptest.NewServer(handler)
	var out bytes.Buffer
	if code := run(t.Context(), []string{"demo", "--server", server.URL + "/dicom-web"}, &out, &out); code != 0 {
		t.Fatalf("demo: %s", out.String())
	}
	server.Close()
	report := runConformance(t, guard, conformance.Options{ReadOnly: true, Only: []string{"retrieve.", "rendered.", "store."}})
	if report.Count(conformance.Pass) < 50 {
		t.Errorf("%d cases passed; want most of those that need no data of their own", report.Count(conformance.Pass))
	}
	if report.Count(conformance.Fail) > 0 {
		var b bytes.Buffer
		report.WriteText(&b, false)
		t.Error(b.String())
	}
	for _, c := range report.Cases {
		if c.Service == conformance.Store && c.Status != conformance.Skipped {
			t.Errorf("%s was not skipped", c.ID)
		}
	}
	if allowed := 3; writes > allowed { // methods that must be refused
		t.Errorf("%d requests that could write", writes)
	}
}

// unknownCommitment is asked for in discovery, with a body that is no data set.
const unknownCommitment = "/commitment-requests/"

func TestConformanceCommandWritesReports(t *testing.T) {
	server := httptest.NewServer(conformanceHandler(t))
	defer server.Close()
	folder := t.TempDir()
	file := func(name string) string { return filepath.Join(folder, name) }
	var out, errs bytes.Buffer
	code := run(context.Background(), []string{"conformance", server.URL + "/dicom-web", "--only", "search.studies", "--json", file("r.json"),
		"--junit", file("r.xml"), "--html", file("r.html")}, &out, &errs)
	if code != 0 {
		t.Fatalf("exit code %d: %s%s", code, out.String(), errs.String())
	}
	var report struct {
		Cases []struct{ ID, Clause, Level, Status, Sent, Got, Want string }
	}
	if err := json.Unmarshal(read(t, file("r.json")), &report); err != nil || len(report.Cases) < 10 {
		t.Errorf("JSON: %v, %d cases", err, len(report.Cases))
	}
	for _, c := range report.Cases {
		if c.ID == "" || c.Clause == "" || c.Level == "" || c.Status == "" || c.Sent == "" || c.Got == "" {
			t.Errorf("case without a field: %+v", c)
		}
	}
	if err := xml.Unmarshal(read(t, file("r.xml")), new(struct{ XMLName xml.Name })); err != nil {
		t.Errorf("JUnit: %v", err)
	}
	if !bytes.Contains(read(t, file("r.html")), []byte("search.studies.limit")) {
		t.Error("HTML: a case is missing")
	}
	if !strings.Contains(out.String(), "unsupported") {
		t.Errorf("text: %s", out.String())
	}
	if code := run(context.Background(), []string{"conformance", "http://127.0.0.1:1/dicom-web"}, io.Discard, io.Discard); code != 1 {
		t.Errorf("a server that is not there: exit code %d", code)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
