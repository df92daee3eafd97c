package authn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
)

// User is a person with a password, of which only the hash is known.
type User struct {
	Name     string    `json:"name"`
	Password string    `json:"password"` // its argon2id hash in the PHC format
	Created  time.Time `json:"created"`
	Changed  time.Time `json:"changed"` // the password: sessions that are older are over
	Disabled bool      `json:"disabled,omitempty"`
	Grant

	Used time.Time `json:"-"` // last; zero: never
}

func (u User) use() string { return "user:" + u.Name }

// Users are those of a folder. Safe for concurrent use, and by several processes.
type Users struct {
	ledger   *ledger[User]
	uses     *Uses
	verifier *verifier
	now      func() time.Time
}

// OpenUsers opens those of a folder.
func OpenUsers(folder string, uses *Uses) *Users {
	return &Users{newLedger(folder, "users.json", func(u User) string { return u.Name }), uses, newVerifier(), time.Now}
}

// Add makes a user.
func (u *Users) Add(name, password string, grant Grant) error {
	if err := errors.Join(checkName(name), checkPassword(password), grant.check()); err != nil {
		return err
	}
	now := u.now().UTC()
	hash := hashPassword(password)
	return u.ledger.change(func(users []User) ([]User, error) {
		if slices.ContainsFunc(users, func(other User) bool { return other.Name == name }) {
			return nil, fmt.Errorf("there is a user %s already", name)
		}
		return append(users, User{Name: name, Password: hash, Created: now, Changed: now, Grant: grant}), nil
	})
}

// List returns all users, in the order in which they were made.
func (u *Users) List() ([]User, error) {
	users, err := u.ledger.all()
	users = slices.Clone(users)
	for i := range users {
		users[i].Used = u.uses.of(users[i].use())
	}
	return users, err
}

// SetPassword changes the password of a user, and ends his sessions.
func (u *Users) SetPassword(name, password string) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	hash := hashPassword(password)
	return u.edit(name, func(user *User) { user.Password, user.Changed = hash, u.now().UTC() })
}

// Disable keeps a user out, and ends his sessions, or lets him in again.
func (u *Users) Disable(name string, disabled bool) error {
	return u.edit(name, func(user *User) { user.Disabled, user.Changed = disabled, u.now().UTC() })
}

// Allow replaces what a user may do, from his next request on.
func (u *Users) Allow(name string, grant Grant) error {
	if err := grant.check(); err != nil {
		return err
	}
	return u.edit(name, func(user *User) { user.Grant = grant })
}

func (u *Users) edit(name string, edit func(*User)) error {
	return u.ledger.change(func(users []User) ([]User, error) {
		for i := range users {
			if users[i].Name == name {
				edit(&users[i])
				return users, nil
			}
		}
		return nil, fmt.Errorf("there is no user %s", name)
	})
}

// Remove forgets a user, and ends his sessions.
func (u *Users) Remove(name string) error {
	return u.ledger.change(func(users []User) ([]User, error) {
		rest := slices.DeleteFunc(slices.Clone(users), func(other User) bool { return other.Name == name })
		if len(rest) == len(users) {
			return nil, fmt.Errorf("there is no user %s", name)
		}
		return rest, nil
	})
}

// verify returns the user of a name and a password. Who is not known, is disabled or has another password is told the same after the
// same time.
func (u *Users) verify(ctx context.Context, name, password string) (User, error) {
	user, found, err := u.ledger.find(name)
	if err != nil {
		return User{}, err
	}
	right, err := u.verifier.verify(ctx, user.Password, password)
	switch {
	case err != nil:
		return User{}, err
	case !right || !found || user.Disabled:
		return User{}, fmt.Errorf("%w: the name or the password is wrong", access.ErrUnauthenticated)
	}
	return user, nil
}

// still returns the principal of a user who logged in when his password was last changed at the given time.
func (u *Users) still(name string, changed time.Time) (access.Principal, error) {
	user, found, err := u.ledger.find(name)
	switch {
	case err != nil:
		return access.Principal{}, err
	case !found || user.Disabled || !user.Changed.Equal(changed):
		return access.Principal{}, errSessionOver
	}
	return user.principal(access.User, user.Name)
}
