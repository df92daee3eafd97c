package dicomweb

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/authn"
)

// people are the principals of TestRouteTable, with real credentials of each kind: good ones, and such as are over.
type people struct {
	*authn.Methods
	links *authn.Links
	bear  map[string]func(*http.Request) // puts somebody's credentials into a request
	known map[string]string              // the names of those whose credentials are good, as the audit has them
}

// over are those whose credentials prove nothing any more, or never did. "" bears none.
var over = []string{"", "unknown-key", "expired-key", "revoked-key", "expired-token", "withdrawn-token", "expired-session", "disabled-user", "expired-link", "revoked-link"}

// narrowed are those who may see the first side alone: by a key for the patient, by a token of SMART on FHIR, and by a link to the study.
var narrowed = []string{"mine", "launched", "guest"}

func newPeople(t *testing.T) *people {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "access")
	keys, users, links := authn.OpenKeys(folder, nil), authn.OpenUsers(folder, nil), authn.OpenLinks(folder, nil)
	sessions, provider := authn.NewSessions(users), newProvider(t)
	p := &people{links: links, bear: map[string]func(*http.Request){"": func(*http.Request) {}}, known: map[string]string{}}
	p.Methods = authn.New(true, authn.CarriedLinks{Links: links}, keys, provider.Provider, sessions)
	p.addKeys(t, keys)
	p.addTokens(provider)
	p.addSessions(t, users, sessions)
	p.addLinks(t)
	return p
}

// header is what bears a header field.
func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func (p *people) addKeys(t *testing.T, keys *authn.Keys) {
	t.Helper()
	all := []string{"read", "store", "delete", "worklist", "admin"}
	add := func(name string, g authn.Grant, expires time.Time) {
		secret, err := keys.Add(name, g, expires)
		if err != nil {
			t.Fatal(err)
		}
		p.bear[name], p.known[name] = header("X-Api-Key", secret), name
	}
	add("boss", authn.Grant{Roles: all}, time.Time{})
	add("mine", authn.Grant{Roles: all, Patients: []string{"P.1"}}, time.Time{})
	add("elsewhere", authn.Grant{Roles: all, Tenant: "north"}, time.Time{})
	for _, role := range all {
		others := slices.DeleteFunc(slices.Clone(all), func(r string) bool { return r == role || r == "admin" }) // who administers may do everything
		add("not-"+role, authn.Grant{Roles: others}, time.Time{})
	}
	add("expired-key", authn.Grant{Roles: all}, time.Now().Add(10*time.Millisecond))
	for r := httptest.NewRequest("GET", "/", nil); ; {
		p.bear["expired-key"](r)
		if _, err := p.Authenticate(r); err != nil {
			break // it has expired
		}
	}
	add("revoked-key", authn.Grant{Roles: all}, time.Time{})
	if _, err := keys.Revoke("revoked-key"); err != nil {
		t.Fatal(err)
	}
	p.bear["unknown-key"] = header("X-Api-Key", "noctis_aaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaa")
}

func (p *people) addTokens(provider *testProvider) {
	token := func(withdrawn bool, ends time.Duration, others map[string]any) func(*http.Request) {
		claims := map[string]any{"iss": provider.issuer, "aud": "noctis", "exp": time.Now().Add(ends).Unix(), "iat": time.Now().Add(-2 * time.Hour).Unix()}
		for name, value := range others {
			claims[name] = value
		}
		return header("Authorization", "Bearer "+provider.sign(withdrawn, claims))
	}
	p.bear["launched"], p.known["launched"] = token(false, time.Hour, map[string]any{"sub": "doe", "scope": "patient/ImagingStudy.cruds", "patient": "P.1"}), "doe"
	boss := map[string]any{"sub": "chief", "roles": "admin"}
	p.bear["expired-token"] = token(false, -time.Hour, boss)
	p.bear["withdrawn-token"] = token(true, time.Hour, boss)
}

// testProvider is an OpenID provider that has published one key and withdrawn another.
type testProvider struct {
	*authn.Provider
	issuer string
	sign   func(withdrawn bool, claims map[string]any) string
}

func newProvider(t *testing.T) *testProvider {
	t.Helper()
	p := &testProvider{}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	var signers [2]jose.Signer
	var public []jose.JSONWebKey
	for i := range signers {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(err)
		k := jose.JSONWebKey{Key: private, KeyID: string(rune('a' + i)), Algorithm: "ES256", Use: "sig"}
		public = append(public, k.Public())
		signers[i], err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k}, nil)
		must(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = jose.JSONWebKeySet{Keys: public[:1]}
		if strings.HasPrefix(r.URL.Path, "/.well-known/") {
			answer = map[string]string{"issuer": p.issuer, "jwks_uri": p.issuer + "/keys"}
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(answer) //nolint:errcheck // the test fails by what is missing
	}))
	t.Cleanup(web.Close)
	p.issuer = web.URL
	p.sign = func(withdrawn bool, claims map[string]any) string {
		text, err := json.Marshal(claims)
		must(err)
		signer := signers[0]
		if withdrawn {
			signer = signers[1]
		}
		signed, err := signer.Sign(text)
		must(err)
		token, err := signed.CompactSerialize()
		must(err)
		return token
	}
	provider, err := authn.NewProvider(authn.ProviderOptions{Issuer: p.issuer, Audiences: []string{"noctis"}, Claims: access.ClaimMapping{Roles: "roles"}})
	must(err)
	p.Provider = provider
	return p
}

func (p *people) addSessions(t *testing.T, users *authn.Users, sessions *authn.Sessions) {
	t.Helper()
	const name, password = "doe", "a password of twelve"
	if err := users.Add(name, password, authn.Grant{Roles: []string{"admin"}}); err != nil {
		t.Fatal(err)
	}
	login := authn.NewLogin(p.Methods, sessions, nil, slog.New(slog.DiscardHandler))
	session := func(most time.Duration) func(*http.Request) {
		sessions.Most = most
		r := httptest.NewRequest("POST", "/session", strings.NewReader(`{"name":"`+name+`","password":"`+password+`"}`))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		login.ServeHTTP(w, r)
		if w.Code != 204 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return header("Cookie", w.Result().Cookies()[0].String())
	}
	p.bear["expired-session"] = session(time.Nanosecond)
	p.bear["disabled-user"] = session(time.Hour)
	if err := users.Disable(name, true); err != nil {
		t.Fatal(err)
	}
}

func (p *people) addLinks(t *testing.T) {
	t.Helper()
	link := func(expires time.Duration) (authn.Link, func(*http.Request)) {
		link, token, err := p.links.Add(access.Principal{Name: "link add", Kind: "command"}, authn.Target{Study: "1.2.71", Path: "/studies/1.2.71", Whole: true}, time.Now().Add(expires))
		if err != nil {
			t.Fatal(err)
		}
		return link, func(r *http.Request) {
			query := url.Values{"link": {token}}.Encode()
			if r.URL.RawQuery != "" {
				query = r.URL.RawQuery + "&" + query
			}
			r.URL.RawQuery = query
			r.RequestURI = r.URL.RequestURI()
		}
	}
	guest, bear := link(time.Hour)
	p.bear["guest"], p.known["guest"] = bear, guest.ID
	_, p.bear["expired-link"] = link(time.Millisecond) // links end with a second, this one with the last
	revoked, bear := link(time.Hour)
	p.bear["revoked-link"] = bear
	if _, err := p.links.Revoke(revoked.ID); err != nil {
		t.Fatal(err)
	}
}
