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

	"github.com/noctis-dicom/noctis/dicom"
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
}

type backupCommand struct {
	Dest    string   `arg:"" placeholder:"DEST" help:"Folder of the backups, best on another disk. Backups that are in it already are kept."`
	Data    string   `default:"./data" placeholder:"DIR" help:"Data folder (default ${default}). Its server may be running."`
	Include []string `placeholder:"FILE" help:"Further files that belong to it, like the configuration."`
	archives
	Verify bool `help:"Read all files again that the backups have already; otherwise a thirtieth of them, another one each day."`
}

// Help is shown by --help.
func (backupCommand) Help() string {
	return `Copies the index as it is at one moment, and the files that it names and the folder lacks. All that was acknowledged before the command
began is in it, with what else no file can give back: keys, users, the audit log, the journal. Each copied file is read back from the disk and
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

// back makes a backup of one archive. Where files are purged meanwhile it begins again with the index.
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
	for range 3 {
		if err = c.once(ctx, t, blobs); !errors.Is(err, errPurged) {
			return err
		}
	}
	return err
}

func (c backupCommand) once(ctx context.Context, t terminal, blobs *file.Blobs) error {
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
		return err
	}
	for _, bad := range tr.bad {
		fmt.Fprintln(t.err, bad)
	}
	if tr.missing > 0 {
		return fmt.Errorf("%d of %d files: %w", tr.missing, tr.total, errPurged)
	}
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
	if len(tr.bad) > 0 {
		fmt.Fprintf(t.out, "%d files are damaged in the store and are not in it: see noctis doctor\n", len(tr.bad))
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

// transfer copies the blobs that an index names from one folder of blobs, which may be in use, into another.
type transfer struct {
	from string
	to   *file.Blobs
	bar  *progress

	reread func(store.BlobID) bool // of those that are there; nil: none
	aside  string                  // where those go that have rotted

	total, copied, missing, read, rotten int

	bytes   int64
	bad     []string // files whose bytes are not what their names say
	waiting []store.BlobWriter
	stored  []store.BlobInfo // of those that wait
}

// together is how many files become durable at once.
const together = 64

func (tr *transfer) all(ctx context.Context, indexPath string) error {
	if _, err := tr.to.Sweep(ctx, time.Now()); err != nil { // what one that was killed has left
		return err
	}
	index, err := sqlite.Open(ctx, indexPath)
	if err != nil {
		return err
	}
	defer index.Close()
	defer func() {
		for _, w := range tr.waiting {
			w.Cancel()
		}
	}()
	most := 0
	for ds, err := range index.Search(ctx, allStudies) {
		if err != nil {
			return err
		}
		if n, ok := ds.Get(dicom.NumberOfStudyRelatedInstances); ok {
			if ints, ok := n.Value.(dicom.Ints); ok && len(ints) > 0 {
				most += int(ints[0])
			}
		}
	}
	for id, err := range index.Blobs(ctx) {
		if err != nil {
			return err
		}
		tr.total++
		tr.bar.set(tr.total, max(most, tr.total))
		if err := tr.one(ctx, id); err != nil {
			return err
		}
	}
	return tr.commit(ctx)
}

// one copies a blob unless it is there in its length.
func (tr *transfer) one(ctx context.Context, id store.BlobID) error {
	name := id.String()
	in, err := os.Open(filepath.Join(tr.from, name[:2], name+".dcm"))
	if errors.Is(err, fs.ErrNotExist) {
		tr.missing++
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if there, err := tr.to.Open(ctx, id); err == nil {
		size, stored := there.Size(), there.Stored()
		if err := there.Close(); err != nil {
			return err
		}
		if whole, err := tr.whole(id, size == info.Size()); err != nil || whole {
			if err == nil && stored.Unix() != info.ModTime().Unix() { // it was killed before it could say
				err = tr.to.SetStored(id, info.ModTime())
			}
			return err
		}
	}
	w, err := tr.to.Create(ctx)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, in); err != nil {
		w.Cancel()
		return err
	}
	if w.ID() != id {
		w.Cancel()
		tr.bad = append(tr.bad, fmt.Sprintf("blob %s is damaged: its SHA-256 is not its name", id))
		return nil
	}
	tr.copied++
	tr.bytes += info.Size()
	tr.waiting = append(tr.waiting, w)
	tr.stored = append(tr.stored, store.BlobInfo{ID: id, Size: info.Size(), Stored: info.ModTime()})
	if len(tr.waiting) == together {
		return tr.commit(ctx)
	}
	return nil
}

// whole reads a file again that is there, if it is one to be read, and reports whether it may stay. One that is not what its name says goes aside.
func (tr *transfer) whole(id store.BlobID, inLength bool) (bool, error) {
	if tr.reread == nil {
		return inLength, nil
	}
	if inLength {
		if !tr.reread(id) {
			return true, nil
		}
		tr.read++
		err := tr.to.Verify(id)
		if err == nil || !errors.Is(err, store.ErrBlobDamaged) {
			return err == nil, err
		}
	}
	tr.rotten++
	_, err := tr.to.SetAside(id, tr.aside)
	return false, err
}

// commit makes durable what waits, and reads it back from the disk.
func (tr *transfer) commit(ctx context.Context) error {
	if len(tr.waiting) == 0 {
		return nil
	}
	waiting := tr.waiting
	tr.waiting = nil
	if _, err := tr.to.Commit(ctx, waiting...); err != nil {
		return err
	}
	for _, info := range tr.stored {
		if err := errors.Join(tr.to.SetStored(info.ID, info.Stored), tr.to.Verify(info.ID)); err != nil {
			return err
		}
	}
	tr.stored = nil
	return nil
}
