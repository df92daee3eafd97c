package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/noctis-dicom/noctis/internal/authn"
)

// keyCommand keeps the API keys of a data folder.
type keyCommand struct {
	Add    keyAddCommand    `cmd:"" help:"Make a key, and print it: it is not kept."`
	List   keyListCommand   `cmd:"" help:"List the keys, without the keys themselves."`
	Revoke keyRevokeCommand `cmd:"" help:"End a key for good."`
}

// Help is shown by --help.
func (keyCommand) Help() string {
	return `A request bears its key as "Authorization: Bearer KEY", as "X-Api-Key: KEY", or in Basic authentication as the password of the key's name. The first key
turns authentication on: from then on whoever has none may do nothing.

Examples:
  noctis key add --name CT1 --role store --facility 'North clinic' --data /var/lib/noctis
  noctis key add --name research --role read --patient 4711 --patient 4712 --expires 90d
  noctis key list
  noctis key revoke CT1`
}

type keyAddCommand struct {
	Name    string `required:"" placeholder:"NAME" help:"Whose key it is; in lists, in the audit, and in Basic authentication."`
	Expires moment `placeholder:"TIME" help:"When it ends: 2027-01-31, 2027-01-31T12:00:00Z, or 90d or 12h from now; default: never."`
	grantFlags
	accessData
}

// Run prints the key alone on standard output, so that a script can keep it.
func (c keyAddCommand) Run(t terminal) error {
	folder, err := c.folder()
	if err != nil {
		return err
	}
	secret, err := authn.OpenKeys(folder, authn.OpenUses(folder)).Add(c.Name, c.grant(), c.Expires.Time)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.err, "the key of %s (%v); it is shown this once:\n", c.Name, c.grant())
	_, err = fmt.Fprintln(t.out, secret)
	return err
}

type keyListCommand struct {
	JSON bool `name:"json" help:"As JSON."`
	accessData
}

// Run lists all keys, those that are over too.
func (c keyListCommand) Run(t terminal) error {
	folder, err := c.folder()
	if err != nil {
		return err
	}
	keys, err := authn.OpenKeys(folder, authn.OpenUses(folder)).List()
	if err != nil {
		return err
	}
	if c.JSON {
		return printKeys(t, keys)
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tID\tSTATE\tCREATED\tEXPIRES\tLAST USED\tALLOWED")
	for _, k := range keys {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%v\n", k.Name, k.ID, k.State(time.Now()), day(&k.Created),
			cmp.Or(day(k.Expires), "never"), cmp.Or(day(&k.Used), "never"), k.Grant)
	}
	return w.Flush()
}

// printKeys leaves out the digests, which are of no use to anybody.
func printKeys(t terminal, keys []authn.Key) error {
	type row struct {
		authn.Key
		SHA256 string     `json:"sha256,omitempty"`
		State  string     `json:"state"`
		Used   *time.Time `json:"used,omitempty"`
	}
	rows := []row{}
	for _, k := range keys {
		r := row{Key: k, State: k.State(time.Now())}
		if !k.Used.IsZero() {
			r.Used = &k.Used
		}
		rows = append(rows, r)
	}
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	return e.Encode(rows)
}

type keyRevokeCommand struct {
	Key string `arg:"" placeholder:"NAME" help:"Name or id of the key."`
	accessData
}

// Run revokes a key. The server refuses it from its next request on, and ends what is under way within a second.
func (c keyRevokeCommand) Run(t terminal) error {
	folder, err := c.folder()
	if err != nil {
		return err
	}
	key, err := authn.OpenKeys(folder, authn.OpenUses(folder)).Revoke(c.Key)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "revoked the key %s (%s)\n", key.Name, key.ID)
	return err
}
