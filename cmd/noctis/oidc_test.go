package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/internal/access"
)

func TestSettingsOfAProvider(t *testing.T) {
	patients := filepath.Join(t.TempDir(), "patients.json")
	if err := os.WriteFile(patients, []byte(`{"a1":["4711"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		flags oidcFlags
		want  string // in the error; "" for none
	}{
		{"none", oidcFlags{}, ""},
		{"an API", oidcFlags{Issuer: "https://id.example", Audience: []string{"noctis"}, FHIRPatients: patients}, ""},
		{"a page", oidcFlags{Issuer: "https://id.example", ClientID: "noctis"}, ""},
		{"on this machine", oidcFlags{Issuer: "http://127.0.0.1:9000/", ClientID: "noctis"}, ""},
		{"in plain text", oidcFlags{Issuer: "http://id.example", ClientID: "noctis"}, "https"},
		{"for whom?", oidcFlags{Issuer: "https://id.example"}, "--oidc-audience"},
		{"of whom?", oidcFlags{ClientID: "noctis"}, "--oidc-issuer"},
		{"no address", oidcFlags{Issuer: "id.example", ClientID: "noctis"}, "address"},
		{"no role", oidcFlags{Issuer: "https://id.example", ClientID: "noctis", Roles: map[string]string{"a": "root"}}, "the roles are"},
		{"no file", oidcFlags{Issuer: "https://id.example", ClientID: "noctis", FHIRPatients: "nowhere"}, "nowhere"},
	} {
		_, err := c.flags.open(false)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := (oidcFlags{Issuer: "http://id.example", ClientID: "noctis"}).open(true); err != nil {
		t.Errorf("in plain text, said so: %v", err)
	}
	m, err := oidcFlags{RolesClaim: "groups", Roles: map[string]string{"radiologists": "read,worklist"}, FHIRPatients: patients}.claims()
	if err != nil || m.RoleNames["radiologists"] != access.RolesOf(access.Read, access.Worklist) || m.FHIRPatients["a1"][0] != "4711" || m.Subject != "sub" {
		t.Errorf("%+v, %v", m, err)
	}
}

// Maps of a YAML file are those of the command line.
func TestMapsInTheConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "noctis.yaml")
	if err := os.WriteFile(file, []byte("oidc-issuer: https://id.example\noidc-client-id: noctis\noidc-roles: {radiologists: \"read,worklist\", pacs: admin, other: root}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	if code := run(t.Context(), []string{"serve", "--config", file, "--listen", "127.0.0.1:0", "--data", t.TempDir()}, t.Output(), &errs); code != 1 || !strings.Contains(errs.String(), `--oidc-roles other: role "root"`) {
		t.Errorf("exit code %d, %s", code, &errs)
	}
}
