package authn

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/durable"
)

// Link is a link that has been issued: who has it may read one study, or what lies at one address, until it ends. What it is signed with
// lies beside the ledger, so that neither alone lets anybody in.
type Link struct {
	ID      string     `json:"id"`
	By      string     `json:"by"` // who made it: kind and name
	Created time.Time  `json:"created"`
	Expires time.Time  `json:"expires"`
	Revoked *time.Time `json:"revoked,omitempty"`
	Target
	Tenant     string   `json:"tenant,omitempty"`
	Patients   []string `json:"patients,omitempty"` // the limits of who made it, when he did
	Facilities []string `json:"facilities,omitempty"`
	Physicians []string `json:"physicians,omitempty"`
}

// Target is what a link is for.
type Target struct {
	Study dicom.UID `json:"study"`
	Path  string    `json:"path"`            // below the DICOMweb base: /studies/1.2/series/1.3/instances/1.4/rendered
	Whole bool      `json:"whole,omitempty"` // all that lies at the path and below it, by any query; of a study it is also found by searches
	Query string    `json:"query,omitempty"` // else: the one query that may be sent
}

// study reports whether the link is for all of a study.
func (t Target) study() bool { return t.Whole && t.Path == dicom.Ref{Study: t.Study}.Path() }

// Links are those of a folder. They turn authentication neither on nor off. Safe for concurrent use, and by several processes.
type Links struct {
	// Root is the public address of the server's root for a request, without a slash at its end.
	Root func(*http.Request) (string, error)
	// InSession reports whether who sends the request has logged in, and still is; nil: nobody can.
	InSession func(*http.Request) bool

	ledger *ledger[Link]
	makers makers
	key    string // the file of the key
	uses   *Uses
	now    func() time.Time
}

const (
	linkKeyLength = 32
	// MostLink is how long a link can live at most.
	MostLink = 366 * 24 * time.Hour
	// linksKept is how long a link that is over stays in the ledger.
	linksKept = 90 * 24 * time.Hour
)

// OpenLinks opens those of a folder.
func OpenLinks(folder string, uses *Uses) *Links {
	return &Links{Root: requestRoot, ledger: newLedger(folder, "links.json", func(l Link) string { return l.ID }),
		makers: makers{OpenKeys(folder, nil), OpenUsers(folder, nil), OpenCertificates(folder, nil)},
		key:    filepath.Join(folder, "link.key"), uses: uses, now: time.Now}
}

// Add issues a link and returns its token, which is not kept.
func (l *Links) Add(by access.Principal, target Target, expires time.Time) (link Link, token string, err error) {
	now := l.now()
	switch {
	case !target.Study.Valid():
		return Link{}, "", fmt.Errorf("%q is not the UID of a study", target.Study)
	case !expires.After(now) || expires.Sub(now) > MostLink:
		return Link{}, "", fmt.Errorf("a link ends between now and %d days", int(MostLink.Hours()/24))
	}
	link = Link{ID: strings.ToLower(rand.Text()[:16]), By: string(by.Kind) + ":" + by.Name, Created: now.UTC().Truncate(time.Second),
		Expires: expires.UTC().Truncate(time.Second), Target: target,
		Tenant: by.Tenant, Patients: by.Scope.Patients, Facilities: by.Scope.Facilities, Physicians: by.Scope.Physicians}
	err = l.ledger.change(func(links []Link) ([]Link, error) {
		key, err := l.makeKey()
		if err != nil {
			return nil, err
		}
		token = link.token(key)
		links = slices.DeleteFunc(links, func(old Link) bool { return now.Sub(old.Expires) > linksKept })
		return append(links, link), nil
	})
	return link, token, err
}

// makeKey reads the key, or makes it. The folder is locked.
func (l *Links) makeKey() ([]byte, error) {
	key, err := os.ReadFile(l.key)
	switch {
	case err == nil && len(key) != linkKeyLength:
		return nil, fmt.Errorf("%s has %d bytes instead of %d: remove it, and all links are over", l.key, len(key), linkKeyLength)
	case !errors.Is(err, fs.ErrNotExist):
		return key, err
	}
	key = make([]byte, linkKeyLength)
	rand.Read(key)
	return key, durable.WriteFile(l.key, key)
}

// token is the id and the signature of all that the link says.
func (l Link) token(key []byte) string {
	l.Revoked = nil
	text, err := json.Marshal(l)
	if err != nil { // texts and times: it cannot be
		panic(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return l.ID + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// List returns all links, those that are over too, in the order in which they were made.
func (l *Links) List() ([]Link, error) {
	links, err := l.ledger.all()
	return slices.Clone(links), err
}

// State is "valid", "expired", or "revoked": by itself, or because who made it may not come in any more.
func (l *Links) State(link Link) (string, error) {
	_, state, err := l.today(link)
	return state, err
}

// today is a link with the limits that it has today, and its state.
func (l *Links) today(link Link) (today Link, state string, err error) {
	if !l.now().Before(link.Expires) {
		return link, "expired", nil
	}
	today, stands, err := l.makers.stand(link)
	switch {
	case err != nil:
		return link, "", err
	case link.Revoked != nil || !stands:
		return link, "revoked", nil
	}
	return today, "valid", nil
}

// Used is when a link was used last; zero: never.
func (l *Links) Used(id string) time.Time { return l.uses.of("link:" + id) }

// Revoke ends a link.
func (l *Links) Revoke(id string) (Link, error) {
	now := l.now().UTC().Truncate(time.Second)
	var revoked Link
	return revoked, l.ledger.change(func(links []Link) ([]Link, error) {
		for i := range links {
			if links[i].ID == id && links[i].Revoked == nil {
				links[i].Revoked = &now
				revoked = links[i]
			}
		}
		if revoked.ID == "" {
			return nil, fmt.Errorf("there is no link %s that is not revoked", id)
		}
		return links, nil
	})
}

// errLinkOver says no more: neither whether there was such a link nor what it was for.
var errLinkOver = fmt.Errorf("%w: the link is over, or is not for this", access.ErrUnauthenticated)

// verify returns the link of a token.
func (l *Links) verify(token string) (Link, error) {
	id, _, _ := strings.Cut(token, ".")
	link, found, err := l.ledger.find(id)
	if err != nil {
		return Link{}, err
	}
	key, err := os.ReadFile(l.key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Link{}, err
	}
	// It is compared all the same where there is none, so that the time tells nothing.
	if !hmac.Equal([]byte(link.token(key)), []byte(token)) || !found || len(key) != linkKeyLength {
		return Link{}, errLinkOver
	}
	link, state, err := l.today(link)
	if err != nil {
		return Link{}, err
	}
	if state != "valid" {
		return Link{}, errLinkOver
	}
	return link, nil
}

// principal is who has the link.
func (l *Links) principal(link Link, r *http.Request) access.Principal {
	if !access.Watching(r.Context()) {
		l.uses.note("link:"+link.ID, l.now())
	}
	return access.Principal{Name: link.ID, Kind: access.Link, Roles: access.RolesOf(access.Read), Tenant: link.Tenant, Scope: access.Scope{
		Studies: []dicom.UID{link.Study}, Patients: link.Patients, Facilities: link.Facilities, Physicians: link.Physicians}}
}

// covers reports whether the link is for what the request asks for.
func (t Target) covers(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions {
		return false
	}
	if t.study() {
		return true // the scope says the rest
	}
	if r.URL.Path == "/wado" { // the same by the URI service (PS3.18 9.4.1): one picture has its parameters nowhere else
		q := r.URL.Query()
		ref := dicom.Ref{Study: dicom.UID(q.Get("studyUID")), Series: dicom.UID(q.Get("seriesUID")), Instance: dicom.UID(q.Get("objectUID"))}
		return t.Whole && (ref.Path() == t.Path || strings.HasPrefix(ref.Path(), t.Path+"/"))
	}
	p := r.URL.EscapedPath()
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	_, p, found := strings.Cut(strings.TrimSuffix(p, "/"), "/dicom-web")
	switch {
	case !found:
		return false
	case t.Whole:
		return p == t.Path || strings.HasPrefix(p, t.Path+"/")
	}
	return p == t.Path && sameQuery(r.URL.RawQuery, t.Query)
}

// sameQuery compares two queries, whose parameters may come in any order.
func sameQuery(a, b string) bool {
	x, err := url.ParseQuery(a)
	y, err2 := url.ParseQuery(b)
	return err == nil && err2 == nil && x.Encode() == y.Encode()
}

type carriedKey struct{}

// parameter is the one of a query that bears a token.
const parameter = "link"

// Carry takes tokens out of queries before anything else sees them, so that none gets into a log, an address that is sent, or another
// page's Referer.
func (l *Links) Carry(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.RawQuery, parameter+"=") {
			next.ServeHTTP(w, r)
			return
		}
		var rest, tokens []string
		for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
			if token, found := strings.CutPrefix(part, parameter+"="); found {
				tokens = append(tokens, token)
			} else {
				rest = append(rest, part)
			}
		}
		if len(tokens) > 0 {
			r = r.WithContext(context.WithValue(r.Context(), carriedKey{}, strings.Join(tokens, " ")))
			u := *r.URL
			u.RawQuery = strings.Join(rest, "&")
			r.URL, r.RequestURI = &u, u.RequestURI()
			w.Header().Set("Referrer-Policy", "no-referrer")
		}
		next.ServeHTTP(w, r)
	})
}
