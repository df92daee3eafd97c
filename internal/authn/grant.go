package authn

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
)

// Grant is what a record of a ledger allows: roles, and the part of the archive for which it has them. Without limits that is all of it.
type Grant struct {
	Roles      []string    `json:"roles"`
	Tenant     string      `json:"tenant,omitempty"`
	Patients   []string    `json:"patients,omitempty"`
	Studies    []dicom.UID `json:"studies,omitempty"`
	Facilities []string    `json:"facilities,omitempty"`
	Physicians []string    `json:"physicians,omitempty"`
}

// principal is who has the grant. A ledger that was written by hand may have errors.
func (g Grant) principal(kind access.Kind, name string) (access.Principal, error) {
	roles, err := access.ParseRoles(g.Roles)
	if err != nil {
		return access.Principal{}, fmt.Errorf("%s %s: %w", kind, name, err)
	}
	return access.Principal{Name: name, Kind: kind, Roles: roles, Tenant: g.Tenant,
		Scope: access.Scope{Patients: g.Patients, Studies: g.Studies, Facilities: g.Facilities, Physicians: g.Physicians}}, nil
}

// check is what a new record must satisfy. An empty limit would be one that nothing satisfies, or that is taken for none.
func (g Grant) check() error {
	if len(g.Roles) == 0 {
		return errors.New("without a role nothing is allowed: name one of read, store, delete, worklist and admin")
	}
	if _, err := access.ParseRoles(g.Roles); err != nil {
		return err
	}
	for _, uid := range g.Studies {
		if !uid.Valid() {
			return fmt.Errorf("%q is not the UID of a study", uid)
		}
	}
	for _, limit := range [][]string{g.Patients, g.Facilities, g.Physicians} {
		for _, value := range limit {
			if strings.TrimSpace(value) == "" {
				return errors.New("a limit needs a value")
			}
		}
	}
	return nil
}

// String says it in a line for people.
func (g Grant) String() string {
	parts := []string{strings.Join(g.Roles, ",")}
	add := func(what string, values []string) {
		if len(values) > 0 {
			parts = append(parts, what+" "+strings.Join(values, " or "))
		}
	}
	if g.Tenant != "" {
		add("tenant", []string{g.Tenant})
	}
	add("patient", g.Patients)
	var studies []string
	for _, uid := range g.Studies {
		studies = append(studies, string(uid))
	}
	add("study", studies)
	add("facility", g.Facilities)
	add("physician", g.Physicians)
	return strings.Join(parts, "; ")
}

// checkName is what the name of a key or a user must satisfy: it stands in logs and in the user part of Basic authentication.
func checkName(name string) error {
	bad := func(r rune) bool {
		return r == ':' || unicode.IsControl(r) || unicode.IsSpace(r) || r == unicode.ReplacementChar
	}
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, bad) {
		return fmt.Errorf("%q is no name: up to 64 bytes, without blanks and colons", name)
	}
	return nil
}
