package dicomweb

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/audit"
)

// route is one method of one resource.
type route struct {
	name     string      // of the transaction and its resource, in logs and metrics
	method   string      // a GET route answers HEAD too
	template string      // below the server's root; the parts in braces are path variables
	clause   string      // where the standard has it
	role     access.Role // that it asks for
	handler  handler
}

// extension is the clause of what the standard does not have.
const extension = "extension"

// routes are the resources of PS3.18 10.1.1, and that of the URI service.
func (s *Server) routes() []route {
	const (
		studies  = BasePath + "/studies"
		study    = studies + "/{study}"
		series   = study + "/series/{series}"
		instance = series + "/instances/{instance}"
		frames   = instance + "/frames/{frames}"

		bin     = BasePath + "/recycle-bin"
		version = bin + "/versions/{version}"
	)
	return append([]route{
		{"store", "POST", studies, "PS3.18 10.5", access.Store, s.storeInstances},
		{"store-study", "POST", study, "PS3.18 10.5", access.Store, s.storeInstances},

		{"search-studies", "GET", studies, "PS3.18 10.6", access.Read, s.searchStudies},
		{"search-study-series", "GET", study + "/series", "PS3.18 10.6", access.Read, s.searchSeries},
		{"search-study-instances", "GET", study + "/instances", "PS3.18 10.6", access.Read, s.searchInstances},
		{"search-series", "GET", BasePath + "/series", "PS3.18 10.6", access.Read, s.searchSeries},
		{"search-series-instances", "GET", series + "/instances", "PS3.18 10.6", access.Read, s.searchInstances},
		{"search-instances", "GET", BasePath + "/instances", "PS3.18 10.6", access.Read, s.searchInstances},

		{"retrieve-study", "GET", study, "PS3.18 10.4.1.1.1", access.Read, s.retrieveInstances},
		{"retrieve-series", "GET", series, "PS3.18 10.4.1.1.1", access.Read, s.retrieveInstances},
		{"retrieve-instance", "GET", instance, "PS3.18 10.4.1.1.1", access.Read, s.retrieveInstances},
		{"metadata-study", "GET", study + "/metadata", "PS3.18 10.4.1.1.2", access.Read, s.retrieveMetadata},
		{"metadata-series", "GET", series + "/metadata", "PS3.18 10.4.1.1.2", access.Read, s.retrieveMetadata},
		{"metadata-instance", "GET", instance + "/metadata", "PS3.18 10.4.1.1.2", access.Read, s.retrieveMetadata},
		{"frames", "GET", frames, "PS3.18 10.4.1.1.6", access.Read, s.retrieveFrames},
		{"bulkdata-value", "GET", instance + "/bulkdata/{path:.+}", "PS3.18 10.4.1.1.5", access.Read, s.retrieveBulkdata},
		{"bulkdata-study", "GET", study + "/bulkdata", "PS3.18 10.4.1.1.5", access.Read, s.retrieveAllBulkdata},
		{"bulkdata-series", "GET", series + "/bulkdata", "PS3.18 10.4.1.1.5", access.Read, s.retrieveAllBulkdata},
		{"bulkdata-instance", "GET", instance + "/bulkdata", "PS3.18 10.4.1.1.5", access.Read, s.retrieveAllBulkdata},
		{"pixeldata-study", "GET", study + "/pixeldata", "PS3.18 10.4.1.1.6", access.Read, s.retrievePixelData},
		{"pixeldata-series", "GET", series + "/pixeldata", "PS3.18 10.4.1.1.6", access.Read, s.retrievePixelData},
		{"pixeldata-instance", "GET", instance + "/pixeldata", "PS3.18 10.4.1.1.6", access.Read, s.retrievePixelData},
		{"rendered-study", "GET", study + "/rendered", "PS3.18 10.4.1.1.3", access.Read, s.retrieveRendered},
		{"rendered-series", "GET", series + "/rendered", "PS3.18 10.4.1.1.3", access.Read, s.retrieveRendered},
		{"rendered-instance", "GET", instance + "/rendered", "PS3.18 10.4.1.1.3", access.Read, s.retrieveRendered},
		{"rendered-frames", "GET", frames + "/rendered", "PS3.18 10.4.1.1.3", access.Read, s.retrieveRendered},
		{"thumbnail-study", "GET", study + "/thumbnail", "PS3.18 10.4.1.1.4", access.Read, s.retrieveThumbnail},
		{"thumbnail-series", "GET", series + "/thumbnail", "PS3.18 10.4.1.1.4", access.Read, s.retrieveThumbnail},
		{"thumbnail-instance", "GET", instance + "/thumbnail", "PS3.18 10.4.1.1.4", access.Read, s.retrieveThumbnail},
		{"thumbnail-frames", "GET", frames + "/thumbnail", "PS3.18 10.4.1.1.4", access.Read, s.retrieveThumbnail},

		{"wado-uri", "GET", "/wado", "PS3.18 9", access.Read, s.retrieveURI},

		{"delete-study", "DELETE", study, extension, access.Delete, s.deleteInstances},
		{"delete-series", "DELETE", series, extension, access.Delete, s.deleteInstances},
		{"delete-instance", "DELETE", instance, extension, access.Delete, s.deleteInstances},
		{"readiness", "GET", study + "/readiness", extension, access.Read, s.retrieveReadiness},
		{"changes", "GET", BasePath + "/changes", extension, access.Read, s.retrieveChanges},

		{"recycle-bin", "GET", bin, extension, access.Admin, s.listRecycleBin},
		{"recycle-bin-version", "GET", version, extension, access.Admin, s.retrieveVersion},
		{"recycle-bin-metadata", "GET", version + "/metadata", extension, access.Admin, s.retrieveVersionMetadata},
		{"restore-version", "POST", version + "/restore", extension, access.Admin, s.restoreInstances},
		{"purge-version", "DELETE", version, extension, access.Admin, s.purgeInstances},
		{"purge", "DELETE", bin, extension, access.Admin, s.purgeInstances},
		{"recycle-bin-study", "GET", bin + "/studies/{study}", extension, access.Admin, s.listVersions},
		{"restore-study", "POST", bin + "/studies/{study}/restore", extension, access.Admin, s.restoreInstances},
		{"purge-study", "DELETE", bin + "/studies/{study}", extension, access.Admin, s.purgeInstances},
		{"recycle-bin-series", "GET", bin + "/studies/{study}/series/{series}", extension, access.Admin, s.listVersions},
		{"restore-series", "POST", bin + "/studies/{study}/series/{series}/restore", extension, access.Admin, s.restoreInstances},
		{"purge-series", "DELETE", bin + "/studies/{study}/series/{series}", extension, access.Admin, s.purgeInstances},
		{"recycle-bin-instance", "GET", bin + "/studies/{study}/series/{series}/instances/{instance}", extension, access.Admin, s.listVersions},
		{"restore-instance", "POST", bin + "/studies/{study}/series/{series}/instances/{instance}/restore", extension, access.Admin, s.restoreInstances},
		{"purge-instance", "DELETE", bin + "/studies/{study}/series/{series}/instances/{instance}", extension, access.Admin, s.purgeInstances},
	}, slices.Concat(s.nonPatientRoutes(), s.worklistRoutes(), s.commitmentRoutes(), s.procedureRoutes(), s.webhookRoutes(), s.linkRoutes(), s.auditRoutes())...)
}

// resource is what lies at one template: its routes by method.
type resource struct {
	server   *Server
	template string
	routes   map[string]route
	kinds    map[string]audit.Kind // of the routes
	allow    string                // for Allow, PS3.18 8.5
}

var errNoResource = notFound("there is no such resource below %s", BasePath)

// router finds the resource of a path. gorilla/mux only tries templates here: methods are the resource's own affair, so that
// HEAD, OPTIONS and 405 with Allow are right for all of them. Path variables stay escaped (pathVar unescapes them), so that an
// escaped slash cannot reach another resource, and paths are never answered with a redirect, which would lose a POST.
func (s *Server) router() http.Handler {
	r := mux.NewRouter()
	r.NotFoundHandler = s.answer(func(http.ResponseWriter, *http.Request) error {
		return errNoResource
	})
	// The base has no route where there is no worklist, and describes what lies below it all the same.
	resources := map[string]*resource{BasePath: {server: s, template: BasePath, routes: map[string]route{}, kinds: map[string]audit.Kind{}, allow: http.MethodOptions}}
	for _, rt := range s.routes() {
		if rt.role == 0 {
			panic("route " + rt.name + " asks for no role") // whoever forgot it would have let everybody in
		}
		if resources[rt.template] == nil {
			resources[rt.template] = &resource{server: s, template: rt.template, routes: map[string]route{}, kinds: map[string]audit.Kind{}}
		}
		resources[rt.template].add(rt)
	}
	// The deepest come first: they are asked most.
	deepest := func(a, b string) int {
		return cmp.Or(strings.Count(b, "/")-strings.Count(a, "/"), strings.Compare(a, b))
	}
	var depth *mux.Router // has the templates of as many segments
	segments := 0
	for _, path := range slices.SortedFunc(maps.Keys(resources), deepest) {
		t := templateOf(path)
		if depth == nil || len(t) != segments {
			depth, segments = r.MatcherFunc(t.mayMatch).Subrouter(), len(t)
		}
		depth.MatcherFunc(t.match).Handler(resources[path])
	}
	return tidyPath(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var m mux.RouteMatch
		r.Match(req, &m) // always: there is a NotFoundHandler
		m.Handler.ServeHTTP(w, req)
	}))
}

func (res *resource) add(rt route) {
	res.routes[rt.method] = rt
	res.kinds[rt.method] = kindOf(rt)
	methods := []string{http.MethodOptions}
	for m := range res.routes {
		methods = append(methods, m)
		if m == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	res.allow = strings.Join(methods, ", ")
}

// ServeHTTP runs the route of the request's method.
func (res *resource) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	rt, found := res.routes[method]
	switch {
	case found:
		x := exchangeOf(r)
		x.route, x.kind = rt.name, res.kinds[method]
		err := res.server.admit(w, r, rt.role)
		if err == nil {
			err = res.server.expect(r, rt)
		}
		if err == nil {
			err = rt.handler(w, r)
		}
		if err != nil {
			res.server.fail(w, r, err)
		}
	case method == http.MethodOptions:
		exchangeOf(r).route = "capabilities"
		res.server.answer(res.server.retrieveCapabilities(res.template, res.allow)).ServeHTTP(w, r)
	default:
		w.Header().Set("Allow", res.allow)
		res.server.answer(func(http.ResponseWriter, *http.Request) error {
			return &problem{status: http.StatusMethodNotAllowed, detail: "the methods of this resource are " + res.allow}
		}).ServeHTTP(w, r)
	}
}

// tidyPath takes doubled and trailing slashes away, which clients make when they join addresses.
func tidyPath(next http.Handler) http.Handler {
	tidy := func(p string) string {
		for strings.Contains(p, "//") {
			p = strings.ReplaceAll(p, "//", "/")
		}
		if len(p) > 1 {
			p = strings.TrimSuffix(p, "/")
		}
		return p
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.URL.EscapedPath()
		p := tidy(given)
		x := exchangeOf(r)
		x.path, x.slashes = p, strings.Count(p, "/")
		if p != given {
			u := *r.URL
			if path, err := url.PathUnescape(p); err == nil { // both, or an escaped slash would become one of the path
				u.Path, u.RawPath = path, p
			}
			clone := *r
			clone.URL = &u
			r = &clone
		}
		next.ServeHTTP(w, r)
	})
}

// pathVar returns a path variable, percent-decoded; "" if the template has none of that name.
func pathVar(r *http.Request, name string) (string, error) {
	v, err := url.PathUnescape(exchangeOf(r).vars.of(name))
	if err != nil {
		return "", badRequest("the %s in the path is not percent-encoded as RFC 3986 wants it", name)
	}
	return v, nil
}

// refOf returns what the path names: a study, series or instance, a resource of instances of no patient or one of those, or everything.
func refOf(r *http.Request) (dicom.Ref, error) {
	vars := &exchangeOf(r).vars
	ref := dicom.Ref{Resource: vars.of("resource")}
	for _, part := range []struct {
		name string
		uid  *dicom.UID
	}{{"study", &ref.Study}, {"series", &ref.Series}, {"instance", &ref.Instance}} {
		if vars.of(part.name) == "" {
			continue
		}
		v, err := pathVar(r, part.name)
		if err != nil {
			return dicom.Ref{}, err
		}
		if *part.uid = dicom.UID(v); !part.uid.Valid() {
			return dicom.Ref{}, badRequest("the %s in the path is not a UID (PS3.5 9.1): %s", part.name, excerpt(v))
		}
	}
	return ref, nil
}

// excerpt quotes what a client sent, for an error: short, and without control characters.
func excerpt(s string) string {
	if r := []rune(s); len(r) > 80 {
		s = string(r[:80]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
