package access

import (
	"fmt"
	"strings"
)

// Role is what a route asks for, and one of the things that a principal may be allowed. The zero value is none: a route that has it
// was forgotten, and the server does not start.
type Role uint8

// The roles. They do not contain each other, but that Admin has all of them. Anyone is what a route asks for that tells nothing of
// what is stored; nobody has to be known for it.
const (
	Read     Role = 1 << iota // search and retrieve
	Store                     // store instances, and ask for storage commitment
	Delete                    // delete instances
	Worklist                  // read and change workitems and procedure steps
	Admin                     // recycle bin, configuration, diagnosis
	Anyone
)

var roleNames = []struct {
	role Role
	name string
}{{Read, "read"}, {Store, "store"}, {Delete, "delete"}, {Worklist, "worklist"}, {Admin, "admin"}}

// String returns the role's name, as configuration and ParseRoles have it.
func (r Role) String() string {
	for _, n := range roleNames {
		if n.role == r {
			return n.name
		}
	}
	if r == Anyone {
		return "anyone"
	}
	return "none"
}

// Roles is a set of them.
type Roles uint8

// RolesOf makes a set.
func RolesOf(roles ...Role) Roles {
	var set Roles
	for _, r := range roles {
		set |= Roles(r)
	}
	return set
}

// Has reports whether the set allows what asks for r. Admin allows everything.
func (s Roles) Has(r Role) bool {
	return r == Anyone || r != 0 && (s&Roles(r) != 0 || s&Roles(Admin) != 0)
}

// And returns the roles that both sets allow.
func (s Roles) And(other Roles) Roles {
	if s.Has(Admin) {
		return other
	}
	if other.Has(Admin) {
		return s
	}
	return s & other
}

// ParseRoles reads names of roles.
func ParseRoles(names []string) (Roles, error) {
	var set Roles
next:
	for _, name := range names {
		for _, n := range roleNames {
			if strings.EqualFold(strings.TrimSpace(name), n.name) {
				set |= Roles(n.role)
				continue next
			}
		}
		return 0, fmt.Errorf("role %q: the roles are read, store, delete, worklist and admin", name)
	}
	return set, nil
}

// Names returns the names of the set's roles.
func (s Roles) Names() []string {
	var names []string
	for _, n := range roleNames {
		if s&Roles(n.role) != 0 {
			names = append(names, n.name)
		}
	}
	return names
}
