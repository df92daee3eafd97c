package authn

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/noctis-dicom/noctis/internal/access"
)

// ProviderOptions say which OpenID provider vouches for people, and what its claims mean here.
type ProviderOptions struct {
	Name      string   // for people; "" is the host of the issuer
	Issuer    string   // as the provider's discovery document and its tokens have it
	Audiences []string // a token for the API has to name one of them
	Claims    access.ClaimMapping
	Skew      time.Duration // by which the clocks of provider and server may differ

	// Of the login at the page; without ClientID there is none. Without ClientSecret the client is a public one.
	ClientID, ClientSecret string
	Scopes                 []string
}

// Provider is an OpenID provider. Its tokens are verified here, with keys that it publishes and that are kept: the provider is not asked
// about requests, and while it is away those go on whose tokens it has given before. It need not be there at the start. Safe for concurrent use.
type Provider struct {
	options ProviderOptions
	client  *http.Client // of everything but the keys
	keys    *http.Client
	now     func() time.Time

	mu     sync.Mutex
	found  *discovery
	tried  time.Time // to find it
	failed error     // when it was tried

	verified *lru.Cache[[sha256.Size]byte, verdict]
}

// discovery is what the provider says of itself (OpenID Connect Discovery 1.0).
type discovery struct {
	*oidc.Provider
	jwksURI string
	keys    oidc.KeySet
	renewed time.Time // keys
}

// verdict is what a token was found to be; it holds for a while, so that a stack of frames costs one signature.
type verdict struct {
	who   access.Principal
	until time.Time
}

const (
	tokenMost     = 16 << 10         // bytes of a token
	verdictsKept  = 4096             // tokens
	verdictHolds  = time.Minute      // and no longer than the token
	keysHold      = 5 * time.Minute  // after that the provider may have withdrawn some
	providerRests = 10 * time.Second // before it is asked again, for keys that nobody has too
)

// algorithms are those of signatures that need a private key (RFC 7518 3.1): neither none nor those whose secret would be a public key.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// NewProvider makes one; it is looked for when the first token comes.
func NewProvider(o ProviderOptions) (*Provider, error) {
	issuer, err := url.Parse(o.Issuer)
	if err != nil || issuer.Scheme != "https" && issuer.Scheme != "http" || issuer.Host == "" {
		return nil, fmt.Errorf("OpenID provider: the issuer is an address, not %q", o.Issuer)
	}
	if o.Name == "" {
		o.Name = issuer.Host
	}
	verified, err := lru.New[[sha256.Size]byte, verdict](verdictsKept)
	if err != nil {
		return nil, err
	}
	p := &Provider{options: o, now: time.Now, verified: verified, client: &http.Client{Timeout: 10 * time.Second}}
	p.keys = &http.Client{Timeout: p.client.Timeout, Transport: &calm{next: http.DefaultTransport, now: func() time.Time { return p.now() }}}
	return p, nil
}

// LogsIn reports whether people log in at the page by it.
func (p *Provider) LogsIn() bool { return p.options.ClientID != "" }

// Begun is true: who has a provider wants people to prove who they are.
func (p *Provider) Begun() (bool, error) { return true, nil }

// Challenges ask for a token.
func (p *Provider) Challenges() []string { return []string{challengeRFC6750} }

// Authenticate knows whoever bears a token of the provider that is for this server.
func (p *Provider) Authenticate(r *http.Request) (access.Principal, bool, error) {
	token := bearer(r)
	if token == "" || strings.HasPrefix(token, keyPrefix) {
		return access.Principal{}, false, nil
	}
	digest := sha256.Sum256([]byte(token))
	if v, known := p.verified.Get(digest); known && p.now().Before(v.until) {
		return v.who, true, nil
	}
	claims, ends, err := p.verify(r.Context(), token, p.options.Audiences)
	if err != nil {
		return access.Principal{}, true, err
	}
	who, err := p.options.Claims.Principal(claims)
	if err != nil {
		return access.Principal{}, true, err
	}
	until := p.now().Add(verdictHolds)
	if ends.Before(until) {
		until = ends
	}
	p.verified.Add(digest, verdict{who, until})
	return who, true, nil
}

func refuseToken(why string) error {
	return fmt.Errorf("%w: the token %s", access.ErrUnauthenticated, why)
}

// verify returns the claims of a token of the provider for one of the audiences, and when it ends.
func (p *Provider) verify(ctx context.Context, token string, audiences []string) (claims map[string]any, ends time.Time, err error) {
	if len(token) > tokenMost {
		return nil, ends, refuseToken("is too long")
	}
	d, err := p.discover(ctx)
	if err != nil {
		return nil, ends, err
	}
	keys := &observedKeys{KeySet: p.keySet(d)}
	verified, err := oidc.NewVerifier(p.options.Issuer, keys, &oidc.Config{
		SkipClientIDCheck: true, SkipExpiryCheck: true, SupportedSigningAlgs: algorithms, // both are checked below
	}).Verify(ctx, token)
	switch {
	case keys.err != nil && strings.HasPrefix(keys.err.Error(), "fetching keys"):
		return nil, ends, fmt.Errorf("%w: the keys of %s: %w", access.ErrUnavailable, p.options.Issuer, keys.err)
	case err != nil:
		return nil, ends, refuseToken("is not one of " + p.options.Issuer)
	case !slices.ContainsFunc(verified.Audience, func(a string) bool { return slices.Contains(audiences, a) }):
		return nil, ends, refuseToken("is not for this server")
	}
	if err := p.checkTimes(verified); err != nil {
		return nil, ends, err
	}
	if err := verified.Claims(&claims); err != nil {
		return nil, ends, refuseToken("has claims that cannot be read")
	}
	return claims, verified.Expiry.Add(p.options.Skew), nil
}

// checkTimes compares the times of a token with the clock, which may differ from the provider's.
func (p *Provider) checkTimes(t *oidc.IDToken) error {
	var times struct {
		NotBefore *json.Number `json:"nbf"`
		IssuedAt  *json.Number `json:"iat"`
	}
	if err := t.Claims(&times); err != nil {
		return refuseToken("has times that cannot be read")
	}
	now, skew := p.now(), p.options.Skew
	if t.Expiry.IsZero() || !now.Before(t.Expiry.Add(skew)) {
		return refuseToken("has expired")
	}
	for _, from := range []*json.Number{times.NotBefore, times.IssuedAt} {
		if from == nil {
			continue
		}
		seconds, err := from.Float64()
		if err != nil || float64(now.Add(skew).UnixNano())/1e9 < seconds { // as numbers: not each is a time
			return refuseToken("is not valid yet")
		}
	}
	return nil
}

// discover returns what the provider says of itself, asking for it until it is known.
func (p *Provider) discover(ctx context.Context) (*discovery, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if p.failed != nil && p.now().Sub(p.tried) < providerRests {
		return nil, p.failed
	}
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.options.Issuer)
	d := &discovery{Provider: found}
	if err == nil {
		var said struct {
			JWKSURI string `json:"jwks_uri"`
		}
		if err = found.Claims(&said); err == nil && said.JWKSURI == "" {
			err = errors.New("it publishes no keys")
		}
		d.jwksURI = said.JWKSURI
	}
	p.tried, p.failed = p.now(), nil
	if err != nil {
		p.failed = fmt.Errorf("%w: the OpenID provider %s: %w", access.ErrUnavailable, p.options.Issuer, err)
		return nil, p.failed
	}
	p.found = d
	return d, nil
}

// keySet returns the keys of the provider. After a while they are another set, in which keys that were withdrawn are no longer.
func (p *Provider) keySet(d *discovery) oidc.KeySet {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.now(); d.keys == nil || now.Sub(d.renewed) >= keysHold {
		d.keys, d.renewed = oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), p.keys), d.jwksURI), now
	}
	return d.keys
}

// observedKeys remembers why a signature was not verified, which the verifier does not tell.
type observedKeys struct {
	oidc.KeySet
	err error
}

func (k *observedKeys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, token)
	k.err = err
	return payload, err
}
