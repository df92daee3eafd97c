package main

import (
	"cmp"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof" // #nosec G108 -- for administrators only; http.DefaultServeMux is not served
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/authn"
	"github.com/noctis-dicom/noctis/web"
)

// page is an address beside the DICOMweb services.
type page struct {
	pattern string      // of http.ServeMux
	role    access.Role // that it asks for
	handler http.Handler
}

// pages are all of them. What the page and the viewer show they ask the DICOMweb services for; in themselves they tell nothing.
func (c serveCommand) pages(e *entrance, ready *readiness, log *slog.Logger, metrics prometheus.Gatherer, ts *tenants) http.Handler {
	ohif := web.Viewer(c.viewerFolder(), c.OIDC.viewerLogin(e))
	if c.OIDC.ViewerClientID == "" {
		ohif = e.loginFirst(ohif)
	}
	login := authn.NewLogin(e.Methods, e.sessions, e.provider, log)
	mux, ofTenants := http.NewServeMux(), http.NewServeMux()
	table := []page{
		{"/", access.Anyone, web.Page()},
		{"/viewer", access.Anyone, ohif}, // redirects below a proxy's prefix too, as ServeMux would not
		{"/viewer/", access.Anyone, ohif},
		{"/session", access.Anyone, login},
		{"GET /link/", access.Anyone, e.links},
	}
	below := append(slices.Clip(table), page{"GET /doctor", access.Anyone, e.tenantDiagnosis(ts, log)})
	if c.OIDC.ClientID != "" {
		below = append(below, page{"GET /session/provider", access.Anyone, returningToTenant(login.Begin)})
	}
	mount(ofTenants, below, e, log)
	ts.pages = ofTenants
	table = append(table, []page{
		{"GET /healthz", access.Anyone, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })},
		{"GET /readyz", access.Anyone, ready},
		{"GET " + metricsPath, cmp.Or(c.Access.MetricsRole.Role, access.Admin), promhttp.HandlerFor(metrics, promhttp.HandlerOpts{})},
		{"GET /doctor", access.Admin, lastDiagnosis(c.Data)},
		{"GET /debug/pprof/", access.Admin, http.HandlerFunc(pprof.Index)},
		{"GET /debug/pprof/cmdline", access.Admin, http.HandlerFunc(pprof.Cmdline)},
		{"GET /debug/pprof/profile", access.Admin, http.HandlerFunc(pprof.Profile)},
		{"GET /debug/pprof/symbol", access.Admin, http.HandlerFunc(pprof.Symbol)},
		{"GET /debug/pprof/trace", access.Admin, http.HandlerFunc(pprof.Trace)},
	}...)
	if c.OIDC.ClientID != "" {
		table = append(table, page{"GET /session/provider", access.Anyone, http.HandlerFunc(login.Begin)},
			page{"GET /session/callback", access.Anyone, http.HandlerFunc(login.Callback)})
	}
	mount(mux, table, access.Entrance{Authenticator: e}, log)
	return mux
}

// tenantDiagnosis shows those who administer a tenant the last examination of its archive.
func (e *entrance) tenantDiagnosis(ts *tenants, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := tenantOf(r)
		t, who := ts.enter(name)
		if t != nil {
			defer t.requests.Done()
		}
		who.Authenticator, who.Tenant = e, name
		admitting(access.Admin, lastDiagnosis(tenantFolder(ts.data, name)), who, log).ServeHTTP(w, r)
	})
}

// returningToTenant begins a login at a provider, which sends all to one address of the server, for somebody who wants to go on at a tenant's.
func returningToTenant(begin http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		query.Set("next", strings.TrimPrefix(tenantPrefix(r), "/")+"/"+query.Get("next"))
		u := *r.URL
		u.RawQuery = query.Encode()
		there := r.WithContext(r.Context())
		there.URL = &u
		begin(w, there)
	})
}

// mount puts pages into place.
func mount(mux *http.ServeMux, table []page, who access.Authenticator, log *slog.Logger) {
	for _, p := range table {
		if p.role == 0 {
			panic("page " + p.pattern + " asks for no role") // whoever forgot it would have let everybody in
		}
		mux.Handle(p.pattern, admitting(p.role, p.handler, who, log))
	}
}

// admitting lets in whoever has the role. For what anyone may see nobody is asked who he is.
func admitting(role access.Role, next http.Handler, entrance access.Authenticator, log *slog.Logger) http.Handler {
	if role == access.Anyone {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := entrance.Authenticate(r)
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case errors.Is(err, access.ErrElsewhere):
			http.NotFound(w, r)
		case err != nil && !errors.Is(err, access.ErrUnauthenticated):
			log.Error("nobody can come in", "error", err)
			status := http.StatusInternalServerError
			if errors.Is(err, access.ErrUnavailable) {
				status = http.StatusServiceUnavailable
			}
			http.Error(w, "the server failed; its log says why", status)
		case err != nil, !who.Known() && !who.Roles.Has(role):
			for _, challenge := range access.ChallengesFor(r, entrance) {
				w.Header().Add("WWW-Authenticate", challenge)
			}
			http.Error(w, "this needs credentials", http.StatusUnauthorized)
		case !who.Roles.Has(role):
			http.Error(w, "this needs the role "+role.String(), http.StatusForbidden)
		case !who.Scope.Everything(): // the numbers and findings of these pages are of all that is stored
			http.Error(w, "this is for those who see the whole archive", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r.WithContext(access.With(r.Context(), who)))
		}
	})
}

// loginFirst sends a person who opens the viewer and has not logged in to the page that does it: the viewer knows only of 401.
func (e *entrance) loginFirst(viewer http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		opened := r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/viewer/") && strings.Contains(r.Header.Get("Accept"), "text/html")
		if !opened || e.knows(r) {
			viewer.ServeHTTP(w, r)
			return
		}
		// Relative, as the path that the browser sees may have more before it.
		up := strings.Repeat("../", strings.Count(r.URL.EscapedPath(), "/")-1)
		next := url.QueryEscape(strings.TrimPrefix(r.URL.RequestURI(), "/"))
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Vary", "Cookie")
		w.Header().Set("Location", up+"login.html?next="+next)
		w.WriteHeader(http.StatusSeeOther)
	})
}

// knows reports whether a request needs no login, because nobody does, or because it has one.
func (e *entrance) knows(r *http.Request) bool {
	on, err := e.On()
	if err != nil {
		return false
	}
	who, err := e.Authenticate(r)
	return !on || err == nil && who.Known()
}
