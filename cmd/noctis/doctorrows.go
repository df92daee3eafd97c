package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

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
	for _, f := range p.d.Findings {
		if f.Kind == miscounted {
			f.Mended = "counted again"
		}
	}
	return nil
}

// mendRows writes the rows again from their data sets. Those that have none are kept aside, as lines of JSON.
func (p *patient) mendRows(ctx context.Context, index *sqlite.Index) error {
	if !p.d.has(flawed) {
		return nil
	}
	flaws, err := index.Worklist().Flaws(ctx) // some may have gone with what was mended before
	if err != nil {
		return err
	}
	path, lost := filepath.Join(p.aside(), "rows.json"), 0
	err = index.Worklist().Repair(ctx, flaws, func(table string, row map[string]any) error {
		line, err := json.Marshal(map[string]any{"table": table, "row": row})
		lost++
		return errors.Join(err, appendLine(path, line))
	})
	for _, f := range p.d.Findings {
		if err == nil && f.Kind == flawed {
			if f.Mended = "written again from its data set"; lost > 0 {
				f.Mended = "written again from its data set where it has one; the others are kept in " + path + ", and a study that lacks its workitem gets a new one"
			}
		}
	}
	return err
}

// appendLine adds a line to a file of ours, and does not return before it is on the disk.
func appendLine(path string, line []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}
