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
	Source string       `arg:"" placeholder:"SRC" help:"Folder of the backups."`
	Data   string       `default:"./data" placeholder:"DIR" help:"Data folder to make: it must be empty or not there, or left by a restore that was interrupted (default ${default})."`
	At     backupMoment `placeholder:"TIME" help:"The last backup at or before this time (2026-11-26T22:00:00Z, or as --list has it); default: the last one."`
	List   bool         `help:"List the backups and restore nothing."`
	Leave  bool         `name:"leave-damaged" help:"Restore a backup in which small files (keys, secrets, journal, audit) are damaged, without them. The index is never left out."`
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

// backupMoment is a point in time, by RFC 3339 or as a backup is named.
type backupMoment struct{ time.Time }

// UnmarshalText reads it.
func (m *backupMoment) UnmarshalText(text []byte) (err error) {
	if m.Time, err = time.Parse(backupTime, string(text)); err != nil {
		if m.Time, err = time.Parse(time.RFC3339, string(text)); err != nil {
			return fmt.Errorf("%q is no time like 2026-11-26T22:00:00Z or 20261126T220000Z", text)
		}
	}
	return nil
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
	name, err := c.choose(names)
	if err != nil {
		return err
	}
	folder := filepath.Join(backupsFolder(c.Source), name)
	m, err := c.sound(t, folder, names)
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
		return fmt.Errorf("%w\n%s is not complete: the same command goes on from here", err, c.Data)
	}
	tr.tell(t.err, "is damaged in the backup")
	fmt.Fprintf(t.out, "backup %s restored: %d files of %d\n", name, tr.total-len(tr.missing)-len(tr.damaged), m.Instances)
	if len(tr.missing)+len(tr.damaged) > 0 {
		fmt.Fprintf(t.out, "%d files are missing from the backup, %d are damaged in it: from another backup noctis doctor --fix --backup takes them\n",
			len(tr.missing), len(tr.damaged))
	}
	if len(tr.missing)+len(tr.damaged)+len(m.damaged) > 0 {
		return errReported
	}
	return nil
}

// choose is the backup that is asked for: in a folder in which one was interrupted, that one.
func (c restoreCommand) choose(names []string) (string, error) {
	if begun, err := os.ReadFile(filepath.Join(c.Data, restoring)); err == nil && c.At.IsZero() && slices.Contains(names, string(begun)) {
		return string(begun), nil
	}
	fit := names
	if !c.At.IsZero() {
		fit = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name > c.At.UTC().Format(backupTime) })
	}
	switch {
	case len(fit) > 0:
		return fit[len(fit)-1], nil
	case len(names) > 0:
		return "", fmt.Errorf("%s holds no such backup: the first one is %s", c.Source, names[0])
	}
	return "", fmt.Errorf("%s holds no complete backup", c.Source)
}

// sound reads the manifest of a backup and says what beside it is damaged, and what can be done then.
func (c restoreCommand) sound(t terminal, folder string, names []string) (*manifest, error) {
	name := filepath.Base(folder)
	m, err := readManifest(folder)
	if err == nil {
		for _, bad := range m.damaged {
			fmt.Fprintf(t.err, "%s of backup %s is damaged\n", bad, name)
		}
		switch {
		case slices.Contains(m.damaged, "index.db"):
			err = errors.New("its index is damaged")
		case len(m.damaged) > 0 && !c.Leave:
			err = fmt.Errorf("%d of its small files are damaged: --leave-damaged leaves them out", len(m.damaged))
		}
	}
	if err == nil {
		return m, nil
	}
	err = fmt.Errorf("backup %s cannot be restored: %w", name, err)
	if i := slices.Index(names, name); i > 0 {
		err = fmt.Errorf("%w\nThe one before it is --at %s", err, names[i-1])
	} else if m != nil && slices.Contains(m.damaged, "index.db") {
		err = fmt.Errorf("%w\nThere is none before it: noctis import %s stores its files anew", err, blobFolder(c.Source))
	}
	return nil, err
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

// readManifest reads the manifest and compares the files beside it with what it says of them.
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
			m.damaged = append(m.damaged, name)
		}
	}
	slices.Sort(m.damaged)
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
	begun, err := os.ReadFile(mark)
	switch {
	case err != nil:
		return fmt.Errorf("%s is not empty, and no restore was interrupted in it", c.Data)
	case string(begun) != name:
		return fmt.Errorf("%s is not empty: the restore of backup %s was interrupted in it", c.Data, begun)
	}
	return nil
}

// refuseHalfRestored is an error for a data folder in which a restore was interrupted: whatever is done with it would be done with a part of it.
func refuseHalfRestored(data string) error {
	begun, err := os.ReadFile(filepath.Join(data, restoring))
	if err != nil {
		return nil // there is no such mark
	}
	return fmt.Errorf("data folder %s: the restore of backup %s was interrupted in it: run noctis restore again", data, begun)
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
		case name == "index.db" || name == restoring || slices.Contains(m.damaged, name):
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
