package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store/file"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

var allStudies = match.Query{Level: match.Study, Limit: -1}

type restoreCommand struct {
	Source string    `arg:"" placeholder:"SRC" help:"Folder of the backups."`
	Data   string    `default:"./data" placeholder:"DIR" help:"Data folder to make: it must be empty or not there, or left by a restore that was interrupted (default ${default})."`
	At     time.Time `placeholder:"TIME" help:"The last backup at or before this time (2026-11-26T22:00:00Z); default: the last one."`
	List   bool      `help:"List the backups and restore nothing."`
	archives
}

// Help is shown by --help.
func (restoreCommand) Help() string {
	return `Every file is checked against its SHA-256 on the way. When it is interrupted, the same command goes on. Files that were included in the
backup (--include) come back into the data folder, under their names.

Examples:
  noctis restore /mnt/backup --list
  noctis restore /mnt/backup --data /var/lib/noctis
  noctis restore /mnt/backup --data /var/lib/noctis --at 2026-11-26T22:00:00Z`
}

// restoring marks a data folder whose restore is not complete.
const restoring = "restoring"

// Run restores the archives, those of tenants after the server's own. What is interrupted there goes on with --tenant.
func (c restoreCommand) Run(ctx context.Context, t terminal) error {
	tenants, err := backedUpTenants(c.Source)
	if err != nil {
		return err
	}
	return c.each(t, tenants, func(tenant string) error {
		one := c
		one.Data, one.Source = archiveFolder(c.Data, tenant), archiveFolder(c.Source, tenant)
		return one.back(ctx, t)
	})
}

// back restores one archive. The index comes last: a folder with files and without one is refused by every command.
func (c restoreCommand) back(ctx context.Context, t terminal) error {
	names, err := c.backups()
	if err != nil {
		return err
	}
	if c.List {
		for _, name := range names {
			fmt.Fprintln(t.out, name)
		}
		return nil
	}
	if !c.At.IsZero() {
		names = slices.DeleteFunc(names, func(name string) bool { return name > c.At.UTC().Format(backupTime) })
	}
	if len(names) == 0 {
		return fmt.Errorf("%s holds no such backup", c.Source)
	}
	name := names[len(names)-1]
	folder := filepath.Join(backupsFolder(c.Source), name)
	m, err := readManifest(folder)
	if err != nil {
		return err
	}
	if err := c.begin(name); err != nil {
		return err
	}
	blobs, err := file.Open(blobFolder(c.Data))
	if err != nil {
		return err
	}
	tr := &transfer{from: blobFolder(c.Source), to: blobs, bar: newProgress(t.err, "restore")}
	err = c.restore(ctx, folder, m, tr)
	tr.bar.finish()
	if err := errors.Join(err, blobs.Close()); err != nil {
		return err
	}
	for _, bad := range tr.bad {
		fmt.Fprintln(t.err, bad)
	}
	fmt.Fprintf(t.out, "backup %s restored: %d files of %d\n", name, tr.total-tr.missing-len(tr.bad), m.Instances)
	if tr.missing+len(tr.bad) > 0 {
		fmt.Fprintf(t.out, "%d files are missing from the backup, %d are damaged in it\n", tr.missing, len(tr.bad))
		return errReported
	}
	return nil
}

// backups are the names of the complete backups, in the order of time.
func (c restoreCommand) backups() ([]string, error) {
	entries, err := os.ReadDir(backupsFolder(c.Source))
	if err != nil {
		return nil, fmt.Errorf("%s holds no backups: %w", c.Source, err)
	}
	var names []string
	for _, e := range entries {
		if _, err := time.Parse(backupTime, e.Name()); err == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// readManifest reads the manifest and checks what it says of the files beside it.
func readManifest(folder string) (*manifest, error) {
	text, err := os.ReadFile(filepath.Join(folder, manifestName))
	if err != nil {
		return nil, err
	}
	m := &manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	for name, want := range m.Files {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, fmt.Errorf("%s names %q", manifestName, name)
		}
		if sum, err := digestOf(filepath.Join(folder, filepath.FromSlash(name))); err != nil || sum.String() != want {
			return nil, errors.Join(err, fmt.Errorf("%s of the backup is not what was backed up", name))
		}
	}
	if m.Files["index.db"] == "" {
		return nil, fmt.Errorf("%s names no index", manifestName)
	}
	return m, nil
}

// begin takes an empty folder, or one in which the same restore was interrupted.
func (c restoreCommand) begin(name string) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	mark := filepath.Join(c.Data, restoring)
	entries, err := os.ReadDir(c.Data)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return durable.WriteFile(mark, []byte(name))
	}
	if begun, err := os.ReadFile(mark); err != nil || string(begun) != name {
		return fmt.Errorf("%s is not empty, and no restore of backup %s was interrupted in it", c.Data, name)
	}
	return nil
}

func (c restoreCommand) restore(ctx context.Context, folder string, m *manifest, tr *transfer) error {
	// A copy is read, since SQLite makes files beside what it opens.
	index := filepath.Join(c.Data, "index.db.restoring")
	if err := errors.Join(removeAll(index), copyFile(index, filepath.Join(folder, "index.db"))); err != nil {
		return err
	}
	if err := tr.all(ctx, index); err != nil {
		return err
	}
	for name := range m.Files {
		to := filepath.Join(c.Data, filepath.FromSlash(name))
		switch {
		case name == "index.db" || name == restoring:
			continue
		case name == "journal":
			to = filepath.Join(blobFolder(c.Data), name)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		content, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		if err := durable.WriteFile(to, content); err != nil {
			return err
		}
	}
	if err := sqlite.BeginFeed(ctx, index); err != nil {
		return err
	}
	if err := os.Rename(index, indexFile(c.Data)); err != nil {
		return err
	}
	return errors.Join(os.Remove(filepath.Join(c.Data, restoring)), syncFolder(c.Data))
}

// removeAll removes a database with what SQLite made beside it.
func removeAll(path string) error {
	beside, err := filepath.Glob(path + "*")
	if err != nil {
		return err
	}
	for _, name := range beside {
		if strings.HasPrefix(name, path) {
			err = errors.Join(err, os.Remove(name))
		}
	}
	return err
}
