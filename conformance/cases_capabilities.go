package conformance

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"slices"
	"strings"
)

// wadl is what the suite reads of a capabilities description (PS3.18 Annex H).
type wadl struct {
	XMLName   xml.Name     `xml:"application"`
	Resources []wadlFolder `xml:"resources"`
}

type wadlFolder struct {
	Base      string         `xml:"base,attr"`
	Resources []wadlResource `xml:"resource"`
}

type wadlResource struct {
	Path      string         `xml:"path,attr"`
	Methods   []wadlMethod   `xml:"method"`
	Resources []wadlResource `xml:"resource"`
}

type wadlMethod struct {
	Name string `xml:"name,attr"`
	ID   string `xml:"id,attr"`
}

// paths lists every template with its methods.
func (r wadlResource) paths(above string, into map[string][]string) {
	at := strings.TrimRight(above, "/") + "/" + strings.TrimLeft(r.Path, "/")
	for _, m := range r.Methods {
		into[at] = append(into[at], m.Name)
	}
	for _, below := range r.Resources {
		below.paths(at, into)
	}
}

const acceptWADL = "Accept: application/vnd.sun.wadl+xml"

// capabilities ends the case as unsupported unless the server describes itself.
func (t *T) capabilities(target, accept string) *answer {
	a := t.do(request{method: http.MethodOptions, target: target, headers: []string{accept}})
	if a.code == http.StatusNoContent || a.code == http.StatusMethodNotAllowed || a.code == 200 && len(a.body) == 0 || a.code == 404 || a.code == 501 {
		t.fail("200 with a description of the resources")
	}
	return a.status(200)
}

func (t *T) listed() map[string][]string {
	a := t.capabilities("/", acceptWADL)
	a.mediaType("application/vnd.sun.wadl+xml")
	var w wadl
	if err := xml.Unmarshal(a.body, &w); err != nil {
		t.failGot(err.Error(), "a WADL document (PS3.18 Annex H)")
	}
	into := map[string][]string{}
	for _, f := range w.Resources {
		for _, r := range f.Resources {
			r.paths("", into)
		}
	}
	return into
}

// capabilityCases are PS3.18 8.9 and Annexes G and H.
func capabilityCases() []Case {
	cases := []Case{
		reads("wadl", "PS3.18 8.9.3.1", Shall, "OPTIONS on the base describes the services as WADL", func(t *T) {
			if len(t.listed()) == 0 {
				t.fail("resources")
			}
		}),
		reads("wadl.well-formed", "PS3.18 8.9.4", Shall, "the description is well-formed XML", func(t *T) {
			d := xml.NewDecoder(strings.NewReader(string(t.capabilities("/", acceptWADL).body)))
			for {
				if _, err := d.Token(); err == io.EOF {
					return
				} else if err != nil {
					t.failGot(err.Error(), "well-formed XML")
				}
			}
		}),
		reads("json", "PS3.18 8.9.4", Shall, "OPTIONS on the base describes the services as JSON (PS3.18 Annex G)", func(t *T) {
			a := t.capabilities("/", "Accept: application/json")
			a.mediaType("application/json")
			if !json.Valid(a.body) {
				t.fail("JSON")
			}
		}),
		reads("not-acceptable", "PS3.18 8.9.3.1", Should, "another type is answered 406, or the default", func(t *T) {
			t.do(request{method: http.MethodOptions, target: "/", headers: []string{"Accept: application/x-unknown"}}).status(200, 204, 406)
		}),
		reads("preflight", "PS3.18 8.9", Practice, "a CORS preflight is told apart from a question for capabilities", func(t *T) {
			a := t.do(request{method: http.MethodOptions, target: "/studies", headers: []string{
				"Origin: http://viewer.example", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: accept"}}).status(200, 204)
			if a.header.Get("Access-Control-Allow-Origin") == "" {
				t.unsupported("no CORS")
			}
			a.empty()
		}),
		reads("resource", "PS3.18 8.9.1.1", May, "OPTIONS on a resource describes it alone", func(t *T) {
			a := t.do(request{method: http.MethodOptions, target: "/studies", headers: []string{acceptWADL}})
			if a.code != 200 || len(a.body) == 0 {
				t.unsupported("the server answers %d", a.code)
			}
		}),
		reads("etag", "PS3.18 8.9.3.1", May, "a description that has not changed is answered 304", func(t *T) {
			tag := t.capabilities("/", acceptWADL).header.Get("ETag")
			if tag == "" {
				t.unsupported("no ETag")
			}
			t.do(request{method: http.MethodOptions, target: "/", headers: []string{acceptWADL, "If-None-Match: " + tag}}).status(304)
		}),
	}
	for _, r := range []struct{ id, path, method string }{
		{"studies-get", "/studies", "GET"}, {"studies-post", "/studies", "POST"}, {"study", "/studies/{study}", "GET"},
		{"study-metadata", "/studies/{study}/metadata", "GET"}, {"study-rendered", "/studies/{study}/rendered", "GET"},
		{"series", "/studies/{study}/series/{series}", "GET"}, {"series-metadata", "/studies/{study}/series/{series}/metadata", "GET"},
		{"instance", "/studies/{study}/series/{series}/instances/{instance}", "GET"},
		{"instance-metadata", "/studies/{study}/series/{series}/instances/{instance}/metadata", "GET"},
		{"frames", "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}", "GET"},
		{"all-series", "/series", "GET"}, {"all-instances", "/instances", "GET"},
	} {
		cases = append(cases, reads("lists."+r.id, "PS3.18 Annex H", Shall, "the description lists the resource and its method", func(t *T) {
			for path, methods := range t.listed() {
				if strings.HasSuffix(canonical(path), canonical(r.path)) && slices.Contains(methods, r.method) {
					return
				}
			}
			t.fail("%s %s", r.method, r.path)
		}))
	}
	return of(Capabilities, cases...)
}

// canonical makes templates comparable: names of variables differ.
func canonical(template string) string {
	var b strings.Builder
	inside := false
	for _, c := range strings.Trim(template, "/") {
		switch {
		case c == '{':
			inside = true
			b.WriteString("{}")
		case c == '}':
			inside = false
		case !inside:
			b.WriteRune(c)
		}
	}
	return "/" + b.String()
}
