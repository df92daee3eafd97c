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
	"github.com/noctis-dicom/noctis/internal/audit"
)

// TestRouteTable asks every route of the table as each kind of principal, and looks at the answer, at what it has read for it, and at what
// the audit says of it.
func TestRouteTable(t *testing.T) {
	p := newPeople(t)
	w := newRouteWorld(t, p)
	for _, rt := range w.routes() {
		t.Run(rt.name, func(t *testing.T) {
			w := newRouteWorld(t, p)
			w.whoIsLetIn(t, rt)
			w.elsewhereIsNowhere(t, rt)
			w.hiddenIsAbsent(t, rt)
			w.mineIsThere(t, rt)
		})
	}
}

// whoIsLetIn: nobody, and whose credentials are over, have to prove more; who has every role but the one that is asked for may not. What
// is asked for makes no difference, and no way of writing a path lets anybody in.
func (w *routeWorld) whoIsLetIn(t *testing.T, rt route) {
	refused := map[string]int{"not-" + rt.role.String(): 403}
	for _, who := range over {
		refused[who] = 401
	}
	for who, want := range refused {
		if rt.role == access.Anyone && (who == "" || want == 403) {
			continue
		}
		there := w.asking(t, who, rt, rt.method, w.hidden, w.hidden.path(t, rt))
		not := w.asking(t, who, rt, rt.method, w.absent, w.absent.path(t, rt))
		if there.code != want || there != not {
			t.Errorf("%q: want %d, what is hidden\n%+v\nwhat is not there\n%+v", who, want, there, not)
		}
	}
	for _, path := range otherwise(w.mine.path(t, rt)) {
		if got := w.asking(t, "", rt, rt.method, w.mine, path); got.code < 400 && rt.role != access.Anyone {
			t.Errorf("%s is answered by %d to everybody", path, got.code)
		}
	}
}

// elsewhereIsNowhere: to whom another tenant's archive belongs, nothing is here, whatever he asks for.
func (w *routeWorld) elsewhereIsNowhere(t *testing.T, rt route) {
	nowhere := w.asking(t, "elsewhere", rt, rt.method, w.absent, BasePath+"/nowhere")
	if nowhere.code != 404 || nowhere.reads != 0 {
		t.Errorf("where nothing is: %+v", nowhere)
	}
	for _, s := range []side{w.mine, w.absent} {
		for _, path := range otherwise(s.path(t, rt)) {
			if got := w.asking(t, "elsewhere", rt, rt.method, s, path); got != nowhere {
				t.Errorf("%s is told from nothing:\n%+v\n%+v", path, got, nowhere)
			}
		}
	}
}

// asked is all that an answer tells, and what was read for it.
type asked struct {
	code  int
	text  string // without the names of the side
	reads int64
}

func (w *routeWorld) asking(t *testing.T, who string, rt route, method string, s side, path string) asked {
	t.Helper()
	before := w.reads.Load()
	got := w.ask(t, who, rt, method, s, path)
	return asked{got.Code, s.answer(got), w.reads.Load() - before}
}

// ask sends a request, and looks at its events.
func (w *routeWorld) ask(t *testing.T, who string, rt route, method string, s side, path string) *httptest.ResponseRecorder {
	t.Helper()
	contentType, body := s.body(t, rt)
	answer := w.send(who, method, path, contentType, body)
	w.recorded(t, who, rt, method, s, path, answer.Code)
	return answer
}

// recorded looks at the events of a request. One whose path leads nowhere leaves none, unless somebody was refused.
func (w *routeWorld) recorded(t *testing.T, who string, rt route, method string, s side, path string, status int) {
	t.Helper()
	found := w.events(t)
	straight := path == s.path(t, rt) && method == rt.method
	if len(found) == 0 && (straight || status == 401 || status == 403 || who == "elsewhere") {
		t.Errorf("%s %s by %q: %d, and no event", method, path, who, status)
	}
	for _, e := range found {
		if e.Status != status || e.Outcome != audit.OutcomeOf(status) || e.Request == "" || e.Client != "192.0.2.1" || e.Server != "example.com" || e.Method != method {
			t.Errorf("%s %s by %q: %d, and the event is %+v", method, path, who, status, e)
		}
		if status == 401 {
			if e.Kind != audit.Login || e.Who != "" {
				t.Errorf("%s %s: the refusal of %q is the %s of %q", method, path, who, e.Kind, e.Who)
			}
			continue
		}
		if e.Kind == audit.Login || e.Who != w.people.known[who] || (who == "elsewhere") != (e.Tenant == "north") {
			t.Errorf("%s %s by %q: the event is the %s of %q of %q", method, path, who, e.Kind, e.Who, e.Tenant)
		}
		if straight && who != "elsewhere" && (e.Route != rt.name || strings.Contains(rt.template, "{study}") && e.Study != s.study) {
			t.Errorf("%s by %q: the event is of %s, of study %q", rt.name, who, e.Route, e.Study)
		}
	}
}

// otherwise are the ways in which a path can be written.
func otherwise(path string) []string {
	p, query, _ := strings.Cut(path, "?")
	if query != "" {
		query = "?" + query
	}
	last := strings.LastIndex(p, "/")
	before, behind := p[:last], p[last+1:]
	paths := []string{p, p + "/", "/" + p, strings.ReplaceAll(p, "/", "//"), strings.ReplaceAll(p, ".", "%2e"), strings.ReplaceAll(p, ".", "%2E"),
		before + "%2f" + behind, before + "%2F" + behind, before + "%252f" + behind, strings.ReplaceAll(p, ".", "%252e"), before + "%5c" + behind, before + "%c0%af" + behind,
		strings.ToUpper(p), before + "/." + p[last:], before + "/x/.." + p[last:], before + "/..;/" + behind, before + "/%2e%2e" + p[last:], before + "/x/%2e%2e/" + behind,
		p + "%20", p + "%00", p + "%2500", p + "%0a", p + ";x", p + ";x=1/", strings.Replace(p, "/studies/", "/studies;x=1/", 1), p + "/..", p + "/.", p + "?", p + "%3f", p + "%23"}
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
	same := func(who, method, path, otherPath string) {
		there := w.asking(t, who, rt, method, w.hidden, path)
		not := w.asking(t, who, rt, method, w.absent, otherPath)
		if there != not {
			t.Errorf("%s %s by %s is told from what is not there:\n%+v\n%+v", method, path, who, there, not)
		}
	}
	for _, who := range narrowed {
		same(who, rt.method, hidden, absent)
	}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"} {
		same("mine", method, hidden, absent)
	}
	paths := otherwise(absent)
	for i, path := range otherwise(hidden) {
		same("mine", rt.method, path, paths[i])
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
	text += strings.Join(fields, "") + strings.ReplaceAll(r.Body.String(), "%2e", ".") // a path that was encoded twice
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
	case strings.HasPrefix(name, "webhook"), strings.HasPrefix(name, "audit"):
		return http.StatusForbidden
	case strings.HasPrefix(name, "recycle-bin-"), strings.HasPrefix(name, "restore-"), strings.HasPrefix(name, "purge-"):
		return http.StatusNotFound
	}
	return 0
}

// mineIsThere: what somebody may see is there, and nothing else is in it. What changes something is asked of a world of its own.
func (w *routeWorld) mineIsThere(t *testing.T, rt route) {
	if rt.method != http.MethodGet {
		w = newRouteWorld(t, w.people)
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
