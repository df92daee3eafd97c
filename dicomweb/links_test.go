package dicomweb

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/authn"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// linkServer has the instances ct1 and mr1, and lets people in by name or by link.
type linkServer struct {
	http.Handler
	links *authn.Links
}

// nameOrLink is byName behind links, as the program has it.
type nameOrLink struct {
	byName
	links *authn.Links
}

func (n nameOrLink) Authenticate(r *http.Request) (access.Principal, error) {
	if p, found, err := (authn.CarriedLinks{Links: n.links}).Authenticate(r); found || err != nil {
		return p, err
	}
	return n.byName.Authenticate(r)
}

func newLinkServer(t *testing.T, log io.Writer) linkServer {
	t.Helper()
	links := authn.OpenLinks(filepath.Join(t.TempDir(), "access"), nil)
	st := memstore.New(store.Options{})
	s, err := New(st, Options{Log: slog.New(slog.NewTextHandler(log, nil)), Links: links, MaxLink: 48 * time.Hour, Authenticator: nameOrLink{byName{
		"reader":  {Name: "reader", Kind: access.Key, Roles: access.RolesOf(access.Read)},
		"limited": {Name: "limited", Kind: access.Key, Roles: access.RolesOf(access.Read, access.Admin), Scope: access.Scope{Patients: []string{"nobody"}}},
		"boss":    {Name: "boss", Kind: access.Key, Roles: access.RolesOf(access.Admin)},
	}, links}})
	if err != nil {
		t.Fatal(err)
	}
	var body []byte
	for _, line := range []string{"part ct1", "part mr1", "end"} {
		body = appendBody(t, body, line)
	}
	l := linkServer{links.Carry(s), links}
	if w := l.send("boss", "POST", "/dicom-web/studies", string(body)); w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	return l
}

func (l linkServer) send(who, method, address, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, address, strings.NewReader(body))
	r.Header.Set("Content-Type", `multipart/related; type="application/dicom"; boundary=b`)
	if who != "" {
		r.Header.Set("Authorization", who)
	}
	w := httptest.NewRecorder()
	l.ServeHTTP(w, r)
	return w
}

// made is a link that somebody made.
func (l linkServer) made(t *testing.T, who, at, body string) (id, token string) {
	t.Helper()
	w := l.send(who, "POST", "/dicom-web"+at+"/link", body)
	var answer struct{ ID, URL, Open string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	_, token, _ = strings.Cut(answer.URL, "link=")
	if w.Header().Get("Cache-Control") != "no-store" || !strings.HasSuffix(answer.Open, "/link/"+token) || token == "" {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	return answer.ID, token
}

func TestLinksLetIn(t *testing.T) {
	var log strings.Builder
	l := newLinkServer(t, &log)
	const study, picture = "/studies/1.2.1", "/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1"
	id, token := l.made(t, "reader", study, "")
	_, small := l.made(t, "reader", picture+"/frames/1", `{"resource": "rendered", "query": "viewport=16,16", "expires": "1d"}`)
	for _, c := range []struct {
		address string
		want    int
	}{
		{study + "/metadata?link=" + token, 200},
		{study + "?link=" + token, 200},
		{picture + "/rendered?viewport=8,8&link=" + token, 200},
		{"/studies/1.2.2/metadata?link=" + token, 404},
		{"/studies/1.2.999/metadata?link=" + token, 404},
		{"/studies?link=" + token, 200},
		{"/recycle-bin?link=" + token, 403},
		{picture + "/frames/1/rendered?viewport=16,16&link=" + small, 200},
		{picture + "/frames/1/rendered?link=" + small + "&viewport=16,16", 200},
		{picture + "/frames/1/rendered?link=" + small, 401},
		{picture + "/frames/1/thumbnail?viewport=16,16&link=" + small, 401},
		{study + "/metadata?link=" + small, 401},
		{study + "/metadata?link=" + token + "x", 401},
		{study + "/metadata?link=", 401},
		{study + "/metadata", 401},
	} {
		w := l.send("", "GET", "/dicom-web"+c.address, "")
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d: %.200s", c.address, w.Code, c.want, w.Body)
		}
		for _, text := range append(w.Header()["Content-Location"], w.Body.String()) {
			if strings.Contains(text, token) || strings.Contains(text, small) {
				t.Errorf("%s: the token is in the answer", c.address)
			}
		}
		if strings.Contains(c.address, "link=") && w.Header().Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: Referrer-Policy %q", c.address, w.Header().Get("Referrer-Policy"))
		}
	}
	if w := l.send("", "GET", "/dicom-web/studies?link="+token, ""); w.Header().Get("X-Total-Count") != "1" || strings.Contains(w.Body.String(), "1.2.2") {
		t.Errorf("a link finds %s: %s", w.Header().Get("X-Total-Count"), w.Body)
	}
	if w := l.send("", "POST", "/dicom-web"+study+"/link?link="+token, ""); w.Code != 401 {
		t.Errorf("a link makes a link: %d", w.Code)
	}
	if w := l.send("reader", "DELETE", "/dicom-web/links/"+id, ""); w.Code != 403 {
		t.Errorf("who reads revokes: %d", w.Code)
	}
	if w := l.send("boss", "GET", "/dicom-web/links", ""); !strings.Contains(w.Body.String(), id) || strings.Contains(w.Body.String(), token) || !strings.Contains(w.Body.String(), `"state":"valid"`) {
		t.Errorf("the links are %s", w.Body)
	}
	if w := l.send("limited", "GET", "/dicom-web/links", ""); w.Body.String() != "[]" {
		t.Errorf("another's links are %s", w.Body)
	}
	if w := l.send("limited", "DELETE", "/dicom-web/links/"+id, ""); w.Code != 404 {
		t.Errorf("another's link: %d", w.Code)
	}
	if w := l.send("boss", "DELETE", "/dicom-web/links/"+id, ""); w.Code != 204 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := l.send("", "GET", "/dicom-web"+study+"/metadata?link="+token, ""); w.Code != 401 {
		t.Errorf("a link that is revoked: %d", w.Code)
	}
	if strings.Contains(log.String(), token) || strings.Contains(log.String(), small) {
		t.Error("a token is in the log")
	}
}

func TestLinksThatAreNotMade(t *testing.T) {
	l := newLinkServer(t, io.Discard)
	for _, c := range []struct {
		who, at, body string
		want          int
	}{
		{"", "/studies/1.2.1", "", 401},
		{"limited", "/studies/1.2.1", "", 404},
		{"limited", "/studies/1.2.999", "", 404},
		{"reader", "/studies/1.2.999", "", 404},
		{"reader", "/studies/1.2.1", `{"expires": "49h"}`, 400},
		{"reader", "/studies/1.2.1", `{"expires": "-1h"}`, 400},
		{"reader", "/studies/1.2.1", `{"expires": "2020-01-01T00:00:00Z"}`, 400},
		{"reader", "/studies/1.2.1", `{"expires": "soon"}`, 400},
		{"reader", "/studies/1.2.1", `{"expires": "3d"}`, 400}, // longer than this server allows
		{"reader", "/studies/1.2.1", `{"expires": "d"}`, 400},
		{"reader", "/studies/1.2.1", `{"expires": "70000d"}`, 400},
		{"reader", "/studies/1.2.1", `{"resource": "../1.2.2"}`, 400},
		{"reader", "/studies/1.2.1", `{"query": "viewport=1,1"}`, 400},
		{"reader", "/studies/1.2.1", `{"resource": "rendered", "query": "link=x"}`, 400},
		{"reader", "/studies/1.2.1", `[]`, 400},
		{"reader", "/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1/frames/x", ``, 400},
	} {
		if w := l.send(c.who, "POST", "/dicom-web"+c.at+"/link", c.body); w.Code != c.want {
			t.Errorf("%s %s by %q: %d, want %d: %s", c.at, c.body, c.who, w.Code, c.want, w.Body)
		}
	}
	if links, err := l.links.List(); err != nil || len(links) != 0 {
		t.Errorf("%v, %v", links, err)
	}
}
