package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
}

// Help is shown by --help.
func (backupCommand) Help() string {
	return `Copies the index as it is at one moment, and the files that it names and the folder lacks. All that was acknowledged before the command
began is in it. Each copied file is read back from the disk and compared with its SHA-256.

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
	folder := final + ".part"
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
	tr := &transfer{from: blobFolder(c.Data), to: blobs, bar: newProgress(t.err, "backup")}
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
	fmt.Fprintf(t.out, "backup %s: %d files, %d of them new (%d bytes)\n", name, tr.total, tr.copied, tr.bytes)
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

// accessBackup begins the names that files of the folder access have in a backup.
const accessBackup = "access."

// copySmall copies the files that lie beside index and blobs: secrets, who may come in, the journal, and what was asked for.
func (c backupCommand) copySmall(folder string, m *manifest) error {
	entries, err := os.ReadDir(c.Data)
	if err != nil {
		return err
	}
	paths := append(slices.Clone(c.Include), filepath.Join(blobFolder(c.Data), "journal"))
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), "index.db") {
			paths = append(paths, filepath.Join(c.Data, e.Name()))
		}
	}
	ledgers, err := filepath.Glob(filepath.Join(accessFolder(c.Data), "*.json"))
	if err != nil {
		return err
	}
	for _, path := range append(paths, ledgers...) {
		name := filepath.Base(path)
		if filepath.Dir(path) == accessFolder(c.Data) {
			name = accessBackup + name
		}
		if err := copyFile(filepath.Join(folder, name), path); err != nil {
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
	sum, err := digestOf(filepath.Join(folder, name))
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

	total, copied, missing int
	bytes                  int64
	bad                    []string // files whose bytes are not what their names say
	waiting                []store.BlobWriter
	stored                 []store.BlobInfo // of those that wait
}

// together is how many files become durable at once.
const together = 64

func (tr *transfer) all(ctx context.Context, indexPath string) error {
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
		size := there.Size()
		if err := there.Close(); err != nil || size == info.Size() {
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
