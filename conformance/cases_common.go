package conformance

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// commonCases are the rules of PS3.18 chapter 8 that hold for every service.
func commonCases() []Case {
	cases := []Case{
		reads("parameter.unknown", "PS3.18 8.3", Shall, "query parameters that are not supported are ignored", func(t *T) {
			t.get("/studies?limit=1&noSuchParameter=1&_=17", acceptJSON).status(200, 204)
		}),
		reads("parameter.case", "PS3.18 8.3.1", Shall, "names of query parameters are case-sensitive: LIMIT is another parameter, and unknown", func(t *T) {
			t.get("/studies?limit=1&OFFSET=abc", acceptJSON).status(200, 204)
		}),
		reads("parameter.percent", "PS3.18 8.3.1.1", Shall, "percent-encoded values are decoded before they are used", func(t *T) {
			f := t.own()
			a := t.get("/studies?PatientID="+strings.ReplaceAll(query("CF-"+f.run+"-A"), "-", "%2D"), acceptJSON).status(200)
			a.wantStudies(f.alpha())
		}),
		reads("accept.absent", "PS3.18 8.7.5", Should,
			"a request without Accept is answered 406 (the text says shall; many clients send none, so lenience does not count as a fault of conformance)", func(t *T) {
				t.get("/studies?limit=1").status(406)
			}),
		reads("accept.json", "PS3.18 8.7.7", Shall, "the media type asked for is sent", func(t *T) {
			if a := t.get("/studies?limit=1", acceptJSON).status(200, 204); a.code == 200 {
				a.mediaType(dicomJSON)
			}
		}),
		reads("accept.wildcard", "PS3.18 8.7.7", Shall, "*/* stands for the default media type of the resource", func(t *T) {
			if a := t.get("/studies?limit=1", "Accept: */*").status(200, 204); a.code == 200 {
				a.mediaType(dicomJSON)
			}
		}),
		reads("accept.range", "PS3.18 8.7.7", Shall, "application/* is satisfied by a type in that range", func(t *T) {
			if a := t.get("/studies?limit=1", "Accept: application/*").status(200, 204); a.code == 200 {
				a.mediaType(dicomJSON)
			}
		}),
		reads("accept.case", "PS3.18 8.7", Shall, "media types are case-insensitive", func(t *T) {
			t.get("/studies?limit=1", "Accept: Application/DICOM+JSON").status(200, 204)
		}),
		reads("accept.unknown-among-known", "PS3.18 8.7.7", Shall, "unsupported media ranges in a list are passed over", func(t *T) {
			t.get("/studies?limit=1", "Accept: application/x-unknown, application/dicom+json;q=0.5").status(200, 204)
		}),
		reads("accept.several-fields", "PS3.18 8.7.5", Shall, "several Accept fields are one list (RFC 9110 5.3)", func(t *T) {
			t.get("/studies?limit=1", "Accept: application/x-unknown", acceptJSON).status(200, 204)
		}),
		reads("accept.q", "PS3.18 8.7.8.1", Shall, "the media type with the higher q value is selected", func(t *T) {
			a := t.get("/studies?limit=1", `Accept: application/dicom+json;q=0.1, multipart/related; type="application/dicom+xml";q=0.9`).status(200, 204)
			if a.code == 200 {
				a.parts(dicomXML)
			}
		}),
		reads("accept.q-zero", "PS3.18 8.7.7", Shall, "q=0 means not acceptable (RFC 9110 12.4.2)", func(t *T) {
			t.get("/studies?limit=1", "Accept: application/dicom+json;q=0").status(406)
		}),
		reads("accept.parameter", "PS3.18 8.3.3.1", Shall, "the accept query parameter wins over the Accept header field", func(t *T) {
			a := t.get("/studies?limit=1&accept="+query(dicomJSON), "Accept: */*").status(200, 204)
			if a.code == 200 {
				a.mediaType(dicomJSON)
			}
		}),
		reads("accept.parameter-xml", "PS3.18 8.3.3.1", Shall, "the accept query parameter has the syntax of the header field", func(t *T) {
			a := t.get("/studies?limit=1&accept="+query(`multipart/related; type="application/dicom+xml"`), "Accept: */*").status(200, 204)
			if a.code == 200 {
				a.parts(dicomXML)
			}
		}),
		reads("charset.utf8", "PS3.18 8.8", Shall, "text in DICOM JSON is UTF-8 by default", func(t *T) {
			f := t.own()
			a := t.get("/studies?StudyInstanceUID="+f.beta(), acceptJSON).status(200)
			if !bytes.Contains(a.body, []byte("山田")) {
				t.failGot("no such text", "the ideographic group of the name, in UTF-8")
			}
		}),
		reads("charset.unknown", "PS3.18 8.8.1", Shall, "character sets that nobody knows are ignored", func(t *T) {
			t.get("/studies?limit=1&charset=klingon", acceptJSON).status(200, 204)
		}),
		reads("method.head", "PS3.18 8.1.1.1", Should, "HEAD is answered as GET, without a body (RFC 9110 9.3.2)", func(t *T) {
			t.head("/studies?limit=1", acceptJSON).status(200, 204).empty()
		}),
		reads("not-found.path", "PS3.18 8.5", Shall, "a path that is no resource is answered 404", func(t *T) {
			t.get("/no-such-resource", acceptJSON).status(404)
		}),
		reads("error.payload", "PS3.18 8.6.3", Should, "an error has a payload that says what was wrong", func(t *T) {
			if a := t.get("/studies?limit=x", acceptJSON).status(400); len(a.body) == 0 {
				t.fail("a Status Report")
			}
		}),
		reads("error.problem-json", "PS3.18 8.6.3", May, "an error as application/problem+json says status and detail (RFC 9457)", func(t *T) {
			a := t.get("/studies/"+unknownUID+"/metadata", acceptJSON).status(404)
			if !strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") {
				t.unsupported("errors are of another type")
			}
			var problem struct {
				Status int    `json:"status"`
				Detail string `json:"detail"`
			}
			if json.Unmarshal(a.body, &problem) != nil || problem.Status != 404 || problem.Detail == "" {
				t.fail("a problem document with status 404 and a detail")
			}
		}),
	}
	for _, p := range []struct{ id, query string }{
		{"limit-negative", "limit=-1"}, {"limit-text", "limit=ten"}, {"limit-decimal", "limit=1.5"}, {"offset-negative", "offset=-1"},
		{"offset-text", "offset=x"}, {"fuzzymatching", "fuzzymatching=perhaps"}, {"date", "StudyDate=2024-02-30x"},
		{"date-range", "StudyDate=20240101-20240201-20240301"}, {"time", "StudyTime=99"}, {"uid", "StudyInstanceUID=1.2.x"},
	} {
		cases = append(cases, reads("parameter.invalid."+p.id, "PS3.18 8.3", Shall, "a supported parameter with an invalid value is answered 400",
			func(t *T) { t.get("/studies?"+p.query, acceptJSON).status(400) }))
	}
	for _, p := range []struct{ id, method, target string }{
		{"studies-put", http.MethodPut, "/studies"}, {"studies-patch", http.MethodPatch, "/studies"},
		{"metadata-post", http.MethodPost, "/studies/" + unknownUID + "/metadata"},
		{"series-put", http.MethodPut, "/studies/" + unknownUID + "/series"},
	} {
		cases = append(cases, reads("method."+p.id, "PS3.18 8.5", Shall, "a method that a resource does not have is answered 405, with Allow", func(t *T) {
			a := t.send(p.method, p.target, nil, acceptJSON).status(405)
			a.has("Allow", "the methods of the resource", func(v string) bool { return v != "" })
		}))
	}
	for _, p := range retrievable() {
		path := p.path(&instance{study: unknownUID, series: unknownUID, uid: unknownUID})
		cases = append(cases,
			reads("not-found."+p.id, p.clause, Shall, "what does not exist is answered 404", func(t *T) {
				t.get(path, p.accept).orUnsupportedIf(p.optional).status(404, 410)
			}),
			reads("not-acceptable."+p.id, "PS3.18 8.7.8.1", Shall, "where nothing that is acceptable can be sent the answer is 406", func(t *T) {
				t.get(p.path(t.image()), "Accept: application/x-unknown").orUnsupportedIf(p.optional).status(406)
			}))
	}
	for _, p := range []struct{ id, uid string }{{"letters", "abc"}, {"dots", "1..2"}, {"long", strings.Repeat("1.", 40) + "1"}, {"zero", "1.02.3"}} {
		cases = append(cases, reads("uid."+p.id, "PS3.18 8.2", Should, "a UID in the path that breaks PS3.5 9.1 is answered 400 or 404", func(t *T) {
			t.get("/studies/"+p.uid+"/metadata", acceptJSON).status(400, 404)
		}))
	}
	return of(Common, cases...)
}

// orUnsupportedIf is orUnsupported for a resource that a server may lack, told by the answer to a request that must succeed.
func (a *answer) orUnsupportedIf(optional func(*T) bool) *answer {
	if optional != nil && !optional(a.t) {
		a.t.unsupported("the server does not have this optional resource")
	}
	return a
}

// wantStudies ends the case unless the answer lists exactly these studies, in any order.
func (a *answer) wantStudies(uids ...string) { a.wantUIDs("0020000D", uids...) }

// wantUIDs ends the case unless the values of the tag in the results are exactly these, in any order.
func (a *answer) wantUIDs(tag string, uids ...string) {
	var got []string
	if a.code != http.StatusNoContent {
		for _, o := range a.objects() {
			got = append(got, o.text(tag))
		}
	}
	if !sameSet(got, uids) {
		a.t.failGot("results: "+list(got), "the results %s", list(uids))
	}
}

func list(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	return strings.Join(s, ", ")
}

func sameSet(a, b []string) bool {
	count := map[string]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}
