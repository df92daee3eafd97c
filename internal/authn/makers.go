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

// stand reports whether who made a link may still read: it ends with him. One of the same name who came later is somebody else. Of tokens, and of
// who used the command at the server, nothing is known.
func (m makers) stand(l Link) (bool, error) {
	kind, name, _ := strings.Cut(l.By, ":")
	switch access.Kind(kind) {
	case access.Key:
		return standing(m.keys.ledger, func(k Key) bool { return k.Name == name && k.stood(l.Created, m.keys.now()) && k.reads() })
	case access.Certificate:
		return standing(m.certificates.ledger, func(c Certificate) bool {
			return c.Name == name && c.stood(l.Created, m.certificates.now()) && c.reads()
		})
	case access.User:
		return standing(m.users.ledger, func(u User) bool {
			return u.Name == name && !u.Disabled && !u.Created.Truncate(time.Second).After(l.Created) && u.reads()
		})
	}
	return true, nil
}

// standing reports whether a record of a ledger is one; where there never was a ledger nobody can have been taken out of it.
func standing[T any](l *ledger[T], is func(T) bool) (bool, error) {
	begun, err := l.Begun()
	if err != nil || !begun {
		return err == nil, err
	}
	records, err := l.all()
	return slices.ContainsFunc(records, is), err
}

// stood reports whether what is valid now was there at a time.
func (v Validity) stood(at, now time.Time) bool {
	return v.State(now) == "valid" && !v.Created.After(at)
}

func (g Grant) reads() bool {
	roles, err := access.ParseRoles(g.Roles)
	return err == nil && roles.Has(access.Read)
}
