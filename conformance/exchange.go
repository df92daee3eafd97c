package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxAnswer bounds what is read of one answer; the suite's own data is far smaller.
const maxAnswer = 64 << 20

// T is one case while it runs. Its assertions end the case when they fail.
type T struct {
	ctx    context.Context
	server *server
	data   *fixture
	result Result
}

// stop ends a case.
type stop struct{}

func (t *T) end(s Status, reason string) {
	t.result.Status, t.result.Reason = s, reason
	panic(stop{})
}

// fail ends the case: want says what was expected of the last answer.
func (t *T) fail(want string, a ...any) {
	t.result.Want = fmt.Sprintf(want, a...)
	t.end(Fail, "")
}

// failGot is fail for what does not show in status and header: got says what came.
func (t *T) failGot(got string, want string, a ...any) {
	t.result.Got += "\n" + got
	t.fail(want, a...)
}

func (t *T) unsupported(reason string, a ...any) { t.end(Unsupported, fmt.Sprintf(reason, a...)) }
func (t *T) skip(reason string, a ...any)        { t.end(Skipped, fmt.Sprintf(reason, a...)) }

// answer is a response with its body.
type answer struct {
	t      *T
	code   int
	header http.Header
	body   []byte
}

// header names a request header field and its value: "Accept: image/png".
type request struct {
	method, target string // target: below the base, or absolute
	headers        []string
	body           []byte
	chunked        bool // send no Content-Length
}

func (t *T) get(target string, headers ...string) *answer {
	return t.do(request{method: http.MethodGet, target: target, headers: headers})
}

func (t *T) head(target string, headers ...string) *answer {
	return t.do(request{method: http.MethodHead, target: target, headers: headers})
}

func (t *T) send(method, target string, body []byte, headers ...string) *answer {
	return t.do(request{method: method, target: target, headers: headers, body: body})
}

// do sends a request as it is written: no header but those of the request, Host and authentication is added.
func (t *T) do(rq request) *answer {
	target := rq.target
	if !strings.Contains(target, "://") {
		target = t.server.base + target
	}
	var body io.Reader
	if rq.body != nil {
		if body = bytes.NewReader(rq.body); rq.chunked {
			body = io.MultiReader(body)
		}
	}
	hr, err := http.NewRequestWithContext(t.ctx, rq.method, target, body)
	if err != nil {
		t.skip("the request cannot be made: %v", err)
	}
	hr.Header.Set("User-Agent", "noctis-conformance")
	for _, h := range rq.headers {
		name, value, _ := strings.Cut(h, ":")
		hr.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	t.result.Sent = rq.describe(target)
	response, err := t.server.roundTrip(hr)
	if err != nil {
		t.result.Got = "no answer: " + err.Error()
		t.fail("an answer")
	}
	defer response.Body.Close()
	a := &answer{t: t, code: response.StatusCode, header: response.Header}
	a.body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	t.result.Got = a.describe()
	if err != nil {
		t.failGot("the body breaks off: "+err.Error(), "a whole body")
	}
	return a
}

func (rq request) describe(target string) string {
	lines := append([]string{rq.method + " " + target}, rq.headers...)
	if rq.body != nil {
		lines = append(lines, fmt.Sprintf("(%d bytes)", len(rq.body)))
	}
	return strings.Join(lines, "\n")
}

// describe says status and header; of a body only what an error says, since a given study may be a patient's.
func (a *answer) describe() string {
	lines := []string{fmt.Sprintf("%d %s", a.code, http.StatusText(a.code))}
	names := make([]string, 0, len(a.header))
	for name := range a.header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range a.header[name] {
			lines = append(lines, name+": "+v)
		}
	}
	if a.code >= 400 && len(a.body) > 0 {
		lines = append(lines, "", string(a.body[:min(len(a.body), 600)]))
	}
	return strings.Join(lines, "\n")
}

// optional ends the case as unsupported where the server refuses what it may lack.
func (a *answer) optional() *answer {
	if slices.Contains([]int{400, 404, 405, 406, 415, 501}, a.code) {
		a.t.unsupported("the server answers %d", a.code)
	}
	return a
}

// status ends the case unless the answer has one of these status codes.
func (a *answer) status(codes ...int) *answer {
	if !slices.Contains(codes, a.code) {
		a.t.fail("status %s", anyOf(codes))
	}
	return a
}

// orUnsupported ends the case as unsupported where the server says that it has no such resource or method.
func (a *answer) orUnsupported(codes ...int) *answer {
	if slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}, a.code) && !slices.Contains(codes, a.code) {
		a.t.unsupported("the server answers %d", a.code)
	}
	return a
}

// has ends the case unless the header field is there and ok holds for its value.
func (a *answer) has(name, want string, ok func(string) bool) string {
	v := a.header.Get(name)
	if v == "" || !ok(v) {
		a.t.fail("%s: %s", name, want)
	}
	return v
}

// warns ends the case unless a Warning of code 299 has the text (PS3.18 8.3.4).
func (a *answer) warns(text string) {
	for _, w := range a.header.Values("Warning") {
		if strings.HasPrefix(strings.TrimSpace(w), "299 ") && strings.Contains(w, text) {
			return
		}
	}
	a.t.fail("Warning: 299 <service>: %s", text)
}

// mediaType ends the case unless Content-Type is of one of the types; parameters are returned.
func (a *answer) mediaType(types ...string) map[string]string {
	got, params, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil || !slices.Contains(types, got) {
		a.t.fail("Content-Type: %s", strings.Join(types, " or "))
	}
	return params
}

// empty ends the case if there is a body.
func (a *answer) empty() {
	if len(a.body) > 0 {
		a.t.failGot(fmt.Sprintf("a body of %d bytes", len(a.body)), "no body")
	}
}

// part is one part of a multipart answer.
type part struct {
	header http.Header
	body   []byte
}

func (p part) mediaType() (string, map[string]string) {
	m, params, _ := mime.ParseMediaType(p.header.Get("Content-Type"))
	return m, params
}

// parts ends the case unless the answer is multipart/related with this root type, and returns its parts.
func (a *answer) parts(rootTypes ...string) []part {
	params := a.mediaType("multipart/related")
	root, _, _ := strings.Cut(params["type"], ";") // one case of its own asks that there is nothing more in it
	if !slices.Contains(rootTypes, strings.TrimSpace(root)) {
		a.t.fail("Content-Type: multipart/related; type=\"%s\"", strings.Join(rootTypes, `" or "`))
	}
	if params["boundary"] == "" {
		a.t.fail("Content-Type: multipart/related with a boundary")
	}
	r := multipart.NewReader(bytes.NewReader(a.body), params["boundary"])
	var parts []part
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			a.t.failGot("multipart: "+err.Error(), "a multipart body that ends with its closing boundary (RFC 2046 5.1.1)")
		}
		body, err := io.ReadAll(p)
		if err != nil {
			a.t.failGot("multipart: "+err.Error(), "a multipart body that ends with its closing boundary (RFC 2046 5.1.1)")
		}
		parts = append(parts, part{http.Header(p.Header), body})
	}
}

func anyOf(codes []int) string {
	words := make([]string, len(codes))
	for i, c := range codes {
		words[i] = fmt.Sprint(c)
	}
	return strings.Join(words, " or ")
}

// form writes a multipart/related body of parts and returns it with its Content-Type.
func form(rootType string, parts ...part) (body []byte, contentType string) {
	const boundary = "noctis-conformance-0123456789abcdef"
	var b bytes.Buffer
	for _, p := range parts {
		b.WriteString("--" + boundary + "\r\n")
		names := make([]string, 0, len(p.header))
		for name := range p.header {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			b.WriteString(name + ": " + p.header.Get(name) + "\r\n")
		}
		b.WriteString("\r\n")
		b.Write(p.body)
		b.WriteString("\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.Bytes(), `multipart/related; type="` + rootType + `"; boundary=` + boundary
}

// dicomPart is a part with a Part 10 file.
func dicomPart(file []byte) part {
	return part{http.Header{"Content-Type": {"application/dicom"}}, file}
}

// query escapes a value for the query of a URL.
func query(v string) string { return strings.ReplaceAll(url.QueryEscape(v), "+", "%20") }
