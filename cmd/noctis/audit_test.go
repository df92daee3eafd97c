package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/audit"
)

// A new command has to say whether it is recorded.
func TestEveryCommandIsRecordedOrSaysWhyNot(t *testing.T) {
	var leaves func(n *kong.Node, path string)
	leaves = func(n *kong.Node, path string) {
		for _, c := range n.Children {
			name := strings.TrimSpace(path + " " + c.Name)
			if len(c.Children) > 0 {
				leaves(c, name)
				continue
			}
			_, recorded := commandKinds[name]
			if recorded == slices.Contains(unrecordedCommands, name) {
				t.Errorf("noctis %s is in none of commandKinds and unrecordedCommands, or in both", name)
			}
		}
	}
	leaves(newParser(t.Context(), io.Discard, io.Discard).Model.Node, "")
}

func TestCommandsLeaveEvents(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	command(t, 0, "demo", "--data", data)
	command(t, 0, "key", "add", "--name", "CT1", "--role", "store", "--data", data)
	command(t, 0, "key", "revoke", "CT1", "--data", data)
	command(t, 1, "key", "revoke", "CT9", "--data", data)
	command(t, 0, "export", filepath.Join(t.TempDir(), "usb"), "--where", "PatientID=NOCTIS-004", "--layout", "uid", "--data", data)
	var got []string
	for r, err := range audit.Search(data, audit.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Who == "" || r.As != "operator" {
			t.Errorf("%s is by nobody", r.Kind)
		}
		got = append(got, strings.TrimSpace(string(r.Kind)+" "+r.Detail[:min(len(r.Detail), 14)]+" "+r.Patient))
	}
	for i, want := range []string{"import demo", "key key add CT1", "key key revoke CT1", "key key revoke CT9", "export /tmp"} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Fatalf("the events are %q, want %q at %d", got, want, i)
		}
	}
	if last := got[len(got)-1]; !strings.HasSuffix(last, "NOCTIS-004") {
		t.Errorf("the export names no patient: %s", last)
	}
	if text := command(t, 0, "audit", "verify", "--data", data); !strings.Contains(text, "all is as it was written") {
		t.Error(text)
	}
}

func TestAuditCommands(t *testing.T) {
	data := t.TempDir()
	for i, patient := range []string{"P1", "P2", "P1"} {
		e := audit.Event{Time: time.Now().Add(-time.Duration(3-i) * time.Hour), Kind: audit.Retrieve, Actor: audit.Actor{Who: "doe", Client: "10.0.0.1"},
			Subject: audit.Subject{Patient: patient, Study: "1.2.3"}}
		if i == 2 {
			e.Outcome, e.Reason = audit.Minor, "Not Found"
		}
		if err := audit.Append(data, e); err != nil {
			t.Fatal(err)
		}
	}
	if text := command(t, 0, "audit", "search", "--patient", "P1", "--data", data); strings.Count(text, "patient P1") != 2 || strings.Contains(text, "P2") {
		t.Error(text)
	}
	if text := command(t, 0, "audit", "search", "--patient", "P1", "--last", "1", "--data", data); strings.Count(text, "\n") != 1 || !strings.Contains(text, "FAILED(4)  Not Found") {
		t.Error(text)
	}
	if text := command(t, 0, "audit", "search", "--since", "150m", "--until", "90m", "--data", data, "--kind", "retrieve"); strings.Count(text, "\n") != 1 || !strings.Contains(text, "P2") {
		t.Error(text)
	}
	for _, wrong := range [][]string{{"--kind", "stroll"}, {"--outcome", "5"}} {
		command(t, 1, append([]string{"audit", "search", "--data", data}, wrong...)...)
	}
	command(t, 2, "audit", "search", "--data", data, "--since", "yesterday")
	command(t, 1, "audit", "verify", "--data", filepath.Join(data, "none"))

	file := filepath.Join(t.TempDir(), "out.ndjson")
	command(t, 0, "audit", "export", "--data", data, "--format", "fhir", "--kind", "retrieve", file)
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), "\n") != 3 {
		t.Fatalf("%s, %v", text, err)
	}
	var resource struct{ ResourceType string }
	if err := json.Unmarshal(text[:strings.IndexByte(string(text), '\n')], &resource); err != nil || resource.ResourceType != "AuditEvent" {
		t.Errorf("%v, %v", resource, err)
	}
	command(t, 1, "audit", "export", "--data", data, file) // it is there

	path := filepath.Join(data, "audit", "log-000000000001.jsonl")
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(log), `"patient":"P2"`, `"patient":"P3"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if text := command(t, 1, "audit", "verify", "--data", data); !strings.Contains(text, "changed: line 2") || !strings.Contains(text, "NOT as it was written") {
		t.Error(text)
	}
	if text := command(t, 1, "audit", "verify", "--json", "--data", data); !strings.Contains(text, `"what": "changed"`) {
		t.Error(text)
	}
}

func TestDoctorLooksAtTheAudit(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	command(t, 0, "demo", "--data", data)
	for range 3 {
		command(t, 0, "key", "add", "--name", "k", "--role", "read", "--data", data)
		command(t, 0, "key", "revoke", "k", "--data", data)
	}
	command(t, 0, "doctor", "--data", data)
	path := filepath.Join(data, "audit", "log-000000000001.jsonl")
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(log), "\n")
	if err := os.WriteFile(path, []byte(strings.Join(slices.Delete(lines, 3, 4), "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if text := command(t, 1, "doctor", "--data", data); !strings.Contains(text, "audit log damaged: removed: line 4") {
		t.Error(text)
	}
}

func TestLoginsLeaveEvents(t *testing.T) {
	folder := t.TempDir()
	server, err := start(folder, "--data", folder)
	if err != nil {
		t.Fatal(err)
	}
	defer server.stop()
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"user", "add", "doe", "--role", "read", "--generate", "--data", folder}, &out, &errs); code != 0 {
		t.Fatal(errs.String())
	}
	password := strings.TrimSpace(out.String())
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string // kind, outcome, who
	}{
		{"POST", "/session", `{"name":"doe","password":"wrong"}`, 401, "login 4 doe"},
		{"GET", "/metrics", "", 401, "login 4 "},
		{"POST", "/session", fmt.Sprintf(`{"name":"doe","password":%q}`, password), 204, "login 0 doe"},
		{"GET", "/doctor", "", 403, "admin 4 doe"},
		{"GET", "/dicom-web/studies", "", 204, "query 0 doe"},
		{"GET", "/healthz", "", 200, ""},
		{"DELETE", "/session", "", 204, "logout 0 doe"},
	} {
		before, err := audit.Latest(folder, audit.Filter{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), c.method, server.url+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(r)
		if err != nil || answer.StatusCode != c.status {
			t.Fatalf("%s %s: %v, %v", c.method, c.path, answer, err)
		}
		answer.Body.Close()
		got := ""
		for e, err := range audit.Search(folder, audit.Filter{After: before[0].N}) {
			if err != nil {
				t.Fatal(err)
			}
			got = fmt.Sprintf("%s %d %s", e.Kind, e.Outcome, e.Who)
		}
		if got != c.want {
			t.Errorf("%s %s: the event is %q, want %q", c.method, c.path, got, c.want)
		}
	}
}

// A login at an identity provider that fails ends with a redirection, whose status says nothing of it.
func TestFailedLoginAtTheProviderIsNoSuccess(t *testing.T) {
	data := t.TempDir()
	trail, err := audit.Begin(data, "test", audit.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer trail.Close()
	for _, attempt := range []access.Attempt{{Kind: access.Token, Failed: true}, {Name: "doe", Kind: access.Token}} {
		h := recordPages(trail, &entrance{}, func(r *http.Request) string { return r.RemoteAddr }, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			access.NoteAttempt(r.Context(), attempt)
			http.Redirect(w, r, "/login.html", http.StatusSeeOther)
		}))
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/oidc/callback", nil))
	}
	latest, err := audit.Latest(data, audit.Filter{Kinds: []audit.Kind{audit.Login}}, 2)
	if err != nil || len(latest) != 2 || latest[0].Outcome != audit.Success || latest[0].Who != "doe" || latest[1].Outcome != audit.Minor {
		t.Errorf("%+v, %v", latest, err)
	}
}

// The audit log of a server that goes on is whole in a backup, seal and all.
func TestBackupTakesTheAuditWhole(t *testing.T) {
	data, dest, again := filepath.Join(t.TempDir(), "data"), t.TempDir(), filepath.Join(t.TempDir(), "again")
	command(t, 0, "demo", "--data", data)
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if err := audit.Append(data, audit.Event{Time: time.Now(), Kind: audit.Other}); err != nil {
				done <- err
				return
			}
		}
	}()
	command(t, 0, "backup", dest, "--data", data)
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	command(t, 0, "restore", dest, "--data", again)
	v, err := audit.Verify(again)
	if err != nil || len(v.Damages) > 0 || v.Last < 2 || v.Sealed == 0 {
		t.Errorf("%+v, %v", v, err)
	}
}
