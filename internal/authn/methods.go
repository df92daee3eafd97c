package authn

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/noctis-dicom/noctis/internal/access"
)

// Method is a way of proving who one is. Implementations are safe for concurrent use.
type Method interface {
	// Authenticate returns the principal of the request. found is false if the request bears nothing of this kind; credentials of this
	// kind that prove nothing are found and access.ErrUnauthenticated, wrapped with what a client may be told.
	Authenticate(r *http.Request) (p access.Principal, found bool, err error)
	// Challenges are the values of WWW-Authenticate that ask for it.
	Challenges() []string
	// Begun reports whether it was ever configured, so that somebody has to prove something.
	Begun() (bool, error)
}

// Methods are the ways that a server takes: an access.Authenticator. Of what a request bears the first one counts. As long as none has
// begun, everybody may do everything; the first key or user changes that while the server runs, and nothing changes it back.
type Methods struct {
	on      atomic.Bool // it has been found out
	methods []Method
}

// New puts methods together. required: nobody may do anything before one has begun.
func New(required bool, methods ...Method) *Methods {
	m := &Methods{methods: methods}
	m.on.Store(required)
	return m
}

var _ access.Authenticator = (*Methods)(nil)

// On reports whether anybody has to prove who he is.
func (m *Methods) On() (bool, error) {
	if m.on.Load() {
		return true, nil
	}
	for _, method := range m.methods {
		begun, err := method.Begun()
		if begun {
			m.on.Store(true)
		}
		if begun || err != nil {
			return true, err
		}
	}
	return false, nil
}

// Authenticate returns the principal of a request.
func (m *Methods) Authenticate(r *http.Request) (access.Principal, error) {
	on, err := m.On()
	if err != nil {
		return access.Principal{}, fmt.Errorf("who may come in: %w", err)
	}
	if !on {
		return access.Everyone(), nil
	}
	for _, method := range m.methods {
		p, found, err := method.Authenticate(r)
		switch {
		case err != nil && !errors.Is(err, access.ErrUnauthenticated):
			return access.Principal{}, fmt.Errorf("who may come in: %w", err)
		case err != nil:
			return access.Principal{}, err
		case found:
			return p, nil
		}
	}
	if r.Header.Get("Authorization") != "" || r.Header.Get(keyHeader) != "" {
		return access.Principal{}, access.ErrUnauthenticated // of no kind that we know
	}
	return access.Principal{Kind: access.Nobody}, nil
}

// Challenges are those of all methods, each once.
func (m *Methods) Challenges() []string {
	var list []string
	for _, method := range m.methods {
		for _, c := range method.Challenges() {
			if !slices.Contains(list, c) {
				list = append(list, c)
			}
		}
	}
	return list
}

// challengeRFC6750 asks for a token, as its section 3 has it.
const challengeRFC6750 = `Bearer realm="noctis"`

// bearer returns the token of the Authorization field (RFC 6750 2.1); "" if there is none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
