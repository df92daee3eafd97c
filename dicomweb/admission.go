package dicomweb

import (
	"errors"
	"net/http"

	"github.com/noctis-dicom/noctis/internal/access"
)

// authenticate finds out who asks. Credentials that prove nothing are refused whatever is asked for, so that nobody takes a mistyped key
// for a working one.
func (s *Server) authenticate(next http.Handler) http.Handler {
	authenticator := s.options.Authenticator
	if authenticator == nil {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x := exchangeOf(r)
			x.who = access.Everyone()
			x.Context = access.With(x.Context, x.who)
			next.ServeHTTP(w, r)
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := authenticator.Authenticate(r)
		if errors.Is(err, access.ErrElsewhere) {
			x := exchangeOf(r)
			x.who, x.elsewhere = who, true
			s.fail(w, r, s.strange(r, errNoResource)) // as if there were no archive
			return
		}
		if err != nil {
			if err = s.challenge(w, r, err); problemOf(err).status == http.StatusUnauthorized {
				err = s.strange(r, err)
			}
			s.fail(w, r, err)
			return
		}
		x := exchangeOf(r)
		x.who = who
		ctx, stop := keepVigil(authenticator, w, r.WithContext(x.Context), who) // it looks at the request while that goes on
		defer stop()
		x.Context = ctx
		next.ServeHTTP(w, r)
	})
}

func isUnauthenticated(err error) bool { return errors.Is(err, access.ErrUnauthenticated) }

// challenge is the answer to a request that has to prove who sends it (RFC 9110 15.5.2).
func (s *Server) challenge(w http.ResponseWriter, r *http.Request, err error) error {
	if err != nil && !isUnauthenticated(err) {
		return err
	}
	for _, c := range access.ChallengesFor(r, s.options.Authenticator) {
		w.Header().Add("WWW-Authenticate", c)
	}
	detail := "this needs credentials"
	if err != nil {
		detail = err.Error()
	}
	return &problem{status: http.StatusUnauthorized, detail: detail}
}

// admit is nil if the request may do what asks for the role.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, role access.Role) error {
	who := access.Of(r.Context())
	switch {
	case who.Roles.Has(role):
	case !who.Known():
		return s.challenge(w, r, nil)
	default:
		return &problem{status: http.StatusForbidden, detail: "this needs the role " + role.String()}
	}
	if !s.mayCome(r, role) {
		return errForeignOrigin
	}
	return nil
}

// whole is a handler for those alone who see everything: what it is about is of all patients.
func whole(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !access.Of(r.Context()).Scope.Everything() {
			return &problem{status: http.StatusForbidden, detail: "this is for those who see the whole archive"}
		}
		return h(w, r)
	}
}
