package authn

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/limit"
)

// pending is a login at the provider that has begun: it waits in a cookie of the browser that began it, which nobody else can have.
type pending struct {
	State, Nonce, Verifier string
	Next                   string // relative to the root
}

const (
	pendingSuffix = "-login"
	pendingAge    = 10 * 60 // seconds
	callback      = "/session/callback"
)

// Begin sends a person to the provider (OpenID Connect Core 1.0 3.1.2.1, with PKCE of RFC 7636).
func (l *Login) Begin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	root, err := l.sessions.Root(r)
	if err != nil {
		l.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	config, err := l.provider.oauth(r.Context(), root)
	if err != nil {
		l.returnToLogin(w, r, root, err)
		return
	}
	p := pending{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: relative(r.URL.Query().Get("next"))}
	text, err := json.Marshal(p)
	if err != nil {
		l.fail(w, err)
		return
	}
	http.SetCookie(w, pendingCookie(root, base64.RawURLEncoding.EncodeToString(text), pendingAge))
	http.Redirect(w, r, config.AuthCodeURL(p.State, oidc.Nonce(p.Nonce), oauth2.S256ChallengeOption(p.Verifier)), http.StatusSeeOther)
}

// Callback is where the provider sends the person back to, with a code for a token or the reason why not.
func (l *Login) Callback(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	root, err := l.sessions.Root(r)
	if err != nil {
		l.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	p, err := pendingOf(r, root)
	http.SetCookie(w, pendingCookie(root, "", -1))
	if err != nil {
		l.returnToLogin(w, r, root, err)
		return
	}
	who, err := l.provider.exchange(r.Context(), root, r.URL.Query().Get("code"), p)
	if err != nil {
		l.returnToLogin(w, r, root, err)
		return
	}
	l.log.Info("login", "user", who.Name, "provider", l.provider.options.Issuer, "address", limit.Network(l.sessions.Client(r)))
	access.NoteAttempt(r.Context(), access.Attempt{Name: who.Name, Kind: who.Kind})
	l.sessions.begin(w, r, root, &session{who: who})
	http.Redirect(w, r, root+"/"+p.Next, http.StatusSeeOther)
}

// returnToLogin tells the person that it did not succeed, and the log why.
func (l *Login) returnToLogin(w http.ResponseWriter, r *http.Request, root string, err error) {
	access.NoteAttempt(r.Context(), access.Attempt{Kind: access.Token, Failed: true})
	l.log.Warn("login at the provider refused", "provider", l.provider.options.Issuer, "error", err, "address", limit.Network(l.sessions.Client(r)))
	http.Redirect(w, r, root+"/login.html?problem", http.StatusSeeOther)
}

func pendingCookie(root, value string, maxAge int) *http.Cookie {
	c := cookieOf(root, value, maxAge)
	c.Name += pendingSuffix
	return c
}

// pendingOf returns the login that the browser of a request has begun, if that is what the provider answers to.
func pendingOf(r *http.Request, root string) (p pending, err error) {
	c, err := r.Cookie(cookieName(root) + pendingSuffix)
	if err != nil {
		return p, errors.New("this browser has begun no login")
	}
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	query := r.URL.Query()
	switch {
	case err != nil || p.State == "" || p.Verifier == "" || p.Nonce == "":
		return p, errors.New("the cookie of the login is damaged")
	case subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(p.State)) != 1:
		return p, errors.New("the answer is not for the login that this browser has begun")
	case query.Get("error") != "":
		return p, fmt.Errorf("the provider says %.100q", query.Get("error"))
	case query.Get("code") == "":
		return p, errors.New("the answer has no code")
	}
	p.Next = relative(p.Next)
	return p, nil
}

// relative returns an address below the root, without a slash at its begin; what leads elsewhere becomes the root.
func relative(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.Opaque != "" || strings.HasPrefix(next, "/") || strings.ContainsAny(next, "\\\r\n\t") || len(next) > 2000 {
		return ""
	}
	return next
}

// oauth is the client that this server is for the provider.
func (p *Provider) oauth(ctx context.Context, root string) (*oauth2.Config, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	endpoint := d.Endpoint()
	if p.options.ClientSecret == "" {
		endpoint.AuthStyle = oauth2.AuthStyleInParams // there is nothing to prove
	}
	return &oauth2.Config{ClientID: p.options.ClientID, ClientSecret: p.options.ClientSecret, Endpoint: endpoint,
		RedirectURL: root + callback, Scopes: p.options.Scopes}, nil
}

// exchange takes the token for a code and returns whom it is of (OpenID Connect Core 1.0 3.1.3).
func (p *Provider) exchange(ctx context.Context, root, code string, begun pending) (access.Principal, error) {
	config, err := p.oauth(ctx, root)
	if err != nil {
		return access.Principal{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := config.Exchange(ctx, code, oauth2.VerifierOption(begun.Verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) { // its text has the whole answer
			return access.Principal{}, fmt.Errorf("the provider does not take the code: %d %.100q", refused.Response.StatusCode, refused.ErrorCode)
		}
		return access.Principal{}, err
	}
	raw, _ := token.Extra("id_token").(string)
	claims, _, err := p.verify(ctx, raw, []string{p.options.ClientID})
	if err != nil {
		return access.Principal{}, err
	}
	if nonce, _ := claims["nonce"].(string); subtle.ConstantTimeCompare([]byte(nonce), []byte(begun.Nonce)) != 1 {
		return access.Principal{}, errors.New("the token was not made for this login")
	}
	return p.options.Claims.Principal(p.withUserInfo(ctx, claims, token))
}

// withUserInfo adds the claims that the provider tells only when it is asked (OpenID Connect Core 1.0 5.3), which some do with those of
// roles and groups. Without them there are fewer roles, never more.
func (p *Provider) withUserInfo(ctx context.Context, claims map[string]any, token *oauth2.Token) map[string]any {
	d, err := p.discover(ctx)
	if err != nil || d.UserInfoEndpoint() == "" {
		return claims
	}
	info, err := d.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil || info.Subject != claims["sub"] {
		return claims
	}
	all := map[string]any{}
	if err := info.Claims(&all); err != nil {
		return claims
	}
	maps.Copy(all, claims)
	return all
}
