package access

import (
	"context"
	"errors"
	"net/http"

	"github.com/noctis-dicom/noctis/dicom/match"
)

// Kind is how a principal was known.
type Kind string

// The kinds.
const (
	Nobody      Kind = "nobody"      // has proved nothing
	Key         Kind = "key"         // an API key
	User        Kind = "user"        // a local user with a session
	Token       Kind = "token"       // an OIDC token
	Certificate Kind = "certificate" // a client certificate
	Link        Kind = "link"        // a signed link
)

// Principal is who asks. The zero value may do nothing but what Anyone may.
type Principal struct {
	Name   string // of the key, user, subject or link, for the audit: unique within its kind, without secrets
	Kind   Kind
	Roles  Roles
	Tenant string // whose archive; "" is that of a server without tenants
	Scope  Scope  // what of it; the zero value is all
}

// Everyone is who asks where no authentication is configured: anybody who reaches the server may do everything.
func Everyone() Principal { return Principal{Kind: Nobody, Roles: RolesOf(Admin)} }

// Known reports whether the principal has proved who he is.
func (p Principal) Known() bool { return p.Kind != Nobody && p.Kind != "" }

// Authenticator finds out who a request comes from. Implementations are safe for concurrent use.
type Authenticator interface {
	// Authenticate returns the principal of the request: one of Kind Nobody if it bears no credentials. Credentials that are wrong,
	// expired or revoked are ErrUnauthenticated, wrapped with what a client may be told; they are never taken for none. Another error
	// is that of the server.
	Authenticate(r *http.Request) (Principal, error)
	// Challenges are the values of WWW-Authenticate for a request that has to prove more (RFC 9110 11.6.1).
	Challenges() []string
}

// ErrUnauthenticated is that of credentials that prove nothing.
var ErrUnauthenticated = errors.New("the credentials are not valid")

// ErrUnavailable is that of credentials of which it cannot be found out now whether they prove something.
var ErrUnavailable = errors.New("it cannot be found out now whether the credentials are valid")

type principalKey struct{}

// With puts the principal into a context, in which nothing is seen but what lies within his scope.
func With(ctx context.Context, p Principal) context.Context {
	return match.Within(context.WithValue(ctx, principalKey{}, p), p.Scope)
}

// Of returns the principal of a context; without one it is nobody, who may do nothing.
func Of(ctx context.Context) Principal {
	p, ok := ctx.Value(principalKey{}).(Principal)
	if !ok {
		return Principal{Kind: Nobody}
	}
	return p
}
