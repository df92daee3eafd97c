package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// examineRows looks at what rows of the index say of each other: an index made of the files says the same of studies, but nothing of the worklist.
func (p *patient) examineRows(ctx context.Context, index *sqlite.Index) error {
	found, err := index.Check(ctx)
	for _, f := range found {
		p.d.find(differs, "%s", f)
	}
	wrong := false
	if err == nil {
		wrong, err = index.Miscounts(ctx)
	}
	if wrong {
		p.d.find(miscounted, "what the archive says that it holds is not what it holds")
	}
	broken := false
	if err == nil {
		broken, err = index.FeedBroken(ctx)
	}
	if broken {
		p.d.find(feed, "something is missing in it, or is none of it: who follows it would not be told")
	}
	var extras []sqlite.FlawedExtra
	if err == nil {
		extras, err = index.FlawedExtras(ctx)
	}
	for _, e := range extras {
		p.d.find(lacking, "by %v not all is found that has it", cmp.Or(e.Attribute.String(), "one that cannot be read"))
	}
	var flaws []sqlite.Flaw
	if err == nil {
		flaws, err = index.Worklist().Flaws(ctx)
	}
	if err != nil {
		p.d.find(dataBase, "%v", err)
		return ctx.Err()
	}
	for i, f := range flaws {
		if i == maxFlaws {
			p.d.find(flawed, "so are %d more rows", len(flaws)-maxFlaws)
			break
		}
		p.d.find(flawed, "%v", f)
	}
	return nil
}

// maxFlaws is how many rows are told each for itself.
const maxFlaws = 20

// mendCount counts again what the archive holds; an index that was made anew has counted.
func (p *patient) mendCount(ctx context.Context, index *sqlite.Index) error {
	if !p.d.has(miscounted) {
		return nil
	}
	if err := index.Recount(ctx); err != nil {
		return err
	}
	p.d.mended(miscounted, "counted again")
	return nil
}

// mended says of the findings of a kind what was done.
func (d *diagnosis) mended(kind, format string, a ...any) {
	for _, f := range d.Findings {
		if f.Kind == kind && f.Mended == "" {
			f.Mended = fmt.Sprintf(format, a...)
		}
	}
}

// mendFeed has the change feed begin anew where something is missing in it.
func (p *patient) mendFeed(ctx context.Context, index *sqlite.Index) error {
	if !p.d.has(feed) {
		return nil
	}
	err := index.MendFeed(ctx, p.keepRows)
	if err == nil {
		p.d.mended(feed, "it begins anew behind that, so that all who follow it are told that they have missed something; what came before is kept in %s", p.keptRows())
	}
	return err
}

// mendExtras makes indices that were made by hand again; also those of which an index that was made anew knows nothing else.
func (p *patient) mendExtras(ctx context.Context, index *sqlite.Index) error {
	if p.d.has(lacking) {
		flawed, err := index.FlawedExtras(ctx)
		for _, e := range flawed {
			err = errors.Join(err, index.MendExtra(ctx, e, p.progress))
		}
		if err != nil {
			return err
		}
		p.d.mended(lacking, "indexed again, or taken out of the index where it cannot be indexed")
	}
	return index.FinishExtras(ctx, p.progress)
}

// mendRows writes the rows again from their data sets. What is lost of them is kept aside.
func (p *patient) mendRows(ctx context.Context, index *sqlite.Index) error {
	if !p.d.has(flawed) {
		return nil
	}
	flaws, err := index.Worklist().Flaws(ctx) // some may have gone with what was mended before
	if err != nil {
		return err
	}
	kept := 0
	err = index.Worklist().Repair(ctx, flaws, func(table string, rows []map[string]any) error {
		kept += len(rows)
		return p.keepRows(table, rows)
	})
	if err != nil {
		return err
	}
	if kept == 0 {
		p.d.mended(flawed, "written again from its data set")
	} else {
		p.d.mended(flawed, "written again from its data set where it has one; %d rows are kept as they were in %s, and a study that lacks its workitem gets a new one",
			kept, p.keptRows())
	}
	return nil
}

// keptRows is where rows go of which something is lost: a line of JSON for each.
func (p *patient) keptRows() string { return filepath.Join(p.aside(), "rows.json") }

// keepRows adds rows to those, and does not return before they are on the disk.
func (p *patient) keepRows(table string, rows []map[string]any) error {
	var lines []byte
	for _, row := range rows {
		line, err := json.Marshal(map[string]any{"table": table, "row": row})
		if err != nil {
			return err
		}
		lines = append(append(lines, line...), '\n')
	}
	if err := durable.MkdirAll(p.aside()); err != nil {
		return err
	}
	f, err := durable.OpenFile(p.keptRows(), os.O_CREATE|os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return err
	}
	_, err = f.Write(lines)
	return errors.Join(err, f.Sync(), f.Close())
}
