package dicomweb

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"
)

// template is a path with variables: "/studies/{study}/metadata". mux would make a regular expression of it, and try that on each
// request; then a third of the time of an answer that lies in memory goes into finding out who gives it.
type template []string // its segments; the last may be a variable for one or more of them, "{path:.+}"

func templateOf(path string) template { return strings.Split(strings.TrimPrefix(path, "/"), "/") }

// mayMatch is a mux.MatcherFunc: whether the path of the request has as many segments as the template at least.
func (t template) mayMatch(r *http.Request, _ *mux.RouteMatch) bool {
	return exchangeOf(r).slashes >= len(t)
}

// match is a mux.MatcherFunc: it compares the path of the request, as tidyPath has it, segment by segment, and sets the variables of the
// exchange: mux would copy the request twice to put them there.
func (t template) match(r *http.Request, _ *mux.RouteMatch) bool {
	x := exchangeOf(r)
	if x.slashes != len(t) && (x.slashes < len(t) || !strings.HasSuffix(t[len(t)-1], ":.+}")) {
		return false
	}
	rest := strings.TrimPrefix(x.path, "/")
	var values [16]string
	for i, segment := range t {
		part, more, longer := strings.Cut(rest, "/")
		last := i == len(t)-1
		switch isVariable := strings.HasPrefix(segment, "{"); {
		case part == "", last && longer && !strings.HasSuffix(segment, ":.+}"), !last && !longer:
			return false
		case !isVariable && part != segment:
			return false
		case last && longer:
			part = rest
		}
		values[i], rest = part, more
	}
	x.vars = pathVars{}
	for i, segment := range t {
		if name, isVariable := strings.CutPrefix(segment, "{"); isVariable {
			name, _, _ = strings.Cut(strings.TrimSuffix(name, "}"), ":")
			x.vars.add(name, values[i])
		}
	}
	return true
}

// pathVars are the variables of a path.
type pathVars struct {
	list [6]struct{ name, value string }
	n    int
}

func (v *pathVars) add(name, value string) {
	v.list[v.n].name, v.list[v.n].value = name, value
	v.n++
}

// of returns the value of a variable, which has a character at least; "" if there is none of that name.
func (v *pathVars) of(name string) string {
	for _, known := range v.list[:v.n] {
		if known.name == name {
			return known.value
		}
	}
	return ""
}
