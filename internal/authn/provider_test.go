package authn

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/noctis-dicom/noctis/internal/access"
)

// idp is an OpenID provider of a test, whose keys and answers can be changed.
type idp struct {
	t      testing.TB
	url    string
	web    *httptest.Server
	keys   atomic.Pointer[[]jose.JSONWebKey] // published
	asked  atomic.Int32                      // for them
	broken atomic.Bool
	clock  atomic.Int64                                                  // of the server under test
	answer atomic.Pointer[func(form map[string][]string) map[string]any] // to a code
}

func newIDP(t testing.TB) *idp {
	t.Helper()
	p := &idp{t: t}
	p.clock.Store(time.Now().Unix())
	mux := http.NewServeMux()
	send := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		if p.broken.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		send(w, map[string]any{"issuer": p.url, "jwks_uri": p.url + "/keys", "authorization_endpoint": p.url + "/authorize", "token_endpoint": p.url + "/token",
			"userinfo_endpoint": p.url + "/userinfo", "id_token_signing_alg_values_supported": []string{"none", "HS256", "RS256"}})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		p.asked.Add(1)
		if p.broken.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		send(w, jose.JSONWebKeySet{Keys: *p.keys.Load()})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		send(w, (*p.answer.Load())(r.PostForm))
	})
	mux.HandleFunc("/userinfo", func(w http.ResponseWriter, r *http.Request) {
		send(w, map[string]any{"sub": "doe", "groups": []string{"radiology"}, "fullname": "Doe"})
	})
	p.web = httptest.NewServer(mux)
	t.Cleanup(p.web.Close)
	p.url = p.web.URL
	return p
}

// key is a private key with an id, which is published from now on beside the others.
func (p *idp) key(id string, alone bool) jose.JSONWebKey {
	p.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	k := jose.JSONWebKey{Key: private, KeyID: id, Algorithm: "ES256", Use: "sig"}
	published := []jose.JSONWebKey{k.Public()}
	if before := p.keys.Load(); before != nil && !alone {
		published = append(published, *before...)
	}
	p.keys.Store(&published)
	return k
}

func (p *idp) now() time.Time { return time.Unix(p.clock.Load(), 0) }

// claims are those of a good token, and what differs; nil takes one away.
func (p *idp) claims(others map[string]any) map[string]any {
	c := map[string]any{"iss": p.url, "aud": "noctis", "sub": "doe", "groups": []string{"radiology"},
		"iat": p.now().Unix(), "exp": p.now().Add(time.Hour).Unix()}
	for name, v := range others {
		if v == nil {
			delete(c, name)
		} else {
			c[name] = v
		}
	}
	return c
}

func (p *idp) sign(k jose.JSONWebKey, algorithm jose.SignatureAlgorithm, claims map[string]any) string {
	p.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: k}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

func (p *idp) provider(o ProviderOptions) *Provider {
	p.t.Helper()
	o.Issuer, o.Skew = p.url, time.Minute
	if o.Audiences == nil {
		o.Audiences = []string{"noctis", "viewer"}
	}
	o.Claims = access.ClaimMapping{Roles: "groups", RoleNames: map[string]access.Roles{"radiology": access.RolesOf(access.Read, access.Worklist)}}
	provider, err := NewProvider(o)
	if err != nil {
		p.t.Fatal(err)
	}
	provider.now = p.now
	return provider
}

func tokenOf(t string) *http.Request { return bearing("Authorization", "Bearer "+t) }

func TestTokensOfAProvider(t *testing.T) {
	p := newIDP(t)
	k := p.key("one", false)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaJWK := jose.JSONWebKey{Key: rsaKey, KeyID: "rsa", Use: "sig"} // says no algorithm, which makes confusion possible
	published := append(slices.Clone(*p.keys.Load()), rsaJWK.Public())
	p.keys.Store(&published)
	der, err := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	part := func(v any) string { text, _ := json.Marshal(v); return base64.RawURLEncoding.EncodeToString(text) }
	none := part(map[string]any{"alg": "none", "kid": "one"}) + "." + part(p.claims(nil)) + "."
	good := p.sign(k, jose.ES256, p.claims(nil))
	stranger := newIDP(t).key("one", false)
	hour := func(n int) int64 { return p.now().Add(time.Duration(n) * time.Hour).Unix() }
	for _, c := range []struct{ name, token, why string }{
		{"good", good, ""},
		{"RSA", p.sign(rsaJWK, jose.PS256, p.claims(nil)), ""},
		{"one of its audiences", p.sign(k, jose.ES256, p.claims(map[string]any{"aud": []string{"other", "viewer"}})), ""},
		{"just expired, by a slower clock", p.sign(k, jose.ES256, p.claims(map[string]any{"exp": p.now().Add(-50 * time.Second).Unix()})), ""},
		{"just issued, by a faster clock", p.sign(k, jose.ES256, p.claims(map[string]any{"iat": p.now().Add(50 * time.Second).Unix(), "nbf": p.now().Add(50 * time.Second).Unix()})), ""},
		{"expired", p.sign(k, jose.ES256, p.claims(map[string]any{"exp": p.now().Add(-61 * time.Second).Unix()})), "expired"},
		{"without an end", p.sign(k, jose.ES256, p.claims(map[string]any{"exp": nil})), "expired"},
		{"not yet", p.sign(k, jose.ES256, p.claims(map[string]any{"nbf": hour(1)})), "not valid yet"},
		{"of the future", p.sign(k, jose.ES256, p.claims(map[string]any{"iat": hour(1), "exp": hour(2)})), "not valid yet"},
		{"never", p.sign(k, jose.ES256, p.claims(map[string]any{"nbf": 1e300})), "not valid yet"},
		{"for somebody else", p.sign(k, jose.ES256, p.claims(map[string]any{"aud": "other"})), "not for this server"},
		{"for nobody", p.sign(k, jose.ES256, p.claims(map[string]any{"aud": nil})), "not for this server"},
		{"of another issuer", p.sign(k, jose.ES256, p.claims(map[string]any{"iss": "https://evil.example"})), "not one of"},
		{"with another's key under the same id", p.sign(stranger, jose.ES256, p.claims(nil)), "not one of"},
		{"without a signature", none, "not one of"},
		{"with the public key as the secret", p.sign(jose.JSONWebKey{Key: publicPEM, KeyID: "rsa"}, jose.HS256, p.claims(nil)), "not one of"},
		{"changed", good[:len(good)-4] + "AAAA", "not one of"},
		{"no token", "a.b.c", "not one of"},
		{"endless", strings.Repeat("a", tokenMost+1), "too long"},
		{"without a name", p.sign(k, jose.ES256, p.claims(map[string]any{"sub": nil})), "sub"},
	} {
		who, found, err := p.provider(ProviderOptions{}).Authenticate(tokenOf(c.token))
		if c.why == "" {
			if err != nil || !found || who.Name != "doe" || who.Kind != access.Token || who.Roles != access.RolesOf(access.Read, access.Worklist) {
				t.Errorf("%s: %+v, %v", c.name, who, err)
			}
			continue
		}
		if !errors.Is(err, access.ErrUnauthenticated) || !strings.Contains(err.Error(), c.why) || who.Roles != 0 || strings.Contains(err.Error(), "eyJ") {
			t.Errorf("%s: %+v, %v; want %q", c.name, who, err, c.why)
		}
	}
	who, _, err := p.provider(ProviderOptions{}).Authenticate(tokenOf(p.sign(k, jose.ES256, p.claims(map[string]any{"groups": []string{"kitchen"}}))))
	if err != nil || who.Roles != 0 {
		t.Errorf("without a group that is mapped: %+v, %v", who, err)
	}
	for _, r := range []*http.Request{bearing(), bearing("Authorization", basic("a", good)), bearing("X-Api-Key", good), tokenOf(keyPrefix + "x")} {
		if _, found, _ := p.provider(ProviderOptions{}).Authenticate(r); found {
			t.Errorf("%v bears no token", r.Header)
		}
	}
}

func TestKeysOfAProviderRotate(t *testing.T) {
	p := newIDP(t)
	first := p.key("one", false)
	provider := p.provider(ProviderOptions{})
	expect := func(what, token string, want error) {
		t.Helper()
		if _, _, err := provider.Authenticate(tokenOf(token)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	n := 0
	token := func(k jose.JSONWebKey) string { // another one each time: verdicts are kept
		n++
		return p.sign(k, jose.ES256, p.claims(map[string]any{"jti": n}))
	}
	expect("the first key", token(first), nil)
	second := p.key("two", false)
	p.clock.Add(int64(providerRests.Seconds()))
	expect("a new key", token(second), nil)
	expect("the old one beside it", token(first), nil)

	// Tokens with keys that nobody has do not make the server ask as often.
	asked := p.asked.Load()
	unknown := newIDP(t).key("nobody's", false)
	for range 20 {
		expect("a key that nobody has", token(unknown), access.ErrUnauthenticated)
	}
	if more := p.asked.Load() - asked; more > 1 {
		t.Errorf("%d tokens with unknown keys ask for keys %d times", 20, more)
	}

	// While the provider is away those go on whose keys are known, however long that is.
	p.broken.Store(true)
	p.clock.Add(int64(2 * keysHold.Seconds()))
	expect("in an outage", token(second), nil)
	expect("in an outage, a key that nobody has", token(unknown), access.ErrUnauthenticated)
	p.broken.Store(false)

	// A key that is withdrawn counts no longer, after a while.
	third := p.key("three", true)
	p.clock.Add(int64(2 * keysHold.Seconds()))
	expect("a third key", token(third), nil)
	expect("a withdrawn key", token(first), access.ErrUnauthenticated)
}

func TestProviderNeedNotBeThere(t *testing.T) {
	p := newIDP(t)
	k := p.key("one", false)
	p.broken.Store(true)
	provider := p.provider(ProviderOptions{})
	m := New(false, provider)
	token := p.sign(k, jose.ES256, p.claims(nil))
	if _, err := m.Authenticate(tokenOf(token)); !errors.Is(err, access.ErrUnavailable) || errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("before it was ever there: %v", err)
	}
	if who, err := m.Authenticate(bearing()); err != nil || who.Roles != 0 {
		t.Errorf("without a token: %+v, %v", who, err)
	}
	p.broken.Store(false)
	if _, err := m.Authenticate(tokenOf(token)); !errors.Is(err, access.ErrUnavailable) {
		t.Errorf("asked again at once: %v", err)
	}
	p.clock.Add(int64(providerRests.Seconds()))
	if _, err := m.Authenticate(tokenOf(token)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	// The verdict of a token that is asked about by the hundred is kept, and not longer than the token.
	asked := p.asked.Load()
	for range 100 {
		if _, err := m.Authenticate(tokenOf(token)); err != nil {
			t.Error(err)
		}
	}
	if p.asked.Load() != asked {
		t.Error("keys were asked for again")
	}
	p.clock.Add(int64((time.Hour + 2*time.Minute).Seconds()))
	if _, err := m.Authenticate(tokenOf(token)); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("expired: %v", err)
	}
}

func TestLoginAtTheProvider(t *testing.T) {
	for _, c := range []struct {
		name     string
		idToken  map[string]any // what differs
		callback func(query map[string]string, cookie *http.Cookie)
		next     string
		in       bool
		location string
	}{
		{"good", nil, nil, "viewer/viewer?StudyInstanceUIDs=1.2", true, "viewer/viewer?StudyInstanceUIDs=1.2"},
		{"groups of the user info", map[string]any{"groups": nil}, nil, "", true, ""},
		{"elsewhere", nil, nil, "//evil.example", true, ""},
		{"elsewhere in full", nil, nil, "https://evil.example", true, ""},
		{"elsewhere by a backslash", nil, nil, `\\evil.example`, true, ""},
		{"script", nil, nil, "javascript:alert(1)", true, ""},
		{"of another login", map[string]any{"nonce": "other"}, nil, "", false, ""},
		{"for another client", map[string]any{"aud": "viewer"}, nil, "", false, ""},
		{"expired", map[string]any{"exp": 1}, nil, "", false, ""},
		{"with another state", nil, func(q map[string]string, _ *http.Cookie) { q["state"] = "other" }, "", false, ""},
		{"in another browser", nil, func(_ map[string]string, c *http.Cookie) { c.Name = "x" }, "", false, ""},
		{"with a damaged cookie", nil, func(_ map[string]string, c *http.Cookie) { c.Value = "e30" }, "", false, ""},
		{"refused", nil, func(q map[string]string, _ *http.Cookie) { q["error"] = "access_denied" }, "", false, ""},
		{"without a code", nil, func(q map[string]string, _ *http.Cookie) { delete(q, "code") }, "", false, ""},
		{"with a code that is not taken", nil, func(q map[string]string, _ *http.Cookie) { q["code"] = "wrong" }, "", false, ""},
	} {
		p := newIDP(t)
		k := p.key("one", false)
		h := newHouse(t, "https://pacs.example/noctis")
		provider := p.provider(ProviderOptions{ClientID: "noctis", Scopes: []string{"openid", "profile"}})
		h.login = NewLogin(h.methods, h.sessions, provider, h.login.log)

		begin := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/session/provider", nil)
		query := r.URL.Query()
		query.Set("next", c.next)
		r.URL.RawQuery = query.Encode()
		h.login.Begin(begin, r)
		to, err := begin.Result().Location()
		if err != nil {
			t.Fatal(err)
		}
		asked := to.Query()
		if asked.Get("code_challenge_method") != "S256" || asked.Get("redirect_uri") != h.root+"/session/callback" || asked.Get("scope") != "openid profile" ||
			asked.Get("nonce") == "" || asked.Get("client_id") != "noctis" || asked.Get("response_type") != "code" {
			t.Errorf("%s: asks %s", c.name, to)
		}
		answer := func(form map[string][]string) map[string]any {
			if form["code"][0] != "good" || len(form["code_verifier"]) == 0 {
				return map[string]any{"error": "invalid_grant"}
			}
			claims := p.claims(map[string]any{"nonce": asked.Get("nonce")})
			others := p.claims(c.idToken)
			for name := range c.idToken {
				if v, there := others[name]; there {
					claims[name] = v
				} else {
					delete(claims, name)
				}
			}
			return map[string]any{"access_token": "opaque", "token_type": "Bearer", "id_token": p.sign(k, jose.ES256, claims)}
		}
		p.answer.Store(&answer)
		cookie := begin.Result().Cookies()[0]
		if cookie.Name != "__Secure-noctis-login" || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode {
			t.Errorf("%s: %v", c.name, cookie)
		}
		back := map[string]string{"code": "good", "state": asked.Get("state")}
		if c.callback != nil {
			c.callback(back, cookie)
		}
		r = httptest.NewRequest("GET", "/session/callback", nil)
		query = r.URL.Query()
		for name, v := range maps.All(back) {
			query.Set(name, v)
		}
		r.URL.RawQuery = query.Encode()
		r.AddCookie(cookie)
		done := httptest.NewRecorder()
		h.login.Callback(done, r)
		location := done.Header().Get("Location")
		var session *http.Cookie
		for _, got := range done.Result().Cookies() {
			if got.Name == "__Secure-noctis" {
				session = got
			}
		}
		if !c.in {
			if session != nil || location != h.root+"/login.html?problem" {
				t.Errorf("%s: %s, cookie %v", c.name, location, session)
			}
			continue
		}
		if session == nil || location != h.root+"/"+c.location {
			t.Errorf("%s: %s, cookie %v\n%s", c.name, location, session, &h.log)
			continue
		}
		who, err := h.with(session, "GET")
		if err != nil || who.Name != "doe" || !who.Roles.Has(access.Read) {
			t.Errorf("%s: %+v, %v", c.name, who, err)
		}
		if text := h.log.String(); strings.Contains(text, "eyJ") || strings.Contains(text, cookie.Value) {
			t.Errorf("%s: the log has secrets: %s", c.name, text)
		}
	}
}
