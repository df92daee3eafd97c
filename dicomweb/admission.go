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
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := access.Everyone()
		if authenticator != nil {
			var err error
			if who, err = authenticator.Authenticate(r); err != nil {
				s.fail(w, r, s.challenge(w, err))
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(access.With(r.Context(), who)))
	})
}

// challenge is the answer to a request that has to prove who sends it (RFC 9110 15.5.2).
func (s *Server) challenge(w http.ResponseWriter, err error) error {
	if err != nil && !errors.Is(err, access.ErrUnauthenticated) {
		return err
	}
	for _, c := range s.options.Authenticator.Challenges() {
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
		return s.challenge(w, nil)
	default:
		return &problem{status: http.StatusForbidden, detail: "this needs the role " + role.String()}
	}
	if !s.mayCome(r, role) {
		return errForeignOrigin
	}
	return nil
}
