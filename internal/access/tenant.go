package access

import (
	"errors"
	"net/http"
)

// ErrElsewhere is that of credentials that prove who somebody is, to an archive that is none of his.
var ErrElsewhere = errors.New("this is another tenant's archive")

// Belongs reports whether the archive of a tenant ("" is that of the server itself) is the principal's. Who administers the server may enter all.
func (p Principal) Belongs(tenant string) bool {
	return p.Tenant == tenant || p.Tenant == "" && p.Roles.Has(Admin)
}

// Entrance is the authenticator of the archive of a tenant, which may not be there. Somebody who belongs elsewhere gets ErrElsewhere, and so
// does everybody where there is no archive: nobody learns whether there is one who has no part in it.
type Entrance struct {
	Authenticator
	Tenant string
	Closed error // nil: there is an archive; else what those get who belong to it
}

// Authenticate returns the principal of a request, if he belongs here; who does not is named beside the error, for the audit.
func (e Entrance) Authenticate(r *http.Request) (Principal, error) {
	p, err := e.Authenticator.Authenticate(r)
	if err != nil || p.Roles == 0 { // who may do nothing is asked who he is
		return p, err
	}
	switch {
	case !p.Belongs(e.Tenant):
		return p, ErrElsewhere
	case e.Closed != nil:
		return p, e.Closed
	}
	p.Tenant = e.Tenant // in whose name he acts now, if he belongs everywhere
	return p, nil
}
