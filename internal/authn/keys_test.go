package authn

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
)

// bearing is a request with header fields as pairs.
func bearing(fields ...string) *http.Request {
	r := httptest.NewRequest("GET", "/dicom-web/studies", nil)
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	return r
}

func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

func testKeys(t *testing.T) (*Keys, string) {
	folder := filepath.Join(t.TempDir(), "access")
	return OpenKeys(folder, OpenUses(folder)), folder
}

func mustAdd(t *testing.T, k *Keys, name string, g Grant) string {
	t.Helper()
	secret, err := k.Add(name, g, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestKeysAreBorneInThreeWays(t *testing.T) {
	keys, folder := testKeys(t)
	ct := mustAdd(t, keys, "CT1", Grant{Roles: []string{"store"}, Facilities: []string{"North, clinic"}, Tenant: "north"})
	other := mustAdd(t, keys, "MR1", Grant{Roles: []string{"read", "store"}})
	forged := ct[:len(ct)-1] + string('a'+(ct[len(ct)-1]-'a'+1)%26)
	m := New(false, OpenKeys(folder, OpenUses(folder)))
	for _, c := range []struct {
		name   string
		fields []string
		want   string // name of the principal; "" for a refusal
	}{
		{"bearer", []string{"Authorization", "Bearer " + ct}, "CT1"},
		{"bearer in small letters", []string{"Authorization", "bearer  " + ct}, "CT1"},
		{"field of its own", []string{"X-Api-Key", other}, "MR1"},
		{"basic", []string{"Authorization", basic("CT1", ct)}, "CT1"},
		{"basic with another's name", []string{"Authorization", basic("MR1", ct)}, ""},
		{"forged", []string{"Authorization", "Bearer " + forged}, ""},
		{"id alone", []string{"X-Api-Key", ct[:strings.LastIndex(ct, "_")+1]}, ""},
		{"id of nobody", []string{"X-Api-Key", "noctis_aaaaaaaaaaaa_" + strings.Repeat("a", 26)}, ""},
		{"no key at all", []string{"X-Api-Key", "secret"}, ""},
		{"endless", []string{"X-Api-Key", ct + strings.Repeat("a", 5000)}, ""},
		{"token of a kind that is not known", []string{"Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."}, ""},
		{"scheme that is not known", []string{"Authorization", "Negotiate abc"}, ""},
	} {
		p, err := m.Authenticate(bearing(c.fields...))
		if c.want == "" {
			if !errors.Is(err, access.ErrUnauthenticated) || p.Known() || p.Roles != 0 {
				t.Errorf("%s: %+v, %v", c.name, p, err)
			}
			continue
		}
		if err != nil || p.Name != c.want || p.Kind != access.Key {
			t.Errorf("%s: %+v, %v", c.name, p, err)
		}
	}
	p, _ := m.Authenticate(bearing("X-Api-Key", ct))
	if p.Roles != access.RolesOf(access.Store) || p.Tenant != "north" || len(p.Scope.Facilities) != 1 || p.Scope.Facilities[0] != "North, clinic" {
		t.Errorf("got %+v", p)
	}
	if p, err := m.Authenticate(bearing()); err != nil || p.Known() || p.Roles != 0 {
		t.Errorf("without a key: %+v, %v", p, err)
	}
}

func TestKeysEnd(t *testing.T) {
	keys, _ := testKeys(t)
	m := New(false, keys)
	now := time.Now()
	keys.now = func() time.Time { return now }
	secret, err := keys.Add("script", Grant{Roles: []string{"read"}}, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Add("script", Grant{Roles: []string{"read"}}, time.Time{}); err == nil {
		t.Error("two valid keys of one name")
	}
	if _, err := m.Authenticate(bearing("X-Api-Key", secret)); err != nil {
		t.Error(err)
	}
	now = now.Add(time.Hour)
	if _, err := m.Authenticate(bearing("X-Api-Key", secret)); !errors.Is(err, access.ErrUnauthenticated) || !strings.Contains(err.Error(), "expired") {
		t.Errorf("after its end: %v", err)
	}
	again := mustAdd(t, keys, "script", Grant{Roles: []string{"read"}})
	if _, err := keys.Revoke("script"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Authenticate(bearing("X-Api-Key", again)); !errors.Is(err, access.ErrUnauthenticated) || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("revoked: %v", err)
	}
	if _, err := keys.Revoke("script"); err == nil {
		t.Error("revoked twice")
	}
	// Nobody has a valid key, and still not everybody may come in.
	if p, err := m.Authenticate(bearing()); err != nil || p.Roles != 0 {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestFirstKeyTurnsAuthenticationOn(t *testing.T) {
	keys, folder := testKeys(t)
	server := New(false, OpenKeys(folder, OpenUses(folder))) // another process
	if p, err := server.Authenticate(bearing("Authorization", "Bearer of a proxy")); err != nil || !p.Roles.Has(access.Admin) {
		t.Errorf("before there is a key: %+v, %v", p, err)
	}
	mustAdd(t, keys, "first", Grant{Roles: []string{"admin"}})
	if p, err := server.Authenticate(bearing()); err != nil || p.Roles != 0 {
		t.Errorf("with a key: %+v, %v", p, err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if p, err := server.Authenticate(bearing()); err != nil || p.Roles != 0 {
		t.Errorf("the folder was lost: %+v, %v", p, err)
	}
	if p, err := New(true, OpenKeys(folder, OpenUses(folder))).Authenticate(bearing()); err != nil || p.Roles != 0 {
		t.Errorf("authentication is required: %+v, %v", p, err)
	}
}

func TestDamagedLedgerLetsNobodyIn(t *testing.T) {
	keys, folder := testKeys(t)
	secret := mustAdd(t, keys, "first", Grant{Roles: []string{"admin"}})
	if err := os.WriteFile(filepath.Join(folder, "keys.json"), []byte("[{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*http.Request{bearing(), bearing("X-Api-Key", secret)} {
		if p, err := New(false, keys).Authenticate(r); err == nil || errors.Is(err, access.ErrUnauthenticated) || p.Roles != 0 {
			t.Errorf("got %+v, %v", p, err)
		}
	}
	if _, err := keys.Add("second", Grant{Roles: []string{"read"}}, time.Time{}); err == nil {
		t.Error("a damaged ledger was overwritten")
	}
}

func TestKeysAreMadeAtTheSameTime(t *testing.T) {
	_, folder := testKeys(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			keys := OpenKeys(folder, nil) // each as a process of its own
			if _, err := keys.Add("key"+string('0'+rune(i)), Grant{Roles: []string{"read"}}, time.Time{}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if list, err := OpenKeys(folder, OpenUses(folder)).List(); err != nil || len(list) != 8 {
		t.Errorf("%d of 8 keys, %v", len(list), err)
	}
}

func TestWhatNoKeyMayBe(t *testing.T) {
	keys, _ := testKeys(t)
	read := []string{"read"}
	for _, c := range []struct {
		name    string
		grant   Grant
		expires time.Time
	}{
		{"", Grant{Roles: read}, time.Time{}},
		{"a b", Grant{Roles: read}, time.Time{}},
		{"a:b", Grant{Roles: read}, time.Time{}},
		{strings.Repeat("a", 65), Grant{Roles: read}, time.Time{}},
		{"a", Grant{}, time.Time{}},
		{"a", Grant{Roles: []string{"root"}}, time.Time{}},
		{"a", Grant{Roles: read, Patients: []string{" "}}, time.Time{}},
		{"a", Grant{Roles: read, Studies: []dicom.UID{"abc"}}, time.Time{}},
		{"a", Grant{Roles: read}, time.Now().Add(-time.Hour)},
	} {
		if _, err := keys.Add(c.name, c.grant, c.expires); err == nil {
			t.Errorf("%q %+v %v was made", c.name, c.grant, c.expires)
		}
	}
	if begun, _ := keys.Begun(); begun {
		t.Error("a refused key turned authentication on")
	}
}

func TestUsesAreKept(t *testing.T) {
	keys, folder := testKeys(t)
	secret := mustAdd(t, keys, "script", Grant{Roles: []string{"read"}})
	watched := bearing("X-Api-Key", secret)
	if _, _, err := keys.Authenticate(watched.WithContext(access.Watch(watched.Context()))); err != nil {
		t.Fatal(err)
	}
	if list, _ := keys.List(); !list[0].Used.IsZero() {
		t.Error("a request that is watched uses its key")
	}
	if _, _, err := keys.Authenticate(watched); err != nil {
		t.Fatal(err)
	}
	keys.uses.flush(nil)
	list, err := OpenKeys(folder, OpenUses(folder)).List()
	if err != nil || len(list) != 1 || time.Since(list[0].Used) > time.Hour {
		t.Errorf("got %+v, %v", list, err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "keys.json"))
	if err != nil || strings.Contains(string(text), secret[len(keyPrefix)+13:]) {
		t.Errorf("the ledger has the key itself: %v", err)
	}
}
