package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/internal/audit"
	"github.com/noctis-dicom/noctis/internal/authn"
)

// TestPagesByPrincipal asks each page beside the DICOMweb services as each kind of principal: those for administrators tell nobody else
// anything, however their path is written, and say in the audit who has tried; the others are the same for everybody.
func TestPagesByPrincipal(t *testing.T) {
	h := newHouse(t, serveCommand{Access: accessFlags{RequireAuthentication: true}})
	for _, who := range [][2]string{{"", "admin"}, {"", "read"}, {"", "store"}, {"north", "admin"}} {
		h.key(who[0], who[1])
	}
	keys := authn.OpenKeys(accessFolder(h.data), nil)
	for _, who := range []string{"revoked", "expired"} {
		secret, err := keys.Add(who, authn.Grant{Roles: []string{"admin"}}, time.Now().Add(20*time.Millisecond))
		h.run(err)
		h.keys[who] = secret
	}
	_, err := keys.Revoke("revoked")
	h.run(err)
	for h.ask("GET", "/metrics", "expired", nil).Code == 200 { // it has in a moment
	}
	secret, err := keys.Add("narrow", authn.Grant{Roles: []string{"admin"}, Patients: []string{"P1"}}, time.Time{})
	h.run(err)
	h.keys["narrow"] = secret
	h.keys["unknown"] = "noctis_aaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaa"

	everybody := map[string]int{"": 401, "unknown": 401, "revoked": 401, "expired": 401, "read": 403, "store": 403, "narrow": 403, "north-admin": 404, "admin": 0}
	last := func() uint64 {
		found, err := h.archive.trail.Latest(audit.Filter{}, 1)
		h.run(err)
		return found[0].N
	}
	for _, path := range []string{"/metrics", "/doctor", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=1", "/debug/pprof/symbol"} {
		for who, want := range everybody {
			before := last()
			w := h.ask("GET", path, who, nil)
			if want != 0 && w.Code != want || want == 0 && w.Code >= 300 {
				t.Errorf("%s by %q: %d, want %d", path, who, w.Code, want)
			}
			if want != 0 && last() == before {
				t.Errorf("%s by %q: %d, and no event", path, who, w.Code)
			}
			if w := h.ask("POST", path, who, nil); w.Code < 400 {
				t.Errorf("POST %s by %q: %d", path, who, w.Code)
			}
		}
		for _, odd := range []string{"/", "%00", "%2f", ";x=1", "/../metrics", "%2e", "//"} {
			for _, who := range []string{"", "read", "north-admin"} {
				if w := h.ask("GET", filepath.Dir(path)+"x/.."+path+odd, who, nil); w.Code/100 == 2 {
					t.Errorf("%s%s by %q: %d", path, odd, who, w.Code)
				}
			}
		}
	}
	for _, path := range []string{"/", "/worklist.html", "/audit.html", "/js/api.js", "/nothing", "/healthz", "/readyz", "/link/abc.def", "/viewer"} {
		first := h.ask("GET", path, "", nil)
		for who := range everybody {
			if w := h.ask("GET", path, who, nil); w.Code != first.Code || w.Body.String() != first.Body.String() {
				t.Errorf("%s by %q: %d, for everybody else %d", path, who, w.Code, first.Code)
			}
		}
	}
}
