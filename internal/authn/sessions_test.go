package authn

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
)

// cheap makes hashing cost nothing for the length of a test.
func cheap(t *testing.T) {
	before := passwordCost
	passwordCost = cost{memory: 64, time: 1, lanes: 1}
	t.Cleanup(func() { passwordCost = before })
}

// house is a server with users and sessions, at a root.
type house struct {
	t        *testing.T
	root     string
	now      time.Time
	keys     *Keys
	users    *Users
	sessions *Sessions
	methods  *Methods
	login    *Login
	log      bytes.Buffer
}

const rightPassword = "correct horse battery"

func newHouse(t *testing.T, root string) *house {
	t.Helper()
	cheap(t)
	folder := filepath.Join(t.TempDir(), "access")
	uses := OpenUses(folder)
	h := &house{t: t, root: root, now: time.Now(), users: OpenUsers(folder, uses), keys: OpenKeys(folder, uses)}
	h.sessions = NewSessions(h.users)
	h.sessions.Root = func(*http.Request) (string, error) { return h.root, nil }
	h.sessions.Client = func(r *http.Request) string { return r.Header.Get("X-Forwarded-For") }
	h.sessions.now = func() time.Time { return h.now }
	h.methods = New(false, h.keys, h.sessions)
	h.login = NewLogin(h.methods, h.sessions, nil, slog.New(slog.NewTextHandler(&h.log, nil)))
	h.login.throttle = newThrottle(func() time.Time { return h.now })
	if err := h.users.Add("doe", rightPassword, Grant{Roles: []string{"read"}, Patients: []string{"P1"}}); err != nil {
		t.Fatal(err)
	}
	return h
}

// ask sends a request to the resource of the session; with headers as pairs.
func (h *house) ask(method, body string, fields ...string) *http.Response {
	r := httptest.NewRequest(method, h.root+"/session", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.login.ServeHTTP(w, r)
	return w.Result()
}

func (h *house) logIn(name, password string, fields ...string) *http.Response {
	text, err := json.Marshal(map[string]string{"name": name, "password": password})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.ask("POST", string(text), fields...)
}

// enter logs in and returns the cookie.
func (h *house) enter() *http.Cookie {
	h.t.Helper()
	answer := h.logIn("doe", rightPassword)
	if answer.StatusCode != http.StatusNoContent || len(answer.Cookies()) != 1 {
		h.t.Fatalf("%s with cookies %v", answer.Status, answer.Cookies())
	}
	return answer.Cookies()[0]
}

// with sends a request with a cookie to the authenticator.
func (h *house) with(c *http.Cookie, method string, fields ...string) (access.Principal, error) {
	r := bearing(fields...)
	r.Method = method
	r.AddCookie(c)
	return h.methods.Authenticate(r)
}

func TestCookieFitsItsRoot(t *testing.T) {
	for _, c := range []struct {
		root, name, path string
		secure           bool
	}{
		{"https://pacs.example", "__Host-noctis", "/", true},
		{"https://pacs.example/noctis", "__Secure-noctis", "/noctis/", true},
		{"http://127.0.0.1:8080", "noctis", "/", false},
		{"http://10.0.0.1/a/b", "noctis", "/a/b/", false},
	} {
		got := newHouse(t, c.root).enter()
		if got.Name != c.name || got.Path != c.path || got.Secure != c.secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Domain != "" || len(got.Value) < 40 {
			t.Errorf("%s: %v", c.root, got)
		}
	}
}

func TestSessionIsItsUsers(t *testing.T) {
	h := newHouse(t, "https://pacs.example")
	c := h.enter()
	p, err := h.with(c, "GET")
	if err != nil || p.Name != "doe" || p.Kind != access.User || p.Roles != access.RolesOf(access.Read) || p.Scope.Patients[0] != "P1" {
		t.Errorf("%+v, %v", p, err)
	}
	if err := h.users.Allow("doe", Grant{Roles: []string{"read", "worklist"}}); err != nil {
		t.Fatal(err)
	}
	if p, err := h.with(c, "GET"); err != nil || !p.Roles.Has(access.Worklist) || !p.Scope.Everything() {
		t.Errorf("with other roles: %+v, %v", p, err)
	}
	plain := *c
	plain.Name = "noctis"
	if p, err := h.with(&plain, "GET"); err != nil || p.Known() {
		t.Errorf("a cookie that a plain connection could have set: %+v, %v", p, err)
	}
}

func TestSessionsEnd(t *testing.T) {
	for name, end := range map[string]func(*house, *http.Cookie){
		"idle":                 func(h *house, _ *http.Cookie) { h.now = h.now.Add(h.sessions.Idle) },
		"disabled":             func(h *house, _ *http.Cookie) { h.users.Disable("doe", true) },
		"disabled and enabled": func(h *house, _ *http.Cookie) { h.users.Disable("doe", true); h.users.Disable("doe", false) },
		"removed":              func(h *house, _ *http.Cookie) { h.users.Remove("doe") },
		"another password":     func(h *house, _ *http.Cookie) { h.users.SetPassword("doe", "another password") },
		"logged out":           func(h *house, c *http.Cookie) { h.ask("DELETE", "", "Cookie", c.Name+"="+c.Value) },
		"logged in again":      func(h *house, c *http.Cookie) { h.logIn("doe", rightPassword, "Cookie", c.Name+"="+c.Value) },
		"too old": func(h *house, c *http.Cookie) {
			for range 30 {
				h.now = h.now.Add(h.sessions.Most / 30)
				h.with(c, "GET")
			}
		},
		"idle, although a stream is open": func(h *house, c *http.Cookie) {
			for range 2 {
				h.now = h.now.Add(h.sessions.Idle / 2)
				r := bearing("Cookie", c.Name+"="+c.Value)
				h.methods.Authenticate(r.WithContext(access.Watch(r.Context())))
			}
		},
	} {
		h := newHouse(t, "https://pacs.example")
		c := h.enter()
		h.now = h.now.Add(h.sessions.Idle - 1)
		if _, err := h.with(c, "GET"); err != nil {
			t.Errorf("%s: %v before", name, err)
		}
		end(h, c)
		if p, err := h.with(c, "GET"); !errors.Is(err, access.ErrUnauthenticated) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// A cookie is added by browsers to what any page asks them for; it counts for our own pages, and for people who follow links.
func TestSessionIsForOwnPages(t *testing.T) {
	for _, c := range []struct {
		root, method string
		fields       []string
		want         bool
	}{
		{"https://a", "DELETE", []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://a"}, true},
		{"https://a", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil"}, false},
		{"https://a", "POST", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate"}, false},
		{"https://a", "GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, true},
		{"https://a", "GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, false},
		{"https://a", "GET", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "websocket", "Origin", "https://b.a"}, false},
		{"https://a", "GET", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, true},
		{"http://10.0.0.1:80", "POST", []string{"Origin", "http://10.0.0.1:80"}, true},
		{"http://10.0.0.1:8080/a", "POST", []string{"Origin", "http://10.0.0.1:8080"}, true},
		{"http://10.0.0.1:8080", "POST", []string{"Origin", "http://10.0.0.1:808"}, false},
		{"http://10.0.0.1:8080", "POST", []string{"Origin", "null"}, false},
		{"http://10.0.0.1:8080", "GET", []string{"Origin", "http://evil", "Upgrade", "websocket"}, false},
		{"http://10.0.0.1:8080", "POST", nil, true}, // no browser
	} {
		h := newHouse(t, c.root)
		p, err := h.with(h.enter(), c.method, c.fields...)
		if got := err == nil && p.Known(); got != c.want {
			t.Errorf("%s %s %v: %v, %v", c.method, c.root, c.fields, p, err)
		}
		answer := h.logIn("doe", rightPassword, c.fields...)
		if forged := c.method != "GET" && !c.want; forged && answer.StatusCode != http.StatusForbidden {
			t.Errorf("login for a page of another origin, %v: %s", c.fields, answer.Status)
		}
	}
}

func TestLoginTellsNothing(t *testing.T) {
	h := newHouse(t, "https://pacs.example")
	if err := h.users.Add("off", rightPassword, Grant{Roles: []string{"admin"}}); err != nil {
		t.Fatal(err)
	}
	if err := h.users.Disable("off", true); err != nil {
		t.Fatal(err)
	}
	want := ""
	for _, c := range [][2]string{{"doe", "wrong"}, {"nobody", "wrong"}, {"off", rightPassword}, {"doe", ""}, {"", ""}, {"doe", strings.Repeat("x", 2000)}} {
		answer := h.logIn(c[0], c[1])
		var text bytes.Buffer
		text.ReadFrom(answer.Body)
		if want == "" {
			want = text.String()
		}
		if answer.StatusCode != http.StatusUnauthorized || text.String() != want || len(answer.Cookies()) > 0 {
			t.Errorf("%q: %s %s", c[0], answer.Status, &text)
		}
	}
	for _, c := range []struct{ body, mediaType string }{
		{`name=doe&password=` + rightPassword, "application/x-www-form-urlencoded"},
		{`{"name":"doe","password":"` + rightPassword + `"}`, "text/plain"},
		{`{"name":`, "application/json"},
	} {
		if answer := h.ask("POST", c.body, "Content-Type", c.mediaType); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", c.mediaType, answer.Status)
		}
	}
	if answer := h.ask("PUT", ""); answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") == "" {
		t.Errorf("PUT: %s", answer.Status)
	}
	if text := h.log.String(); strings.Contains(text, rightPassword) || strings.Contains(text, "nobody\"") {
		t.Errorf("the log has %s", text)
	}
}

func TestGuessingIsThrottled(t *testing.T) {
	h := newHouse(t, "https://pacs.example")
	tries := func(name, address string) (n int) {
		for ; n < 1000; n++ {
			answer := h.logIn(name, "a wrong password", "X-Forwarded-For", address)
			if answer.StatusCode == http.StatusTooManyRequests {
				if answer.Header.Get("Retry-After") == "" {
					t.Error("429 without Retry-After")
				}
				return n
			}
		}
		return n
	}
	existing, other := tries("doe", "192.0.2.1"), tries("roe", "192.0.2.1")
	if existing != allowanceOfPair.tries || other != existing {
		t.Errorf("%d tries for a name that exists, %d for one that does not", existing, other)
	}
	if answer := h.logIn("doe", rightPassword, "X-Forwarded-For", "192.0.2.1"); answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the right password after too many wrong ones: %s", answer.Status)
	}
	if answer := h.logIn("doe", rightPassword, "X-Forwarded-For", "198.51.100.7"); answer.StatusCode != http.StatusNoContent {
		t.Errorf("from elsewhere: %s", answer.Status)
	}
	h.now = h.now.Add(allowanceOfPair.every)
	if answer := h.logIn("doe", rightPassword, "X-Forwarded-For", "192.0.2.1"); answer.StatusCode != http.StatusNoContent {
		t.Errorf("after a while: %s", answer.Status)
	}
	for range 3 * allowanceOfPair.tries {
		if answer := h.logIn("doe", rightPassword, "X-Forwarded-For", "203.0.113.1"); answer.StatusCode != http.StatusNoContent {
			t.Fatalf("the right password is no guess: %s", answer.Status)
		}
	}
	if tries("poe", "2001:db8::1"); tries("poe", "2001:db8::ffff:2") != 0 {
		t.Error("another address of the same network has tries of its own")
	}
	total := 0
	for i := range 40 {
		total += tries("name"+string(rune('a'+i)), "203.0.113.9")
	}
	if total != allowanceOfAddress.tries {
		t.Errorf("%d tries from one address", total)
	}
}

func TestSessionSaysWhoIsThere(t *testing.T) {
	h := newHouse(t, "https://pacs.example")
	c := h.enter()
	key := mustAdd(t, h.keys, "CT1", Grant{Roles: []string{"store"}})
	for _, q := range []struct {
		fields []string
		want   string
	}{
		{nil, `{"authentication":true,"password":true,"session":false,"roles":[]}`},
		{[]string{"Cookie", c.Name + "=expired"}, `{"authentication":true,"password":true,"session":false,"roles":[]}`},
		{[]string{"Cookie", c.Name + "=" + c.Value}, `{"authentication":true,"password":true,"name":"doe","kind":"user","session":true,"roles":["read"]}`},
		{[]string{"X-Api-Key", key}, `{"authentication":true,"password":true,"name":"CT1","kind":"key","session":false,"roles":["store"]}`},
	} {
		answer := h.ask("GET", "", q.fields...)
		var text bytes.Buffer
		text.ReadFrom(answer.Body)
		if got := strings.TrimSpace(text.String()); got != q.want || answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v: %s, want %s", q.fields, got, q.want)
		}
	}
}

func TestSessionsAreBounded(t *testing.T) {
	h := newHouse(t, "https://pacs.example")
	r := httptest.NewRequest("GET", "/", nil)
	for range mostSessions + 10 {
		h.sessions.begin(httptest.NewRecorder(), r, h.root, &session{who: access.Principal{Name: "a", Kind: access.Token}})
	}
	if n := len(h.sessions.open); n != mostSessions {
		t.Errorf("%d sessions", n)
	}
}

// Sessions outlive the process: those that are not over, of users who are still the same, and of a provider that is still there. What is in the file lets nobody in.
func TestSessionsOutliveTheProcess(t *testing.T) {
	h := newHouse(t, "http://pacs.example")
	path := filepath.Join(t.TempDir(), "access", "sessions.json")
	keep := func(provider bool) {
		t.Helper()
		h.sessions = NewSessions(h.users)
		h.sessions.Root = func(*http.Request) (string, error) { return h.root, nil }
		h.sessions.now = func() time.Time { return h.now }
		if err := h.sessions.Keep(path, provider); err != nil {
			t.Fatal(err)
		}
	}
	keep(true)
	begin := func(one *session) *http.Request {
		w := httptest.NewRecorder()
		h.sessions.begin(w, httptest.NewRequest("GET", "/", nil), h.root, one)
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(w.Result().Cookies()[0])
		return r
	}
	user, _, err := h.users.ledger.find("doe")
	if err != nil {
		t.Fatal(err)
	}
	local := begin(&session{user: "doe", changed: user.Changed})
	foreign := access.Principal{Name: "chief", Kind: access.Token, Roles: access.RolesOf(access.Read, access.Admin), Tenant: "north",
		Scope: access.Scope{Patients: []string{""}, Studies: []dicom.UID{"1.2"}, Facilities: []string{"North"}, Physicians: []string{"Roe"}}}
	provided := begin(&session{who: foreign})
	left := begin(&session{user: "doe", changed: user.Changed})
	h.sessions.end(left, h.root)
	short := begin(&session{who: foreign, ends: h.now.Add(time.Minute)})

	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*http.Request{local, provided, left, short} {
		if c, _ := r.Cookie("noctis"); bytes.Contains(text, []byte(c.Value)) {
			t.Error("a cookie is in the file")
		}
	}
	in := func(r *http.Request) access.Principal {
		t.Helper()
		who, found, err := h.sessions.Authenticate(r)
		if !found || err != nil && !errors.Is(err, access.ErrUnauthenticated) {
			t.Error(found, err)
		}
		return who
	}
	h.now = h.now.Add(2 * time.Minute)
	keep(true)
	if who := in(local); who.Name != "doe" || who.Scope.Patients[0] != "P1" {
		t.Errorf("a user: %+v", who)
	}
	if who := in(provided); !reflect.DeepEqual(who, foreign) {
		t.Errorf("one of a provider: %+v, want %+v", who, foreign)
	}
	if who := in(left); who.Known() {
		t.Errorf("who had logged out: %+v", who)
	}
	if who := in(short); who.Known() {
		t.Errorf("one that is over: %+v", who)
	}
	if err := h.sessions.save(); err != nil { // when they were used
		t.Fatal(err)
	}
	h.now = h.now.Add(h.sessions.Idle - time.Minute)
	keep(false)
	if who := in(provided); who.Known() {
		t.Errorf("one of a provider that has gone: %+v", who)
	}
	if who := in(local); who.Name != "doe" {
		t.Error("that it was used has been forgotten")
	}
	if err := h.users.Disable("doe", true); err != nil {
		t.Fatal(err)
	}
	if who := in(local); who.Known() {
		t.Errorf("who may no longer: %+v", who)
	}
	for _, wrong := range []string{"", "{}", `[{"sha256":"00"}]`, `[{"sha256":"` + strings.Repeat("0", 64) + `"}]`, `[{"sha256":"` + strings.Repeat("0", 64) + `","subject":"a","grant":{"roles":["king"]}}]`} {
		if err := os.WriteFile(path, []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := NewSessions(h.users).Keep(path, true); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
