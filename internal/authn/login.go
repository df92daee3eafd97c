package authn

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/limit"
)

// Login is the resource "session" of the page: GET says who has logged in and how one can, POST logs in with name and password,
// DELETE logs out.
type Login struct {
	methods  *Methods
	sessions *Sessions
	provider *Provider // nil: there is none at which one can log in
	throttle *throttle
	log      *slog.Logger
}

// NewLogin makes the resource of sessions, which are one of the methods, and may be begun at a provider.
func NewLogin(methods *Methods, sessions *Sessions, provider *Provider, log *slog.Logger) *Login {
	if provider != nil && !provider.LogsIn() {
		provider = nil
	}
	return &Login{methods, sessions, provider, newThrottle(time.Now), log}
}

// sessionState is the answer to GET.
type sessionState struct {
	Authentication bool     `json:"authentication"` // somebody has to prove something
	Password       bool     `json:"password"`       // one can log in by name and password
	Provider       string   `json:"provider,omitempty"`
	Name           string   `json:"name,omitempty"`
	Kind           string   `json:"kind,omitempty"`
	Session        bool     `json:"session"` // it came by a cookie: one can log out
	Roles          []string `json:"roles"`
	Tenant         string   `json:"tenant,omitempty"`
}

// ServeHTTP answers.
func (l *Login) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	root, err := l.sessions.Root(r)
	switch {
	case err != nil:
		l.refuse(w, http.StatusBadRequest, err.Error())
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		l.state(w, r)
	case r.Method != http.MethodPost && r.Method != http.MethodDelete:
		w.Header().Set("Allow", "GET, HEAD, POST, DELETE")
		l.refuse(w, http.StatusMethodNotAllowed, "the methods of this resource are GET, HEAD, POST and DELETE")
	case !ownRequest(r, root):
		l.refuse(w, http.StatusForbidden, "pages of other origins cannot log anybody in or out")
	case r.Method == http.MethodPost:
		l.logIn(w, r, root)
	default:
		l.sessions.end(r, root)
		http.SetCookie(w, cookieOf(root, "", -1))
		w.Header().Set("Clear-Site-Data", `"cache"`) // pictures and names stay in no browser that others use next
		w.WriteHeader(http.StatusNoContent)
	}
}

// state tells. Credentials that prove nothing are those of nobody here: whoever asks wants to know how to log in.
func (l *Login) state(w http.ResponseWriter, r *http.Request) {
	on, err := l.methods.On()
	if err != nil {
		l.fail(w, err)
		return
	}
	who, err := l.methods.Authenticate(r)
	if err != nil && !errors.Is(err, access.ErrUnauthenticated) {
		l.fail(w, err)
		return
	}
	password, err := l.sessions.Begun()
	if err != nil {
		l.fail(w, err)
		return
	}
	s := sessionState{Authentication: on, Password: password, Name: who.Name, Roles: who.Roles.Names(), Tenant: who.Tenant}
	if who.Known() {
		s.Kind = string(who.Kind)
		_, s.Session, _ = l.sessions.Authenticate(r)
	}
	if l.provider != nil {
		s.Provider = l.provider.options.Name
	}
	if s.Roles == nil {
		s.Roles = []string{}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(s) //nolint:errcheck // who has gone away is not answered
}

// logIn begins a session for a name and a password. Form fields are not taken: those a page of another origin could send.
func (l *Login) logIn(w http.ResponseWriter, r *http.Request, root string) {
	var given struct{ Name, Password string }
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err := json.NewDecoder(io.LimitReader(r.Body, 16<<10)).Decode(&given); mediaType != "application/json" || err != nil {
		l.refuse(w, http.StatusBadRequest, `want application/json: {"name": …, "password": …}`)
		return
	}
	if len(given.Name) > 64 {
		given.Name = given.Name[:64] // longer than any
	}
	access.NoteAttempt(r.Context(), access.Attempt{Name: given.Name, Kind: access.User})
	address := limit.Network(l.sessions.Client(r))
	if wait := l.throttle.try(given.Name, address); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		l.refuse(w, http.StatusTooManyRequests, "too many attempts, wait a little")
		return
	}
	user, err := l.sessions.users.verify(r.Context(), given.Name, given.Password)
	switch {
	case errors.Is(err, access.ErrUnauthenticated):
		l.log.Warn("login refused", "address", address)
		l.refuse(w, http.StatusUnauthorized, "the name or the password is wrong")
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", "5")
		l.refuse(w, http.StatusServiceUnavailable, err.Error())
	case err != nil:
		l.fail(w, err)
	default:
		l.throttle.giveBack(given.Name, address)
		l.log.Info("login", "user", user.Name, "address", address)
		l.sessions.begin(w, r, root, &session{user: user.Name, changed: user.Changed})
		w.WriteHeader(http.StatusNoContent)
	}
}

func (l *Login) fail(w http.ResponseWriter, err error) {
	l.log.Error("nobody can log in", "error", err)
	l.refuse(w, http.StatusInternalServerError, "the server failed; its log says why")
}

// refuse answers with a problem document (RFC 9457), as the DICOMweb services do.
func (l *Login) refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail}) //nolint:errcheck // as above
}
