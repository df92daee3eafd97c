package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

type reindexCommand struct {
	Data  string `default:"./data" placeholder:"DIR" help:"Data folder (default ${default})."`
	Check bool   `help:"Compare the rebuilt index with the live one and throw it away; exit 1 if they differ."`
	archives
}

// Help is shown by --help.
func (reindexCommand) Help() string {
	return `The files are the truth: the index is made again from them alone, beside the live one, which it replaces when it is
complete. Only what is not in the files, the worklist above all, is taken over from the live index. The server must be stopped.

Examples:
  noctis reindex --data ./data
  noctis reindex --data ./data --check`
}

// Run rebuilds the index of each archive.
func (c reindexCommand) Run(ctx context.Context, t terminal) error {
	names, err := tenantsOf(c.Data)
	if err != nil {
		return err
	}
	return c.each(t, names, func(tenant string) error {
		one := c
		one.Data = archiveFolder(c.Data, tenant)
		return one.rebuild(ctx, t)
	})
}

func (c reindexCommand) rebuild(ctx context.Context, t terminal) (err error) {
	if _, err := os.Stat(blobFolder(c.Data)); err != nil {
		return fmt.Errorf("%s is no data folder: %w", c.Data, err)
	}
	blobs, err := openBlobs(c.Data)
	if err != nil {
		return err
	}
	defer blobs.Close()
	bar := newProgress(t.err, "reindex")
	fresh, report, remove, err := rebuild(ctx, c.Data, blobs, bar.set)
	bar.finish()
	if err != nil {
		return fmt.Errorf("the live index is untouched: %w", err)
	}
	defer remove()
	for _, bad := range report.Failed {
		fmt.Fprintf(t.err, "blob %s is not indexed: %v\n", bad.Blob, bad.Err)
	}
	fmt.Fprintf(t.out, "%d instances indexed, %d blobs could not be\n", report.Indexed, len(report.Failed))
	if c.Check {
		return c.compare(ctx, t, fresh)
	}
	if err := fresh.Close(); err != nil {
		return err
	}
	if _, err := os.Stat(indexFile(c.Data)); err == nil {
		switch lost, err := sqlite.CarryWorklist(ctx, fresh.Path(), indexFile(c.Data)); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			fmt.Fprintf(t.err, "the worklist of the old index cannot be read, every study is unread again: %v\n", err)
		case len(lost) > 0:
			fmt.Fprintf(t.err, "the worklist of the old index is damaged, and not all rows can be read of %s: studies whose workitems are lost are unread again\n",
				strings.Join(lost, ", "))
		}
		if err := finishExtras(ctx, fresh.Path(), bar.set); err != nil {
			return err
		}
	}
	return sqlite.Replace(indexFile(c.Data), fresh.Path())
}

// finishExtras makes the indices again that had been made by hand (noctis index add).
func finishExtras(ctx context.Context, path string, progress func(done, total int)) error {
	index, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(index.FinishExtras(ctx, progress), index.Close())
}

// compare holds the rebuilt index against the live one.
func (c reindexCommand) compare(ctx context.Context, t terminal, fresh store.Index) error {
	if _, err := os.Stat(indexFile(c.Data)); err != nil {
		return fmt.Errorf("there is no live index: %w", err)
	}
	live, err := sqlite.Open(ctx, indexFile(c.Data))
	if err != nil {
		return err
	}
	defer live.Close()
	difference, err := store.Compare(ctx, live, fresh)
	if err != nil {
		return err
	}
	if difference != "" {
		fmt.Fprintf(t.out, "the live index (first) differs from the rebuilt one (second): %s\n", difference)
		return errReported
	}
	fmt.Fprintln(t.out, "the live index equals it")
	return nil
}
