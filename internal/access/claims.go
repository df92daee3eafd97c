package access

import (
	"fmt"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// ClaimMapping says what the claims of a token mean. The names of claims are those of the token, or paths whose parts are joined by dots
// ("realm_access.roles"); "" is a claim that is not looked at. A limit whose claim is named here holds for every token: one without the
// claim may see nothing, unless it has the role admin.
type ClaimMapping struct {
	Subject string // the name of the principal; "" is "sub"
	Roles   string // names of roles, or what RoleNames has
	Tenant  string
	// Patients, Facilities, Physicians and Studies name the claims with the values of the scope: a text, or a list of texts.
	Patients, Facilities, Physicians, Studies string
	// RoleNames are roles by what the claim Roles has ("radiologist": read), beside the names of the roles themselves.
	RoleNames map[string]Roles
	// FHIRPatients are Patient IDs by the id of a FHIR Patient, which is what the launch context of SMART has. nil: they are the same.
	// With a map, a patient who is not in it is nobody's.
	FHIRPatients map[string][]string
}

// nothing is a limit that no study satisfies, because an empty value never does.
var nothing = []string{""}

// Principal says who the bearer of the claims is and what he may do. Claims are those of a token that has been verified, as JSON has
// them. The roles are those of the claim Roles, and where the token has scopes of SMART on FHIR those that both allow; or the scopes alone
// if nothing in the claim is a role here. Claims that cannot be understood are ErrUnauthenticated, wrapped.
func (m ClaimMapping) Principal(claims map[string]any) (Principal, error) {
	subject := m.Subject
	if subject == "" {
		subject = "sub"
	}
	name, err := textsOf(claims, subject)
	if err != nil || len(name) != 1 || name[0] == "" {
		return Principal{}, unusable(subject)
	}
	p := Principal{Name: name[0], Kind: Token}
	named, err := textsOf(claims, m.Roles)
	if err != nil {
		return Principal{}, unusable(m.Roles)
	}
	p.Roles = m.rolesOf(named)
	granted, err := m.smart(claims)
	if err != nil {
		return Principal{}, err
	}
	if granted.used {
		if p.Roles != 0 {
			p.Roles = p.Roles.And(granted.roles)
		} else { // the claim may still have roles of others, as those that Keycloak gives everybody
			p.Roles = granted.roles
		}
		p.Scope.Patients = granted.patients
	}
	return m.limit(p, claims)
}

// limit adds what the claims say of tenant and scope.
func (m ClaimMapping) limit(p Principal, claims map[string]any) (Principal, error) {
	if m.Tenant != "" {
		tenant, err := textsOf(claims, m.Tenant)
		if err != nil || len(tenant) != 1 || tenant[0] == "" {
			return Principal{}, unusable(m.Tenant)
		}
		p.Tenant = tenant[0]
	}
	var studies []string
	for _, l := range []struct {
		claim string
		to    *[]string
	}{{m.Patients, &p.Scope.Patients}, {m.Facilities, &p.Scope.Facilities}, {m.Physicians, &p.Scope.Physicians}, {m.Studies, &studies}} {
		if l.claim == "" {
			continue
		}
		values, err := textsOf(claims, l.claim)
		switch {
		case err != nil:
			return Principal{}, unusable(l.claim)
		case len(values) > 0 && *l.to != nil:
			*l.to = both(*l.to, values)
		case len(values) > 0:
			*l.to = values
		case !p.Roles.Has(Admin):
			*l.to = nothing
		}
	}
	for _, s := range studies {
		p.Scope.Studies = append(p.Scope.Studies, dicom.UID(s))
	}
	return p, nil
}

// both are the values that two limits allow.
func both(a, b []string) []string {
	var values []string
	for _, v := range a {
		for _, w := range b {
			if v == w {
				values = append(values, v)
			}
		}
	}
	if len(values) == 0 {
		return nothing
	}
	return values
}

// rolesOf reads the claim of roles. Of what is no role here nothing follows: other servers have roles in it, too.
func (m ClaimMapping) rolesOf(named []string) Roles {
	var set Roles
	for _, name := range named {
		if r, mapped := m.RoleNames[name]; mapped {
			set |= r
		} else if roles, err := ParseRoles([]string{name}); err == nil {
			set |= roles
		}
	}
	return set
}

func unusable(claim string) error {
	return fmt.Errorf("%w: the token has no claim %q that can be used", ErrUnauthenticated, claim)
}

// textsOf returns the texts of a claim: a text is one, and a list of them are all; none if there is no such claim. Anything else is an
// error, because a limit that is not understood must not be taken for none.
func textsOf(claims map[string]any, name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	switch v := claimOf(claims, name).(type) {
	case nil:
		return nil, nil
	case string:
		return []string{v}, nil
	case []string:
		return v, nil
	case []any:
		var texts []string
		for _, one := range v {
			text, ok := one.(string)
			if !ok {
				return nil, unusable(name)
			}
			texts = append(texts, text)
		}
		return texts, nil
	}
	return nil, unusable(name)
}

// claimOf finds a claim by its name, or by its path.
func claimOf(claims map[string]any, name string) any {
	if v, there := claims[name]; there {
		return v
	}
	for i := range len(name) {
		if name[i] != '.' {
			continue
		}
		if inner, ok := claims[name[:i]].(map[string]any); ok {
			if v := claimOf(inner, name[i+1:]); v != nil {
				return v
			}
		}
	}
	return nil
}

// scopesOf are the scopes of a token (RFC 8693 4.2): a text of words, or a list, as some providers have it in scp.
func scopesOf(claims map[string]any) ([]string, error) {
	var scopes []string
	for _, claim := range []string{"scope", "scp"} {
		texts, err := textsOf(claims, claim)
		if err != nil {
			return nil, err
		}
		for _, text := range texts {
			scopes = append(scopes, strings.Fields(text)...)
		}
	}
	return scopes, nil
}
