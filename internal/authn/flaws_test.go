package authn

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
)

// TestCheckFile: what the commands write has no flaw; each change that would let in nobody, or others, is one, and so is a file that cannot be read.
func TestCheckFile(t *testing.T) {
	folder := t.TempDir()
	grant := Grant{Roles: []string{"read"}, Tenant: "north", Patients: []string{"P1"}}
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	keys := OpenKeys(folder, nil)
	for _, name := range []string{"one", "two", "gone"} {
		_, err := keys.Add(name, grant, time.Time{})
		try(err)
	}
	_, err := keys.Revoke("gone")
	try(err)
	try(OpenUsers(folder, nil).Add("doe", "correct horse battery", Grant{Roles: []string{"admin"}}))
	try(OpenCertificates(folder, nil).Add("ct", "dns:ct1.example.org", grant, time.Time{}))
	links := OpenLinks(folder, nil)
	_, _, err = links.Add(access.Principal{Kind: access.User, Name: "doe"}, Target{Study: "1.2.3", Path: "/studies/1.2.3", Whole: true}, time.Now().Add(time.Hour))
	try(err)
	check := func(name string, change func(string) string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(folder, name))
		try(err)
		changed := change(string(text))
		if changed == string(text) && change("x") != "x" {
			t.Fatalf("%s has nothing to be changed: %s", name, text)
		}
		flaws, err := CheckFile(name, []byte(changed), func(tenant string) bool { return tenant == "north" })
		if err != nil {
			return "unreadable"
		}
		return fmt.Sprint(len(flaws), " ", strings.Join(flaws, "\n"))
	}
	same := func(s string) string { return s }
	for _, name := range []string{"keys.json", "users.json", "certificates.json", "links.json", "link.key"} {
		if said := check(name, same); said != "0 " {
			t.Errorf("%s as it was written: %s", name, said)
		}
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"keys.json", `"read"`, `"raed"`, `2 record 1 (one): role "raed"`},
		{"keys.json", `"north"`, `"nowhere"`, `2 record 1 (one): there is no tenant "nowhere"`},
		{"keys.json", `"P1"`, `" "`, "2 record 1 (one): a limit needs a value"},
		{"keys.json", `"sha256": "`, `"sha256": "x`, "2 record 1 (one): its SHA-256 is none"},
		{"keys.json", `"name": "two"`, `"name": "a b"`, `1 record 2 (a b): "a b" is no name`},
		{"keys.json", `[`, `{`, "unreadable"},
		{"keys.json", `"roles": [`, `"roles": 7, "x": [`, "unreadable"},
		{"users.json", "$argon2id$", "$md5$", "1 record 1 (doe): this is no argon2id hash"},
		{"users.json", `"admin"`, ``, "1 record 1 (doe): without a role"},
		{"certificates.json", "dns:", "host:", `1 record 1 (ct): "host:ct1.example.org"`},
		{"certificates.json", "dns:ct1", "dns:CT1", "1 record 1 (ct): no certificate has"},
		{"links.json", "/studies/1.2.3", "/studies/1.2.4", "1 record 1"},
		{"links.json", `"study": "1.2.3"`, `"study": "x"`, "1 record 1"},
		{"link.key", "", "more", "unreadable"},
	} {
		if said := check(c.name, func(s string) string {
			if c.old == "" {
				return s + c.new
			}
			return strings.ReplaceAll(s, c.old, c.new)
		}); !strings.HasPrefix(said, c.want) {
			t.Errorf("%s with %s: %q, want %q", c.name, c.new, said, c.want)
		}
	}
	if said := check("keys.json", func(s string) string {
		records := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(s), "["), "]")
		return "[" + records + "," + records + "]"
	}); !strings.HasPrefix(said, "3 record 4 (one): another record is found by the same name") {
		t.Errorf("each key twice: %s", said)
	}
	for text, want := range map[string]bool{`[{"sha256": "77"}]`: true, `[]`: false} {
		if flaws, err := CheckFile("sessions.json", []byte(text), nil); err != nil || (len(flaws) > 0) != want {
			t.Errorf("%s: %v, %v", text, flaws, err)
		}
	}
}
