package authn

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
)

var errSessionOver = fmt.Errorf("%w: the session is over, log in again", access.ErrUnauthenticated)

// Sessions are those of people who have logged in at the page. A browser bears its session as a cookie, which counts for requests of our
// own pages only; of the cookie nothing is kept but its digest. Safe for concurrent use.
type Sessions struct {
	// Root is the public address of the server's root for a request, without a slash at its end.
	Root func(*http.Request) (string, error)
	// Client is the address that a request comes from.
	Client func(*http.Request) string
	// Idle ends a session that is not used, Most every one.
	Idle, Most time.Duration

	users *Users
	now   func() time.Time

	mu    sync.Mutex
	open  map[[sha256.Size]byte]*session // by the digest of the cookie
	dirty bool                           // open differs from the file

	saving sync.Mutex
	path   string // of the file; "": there is none, and the end of the process ends all
}

// session is one of them.
type session struct {
	user    string           // the local user; "" for one of an identity provider
	changed time.Time        // User.Changed when he logged in
	who     access.Principal // of a session of an identity provider
	ends    time.Time        // at the latest
	seen    time.Time
	saved   time.Time // seen, as the file has it
}

// mostSessions bounds their memory; with more those go that were not used for longest.
const mostSessions = 20_000

// NewSessions makes those of users, who can be added later. Root and Client are what the request itself says, as long as
// they are not set.
func NewSessions(users *Users) *Sessions {
	return &Sessions{Root: requestRoot, Client: func(r *http.Request) string { return r.RemoteAddr }, Idle: 30 * time.Minute, Most: 12 * time.Hour,
		users: users, now: time.Now, open: map[[sha256.Size]byte]*session{}}
}

func requestRoot(r *http.Request) (string, error) {
	if r.TLS != nil {
		return "https://" + r.Host, nil
	}
	return "http://" + r.Host, nil
}

// Begun reports whether there ever was a user who could log in.
func (s *Sessions) Begun() (bool, error) { return s.users.ledger.Begun() }

// Challenges are none: a cookie is no HTTP authentication scheme.
func (s *Sessions) Challenges() []string { return nil }

// Authenticate knows whoever bears the cookie of a session.
func (s *Sessions) Authenticate(r *http.Request) (access.Principal, bool, error) {
	root, err := s.Root(r)
	if err != nil {
		return access.Principal{}, false, nil //nolint:nilerr // the request is refused for it elsewhere
	}
	c, err := r.Cookie(cookieName(root))
	if err != nil {
		return access.Principal{}, false, nil //nolint:nilerr // it has none
	}
	if !ownRequest(r, root) {
		return access.Principal{}, true, fmt.Errorf("%w: a session is for requests of our own pages", access.ErrUnauthenticated)
	}
	p, err := s.principalOf(sha256.Sum256([]byte(c.Value)), !access.Watching(r.Context()))
	return p, true, err
}

func (s *Sessions) principalOf(digest [sha256.Size]byte, used bool) (access.Principal, error) {
	now := s.now()
	s.mu.Lock()
	one, found := s.open[digest]
	if found && s.over(one, now) {
		delete(s.open, digest)
		found = false
	}
	if !found {
		s.mu.Unlock()
		return access.Principal{}, errSessionOver
	}
	if used {
		one.seen = now
		s.dirty = s.dirty || now.Sub(one.saved) >= seenEvery
	}
	s.mu.Unlock()
	if one.user == "" {
		return one.who, nil
	}
	if used {
		s.users.uses.note("user:"+one.user, now)
	}
	return s.users.still(one.user, one.changed)
}

func (s *Sessions) over(one *session, now time.Time) bool {
	return !now.Before(one.ends) || now.Sub(one.seen) >= s.Idle
}

// begin begins a session and sends its cookie. One that the request bears ends.
func (s *Sessions) begin(w http.ResponseWriter, r *http.Request, root string, one *session) {
	s.end(r, root)
	value := rand.Text() + rand.Text()
	now := s.now()
	one.seen = now
	if last := now.Add(s.Most); one.ends.IsZero() || last.Before(one.ends) {
		one.ends = last
	}
	s.mu.Lock()
	if len(s.open) >= mostSessions {
		s.makeRoom(now)
	}
	s.open[sha256.Sum256([]byte(value))] = one
	s.dirty = true
	s.mu.Unlock()
	s.save() //nolint:errcheck // Run tries again, and tells
	http.SetCookie(w, cookieOf(root, value, 0))
}

// makeRoom drops what is over, and if that is nothing what was not used for longest.
func (s *Sessions) makeRoom(now time.Time) {
	var oldest [sha256.Size]byte
	var seen time.Time
	for digest, one := range s.open {
		if s.over(one, now) {
			delete(s.open, digest)
		} else if seen.IsZero() || one.seen.Before(seen) {
			oldest, seen = digest, one.seen
		}
	}
	if len(s.open) >= mostSessions {
		delete(s.open, oldest)
	}
}

// end ends the session of a request.
func (s *Sessions) end(r *http.Request, root string) {
	if c, err := r.Cookie(cookieName(root)); err == nil {
		s.mu.Lock()
		_, found := s.open[sha256.Sum256([]byte(c.Value))]
		delete(s.open, sha256.Sum256([]byte(c.Value)))
		s.dirty = s.dirty || found
		s.mu.Unlock()
		s.save() //nolint:errcheck // as above
	}
}

// cookieName is that of the cookie for a root. With TLS the name's prefix keeps other hosts and plain connections from setting it
// (RFC 6265bis 4.1.3); __Host- is for those that have the host for themselves.
func cookieName(root string) string {
	u, err := url.Parse(root)
	switch {
	case err != nil || u.Scheme != "https":
		return "noctis"
	case u.Path == "":
		return "__Host-noctis"
	}
	return "__Secure-noctis"
}

// cookieOf makes the cookie of a root: for scripts invisible, and not sent with what other sites make a browser ask for, but for links.
// maxAge is in seconds; 0: until the browser ends.
func cookieOf(root, value string, maxAge int) *http.Cookie {
	c := &http.Cookie{Name: cookieName(root), Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if u, err := url.Parse(root); err == nil {
		c.Path, c.Secure = u.Path+"/", u.Scheme == "https"
	}
	return c
}

// ownRequest reports whether one of our own pages, or a person who follows a link or types, sent a request that a browser adds a cookie
// to. Browsers say so in Sec-Fetch-Site; over plain connections only in Origin, and there not of what only reads: SameSite has to do.
func ownRequest(r *http.Request, root string) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
		origin := strings.ToLower(r.Header.Get("Origin"))
		return origin == "" || strings.HasPrefix(strings.ToLower(root)+"/", origin+"/")
	}
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && (r.Method == http.MethodGet || r.Method == http.MethodHead)
}
