package authn

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
)

const linkedStudy = "1.2.3"

// testLinks are links of an empty folder, whose clock is now.
func testLinks(t *testing.T, now *time.Time) *Links {
	t.Helper()
	l := OpenLinks(filepath.Join(t.TempDir(), "access"), nil)
	l.now = func() time.Time { return *now }
	return l
}

func addLink(t *testing.T, l *Links, target Target) (Link, string) {
	t.Helper()
	by := access.Principal{Name: "jane", Kind: access.User, Scope: access.Scope{Patients: []string{"P1"}}}
	link, token, err := l.Add(by, target, l.now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return link, token
}

// asked is who the link method says sent a request that bears a token in its query.
func asked(l *Links, method, address string) (p access.Principal, found bool, seen *http.Request, err error) {
	r := httptest.NewRequest(method, address, nil)
	l.Carry(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r })).ServeHTTP(httptest.NewRecorder(), r)
	p, found, err = CarriedLinks{l}.Authenticate(seen)
	return p, found, seen, err
}

func TestLinksAreForWhatTheyAreFor(t *testing.T) {
	now := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	l := testLinks(t, &now)
	ref := dicom.Ref{Study: linkedStudy, Series: "1.2.3.1", Instance: "1.2.3.1.1"}
	for name, c := range map[string]struct {
		target Target
		good   []string
		bad    []string
	}{
		"a study": {TargetOf(dicom.Ref{Study: linkedStudy}, "", "", ""),
			[]string{"/dicom-web/studies/1.2.3", "/dicom-web/studies?limit=1", "/wado?studyUID=1.2.3", "/dicom-web/studies/1.2.4"}, // the scope says the rest
			[]string{"POST /dicom-web/studies", "DELETE /dicom-web/studies/1.2.3"}},
		"a series": {TargetOf(dicom.Ref{Study: linkedStudy, Series: "1.2.3.1"}, "", "", ""),
			[]string{"/dicom-web/studies/1.2.3/series/1.2.3.1", "/dicom-web/studies/1.2.3/series/1.2.3.1/metadata?includefield=all", "//dicom-web//studies/1.2.3/series/1.2.3.1/", "/wado?studyUID=1.2.3&seriesUID=1.2.3.1&objectUID=1.2.3.1.1"},
			[]string{"/wado?studyUID=1.2.3&seriesUID=1.2.3.10&objectUID=1.2.3.1.1", "/dicom-web/studies/1.2.3", "/dicom-web/studies/1.2.3/series/1.2.3.10", "/dicom-web/studies/1.2.3/series/1.2.3.1%2f..", "/dicom-web/studies", "/wado?studyUID=1.2.3"}},
		"a picture": {TargetOf(ref, "frames/1", "rendered", "viewport=64,64&quality=90"),
			[]string{"/dicom-web/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/frames/1/rendered?quality=90&viewport=64%2C64", "HEAD /dicom-web/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/frames/1/rendered?viewport=64,64&quality=90"},
			[]string{"/dicom-web/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/frames/1/rendered", "/dicom-web/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/frames/2/rendered?viewport=64,64&quality=90",
				"/dicom-web/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/frames/1/rendered?viewport=64,64&quality=90&annotation=patient",
				"/dicom-web/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/frames/1/rendered/x?viewport=64,64&quality=90"}},
	} {
		_, token := addLink(t, l, c.target)
		for _, address := range append(append([]string{}, c.good...), c.bad...) {
			method, path, other := strings.Cut(address, " ")
			if !other {
				method, path = "GET", address
			}
			joint := "?"
			if strings.Contains(path, "?") {
				joint = "&"
			}
			p, found, seen, err := asked(l, method, path+joint+"link="+token)
			good := false
			for _, g := range c.good {
				good = good || g == address
			}
			switch {
			case !found, good != (err == nil), !good && !errors.Is(err, access.ErrUnauthenticated):
				t.Errorf("%s: %s: found %v, %v", name, address, found, err)
			case strings.Contains(seen.URL.String()+seen.RequestURI, "link="):
				t.Errorf("the token stays in %s", seen.URL)
			case good && (p.Kind != access.Link || p.Roles != access.RolesOf(access.Read) || len(p.Scope.Studies) != 1 || p.Scope.Studies[0] != linkedStudy || p.Scope.Patients[0] != "P1"):
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
}

func TestLinksEnd(t *testing.T) {
	now := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	l := testLinks(t, &now)
	link, token := addLink(t, l, TargetOf(dicom.Ref{Study: linkedStudy}, "", "", ""))
	other, otherToken := addLink(t, l, TargetOf(dicom.Ref{Study: "1.2.4"}, "", "", ""))
	lets := func(token string) bool {
		t.Helper()
		_, found, _, err := asked(l, "GET", "/dicom-web/studies?link="+token)
		if !found || err != nil && !errors.Is(err, access.ErrUnauthenticated) {
			t.Fatalf("found %v, %v", found, err)
		}
		return err == nil
	}
	if !lets(token) || !lets(otherToken) {
		t.Fatal("the links let nobody in")
	}
	_, mac, _ := strings.Cut(token, ".")
	for _, wrong := range []string{"", ".", link.ID, link.ID + ".", other.ID + "." + mac, "nobody." + mac, token + "x", token + "&link=" + token, strings.ToUpper(token)} {
		if lets(wrong) {
			t.Errorf("%q lets in", wrong)
		}
	}
	now = now.Add(59 * time.Minute)
	if !lets(token) {
		t.Error("it ends too early")
	}
	if _, err := l.Revoke(other.ID); err != nil || lets(otherToken) {
		t.Error("it is revoked, and lets in", err)
	}
	if _, err := l.Revoke(other.ID); err == nil {
		t.Error("it is revoked twice")
	}
	now = now.Add(time.Minute)
	if lets(token) {
		t.Error("it is over, and lets in")
	}
	now = now.Add(-time.Minute)
	if err := os.Remove(l.key); err != nil || lets(token) {
		t.Error("without the key it lets in", err)
	}
	if _, _, err := l.Add(access.Principal{}, TargetOf(dicom.Ref{Study: linkedStudy}, "", "", ""), now.Add(MostLink+time.Hour)); err == nil {
		t.Error("a link for ever")
	}
}

// TestLedgerIsNoLink: who changes the ledger, but has not the key, gets no other link.
func TestLedgerIsNoLink(t *testing.T) {
	now := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	l := testLinks(t, &now)
	_, token := addLink(t, l, TargetOf(dicom.Ref{Study: linkedStudy}, "", "", ""))
	text, err := os.ReadFile(l.ledger.path)
	if err != nil || strings.Contains(string(text), token) {
		t.Fatal("the token is in the ledger", err)
	}
	if err := os.WriteFile(l.ledger.path, []byte(strings.ReplaceAll(string(text), linkedStudy, "1.2.30")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := asked(l, "GET", "/dicom-web/studies?link="+token); err == nil {
		t.Error("the token is good for another study")
	}
}

// TestOpenedLinks opens links in a browser.
func TestOpenedLinks(t *testing.T) {
	now := time.Now()
	l := testLinks(t, &now)
	var cookies []*http.Cookie
	open := func(token string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		l.ServeHTTP(w, httptest.NewRequest("GET", "/link/"+token, nil))
		cookies = append(cookies, w.Result().Cookies()...)
		return w
	}
	_, token := addLink(t, l, TargetOf(dicom.Ref{Study: linkedStudy}, "", "", ""))
	_, second := addLink(t, l, TargetOf(dicom.Ref{Study: "1.2.4"}, "", "", ""))
	_, picture := addLink(t, l, TargetOf(dicom.Ref{Study: "1.2.5"}, "", "thumbnail", ""))
	for token, location := range map[string]string{
		token: "http://example.com/viewer/viewer?StudyInstanceUIDs=1.2.3", second: "http://example.com/viewer/viewer?StudyInstanceUIDs=1.2.4",
		picture: "http://example.com/dicom-web/studies/1.2.5/thumbnail?link=" + picture,
	} {
		w := open(token)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != location || w.Header().Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%d to %s", w.Code, w.Header().Get("Location"))
		}
	}
	if w := open(token + "x"); w.Code != http.StatusNotFound {
		t.Errorf("%d", w.Code)
	}
	if len(cookies) != 2 || !cookies[0].HttpOnly || cookies[0].MaxAge <= 0 {
		t.Fatalf("cookies %v", cookies)
	}
	ask := func(site string) (access.Principal, bool) {
		r := httptest.NewRequest("GET", "/dicom-web/studies", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		p, found, err := OpenedLinks{l}.Authenticate(r)
		if err != nil {
			t.Fatal(err)
		}
		return p, found
	}
	if p, found := ask("same-origin"); !found || len(p.Scope.Studies) != 2 || p.Scope.Patients[0] != "P1" {
		t.Errorf("found %v: %+v", found, p)
	}
	if _, found := ask("cross-site"); found {
		t.Error("a page of another site uses the cookies")
	}
	now = now.Add(time.Hour)
	if _, found := ask("same-origin"); found {
		t.Error("the links are over")
	}
}

// A link ends with who made it, and does not come back with another of his name.
func TestLinksEndWithTheirMakers(t *testing.T) {
	now := time.Now()
	l := testLinks(t, &now)
	keys, users, certificates := l.makers.keys, l.makers.users, l.makers.certificates
	for _, clock := range []*func() time.Time{&keys.now, &users.now, &certificates.now} {
		*clock = l.now
	}
	grant := Grant{Roles: []string{"read"}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	add := func() {
		_, err := keys.Add("ct", grant, now.Add(24*time.Hour))
		must(err)
		must(certificates.Add("mr", "dns:mr", grant, time.Time{}))
	}
	add()
	must(users.Add("jane", "a password of twelve", grant))
	for kind, c := range map[access.Kind]struct {
		name string
		end  func()
	}{
		access.Key:         {"ct", func() { _, err := keys.Revoke("ct"); must(err) }},
		access.Certificate: {"mr", func() { _, err := certificates.Revoke("mr"); must(err) }},
		access.User:        {"jane", func() { must(users.Disable("jane", true)) }},
		access.Token:       {"someone", func() {}},
		"command":          {"link add", func() {}},
	} {
		_, token, err := l.Add(access.Principal{Name: c.name, Kind: kind}, TargetOf(dicom.Ref{Study: linkedStudy}, "", "", ""), now.Add(48*time.Hour))
		must(err)
		if _, err := l.verify(token); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		c.end()
		stays := kind == access.Token || kind == "command"
		if _, err := l.verify(token); (err == nil) != stays {
			t.Errorf("%s, who has gone: %v", kind, err)
		}
	}
	must(users.Disable("jane", false))
	later, token := addLink(t, l, TargetOf(dicom.Ref{Study: linkedStudy}, "", "", "")) // by jane
	must(users.Allow("jane", Grant{Roles: []string{"read"}, Patients: []string{"7"}, Studies: []dicom.UID{linkedStudy}}))
	if bound, err := l.verify(token); err != nil || !slices.Equal(bound.Patients, []string{"7"}) {
		t.Errorf("of somebody who may see less: %v, %v", bound.Patients, err)
	}
	for _, elsewhere := range []Grant{{Roles: []string{"read"}, Studies: []dicom.UID{"1.9"}}, {Roles: []string{"read"}, Tenant: "north"}} {
		must(users.Allow("jane", elsewhere))
		if _, err := l.verify(token); err == nil {
			t.Errorf("of somebody who may read elsewhere: %+v", elsewhere)
		}
	}
	for _, c := range []struct {
		role, tenant string
		want         bool
	}{{"admin", "", true}, {"read", "", false}, {"read", "north", true}, {"admin", "south", false}} {
		if _, ok := (Grant{Roles: []string{c.role}, Tenant: c.tenant}).bound(Link{Target: Target{Study: linkedStudy}, Tenant: "north"}); ok != c.want {
			t.Errorf("a link of the tenant north by %+v: %v", c, ok)
		}
	}
	must(users.Allow("jane", Grant{Roles: []string{"worklist"}}))
	if state, err := l.State(later); err != nil || state != "revoked" {
		t.Errorf("of somebody who may not read any more: %s, %v", state, err)
	}
	must(users.Remove("jane"))
	now = now.Add(time.Minute)
	must(users.Add("jane", "a password of twelve", grant))
	add()
	if _, err := l.verify(token); err == nil {
		t.Error("it came back with another jane")
	}
	if list, err := l.List(); err != nil || len(list) != 6 {
		t.Errorf("%d, %v", len(list), err)
	}
}
