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

// match is a mux.MatcherFunc: it compares the path of the request, as tidyPath has it, segment by segment, and sets the variables.
func (t template) match(r *http.Request, m *mux.RouteMatch) bool {
	path := exchangeOf(r).path
	if segments := strings.Count(path, "/"); segments != len(t) && (segments < len(t) || !strings.HasSuffix(t[len(t)-1], ":.+}")) {
		return false
	}
	rest := strings.TrimPrefix(path, "/")
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
	m.Vars = map[string]string{}
	for i, segment := range t {
		if name, isVariable := strings.CutPrefix(segment, "{"); isVariable {
			name, _, _ = strings.Cut(strings.TrimSuffix(name, "}"), ":")
			m.Vars[name] = values[i]
		}
	}
	return true
}
