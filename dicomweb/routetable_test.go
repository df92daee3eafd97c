package dicomweb

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/internal/access"
)

// TestRouteTable asks every route of the table as each kind of principal.
func TestRouteTable(t *testing.T) {
	w := newRouteWorld(t)
	for _, rt := range w.routes() {
		t.Run(rt.name, func(t *testing.T) {
			w.whoIsLetIn(t, rt)
			w.hiddenIsAbsent(t, rt)
			w.mineIsThere(t, rt)
		})
	}
}

// whoIsLetIn: nobody, and whose credentials are over, have to prove more; who has every role but the one that is asked for may not.
func (w *routeWorld) whoIsLetIn(t *testing.T, rt route) {
	for who, want := range map[string]int{"": 401, "expired": 401, "revoked": 401, "not " + rt.role.String(): 403} {
		if rt.role == access.Anyone && (who == "" || want == 403) {
			continue
		}
		for _, s := range []side{w.mine, w.absent} {
			if got := w.ask(t, who, rt, rt.method, s, s.path(t, rt)); got.Code != want {
				t.Errorf("%q: %d, want %d", who, got.Code, want)
			}
		}
	}
}

func (w *routeWorld) ask(t *testing.T, who string, rt route, method string, s side, path string) *httptest.ResponseRecorder {
	contentType, body := s.body(t, rt)
	return w.send(who, method, path, contentType, body)
}

// otherwise are the ways in which a path can be written.
func otherwise(path string) []string {
	p, query, _ := strings.Cut(path, "?")
	if query != "" {
		query = "?" + query
	}
	last := strings.LastIndex(p, "/")
	paths := []string{p, p + "/", "/" + p, strings.ReplaceAll(p, "/", "//"), strings.ReplaceAll(p, ".", "%2e"), strings.ReplaceAll(p, ".", "%2E"),
		p[:last] + "%2f" + p[last+1:], p[:last] + "%2F" + p[last+1:], strings.ToUpper(p), p[:last] + "/." + p[last:], p[:last] + "/x/.." + p[last:],
		p + "%20", p + "%00", p + ";x", p[:last] + "/%2e%2e" + p[last:], p + "?"}
	paths = slices.DeleteFunc(paths, func(p string) bool { return p[0] != '/' }) // they would be no requests
	for i := range paths {
		paths[i] += query
	}
	return paths
}

// hiddenIsAbsent: what somebody may not see is answered as what is not there, byte for byte, by any method and however the path is written;
// and as much is looked up for the one as for the other.
func (w *routeWorld) hiddenIsAbsent(t *testing.T, rt route) {
	hidden, absent := w.hidden.path(t, rt), w.absent.path(t, rt)
	if strings.HasSuffix(rt.name, "-store") || hidden == absent && rt.method != http.MethodPost {
		return // of nothing that the path names: mineIsThere looks at the answers of searches
	}
	paths := otherwise(absent)
	for i, path := range otherwise(hidden) {
		methods := []string{rt.method}
		if i == 0 {
			methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"}
		}
		for _, method := range methods {
			before := w.reads.Load()
			there := w.ask(t, "mine", rt, method, w.hidden, path)
			between := w.reads.Load()
			not := w.ask(t, "mine", rt, method, w.absent, paths[i])
			after := w.reads.Load()
			if a, b := w.hidden.answer(there), w.absent.answer(not); a != b {
				t.Errorf("%s %s is told from what is not there:\n%s\n%s", method, path, a, b)
			}
			if between-before != after-between {
				t.Errorf("%s %s: %d reads for what is hidden, %d for what is not there", method, path, between-before, after-between)
			}
		}
	}
	if got := w.ask(t, "mine", rt, rt.method, w.hidden, hidden); got.Code < 400 && !excepted[rt.name].hidden {
		t.Errorf("what is hidden is answered by %d %s", got.Code, got.Body)
	}
}

// answer is a response as text, without the names of the side.
func (s side) answer(r *httptest.ResponseRecorder) string {
	text := fmt.Sprintln(r.Code)
	var fields []string
	for name, values := range r.Header() {
		fields = append(fields, fmt.Sprintln(name, values))
	}
	slices.Sort(fields)
	text += strings.Join(fields, "") + r.Body.String()
	for _, name := range s.names() {
		text = strings.ReplaceAll(text, name, fmt.Sprint("<", len(name), ">"))
	}
	return regexp.MustCompile(`1\.2\.12\.[0-9]`).ReplaceAllString(text, "<uid>")
}

// exception is a route of which something else is expected than of the others.
type exception struct {
	mine   int    // the status of what he may see; 0: a success
	hidden bool   // what is hidden is answered by a success, as what is not there
	why    string // both
}

var excepted = map[string]exception{
	"search-study-series":      {0, true, "a search of nothing finds nothing"},
	"search-study-instances":   {0, true, "as before"},
	"search-series-instances":  {0, true, "as before"},
	"notifications":            {400, false, "it wants a query"},
	"notifications-subscriber": {426, false, "it wants a WebSocket; that a subscriber is not of a patient"},
	"commitment-request":       {0, true, "the result says that it is not committed"},
	"workitem-release":         {400, false, "it wants the Transaction UID"},
	"workitem-unsubscribe":     {404, false, "there is no subscription"},
	"workitem-suspend":         {400, false, "it is for the whole worklist"},
}

// ofEverybody are routes for those alone who see everything: the answer for everybody else.
func ofEverybody(name string) int {
	switch {
	case strings.HasPrefix(name, "webhook"):
		return http.StatusForbidden
	case strings.HasPrefix(name, "recycle-bin-"), strings.HasPrefix(name, "restore-"), strings.HasPrefix(name, "purge-"):
		return http.StatusNotFound
	}
	return 0
}

// mineIsThere: what somebody may see is there, and nothing else is in it. What changes something is asked of a world of its own.
func (w *routeWorld) mineIsThere(t *testing.T, rt route) {
	if rt.method != http.MethodGet {
		w = newRouteWorld(t)
	}
	got := w.ask(t, "mine", rt, rt.method, w.mine, w.mine.path(t, rt))
	want := excepted[rt.name].mine
	if status := ofEverybody(rt.name); status != 0 {
		want = status
	}
	if nonPatient(rt) {
		want = got.Code // nobody who has limits sees any: TestNonPatientIsWithinNoLimits
		if got.Code < 300 && got.Code != http.StatusNoContent {
			t.Errorf("what is of no patient: %d %s", got.Code, got.Body)
		}
	}
	if want == 0 && got.Code >= 300 || want != 0 && got.Code != want {
		t.Errorf("what he may see: %d %s", got.Code, got.Body)
	}
	text := fmt.Sprint(got.Header(), got.Body)
	for _, name := range w.hidden.names() {
		if strings.Contains(text, name) {
			t.Errorf("%s of another patient is in the answer:\n%s", name, text)
		}
	}
	if total := got.Header().Get(totalCount); strings.HasPrefix(rt.name, "search-") && total != "1" {
		t.Errorf("%s are counted", total)
	}
}

// nonPatient reports whether the route is of instances of no patient.
func nonPatient(rt route) bool {
	return strings.Contains(rt.clause, "PS3.18 12.") || strings.Contains(rt.template, "{uid}")
}
