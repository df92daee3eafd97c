package main

import (
	"bytes"
	"cmp"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/internal/audit"
	"github.com/noctis-dicom/noctis/internal/authn"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
)

// house is a server with tenants, and keys of some who may enter them.
type house struct {
	t       *testing.T
	data    string
	archive *archive
	handler http.Handler
	keys    map[string]string // secrets by name
	out     bytes.Buffer
}

// newHouse makes a server with the tenants north and south. Keys are named after their tenant ("" is the server) and role.
func newHouse(t *testing.T, c serveCommand) *house {
	t.Helper()
	h := &house{t: t, data: t.TempDir(), keys: map[string]string{}}
	c.Data, c.StallTimeout, c.Limits.MaxWait = h.data, time.Minute, cmp.Or(c.Limits.MaxWait, time.Minute)
	c.Retention = retentionFlags{Settle: time.Minute, ChangeRetention: time.Hour, RecycleRetention: time.Hour}
	h.run(tenantAddCommand{Name: "north", accessData: accessData{h.data}}.Run(t.Context(), terminal{&h.out, &h.out}))
	h.run(tenantAddCommand{Name: "south", accessData: accessData{h.data}}.Run(t.Context(), terminal{&h.out, &h.out}))
	a, err := openArchive(t.Context(), h.data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	h.archive = a
	a.trail, err = audit.Begin(h.data, "test", audit.Options{Log: slog.New(slog.DiscardHandler)})
	h.run(err)
	t.Cleanup(func() { a.trail.Close() })
	a.webhooks, err = webhookFlags{}.sender(t.Context(), a, "", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	h.run(err)
	if h.handler, err = c.handler(a, c.Access.open(h.data), &readiness{archive: a}, slog.New(slog.DiscardHandler), prometheus.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.tenants.Close)
	a.tenants.look(t.Context())
	return h
}

func (h *house) run(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) key(tenant, role string) {
	h.t.Helper()
	folder := accessFolder(h.data)
	secret, err := authn.OpenKeys(folder, authn.OpenUses(folder)).Add(strings.Trim(tenant+"-"+role, "-"), authn.Grant{Roles: []string{role}, Tenant: tenant}, time.Time{})
	h.run(err)
	h.keys[strings.Trim(tenant+"-"+role, "-")] = secret
}

func (h *house) ask(method, path, who string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, bytes.NewReader(body))
	r.Header.Set("X-Request-Id", "same")
	if body != nil {
		r.Header.Set("Content-Type", "application/dicom")
	}
	if who != "" {
		r.Header.Set("X-Api-Key", h.keys[who])
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w
}

// Each kind of principal at each archive: what is his, what is not, and no difference between what is not his and what is not there.
func TestTenantsKnowTheirOwn(t *testing.T) {
	h := newHouse(t, serveCommand{Access: accessFlags{RequireAuthentication: true}})
	for _, tenant := range []string{"", "north", "south"} {
		for _, role := range []string{"read", "store", "admin"} {
			h.key(tenant, role)
		}
	}
	file := dicomtest.Image{Rows: 2, Columns: 2}.File()
	for _, at := range []string{"", "/t/north"} {
		who := strings.TrimPrefix(at+"-store", "/t/")
		if w := h.ask("POST", at+"/dicom-web/studies", strings.Trim(who, "-"), file); w.Code != 200 {
			t.Fatalf("%s: %d %s", at, w.Code, w.Body)
		}
	}
	study := "/dicom-web" + dicomtest.Image{Rows: 2, Columns: 2}.Instance().DataSet.Ref().Path()
	for _, c := range []struct {
		who                        string
		server, north, south, none int
	}{
		{"", 401, 401, 401, 401},
		{"wrong", 401, 401, 401, 401},
		{"read", 200, 404, 404, 404},
		{"store", 403, 404, 404, 404},
		{"admin", 200, 200, 204, 404},
		{"north-read", 404, 200, 404, 404},
		{"north-store", 404, 403, 404, 404},
		{"north-admin", 404, 200, 404, 404},
		{"south-read", 404, 404, 204, 404},
		{"south-admin", 404, 404, 204, 404},
	} {
		if c.who == "wrong" {
			h.keys["wrong"] = "noctis_abc_def"
		}
		for at, want := range map[string]int{"": c.server, "/t/north": c.north, "/t/south": c.south, "/t/none": c.none} {
			w := h.ask("GET", at+"/dicom-web/studies", c.who, nil)
			if w.Code != want {
				t.Errorf("%q at %q: %d, want %d", c.who, at, w.Code, want)
			}
			for _, path := range []string{"/dicom-web/studies", study, study + "/rendered", "/dicom-web/changes", "/wado?requestType=WADO", "/dicom-web/none", "/dicom-web//studies/", "/dicom-web/recycle-bin",
				"/dicom-web/workitems", "/dicom-web/modality-scheduled-procedure-steps", "/dicom-web/commitment-requests/1.2", "/dicom-web/webhooks", "/dicom-web"} {
				for _, method := range []string{"GET", "HEAD", "POST", "DELETE", "PUT", "OPTIONS"} {
					if want != 404 && want != 401 {
						continue
					}
					got, none := h.ask(method, at+path, c.who, nil), h.ask(method, "/t/none"+path, c.who, nil)
					if got.Code != none.Code || got.Body.String() != none.Body.String() || want == 404 && got.Code != 404 {
						t.Errorf("%s %s of %q at %q: %d %s, and where there is nothing %d %s", method, path, c.who, at, got.Code, got.Body, none.Code, none.Body)
					}
				}
			}
		}
	}
}

// What an answer says of addresses has the tenant in it, and the pages are where they should be.
func TestTenantsHaveAddressesOfTheirOwn(t *testing.T) {
	h := newHouse(t, serveCommand{PublicURL: "https://pacs.example/noctis"})
	image := dicomtest.Image{Rows: 2, Columns: 2}
	const root = "https://pacs.example/noctis/t/north/dicom-web"
	w := h.ask("POST", "/t/north/dicom-web/studies", "", image.File())
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Location"), root+"/studies/") {
		t.Fatalf("%d, Location %q: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	path := image.Instance().DataSet.Ref().Path()
	for _, c := range []struct{ path, want string }{
		{"/t/north/dicom-web/studies", root + "/studies/"},
		{"/t/north/dicom-web" + path + "/metadata", root + path + "/bulkdata/"},
		{"/t/north/", "<title>"},
		{"/t/north/worklist.html", "<title>"},
		{"/t/north/viewer/app-config.js", "window.config"},
		{"/t/none/", "<title>"}, // the pages tell nothing, not even whether there is a tenant
	} {
		if w := h.ask("GET", c.path, "", nil); w.Code != 200 || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d, without %q", c.path, w.Code, c.want)
		}
	}
	for _, path := range []string{"/dicom-web/studies", "/t/south/dicom-web/studies"} {
		if w := h.ask("GET", path, "", nil); w.Code != 204 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	for path, want := range map[string]string{"/t/north": "north/", "/t/north/viewer": "viewer/"} {
		if w := h.ask("GET", path, "", nil); w.Code/100 != 3 || w.Header().Get("Location") != want {
			t.Errorf("%s: %d to %q", path, w.Code, w.Header().Get("Location"))
		}
	}
	for _, path := range []string{"/t/", "/t//dicom-web/studies", "/t/North/dicom-web/studies", "/t/no%72th/dicom-web/studies", "/t/north%2Fdicom-web/studies",
		"/t/../north/dicom-web/studies", "/t/north/../south/dicom-web/studies", "/t/" + strings.Repeat("n", 64) + "/dicom-web/studies"} {
		if w := h.ask("GET", path, "", nil); w.Code/100 == 2 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// Pages are recorded wherever they are: logins, what only administrators see, and that somebody was elsewhere.
func TestPagesOfTenantsAreRecorded(t *testing.T) {
	h := newHouse(t, serveCommand{Access: accessFlags{RequireAuthentication: true}})
	for _, tenant := range []string{"", "north", "south"} {
		h.key(tenant, "admin")
	}
	for _, c := range []struct {
		method, path, who string
		status            int
		want              string // who, as what and for what
	}{
		{"POST", "/t/north/session", "", 401, "doe login"},
		{"GET", "/t/north/doctor", "north-admin", 204, "north-admin admin"}, // it was never examined
		{"GET", "/t/north/doctor", "south-admin", 404, "south-admin admin"},
		{"GET", "/doctor", "north-admin", 404, "north-admin admin"},
		{"GET", "/metrics", "north-admin", 404, "north-admin admin"},
		{"GET", "/metrics", "admin", 200, ""},
		{"GET", "/debug/pprof/cmdline", "admin", 200, "admin admin"},
		{"GET", "/debug/pprof/cmdline", "", 401, " login"},
		{"GET", "/t/north/dicom-web/studies", "south-admin", 404, "south-admin other"},
	} {
		last, err := h.archive.trail.Latest(audit.Filter{}, 1)
		h.run(err)
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(`{"name": "doe", "password": "wrong"}`))
		r.Header.Set("Content-Type", "application/json")
		if c.who != "" {
			r.Header.Set("X-Api-Key", h.keys[c.who])
		}
		w := httptest.NewRecorder()
		h.handler.ServeHTTP(w, r)
		found, err := h.archive.trail.Latest(audit.Filter{After: last[0].N}, 10)
		h.run(err)
		got := ""
		for _, e := range found {
			got += e.Who + " " + string(e.Kind)
		}
		if w.Code != c.status || got != c.want {
			t.Errorf("%s %s by %q: %d, want %d; recorded is %q, want %q", c.method, c.path, c.who, w.Code, c.status, got, c.want)
		}
	}
}

// Tenants come, change and go while the server runs.
func TestTenantsComeAndGo(t *testing.T) {
	h := newHouse(t, serveCommand{})
	look := func() { h.archive.tenants.look(t.Context()) }
	first, second := dicomtest.Image{Rows: 2, Columns: 2}.File(), dicomtest.Image{Rows: 2, Columns: 3, Name: "second"}.File()
	h.run(tenantAddCommand{Name: "west", quotaFlags: quotaFlags{MaxInstances: 1}, accessData: accessData{h.data}}.Run(t.Context(), terminal{&h.out, &h.out}))
	if w := h.ask("GET", "/t/west/dicom-web/studies", "", nil); w.Code != 404 {
		t.Errorf("before it has looked: %d", w.Code)
	}
	look()
	for i, c := range []struct {
		file []byte
		want int
	}{{first, 200}, {second, 507}, {first, 200}} {
		if w := h.ask("POST", "/t/west/dicom-web/studies", "", c.file); w.Code != c.want {
			t.Errorf("upload %d: %d %s", i, w.Code, w.Body)
		}
	}
	h.run(tenantQuotaCommand{Name: "west", accessData: accessData{h.data}}.Run(terminal{&h.out, &h.out}))
	look()
	if w := h.ask("POST", "/t/west/dicom-web/studies", "", second); w.Code != 200 {
		t.Errorf("without a quota: %d", w.Code)
	}
	if w := h.ask("GET", "/metrics", "", nil); !strings.Contains(w.Body.String(), `noctis_stored_instances_total{tenant="west"} 2`) ||
		!strings.Contains(w.Body.String(), "noctis_stored_instances_total 0") || !strings.Contains(w.Body.String(), `noctis_held_instances{tenant="west"} 2`) {
		t.Errorf("metrics: %s", w.Body)
	}
	h.out.Reset()
	h.run(tenantListCommand{accessData: accessData{h.data}}.Run(t.Context(), terminal{&h.out, &h.out}))
	if text := h.out.String(); !strings.Contains(text, "west") || !strings.Contains(text, "north") || strings.Count(text, "no quota") != 3 {
		t.Errorf("list: %s", text)
	}

	removed := make(chan error)
	go func() {
		removed <- tenantRemoveCommand{Name: "west", Wait: time.Minute, accessData: accessData{h.data}}.Run(t.Context(), terminal{&h.out, &h.out})
	}()
	for served := true; served; {
		look()
		served = h.ask("GET", "/t/west/dicom-web/studies", "", nil).Code != 404
	}
	h.run(<-removed)
	if _, err := os.Stat(tenantFolder(h.data, "west")); err == nil || !strings.Contains(h.out.String(), "set-aside") {
		t.Errorf("the folder is still there: %s", h.out.String())
	}
	for _, name := range []string{"west", "../x", "UP", ""} {
		if err := (tenantRemoveCommand{Name: name, accessData: accessData{h.data}}).Run(t.Context(), terminal{&h.out, &h.out}); err == nil {
			t.Errorf("%q could be removed", name)
		}
	}
}

// An archive that cannot be opened is closed, to its own people in words that are true, and the others go on.
func TestTenantThatCannotBeOpened(t *testing.T) {
	h := newHouse(t, serveCommand{Access: accessFlags{RequireAuthentication: true}})
	h.key("west", "read")
	h.key("north", "read")
	h.run(tenantAddCommand{Name: "west", accessData: accessData{h.data}}.Run(t.Context(), terminal{&h.out, &h.out}))
	h.run(os.WriteFile(indexFile(tenantFolder(h.data, "west")), []byte("no database, whatever its name says"), 0o600))
	h.archive.tenants.look(t.Context())
	for who, want := range map[string]int{"west-read": 503, "north-read": 404, "": 401} {
		if w := h.ask("GET", "/t/west/dicom-web/studies", who, nil); w.Code != want {
			t.Errorf("%q: %d, want %d: %s", who, w.Code, want, w.Body)
		}
	}
	if w := h.ask("GET", "/t/north/dicom-web/studies", "north-read", nil); w.Code != 204 {
		t.Errorf("another tenant: %d %s", w.Code, w.Body)
	}
}
