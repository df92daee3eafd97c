package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// aside is where goes what cannot be mended, and what was replaced.
func (p *patient) aside() string {
	return filepath.Join(p.Data, "set-aside", p.d.Began.Format("20060102T150405Z"))
}

// mend does what can be done, files first: the index is made of them. What index and journal say of what is deleted comes before all, since the
// rest may be the consequence.
func (p *patient) mend(ctx context.Context) error {
	if p.d.has(journal) || p.d.has(outdated) {
		return p.mendJournal(ctx)
	}
	// All damaged files go before any comes back: two may have been swapped.
	for _, f := range p.d.Findings {
		if f.Kind == string(store.BlobDamaged) {
			var err error
			if f.aside, err = p.blobs.SetAside(f.defect.Blob, p.aside()); err != nil {
				return err
			}
		}
	}
	for _, f := range p.d.Findings {
		var err error
		switch f.Kind {
		case string(store.BlobDamaged):
			err = p.mendDamaged(ctx, f)
		case string(store.BlobMissing):
			err = p.mendMissing(ctx, f)
		case string(store.FileBroken):
			err = p.mendBroken(ctx, f)
		case string(store.Unadoptable):
			var path string
			if path, err = p.blobs.SetAside(f.defect.Blob, p.aside()); err == nil {
				f.Mended = "moved to " + path
			}
		case stray:
			var path string
			if path, err = p.blobs.SetStrayAside(f.Detail, p.aside()); err == nil {
				f.Mended = "moved to " + path
				err = p.putMisplacedBack(ctx, path)
			}
		case small:
			err = p.mendSmall(f)
		case permissions:
			err = p.mendPermissions(f)
		case foreign:
			if ownedLike(p.Data, filepath.Join(p.Data, f.path)) == nil {
				f.Mended = "now of the owner of the data folder"
			}
		}
		if err != nil {
			return err
		}
	}
	if err := p.noteBack(ctx); err != nil {
		return err
	}
	if err := p.mendIndex(ctx); err != nil {
		return err
	}
	return p.mendRest(ctx)
}

// mendDamaged finds a whole file for one that was moved aside. Its own bytes are taken back only where the store knows of a file of just
// these bytes that is not where it should be: a file may be readable, and yet have rotted.
func (p *patient) mendDamaged(ctx context.Context, f *finding) error {
	taken, err := p.fromBackup(ctx, f.defect.Blob)
	if err != nil {
		return err
	}
	own := false
	if p.misses(f.defect.Actual) {
		if own, err = p.putBack(ctx, f.aside, f.defect.Actual); err != nil {
			return err
		}
	}
	switch {
	case taken:
		f.Mended = "taken from the backup; the damaged file is " + f.aside
	case own && f.defect.Unnamed:
		f.Mended = "the file is whole, and has its own name now: " + f.defect.Actual.String()
	case f.defect.Unnamed:
		return p.mendUnnamed(ctx, f)
	default:
		p.d.note("the damaged file of blob %s is kept: %s", f.defect.Blob, f.aside)
	}
	return nil
}

// mendUnnamed: a copy of a file that is stored is not missed. Any other is lost to the store, and nothing else will say so.
func (p *patient) mendUnnamed(ctx context.Context, f *finding) error {
	switch there, err := p.blobs.Open(ctx, f.defect.Actual); {
	case err == nil:
		f.Mended = "a copy of a stored file under a wrong name; it is " + f.aside
		return there.Close()
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	says := "which instance it was cannot be told"
	if f.Instance != "" {
		says = "it says that it is this instance"
	}
	f.Detail += fmt.Sprintf("; %s. It is kept: %s. Store the instance again, from its source or from a backup: noctis import BACKUP/blobs/%.2s/%[3]s.dcm",
		says, f.aside, f.defect.Blob.String())
	return nil
}

// misses reports whether a file of these bytes should be there, and is not.
func (p *patient) misses(id store.BlobID) bool {
	return slices.ContainsFunc(p.d.Findings, func(f *finding) bool {
		return f.defect.Blob == id && (f.Kind == string(store.BlobMissing) || f.Kind == string(store.BlobDamaged))
	})
}

// noteBack says of what was missing or damaged that it has come back from under other names.
func (p *patient) noteBack(ctx context.Context) error {
	for _, f := range p.d.Findings {
		if f.Mended != "" || f.Kind != string(store.BlobMissing) && f.Kind != string(store.BlobDamaged) {
			continue
		}
		switch blob, err := p.blobs.Open(ctx, f.defect.Blob); {
		case err == nil:
			f.Mended = "it lay under another file's name, and has its own now"
			blob.Close()
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
	}
	return nil
}

// putMisplacedBack looks whether what lay in a wrong place, or had a wrong name, is a file that is missing.
func (p *patient) putMisplacedBack(ctx context.Context, path string) error {
	sum, err := digestOf(path)
	if err != nil {
		return nil // a link to nothing, say
	}
	for _, f := range p.d.Findings {
		if f.Kind == string(store.BlobMissing) && f.defect.Blob == sum {
			_, err := p.putBack(ctx, path, sum)
			return err
		}
	}
	return nil
}

// mendMissing takes the file from the backup; or it was under another file's name and has come back already. What has its name and is no
// file goes out of the way.
func (p *patient) mendMissing(ctx context.Context, f *finding) error {
	if there, err := p.blobs.Open(ctx, f.defect.Blob); err == nil {
		return there.Close()
	}
	if _, err := p.blobs.SetAside(f.defect.Blob, p.aside()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	taken, err := p.fromBackup(ctx, f.defect.Blob)
	if taken {
		f.Mended = "taken from the backup"
	}
	return err
}

// mendBroken takes the file from the backup where the disk does not give it.
func (p *patient) mendBroken(ctx context.Context, f *finding) error {
	for _, path := range p.inBackup(f.defect.Blob) {
		if sum, err := digestOf(path); err != nil || sum != f.defect.Blob {
			continue
		}
		aside, err := p.blobs.SetAside(f.defect.Blob, p.aside())
		if err != nil {
			return err
		}
		if taken, err := p.putBack(ctx, path, f.defect.Blob); err != nil || taken {
			f.Mended = "taken from the backup; what cannot be read is " + aside
			return err
		}
	}
	return nil
}

// inBackup are the paths at which a backup may have the file.
func (p *patient) inBackup(id store.BlobID) (paths []string) {
	if p.Backup == "" {
		return nil
	}
	name := id.String()
	for _, folder := range []string{blobFolder(p.Backup), p.Backup} {
		paths = append(paths, filepath.Join(folder, name[:2], name+".dcm"))
	}
	return paths
}

// fromBackup stores the blob again from the backup, if it is there and is what its name says.
func (p *patient) fromBackup(ctx context.Context, id store.BlobID) (bool, error) {
	for _, path := range p.inBackup(id) {
		if taken, err := p.putBack(ctx, path, id); err != nil || taken {
			return taken, err
		}
	}
	return false, nil
}

// putBack stores a copy of the file as a blob, if it is a whole instance by that name and the store has none by it.
func (p *patient) putBack(ctx context.Context, path string, id store.BlobID) (bool, error) {
	if there, err := p.blobs.Open(ctx, id); err == nil {
		return false, there.Close()
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	w, err := p.blobs.Create(ctx)
	if err != nil {
		return false, err
	}
	defer w.Cancel()
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, hash), f); err != nil {
		return false, err
	}
	if store.BlobID(hash.Sum(nil)) != id || !p.isInstance(ctx, f) {
		return false, nil
	}
	if _, err = p.blobs.Commit(ctx, w); err == nil {
		p.back = append(p.back, id)
	}
	return err == nil, err
}

// setTimes gives the files that came back the times at which they were stored first, as far as the index knows them: of one that was deleted it
// is of no importance.
func (p *patient) setTimes(ctx context.Context, index store.Index) error {
	if len(p.back) == 0 {
		return nil
	}
	for e, err := range index.Entries(ctx, dicom.Ref{}) {
		if err != nil {
			return nil // the index is made anew from the files, and from their times
		}
		if slices.Contains(p.back, e.Blob) {
			if err := p.blobs.SetStored(e.Blob, e.Stored); err != nil {
				return err
			}
		}
	}
	return nil
}

// isInstance reports whether the file can be an instance of a store.
func (p *patient) isInstance(ctx context.Context, f *os.File) bool {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false
	}
	return store.Readable(ctx, f) == nil
}

func (p *patient) mendPermissions(f *finding) error {
	path := filepath.Join(p.Data, f.path)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) { // moved meanwhile
		f.Mended = "it has been moved"
		return nil
	}
	if err != nil {
		return err
	}
	f.Mended = "now for its owner only"
	return os.Chmod(path, info.Mode().Perm()&0o700)
}

// mendRest takes in files without an entry, removes what was cut off, and puts studies on the worklist.
func (p *patient) mendRest(ctx context.Context) error {
	if p.d.has(dataBase) {
		return nil
	}
	index, err := sqlite.Open(ctx, indexFile(p.Data))
	if err != nil {
		return err
	}
	defer index.Close()
	if err := p.setTimes(ctx, index); err != nil {
		return err
	}
	s := store.New(index, p.blobs, store.Options{})
	recovered, err := s.Recover(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(p.mendCount(ctx, index), p.mendFeed(ctx, index), p.mendExtras(ctx, index), p.mendRows(ctx, index)); err != nil {
		return err
	}
	readings, err := index.Worklist().Mend(ctx)
	if err != nil {
		return err
	}
	for _, f := range p.d.Findings {
		switch {
		case f.Mended != "":
		case f.Kind == string(store.Orphan):
			if named, err := index.Names(ctx, f.defect.Blob); err == nil && named {
				f.Mended = "taken in"
			} else if _, err := p.blobs.Open(ctx, f.defect.Blob); errors.Is(err, store.ErrNotFound) && recovered.Purged > 0 {
				f.Mended = "removed: it had been purged, and a crash, or somebody, has left it or brought it back"
			}
		case f.Kind == leftover:
			if err := os.RemoveAll(filepath.Join(p.Data, f.path)); err != nil {
				return err
			}
			f.Mended = "removed"
		case f.Kind == unfinished:
			f.Mended = fmt.Sprintf("%d removed, as every start of the server does", recovered.Temporary)
		case f.Kind == noWorkitem:
			f.Mended = fmt.Sprintf("%d put on the worklist", readings)
		}
	}
	return nil
}
