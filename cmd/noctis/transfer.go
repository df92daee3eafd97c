package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/file"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// transfer copies the blobs that an index names from one folder of blobs, which may be in use, into another.
type transfer struct {
	from string
	to   *file.Blobs
	bar  *progress

	reread func(store.BlobID) bool // of those that are there; nil: none
	aside  string                  // where those go that have rotted

	total, copied, read, rotten int

	bytes   int64
	missing map[store.BlobID]string // what the index names and is not there: of which instances
	damaged map[store.BlobID]string // whose bytes are not what their names say
	waiting []store.BlobWriter
	stored  []store.BlobInfo // of those that wait
}

// together is how many files become durable at once.
const together = 64

func (tr *transfer) all(ctx context.Context, indexPath string) error {
	tr.missing, tr.damaged = map[store.BlobID]string{}, map[store.BlobID]string{}
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
	if err := tr.commit(ctx); err != nil || len(tr.missing)+len(tr.damaged) == 0 {
		return err
	}
	return tr.nameLost(ctx, index)
}

// nameLost finds out of which instances the files are that are missing or damaged.
func (tr *transfer) nameLost(ctx context.Context, index store.Index) error {
	name := func(id store.BlobID, path string) {
		for _, lost := range []map[store.BlobID]string{tr.missing, tr.damaged} {
			if _, is := lost[id]; is {
				lost[id] = path
			}
		}
	}
	for e, err := range index.Entries(ctx, dicom.Ref{}) {
		if err != nil {
			return err
		}
		name(e.Blob, e.Ref.Path())
	}
	for r, err := range index.Removed(ctx, store.RemovedQuery{}) {
		if err != nil {
			return err
		}
		name(r.Entry.Blob, r.Entry.Ref.Path()+" (in the recycle bin)")
	}
	return nil
}

// tell names what is missing and damaged.
func (tr *transfer) tell(w io.Writer, damaged string) {
	for _, lost := range []struct {
		files map[store.BlobID]string
		what  string
	}{{tr.missing, "is missing"}, {tr.damaged, damaged}} {
		lines := make([]string, 0, len(lost.files))
		for id, path := range lost.files {
			lines = append(lines, fmt.Sprintf("%s: its file %s %s", path, id, lost.what))
		}
		for _, line := range slices.Sorted(slices.Values(lines)) {
			fmt.Fprintln(w, line)
		}
	}
}

// one copies a blob unless it is there in its length.
func (tr *transfer) one(ctx context.Context, id store.BlobID) error {
	name := id.String()
	in, err := os.Open(filepath.Join(tr.from, name[:2], name+".dcm"))
	if errors.Is(err, fs.ErrNotExist) {
		tr.missing[id] = ""
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
		tr.damaged[id] = ""
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
