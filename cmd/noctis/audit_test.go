package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

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
