package authn

import (
	"slices"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
)

// makers are those who can have made a link of whom something is known here.
type makers struct {
	keys         *Keys
	users        *Users
	certificates *Certificates
}

// stand reports whether who made a link may still read what it is for: it ends with him, and what limits him today limits the link. One of the
// same name who came later is somebody else. Of tokens, and of who used the command at the server, nothing is known.
func (m makers) stand(l Link) (Link, bool, error) {
	kind, name, _ := strings.Cut(l.By, ":")
	switch access.Kind(kind) {
	case access.Key:
		return standing(l, m.keys.ledger, func(k Key) bool { return k.Name == name && k.stood(l.Created, m.keys.now()) })
	case access.Certificate:
		return standing(l, m.certificates.ledger, func(c Certificate) bool { return c.Name == name && c.stood(l.Created, m.certificates.now()) })
	case access.User:
		return standing(l, m.users.ledger, func(u User) bool {
			return u.Name == name && !u.Disabled && !u.Created.Truncate(time.Second).After(l.Created)
		})
	}
	return l, true, nil
}

// standing looks for the record of who made a link in a ledger; where there never was a ledger nobody can have been taken out of it.
func standing[T interface{ bound(Link) (Link, bool) }](link Link, l *ledger[T], is func(T) bool) (Link, bool, error) {
	begun, err := l.Begun()
	if err != nil || !begun {
		return link, err == nil, err
	}
	records, err := l.all()
	if i := slices.IndexFunc(records, is); i >= 0 {
		bound, stands := records[i].bound(link)
		return bound, stands, err
	}
	return link, false, err
}

// stood reports whether what is valid now was there at a time.
func (v Validity) stood(at, now time.Time) bool {
	return v.State(now) == "valid" && !v.Created.After(at)
}

// bound returns a link with the limits of the grant; it is not ok if who has the grant may not read what the link is for.
func (g Grant) bound(l Link) (bound Link, ok bool) {
	maker, err := g.principal("", "")
	l.Patients, l.Facilities, l.Physicians = g.Patients, g.Facilities, g.Physicians
	return l, err == nil && maker.Roles.Has(access.Read) && maker.Belongs(l.Tenant) && (len(g.Studies) == 0 || slices.Contains(g.Studies, l.Study))
}
