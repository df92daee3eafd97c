package dicomweb

import (
	"net/http"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/internal/access"
)

// What browsers are told (Fetch Standard 3.2). Authorization must be named: "*" does not cover it.
const (
	corsMethods = "GET, HEAD, POST, PUT, DELETE, OPTIONS"
	corsHeaders = "Accept, Authorization, Content-Type, If-None-Match, If-Match, Range, X-Api-Key, X-Request-Id"
)

var (
	corsExposed = []string{"Warning, ETag, Content-Location, Location, Content-Range, Content-Length, Accept-Ranges, Retry-After, X-Request-Id, X-Total-Count"}
	crossOrigin = []string{"cross-origin"}
	anyOrigin   = []string{"*"}
)

// corsMaxAge is how many seconds a preflight may be remembered; Chromium takes no more.
const corsMaxAge = "7200"

// cors lets viewers from other origins in. Credentials are never allowed: a client that has to prove who it is sends
// Authorization.
type cors struct {
	any     bool
	origins []string // lower case
}

func newCORS(origins []string) *cors {
	c := &cors{any: slices.Contains(origins, "*")}
	for _, o := range origins {
		c.origins = append(c.origins, strings.ToLower(strings.TrimSuffix(o, "/")))
	}
	return c
}

// wrap answers preflights from memory, whatever they ask for, and marks every other answer, errors included: without the mark a
// viewer cannot tell an error from a dead server.
func (c *cors) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Cross-Origin-Resource-Policy"] = crossOrigin
		allowed := c.allow(h, r.Header.Get("Origin"))
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			if allowed {
				h["Access-Control-Expose-Headers"] = corsExposed
			}
			next.ServeHTTP(w, r)
			return
		}
		exchangeOf(r).route = "preflight"
		h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
		if allowed {
			h.Set("Access-Control-Allow-Methods", corsMethods)
			h.Set("Access-Control-Allow-Headers", corsHeaders)
			h.Set("Access-Control-Max-Age", corsMaxAge)
			if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
				h.Set("Access-Control-Allow-Private-Network", "true")
			}
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// allow sets Access-Control-Allow-Origin and reports whether the origin is allowed.
func (c *cors) allow(h http.Header, origin string) bool {
	if c.any {
		h["Access-Control-Allow-Origin"] = anyOrigin
		return true
	}
	h.Add("Vary", "Origin")
	if origin == "" || !slices.Contains(c.origins, strings.ToLower(origin)) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	return true
}

// errForeignOrigin refuses what mayCome does not let in.
var errForeignOrigin = &problem{status: http.StatusForbidden,
	detail: "pages of other origins may delete and administer only where allowed-origins names them; \"*\" does not"}

// mayCome reports whether the request may do what the route does, judged by the page that a browser sends it for. Any page in the world may
// send requests to a server that its reader can reach, so what takes away or administers is for our own page, for origins that are
// named, and for programs, which send no Origin.
func (s *Server) mayCome(r *http.Request, role access.Role) bool {
	origin := strings.ToLower(r.Header.Get("Origin"))
	if origin == "" || role != access.Delete && role != access.Admin {
		return true
	}
	return slices.Contains(s.cors.origins, origin) || strings.HasPrefix(strings.ToLower(exchangeOf(r).root)+"/", origin+"/")
}
