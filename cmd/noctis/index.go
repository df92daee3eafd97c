package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/noctis-dicom/noctis/dicom/match"
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
  noctis index add RequestAttributesSequence.ScheduledProcedureStepID --data /var/lib/noctis
  noctis index add 00231001 --creator "ACME 1.1" --data /var/lib/noctis
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

// attributeFlags name an attribute as a search does.
type attributeFlags struct {
	Attribute string `arg:"" placeholder:"TAG" help:"Tag or keyword; in sequences SEQUENCE.TAG."`
	Creator   string `placeholder:"NAME" help:"Private creator, of private attributes."`
}

// attribute reads them.
func (f attributeFlags) attribute() (match.Attribute, error) {
	path, err := match.ParsePath(f.Attribute)
	if err != nil {
		return match.Attribute{}, err
	}
	return match.NewAttribute(path, f.Creator)
}

type indexAddCommand struct {
	indexFolder
	attributeFlags
}

// Run indexes what is stored. It can be broken off, and goes on when it is called again.
func (c indexAddCommand) Run(ctx context.Context, t terminal) error {
	attribute, err := c.attribute()
	if err != nil {
		return err
	}
	index, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer index.Close()
	bar := newProgress(t.err, "index")
	err = index.AddExtraKey(ctx, attribute, bar.set)
	bar.finish()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s is indexed\n", attribute.Name())
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
		name := cmp.Or(e.Attribute.Name(), "cannot be read; noctis doctor --fix takes it out")
		fmt.Fprintf(t.out, "%v  %-8v  %-10s  %s\n", e.Attribute.Path, e.Level, state, name)
	}
	return err
}

type indexRemoveCommand struct {
	indexFolder
	attributeFlags
}

// Run takes the attribute out.
func (c indexRemoveCommand) Run(ctx context.Context, t terminal) error {
	attribute, err := c.attribute()
	if err != nil {
		return err
	}
	index, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer index.Close()
	if err := index.RemoveExtraKey(ctx, attribute); err != nil {
		return fmt.Errorf("%s: %w", attribute.Name(), err)
	}
	_, err = fmt.Fprintf(t.out, "%s is no longer indexed\n", attribute.Name())
	return err
}
