package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// compare holds the index against one made anew, where the files and entries are sound: what is summed up of studies and series.
func (p *patient) compare(ctx context.Context, live store.Index) error {
	if p.d.Live {
		p.d.note("the index was not compared with one made anew: its server is running")
		return nil
	}
	if len(p.d.Findings) > 0 {
		p.d.note("the index was not compared with one made anew, because of what else is wrong")
		return nil
	}
	fresh, _, remove, err := rebuild(ctx, p.Data, p.files, p.progress)
	if err != nil {
		return err
	}
	defer remove()
	difference, err := store.Compare(ctx, live, fresh)
	if err != nil {
		p.d.find(string(store.EntryBroken), "%v", err)
	} else if difference != "" {
		p.d.find(differs, "the live one is the first: %s", difference)
	}
	return nil
}

// rebuild makes a fresh index of the files, in a folder of its own beside the live one. remove closes and removes it.
func rebuild(ctx context.Context, data string, blobs store.Blobs, progress func(done, total int)) (
	fresh *sqlite.Index, report store.ReindexReport, remove func(), err error) {
	folder, err := os.MkdirTemp(data, "reindex-")
	if err != nil {
		return nil, report, nil, err
	}
	fresh, err = sqlite.OpenUnsynced(ctx, indexFile(folder)) // it is thrown away, or replaces the live one, when it is synced
	if err != nil {
		return nil, report, nil, errors.Join(err, os.RemoveAll(folder))
	}
	remove = func() {
		fresh.Close()        //nolint:errcheck // it is thrown away, or has been closed
		os.RemoveAll(folder) //nolint:errcheck // what stays is named so that anybody knows what it is
	}
	report, err = store.New(fresh, blobs, store.Options{}).Reindex(ctx, fresh, progress)
	if err != nil {
		remove()
		return nil, report, nil, err
	}
	return fresh, report, remove, nil
}

// mendIndex makes the index anew where it is damaged or says other things than the files. The old one is kept aside.
func (p *patient) mendIndex(ctx context.Context) error {
	var cured []*finding
	var missing []*finding
	for _, f := range p.d.Findings {
		switch f.Kind {
		case dataBase, differs, string(store.EntryBroken), string(store.EntryDiffers):
			cured = append(cured, f)
		case string(store.BlobMissing), string(store.BlobDamaged):
			if f.Mended == "" && !f.defect.Unnamed {
				missing = append(missing, f)
			}
		}
	}
	if len(cured) == 0 {
		return nil
	}
	if len(missing) > 0 && !p.ForgetMissing {
		p.d.note("the index was not made anew: it would forget %d instances whose files are missing or damaged; bring them back with --backup, "+
			"or say --forget-missing", len(missing))
		return nil
	}
	if err := errors.Join(p.recall(ctx), p.takeNamed(ctx)); err != nil {
		return err
	}
	fresh, report, remove, err := rebuild(ctx, p.Data, p.blobs, p.progress)
	if err != nil {
		return err
	}
	defer remove()
	if err := fresh.Close(); err != nil {
		return err
	}
	for _, bad := range report.Failed {
		p.d.note("blob %s is not in the new index: %v", bad.Blob, bad.Err)
	}
	if err := p.replaceIndex(ctx, fresh.Path()); err != nil {
		return err
	}
	for _, f := range cured {
		f.Mended = fmt.Sprintf("the index was made anew from %d files; the old one is in %s", report.Indexed, p.aside())
	}
	for _, f := range missing {
		f.Mended = strings.TrimSpace("forgotten " + f.aside)
	}
	return nil
}

// replaceIndex keeps a copy of the old index aside and puts the fresh one in its place, with the worklist of the old one.
func (p *patient) replaceIndex(ctx context.Context, fresh string) error {
	if err := durable.MkdirAll(p.aside()); err != nil {
		return err
	}
	aside, err := os.MkdirTemp(p.aside(), "index-") // it may be made anew more than once
	if err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal"} {
		err := copyFile(filepath.Join(aside, "index.db"+suffix), indexFile(p.Data)+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := p.carryWorklist(ctx, fresh); err != nil {
		return err
	}
	return sqlite.Replace(indexFile(p.Data), fresh)
}

// carryWorklist gives the fresh index what can be read of the old one's worklist. What cannot be comes from the last backup.
func (p *patient) carryWorklist(ctx context.Context, fresh string) error {
	lost, err := sqlite.CarryWorklist(ctx, fresh, indexFile(p.Data))
	if err == nil && len(lost) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	why := "not all rows can be read of " + strings.Join(lost, ", ")
	if err != nil {
		why = err.Error()
	}
	m, folder := p.lastBackup()
	kept := m != nil
	if kept {
		_, carryErr := sqlite.CarryWorklist(ctx, fresh, filepath.Join(folder, "index.db"))
		kept = carryErr == nil
	}
	switch {
	case err == nil && kept: // once more: what the old index says is newer
		if _, err = sqlite.CarryWorklist(ctx, fresh, indexFile(p.Data)); err == nil {
			p.d.note("the worklist of the old index is damaged (%s): workitems that are lost are those of the backup of %s", why, m.At.Format(time.RFC3339))
		}
		return err
	case err == nil:
		p.d.note("the worklist of the old index is damaged (%s): what can be read is kept, and studies whose workitems are lost are unread again", why)
	case kept:
		p.d.note("the worklist of the old index cannot be read (%s): it is that of the backup of %s, and what was done since is lost", why, m.At.Format(time.RFC3339))
	case m != nil:
		p.d.note("the worklist can be read neither in the old index nor in the backup, every study is unread again: %s", why)
	default:
		p.d.note("the worklist of the old index cannot be read, every study is unread again: %s", why)
	}
	return nil
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := durable.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
