package main

import (
	"context"
	"fmt"
	"os"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// indexCommand works on the index alone, beside a running server: what both need to know of each other is in the index.
type indexCommand struct {
	Add    indexAddCommand    `cmd:"" help:"Index an attribute, so that searches by it are quick."`
	List   indexListCommand   `cmd:"" help:"List the attributes that were indexed so."`
	Remove indexRemoveCommand `cmd:"" help:"Take an attribute out of the index again."`
}

// Help is shown by --help.
func (indexCommand) Help() string {
	return `Every attribute can be searched; the common ones are indexed always, and others can be, while the server runs.

Examples:
  noctis index add BodyPartExamined --data /var/lib/noctis
  noctis index list --data /var/lib/noctis
  noctis index remove 00180015 --data /var/lib/noctis`
}

type indexFolder struct {
	Data   string   `default:"./data" placeholder:"DIR" help:"Data folder (default ${default})."`
	Tenant ofTenant `placeholder:"NAME" help:"The archive of this tenant; default: the server's own."`
}

// open opens the index, which must be there.
func (f indexFolder) open(ctx context.Context) (*sqlite.Index, error) {
	if _, err := os.Stat(indexFile(f.Data)); err != nil {
		return nil, fmt.Errorf("%s has no index: %w", f.Data, err)
	}
	return sqlite.Open(ctx, indexFile(f.Data))
}

// attributeName is a keyword of PS3.6 or a tag of 8 hexadecimal digits.
type attributeName struct{ dicom.Tag }

// UnmarshalText reads either.
func (a *attributeName) UnmarshalText(text []byte) error {
	if known, found := dicom.LookupKeyword(string(text)); found {
		a.Tag = known.Tag
		return nil
	}
	var err error
	if a.Tag, err = dicom.ParseTag(string(text)); err != nil {
		return fmt.Errorf("%q is neither a keyword nor a tag of 8 hexadecimal digits", text)
	}
	return nil
}

type indexAddCommand struct {
	indexFolder
	Attribute attributeName `arg:"" placeholder:"TAG" help:"Tag or keyword."`
}

// Run indexes what is stored. It can be broken off, and goes on when it is called again.
func (c indexAddCommand) Run(ctx context.Context, t terminal) error {
	index, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer index.Close()
	bar := newProgress(t.err, "index")
	err = index.AddExtraKey(ctx, c.Attribute.Tag, bar.set)
	bar.finish()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s is indexed\n", c.Attribute.Keyword())
	return err
}

type indexListCommand struct{ indexFolder }

// Run lists tag, level, state and keyword.
func (c indexListCommand) Run(ctx context.Context, t terminal) error {
	index, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer index.Close()
	extras, err := index.ExtraKeys(ctx)
	for _, e := range extras {
		state := "complete"
		if !e.Complete {
			state = "unfinished"
		}
		fmt.Fprintf(t.out, "%v  %-8v  %-10s  %s\n", e.Attribute, e.Level, state, e.Attribute.Keyword())
	}
	return err
}

type indexRemoveCommand struct {
	indexFolder
	Attribute attributeName `arg:"" placeholder:"TAG" help:"Tag or keyword."`
}

// Run takes the attribute out.
func (c indexRemoveCommand) Run(ctx context.Context, t terminal) error {
	index, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer index.Close()
	if err := index.RemoveExtraKey(ctx, c.Attribute.Tag); err != nil {
		return fmt.Errorf("%v: %w", c.Attribute.Tag, err)
	}
	_, err = fmt.Fprintf(t.out, "%v is no longer indexed\n", c.Attribute.Tag)
	return err
}
