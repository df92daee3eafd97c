package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/noctis-dicom/noctis/dicomweb"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store"
)

// A tenant is an archive of its own: a data folder within the server's, in which a file says that it is there and what it may hold
// (docs/adr/0027-a-tenant-is-an-archive.md).
func tenantsFolder(data string) string      { return filepath.Join(data, "tenants") }
func tenantFolder(data, name string) string { return filepath.Join(tenantsFolder(data), name) }

const tenantFile = "tenant.json"

// tenantSettings is that file.
type tenantSettings struct {
	Created time.Time   `json:"created"`
	Quota   store.Quota `json:"quota"`
}

var tenantName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

func checkTenantName(name string) error {
	if !tenantName.MatchString(name) {
		return fmt.Errorf("%q is no name of a tenant: up to 63 lower case letters, digits and hyphens", name)
	}
	return nil
}

// tenantsOf are the names of the tenants of a data folder.
func tenantsOf(data string) (names []string, err error) {
	entries, err := os.ReadDir(tenantsFolder(data))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if _, missing := os.Stat(filepath.Join(tenantFolder(data, e.Name()), tenantFile)); missing == nil && tenantName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func readTenant(data, name string) (s tenantSettings, err error) {
	text, err := os.ReadFile(filepath.Join(tenantFolder(data, name), tenantFile))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("tenant %s: %w", name, err)
	}
	return s, nil
}

// quotaOf is the quota of an archive; that of the server itself has none.
func quotaOf(archive string) (store.Quota, error) {
	if filepath.Base(filepath.Dir(archive)) != "tenants" {
		return store.Quota{}, nil
	}
	s, err := readTenant(filepath.Dir(filepath.Dir(archive)), filepath.Base(archive))
	return s.Quota, err
}

func writeTenant(data, name string, s tenantSettings) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(tenantFolder(data, name), tenantFile), text)
}

// tenants are those of a server, below /t/NAME/. They come and go while it runs: it looks every second which there are.
type tenants struct {
	data  string
	open  func(ctx context.Context, name string) (*tenant, error)
	own   http.Handler // the services of the server's own archive
	pages http.Handler // the same for all, and also where there is no tenant
	log   *slog.Logger

	mu      sync.RWMutex
	of      map[string]*tenant
	failing map[string]string // why an archive that is there could not be opened
}

// tenant is one whose archive is open.
type tenant struct {
	handler  http.Handler
	archive  *archive
	settings tenantSettings
	metrics  prometheus.Gatherer
	end      func()         // of streams
	stop     func()         // of what is done beside requests
	requests sync.WaitGroup // in flight
}

// lookEvery is how often the server looks which tenants there are.
const lookEvery = time.Second

// run looks for tenants until ctx ends.
func (ts *tenants) run(ctx context.Context) {
	for wait(ctx, lookEvery) == nil {
		ts.look(ctx)
	}
}

// look opens the archives of new tenants, lets go of those that have gone, and takes over changed quotas.
func (ts *tenants) look(ctx context.Context) {
	names, err := tenantsOf(ts.data)
	if err != nil {
		ts.log.Error("which tenants there are cannot be read", "error", err)
		return
	}
	there := map[string]bool{}
	for _, name := range names {
		there[name] = true
		if err := ts.update(ctx, name); err != nil {
			ts.complain(name, err)
		}
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for name, t := range ts.of {
		if !there[name] {
			delete(ts.of, name)
			go ts.close(name, t) // as soon as its last request has been answered
		}
	}
	for name := range ts.failing {
		if !there[name] {
			delete(ts.failing, name)
		}
	}
}

// update opens the archive of a tenant, or takes over what has changed.
func (ts *tenants) update(ctx context.Context, name string) error {
	settings, err := readTenant(ts.data, name)
	if err != nil {
		return err
	}
	ts.mu.RLock()
	t := ts.of[name]
	ts.mu.RUnlock()
	if t == nil {
		if t, err = ts.open(ctx, name); err != nil {
			return err
		}
		t.archive.SetQuota(settings.Quota)
		t.settings = settings
		ts.mu.Lock()
		defer ts.mu.Unlock()
		ts.of[name] = t
		delete(ts.failing, name)
		return nil
	}
	if t.settings != settings {
		t.settings = settings
		t.archive.SetQuota(settings.Quota)
	}
	return nil
}

// complain says once why an archive is not open.
func (ts *tenants) complain(name string, err error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.of[name] == nil && ts.failing[name] != err.Error() {
		ts.failing[name] = err.Error()
		ts.log.Error("the archive of a tenant cannot be opened", "tenant", name, "error", err)
	}
}

func (ts *tenants) close(name string, t *tenant) {
	t.end()
	t.requests.Wait()
	t.stop()
	if err := t.archive.Close(); err != nil {
		ts.log.Error("the archive of a tenant was not closed well", "tenant", name, "error", err)
	}
}

// endStreams ends the answers that would never end by themselves.
func (ts *tenants) endStreams() {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	for _, t := range ts.of {
		t.end()
	}
}

// Close lets go of all, at the end.
func (ts *tenants) Close() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for name, t := range ts.of {
		ts.close(name, t)
	}
	clear(ts.of)
}

// Gather returns the metrics of all tenants.
func (ts *tenants) Gather() ([]*dto.MetricFamily, error) {
	var all prometheus.Gatherers
	ts.mu.RLock()
	for _, t := range ts.of {
		all = append(all, t.metrics)
	}
	ts.mu.RUnlock()
	return all.Gather()
}

// ServeHTTP answers below /t/NAME/ as the server itself does below its root. The pages tell nothing, and are there for any name.
func (ts *tenants) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, below, ok := belowTenant(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	if !isService(below.URL.Path) {
		if below.URL.Path == "" { // relative, as the path that the browser sees may have more before it
			w.Header().Set("Location", name+"/")
			w.WriteHeader(http.StatusPermanentRedirect)
			return
		}
		ts.pages.ServeHTTP(w, below)
		return
	}
	t, entrance := ts.enter(name)
	if t == nil {
		ts.own.ServeHTTP(w, below.WithContext(context.WithValue(below.Context(), doorKey{}, entrance)))
		return
	}
	defer t.requests.Done()
	t.handler.ServeHTTP(w, below)
}

// enter returns an open archive, whose requests one more is then, or the entrance to one that is not.
func (ts *tenants) enter(name string) (*tenant, access.Entrance) {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	if t := ts.of[name]; t != nil {
		t.requests.Add(1)
		return t, access.Entrance{}
	}
	closed := access.Entrance{Tenant: name, Closed: access.ErrElsewhere}
	if ts.failing[name] != "" {
		closed.Closed = access.ErrUnavailable
	}
	return nil, closed
}

// isService reports whether a path is that of a DICOMweb service.
func isService(path string) bool {
	p := strings.TrimLeft(path, "/")
	return strings.HasPrefix(p+"/", dicomweb.BasePath[1:]+"/") || p == "wado"
}

type tenantKey struct{}

// tenantOf is the tenant whose archive a request asks for; "" for that of the server itself.
func tenantOf(r *http.Request) string {
	name, _ := r.Context().Value(tenantKey{}).(string)
	return name
}

// tenantPrefix is the path before what a request asks a tenant for, "/t/NAME"; "" for the server itself.
func tenantPrefix(r *http.Request) string {
	if name := tenantOf(r); name != "" {
		return "/t/" + name
	}
	return ""
}

// belowTenant takes /t/NAME off the path of a request.
func belowTenant(r *http.Request) (name string, below *http.Request, ok bool) {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/t/")
	if !ok {
		return "", nil, false
	}
	name, rest, slash := strings.Cut(rest, "/")
	if slash {
		rest = "/" + rest
	}
	path, err := url.PathUnescape(rest)
	if err != nil || !tenantName.MatchString(name) {
		return "", nil, false
	}
	u := *r.URL
	u.Path, u.RawPath = path, rest
	below = r.WithContext(context.WithValue(r.Context(), tenantKey{}, name))
	below.URL = &u
	return name, below, true
}
