package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// openIndex opens the index to be looked at; while the server runs, or where an older version left it, a copy of it as it is at one moment.
func (p *patient) openIndex(ctx context.Context) (index *sqlite.Index, done func(), err error) {
	if !p.d.Live {
		if index, err = sqlite.OpenReading(ctx, indexFile(p.Data)); !errors.Is(err, sqlite.ErrOlder) {
			return index, func() { index.Close() }, err //nolint:errcheck // it has only been read
		}
	}
	folder, err := os.MkdirTemp(p.Data, "doctor-")
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(folder, "index.db")
	remove := func() { os.RemoveAll(folder) } //nolint:errcheck // what stays is named so that anybody knows what it is
	if err = sqlite.Snapshot(ctx, indexFile(p.Data), path); err == nil {
		index, err = sqlite.Open(ctx, path)
	}
	if err != nil {
		remove()
		return nil, nil, err
	}
	return index, func() {
		index.Close() //nolint:errcheck // it has only been read
		remove()
	}, nil
}

// underWay is how old a file without an entry has to be to be one that nobody is about to name.
const underWay = 10 * time.Minute

// forgive takes back what a running server explains: files that came after the copy of the index, and those that were purged since.
func (p *patient) forgive(ctx context.Context) error {
	live, err := sqlite.OpenReading(ctx, indexFile(p.Data))
	if err != nil {
		return err
	}
	defer live.Close()
	var failed error
	p.d.Findings = slices.DeleteFunc(p.d.Findings, func(f *finding) bool {
		explained, err := p.explained(ctx, live, f)
		failed = errors.Join(failed, err)
		return explained
	})
	return failed
}

func (p *patient) explained(ctx context.Context, live *sqlite.Index, f *finding) (bool, error) {
	switch f.Kind {
	case string(store.Orphan), string(store.Unadoptable):
		if named, err := live.Names(ctx, f.defect.Blob); err != nil || named {
			return named, err
		}
		blob, err := p.files.Open(ctx, f.defect.Blob)
		if errors.Is(err, store.ErrBlobMissing) {
			return true, nil
		}
		if err != nil {
			return false, nil // what is wrong with it is told already
		}
		defer blob.Close()
		return time.Since(blob.Stored()) < underWay, nil
	case string(store.BlobMissing):
		named, err := live.Names(ctx, f.defect.Blob)
		return !named, err
	}
	return false, nil
}
