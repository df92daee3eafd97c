package main

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	"github.com/noctis-dicom/noctis/internal/authn"
)

// userCommand keeps the local users of a data folder.
type userCommand struct {
	Add      userAddCommand      `cmd:"" help:"Add a user. The password is asked for, or read from standard input."`
	List     userListCommand     `cmd:"" help:"List the users."`
	Allow    userAllowCommand    `cmd:"" help:"Replace what a user may do."`
	Password userPasswordCommand `cmd:"" help:"Change a password, and end the user's sessions."`
	Disable  userDisableCommand  `cmd:"" help:"Keep a user out, and end his sessions."`
	Enable   userEnableCommand   `cmd:"" help:"Let a disabled user in again."`
	Remove   userRemoveCommand   `cmd:"" help:"Forget a user, and end his sessions."`
}

// Help is shown by --help.
func (userCommand) Help() string {
	return `Users log in at the page by name and password. The first user (or key) turns authentication on: from then on whoever proves nothing may do nothing.
All of it works while the server runs.

Examples:
  noctis user add admin --role admin --generate --data /var/lib/noctis
  noctis user add doe --role read --role worklist --facility 'North clinic'
  noctis user disable doe`
}

// users opens those of the data folder.
func (d accessData) users() (*authn.Users, error) {
	folder, err := d.folder()
	if err != nil {
		return nil, err
	}
	return authn.OpenUsers(folder, authn.OpenUses(folder)), nil
}

// oneUser is what commands about a user are told.
type oneUser struct {
	Name string `arg:"" placeholder:"NAME" help:"Name of the user; in the audit, too."`
	accessData
}

// change does something with the users.
func (c oneUser) change(change func(*authn.Users) error) error {
	users, err := c.users()
	if err != nil {
		return err
	}
	return change(users)
}

// newPassword is how a command gets one.
type newPassword struct {
	Generate bool `help:"Make a password, and print it: it is not kept."`
}

func (p newPassword) get(t terminal) (string, error) {
	if p.Generate {
		password := strings.ToLower(rand.Text()[:20]) // 100 bits
		fmt.Fprintln(t.err, "the password, which is shown this once:")
		_, err := fmt.Fprintln(t.out, password)
		return password, err
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, 1<<16)).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return strings.TrimRight(line, "\r\n"), err
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(t.err, prompt)
		defer fmt.Fprintln(t.err)
		text, err := term.ReadPassword(int(os.Stdin.Fd()))
		return string(text), err
	}
	first, err := ask("Password: ")
	if err != nil {
		return "", err
	}
	second, err := ask("Once more: ")
	if err == nil && first != second {
		err = errors.New("the two are not the same")
	}
	return first, err
}

type userAddCommand struct {
	oneUser
	newPassword
	grantFlags
}

// Run adds the user.
func (c userAddCommand) Run(t terminal) error {
	password, err := c.get(t)
	if err != nil {
		return err
	}
	return c.change(func(users *authn.Users) error { return users.Add(c.Name, password, c.grant()) })
}

type userListCommand struct{ accessData }

// Run lists all users.
func (c userListCommand) Run(t terminal) error {
	users, err := c.users()
	if err != nil {
		return err
	}
	list, err := users.List()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSTATE\tCREATED\tPASSWORD OF\tLAST USED\tALLOWED")
	for _, u := range list {
		state := "enabled"
		if u.Disabled {
			state = "disabled"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%v\n", u.Name, state, day(&u.Created), day(&u.Changed), cmp.Or(day(&u.Used), "never"), u.Grant)
	}
	return w.Flush()
}

type userAllowCommand struct {
	oneUser
	grantFlags
}

// Run replaces the roles and limits.
func (c userAllowCommand) Run() error {
	return c.change(func(users *authn.Users) error { return users.Allow(c.Name, c.grant()) })
}

type userPasswordCommand struct {
	oneUser
	newPassword
}

// Run changes the password.
func (c userPasswordCommand) Run(t terminal) error {
	password, err := c.get(t)
	if err != nil {
		return err
	}
	return c.change(func(users *authn.Users) error { return users.SetPassword(c.Name, password) })
}

type userDisableCommand struct{ oneUser }

// Run disables the user.
func (c userDisableCommand) Run() error {
	return c.change(func(users *authn.Users) error { return users.Disable(c.Name, true) })
}

type userEnableCommand struct{ oneUser }

// Run enables the user.
func (c userEnableCommand) Run() error {
	return c.change(func(users *authn.Users) error { return users.Disable(c.Name, false) })
}

type userRemoveCommand struct{ oneUser }

// Run removes the user.
func (c userRemoveCommand) Run() error {
	return c.change(func(users *authn.Users) error { return users.Remove(c.Name) })
}
