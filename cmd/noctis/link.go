package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicomweb"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/authn"
)

// linkCommand keeps the signed links of a data folder.
type linkCommand struct {
	Add    linkAddCommand    `cmd:"" help:"Make a link to a study or to a picture, and print it: it is not kept."`
	List   linkListCommand   `cmd:"" help:"List the links, without what lets anybody in."`
	Revoke linkRevokeCommand `cmd:"" help:"End a link."`
}

// Help is shown by --help.
func (linkCommand) Help() string {
	return `Who has a link may read what it is for, without any other credentials, until it ends. A link to a study is opened in a browser and shows it in the
viewer; one to a picture can stand in an <img>. Programs make them by POST …/studies/{study}/link.

Examples:
  noctis link add --study 1.2.3 --expires 3d --url https://pacs.example.org
  noctis link add --study 1.2.3 --series 1.2.3.1 --instance 1.2.3.1.1 --resource rendered --query viewport=512,512
  noctis link list
  noctis link revoke abcd2345efgh6789`
}

type linkAddCommand struct {
	Study    dicom.UID `required:"" placeholder:"UID" help:"The study."`
	Series   dicom.UID `placeholder:"UID" help:"Only this series of it."`
	Instance dicom.UID `placeholder:"UID" help:"Only this instance of the series."`
	Frames   string    `placeholder:"LIST" help:"Only these frames of the instance (1,2)."`
	Resource string    `enum:",rendered,thumbnail,metadata" default:"" placeholder:"NAME" help:"Only this of it: rendered, thumbnail or metadata."`
	Query    string    `placeholder:"QUERY" help:"With this query of the resource, and no other (viewport=512,512)."`
	Expires  moment    `default:"24h" placeholder:"TIME" help:"When it ends: 2027-01-31, 2027-01-31T12:00:00Z, or 3d or 12h from now (default ${default})."`
	Tenant   string    `placeholder:"TENANT" help:"Whose archive; default: that of a server without tenants."`
	URL      string    `name:"url" default:"http://127.0.0.1:8080" placeholder:"URL" help:"Address of the server's root as whoever gets the link sees it (default ${default})."`
	accessData
}

// Run prints the link alone on standard output. Whether there is such a study it does not look.
func (c linkAddCommand) Run(t terminal) error {
	folder, err := c.folder()
	if err != nil {
		return err
	}
	ref := dicom.Ref{Study: c.Study, Series: c.Series, Instance: c.Instance}
	frames := ""
	if c.Frames != "" {
		frames = "frames/" + c.Frames
	}
	switch {
	case ref.Instance != "" && ref.Series == "", c.Frames != "" && ref.Instance == "":
		return errors.New("an instance lies in a series, and frames in an instance: name those too")
	case c.Query != "" && c.Resource == "":
		return errors.New("--query is that of a --resource")
	}
	for _, uid := range []dicom.UID{c.Study, c.Series, c.Instance} {
		if uid != "" && !uid.Valid() {
			return fmt.Errorf("%q is no UID", uid)
		}
	}
	if _, err := url.ParseQuery(c.Query); err != nil {
		return fmt.Errorf("--query: %w", err)
	}
	by := access.Principal{Kind: "command", Name: "link add", Tenant: c.Tenant}
	link, token, err := authn.OpenLinks(folder, nil).Add(by, authn.TargetOf(ref, frames, c.Resource, c.Query), c.Expires.Time)
	if err != nil {
		return err
	}
	root := strings.TrimRight(c.URL, "/")
	address := link.Address(root, token)
	if !link.Whole {
		if c.Tenant != "" {
			root += "/t/" + url.PathEscape(c.Tenant)
		}
		address = link.Resource(root+dicomweb.BasePath, token)
	}
	fmt.Fprintf(t.err, "link %s, until %s:\n", link.ID, day(&link.Expires))
	_, err = fmt.Fprintln(t.out, address)
	return err
}

type linkListCommand struct {
	JSON bool `name:"json" help:"As JSON."`
	accessData
}

// Run lists all links, those that are over too.
func (c linkListCommand) Run(t terminal) error {
	folder, err := c.folder()
	if err != nil {
		return err
	}
	links := authn.OpenLinks(folder, authn.OpenUses(folder))
	list, err := links.List()
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		return e.Encode(append([]authn.Link{}, list...))
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTATE\tBY\tCREATED\tEXPIRES\tLAST USED\tFOR")
	for _, l := range list {
		state, err := links.State(l)
		if err != nil {
			return err
		}
		used := links.Used(l.ID)
		target := l.Path
		if l.Query != "" {
			target += "?" + l.Query
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.ID, state, l.By, day(&l.Created), day(&l.Expires), cmp.Or(day(&used), "never"), target)
	}
	return w.Flush()
}

type linkRevokeCommand struct {
	Link string `arg:"" placeholder:"ID" help:"Id of the link."`
	accessData
}

// Run revokes a link. The server refuses it from its next request on, and ends what is under way within a second.
func (c linkRevokeCommand) Run(t terminal) error {
	folder, err := c.folder()
	if err != nil {
		return err
	}
	link, err := authn.OpenLinks(folder, nil).Revoke(c.Link)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "revoked the link %s\n", link.ID)
	return err
}
