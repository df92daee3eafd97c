package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/file"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// A backup is a folder:
//
//	blobs/              the stored files of all backups in it, each once
//	backups/TIME/       of each: the index as it was, the small files of the data folder, manifest.json
//
// What a manifest lies beside is complete: it is written last.
func backupsFolder(dest string) string { return filepath.Join(dest, "backups") }

const (
	manifestName = "manifest.json"
	backupTime   = "20060102T150405Z" // the name of a backup
	partSuffix   = ".part"            // behind it while it is being made
)

// manifest says what a backup holds.
type manifest struct {
	Version   string            `json:"version"`
	At        time.Time         `json:"at"` // all that was acknowledged before is in it
	Instances int               `json:"instances"`
	Files     map[string]string `json:"files"` // SHA-256 of the files beside it

	damaged []string // of the files beside it, when it is read
}

type backupCommand struct {
	Dest    string   `arg:"" placeholder:"DEST" help:"Folder of the backups, best on another disk. Backups that are in it already are kept."`
	Data    string   `default:"./data" placeholder:"DIR" help:"Data folder (default ${default}). Its server may be running."`
	Include []string `placeholder:"FILE" help:"Further files that belong to it, like those of TLS."`
	archives
	Verify bool `help:"Read all files again that the backups have already; otherwise a thirtieth of them, another one each day."`
}

// Help is shown by --help.
func (backupCommand) Help() string {
	return `Copies the index as it is at one moment, and the files that it names and the folder lacks. All that was acknowledged before the command
began is in it, with what else no file can give back: keys, users, the audit log, the journal, the configuration of the last start. Each copied file is read back from the disk and
compared with its SHA-256. Of those that are there already a share is read again, another one each day, or all with --verify; one that has rotted is
set aside and copied anew.

Examples:
  noctis backup /mnt/backup --data /var/lib/noctis --include /etc/noctis.yaml
  noctis restore /mnt/backup --data /var/lib/noctis-restored`
}

// errPurged ends a try in which the recycle bin was emptied between index and files.
var errPurged = errors.New("files that the index named have gone meanwhile")

// Run makes a backup of each archive, those of tenants below DEST/tenants.
func (c backupCommand) Run(ctx context.Context, t terminal) error {
	if err := c.check(); err != nil {
		return err
	}
	names, err := tenantsOf(c.Data)
	if err != nil {
		return err
	}
	return c.each(t, names, func(tenant string) error {
		one := c
		if one.Data, one.Dest = archiveFolder(c.Data, tenant), archiveFolder(c.Dest, tenant); tenant != "" {
			one.Include = nil
		}
		return one.back(ctx, t)
	})
}

// check looks whether there is something to back up, and DEST elsewhere: in the data folder each backup would be of those before, too.
func (c backupCommand) check() error {
	if _, err := os.Stat(indexFile(c.Data)); err != nil {
		return fmt.Errorf("%s is no data folder: %w", c.Data, err)
	}
	data, err := realPath(c.Data)
	if err != nil {
		return err
	}
	dest, err := realPath(c.Dest)
	if err != nil {
		return err
	}
	if in, err := filepath.Rel(data, dest); err == nil && filepath.IsLocal(in) {
		return fmt.Errorf("%s lies in the data folder: a backup belongs elsewhere, best on another disk", c.Dest)
	}
	return nil
}

// realPath is the absolute path of what may not be there yet, without symbolic links.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(path)
	if parent := filepath.Dir(path); errors.Is(err, fs.ErrNotExist) && parent != path {
		real, err = realPath(parent)
		return filepath.Join(real, filepath.Base(path)), err
	}
	return real, err
}

// back makes a backup of one archive. Where files are purged meanwhile it begins again with the index; those that are missing still are missing from the
// store, and the backup is of the others.
func (c backupCommand) back(ctx context.Context, t terminal) error {
	if err := os.MkdirAll(backupsFolder(c.Dest), 0o700); err != nil {
		return err
	}
	blobs, err := file.Open(blobFolder(c.Dest)) // also keeps a second backup out
	if err != nil {
		return err
	}
	defer blobs.Close()
	parts, _ := filepath.Glob(filepath.Join(backupsFolder(c.Dest), "*"+partSuffix)) // of backups that were killed
	for _, part := range parts {
		if err := os.RemoveAll(part); err != nil {
			return err
		}
	}
	for range 2 {
		if err = c.once(ctx, t, blobs, false); !errors.Is(err, errPurged) {
			return err
		}
	}
	return c.once(ctx, t, blobs, true)
}

func (c backupCommand) once(ctx context.Context, t terminal, blobs *file.Blobs, last bool) error {
	at, err := c.freeSecond(ctx)
	if err != nil {
		return err
	}
	m := &manifest{Version: version, At: at, Files: map[string]string{}}
	name := m.At.Format(backupTime)
	final := filepath.Join(backupsFolder(c.Dest), name)
	folder := final + partSuffix
	if err := errors.Join(os.RemoveAll(folder), os.Mkdir(folder, 0o700)); err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	// The journal first: an index that is ahead of it is what a crash leaves, too.
	if err := c.copySmall(folder, m); err != nil {
		return err
	}
	if err := sqlite.Snapshot(ctx, indexFile(c.Data), indexFile(folder)); err != nil {
		return err
	}
	tr := &transfer{from: blobFolder(c.Data), to: blobs, bar: newProgress(t.err, "backup"), reread: c.share(at), aside: filepath.Join(c.Dest, "damaged", name)}
	err = tr.all(ctx, indexFile(folder))
	tr.bar.finish()
	if err != nil {
		return fmt.Errorf("%w\nWhat was copied stays: the same command goes on from here", err)
	}
	if len(tr.missing) > 0 && !last {
		return errPurged
	}
	tr.tell(t.err, "is damaged in the store")
	m.Instances = tr.total
	if err := m.add(folder, "index.db"); err != nil { // now that nothing opens it any more
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(folder, manifestName), text); err != nil {
		return err
	}
	if err := errors.Join(os.Rename(folder, final), syncFolder(backupsFolder(c.Dest))); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "backup %s: %d files, %d of them new (%d bytes), %d read again\n", name, tr.total, tr.copied, tr.bytes, tr.read)
	if tr.rotten > 0 {
		fmt.Fprintf(t.out, "%d files had rotted in the backup and were copied anew; the old ones are in %s: look after that disk\n", tr.rotten, tr.aside)
	}
	if len(tr.damaged)+len(tr.missing) > 0 {
		fmt.Fprintf(t.out, "%d files are damaged in the store and %d are missing from it, and are not in the backup: see noctis doctor\n", len(tr.damaged), len(tr.missing))
		return errReported
	}
	return nil
}

// freeSecond returns the present time to the second, by which a backup is named. If there is a backup of this second, it waits for the next.
func (c backupCommand) freeSecond(ctx context.Context) (time.Time, error) {
	for {
		now := time.Now().UTC().Truncate(time.Second)
		_, err := os.Stat(filepath.Join(backupsFolder(c.Dest), now.Format(backupTime)))
		if errors.Is(err, fs.ErrNotExist) {
			return now, nil
		}
		if err != nil {
			return time.Time{}, err
		}
		select {
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case <-time.After(time.Until(now.Add(time.Second))):
		}
	}
}

// share chooses what is read again: all, or by the last byte of the SHA-256 a thirtieth that changes from day to day.
func (c backupCommand) share(at time.Time) func(store.BlobID) bool {
	const days = 30
	today := int(at.Unix()/(24*60*60)) % days
	return func(id store.BlobID) bool { return c.Verify || int(id[31])%days == today }
}

// derived are the files and folders of a data folder that are no part of a backup: what is copied otherwise, can be made again, or is in the making.
// A hyphen or a full stop at the end stands for all names that begin so.
var derived = []string{"blobs", "index.db", "index.db-", "index.db.", "set-aside", "reindex-", "doctor-", "noctis-store-", "tenants", restoring, "access/sessions."}

func isDerived(name string) bool {
	return slices.ContainsFunc(derived, func(d string) bool {
		return name == d || (strings.HasSuffix(d, "-") || strings.HasSuffix(d, ".")) && strings.HasPrefix(name, d)
	})
}

// copySmall copies what lies beside index and blobs: secrets, who may come in, the audit log, and whatever else is kept there; the journal, and what
// was asked for. Their names in the backup are their paths in the data folder; what was asked for comes to its top.
func (c backupCommand) copySmall(folder string, m *manifest) error {
	files := map[string]string{"journal": filepath.Join(blobFolder(c.Data), "journal")}
	for _, path := range c.Include {
		files[filepath.Base(path)] = path
	}
	err := filepath.WalkDir(c.Data, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != c.Data {
			return nil // gone meanwhile
		}
		if err != nil || path == c.Data {
			return err
		}
		name, err := filepath.Rel(c.Data, path)
		switch {
		case err != nil:
			return err
		case isDerived(name) && entry.IsDir():
			return filepath.SkipDir
		case isDerived(name) || !entry.Type().IsRegular():
			return nil
		}
		if other, taken := files[filepath.ToSlash(name)]; taken {
			return fmt.Errorf("%s and %s have one name", other, path)
		}
		files[filepath.ToSlash(name)] = path
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) { // the seal of the audit log before its lines, or it would be of lines that came later
		path := files[name]
		to := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if err := copyFile(to, path); err != nil {
			return err
		}
		if err := m.add(folder, name); err != nil {
			return err
		}
	}
	return nil
}

// add notes the SHA-256 of a file.
func (m *manifest) add(folder, name string) error {
	sum, err := digestOf(filepath.Join(folder, filepath.FromSlash(name)))
	m.Files[name] = sum.String()
	return err
}

func digestOf(path string) (sum store.BlobID, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, f)
	return store.BlobID(hash.Sum(nil)), err
}

func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
