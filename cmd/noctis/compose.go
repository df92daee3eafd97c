package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.opentelemetry.io/otel/trace"

	"github.com/noctis-dicom/noctis/commitment"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicomweb"
	"github.com/noctis-dicom/noctis/internal/audit"
	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/file"
	"github.com/noctis-dicom/noctis/store/sqlite"
	"github.com/noctis-dicom/noctis/webhook"
)

// archive is an open data folder.
type archive struct {
	*store.Store
	index *sqlite.Index
	blobs *file.Blobs

	commitments *commitment.Service
	trail       *audit.Trail    // of a server; nil: nothing is recorded
	webhooks    *webhook.Sender // nil, where nobody is told
	tenants     *tenants        // of the archive of a server itself
	tracer      trace.Tracer    // nil: there are no traces
}

// The parts of a data folder.
func blobFolder(data string) string { return filepath.Join(data, "blobs") }
func indexFile(data string) string  { return filepath.Join(data, "index.db") }

// openArchive opens a data folder, making it where it is missing. It belongs to this process until it is closed.
func openArchive(ctx context.Context, data string, o store.Options) (*archive, error) {
	return openArchiveBy(ctx, data, o, sqlite.Open)
}

func openArchiveBy(ctx context.Context, data string, o store.Options,
	open func(context.Context, string) (*sqlite.Index, error)) (*archive, error) {
	blobs, err := openBlobs(data)
	if err != nil {
		return nil, err
	}
	if err := refuseLostIndex(ctx, data, blobs); err != nil {
		return nil, errors.Join(err, blobs.Close())
	}
	index, err := open(ctx, indexFile(data))
	if err != nil {
		return nil, errors.Join(err, blobs.Close())
	}
	a := &archive{Store: store.New(index, blobs, o), index: index, blobs: blobs}
	a.commitments = commitment.New(index.Commitments(), dicomweb.Vouching{Store: a.Store}, commitment.DefaultRetention)
	if err = a.checkIndexed(ctx, data); err == nil {
		err = a.Reconcile(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// openUnsynced opens a data folder for a server that syncs nothing: what must lose when the fault harness cuts the power.
func openUnsynced(ctx context.Context, data string, o store.Options) (*archive, error) {
	a, err := openArchiveBy(ctx, data, o, sqlite.OpenUnsynced)
	if err == nil {
		a.blobs.Unsynced()
	}
	return a, err
}

// openBlobs opens the files of a data folder and locks them: two processes in one folder would take each other's files for rubbish.
func openBlobs(data string) (*file.Blobs, error) {
	if err := refuseHalfRestored(data); err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(data); err != nil {
		return nil, err
	}
	blobs, err := file.Open(blobFolder(data))
	if err != nil {
		return nil, fmt.Errorf("data folder %s: %w", data, err)
	}
	return blobs, nil
}

// refuseLostIndex refuses a folder that has files and no index, before one is made: an empty store must not be taken for what is in it.
func refuseLostIndex(ctx context.Context, data string, blobs *file.Blobs) error {
	if info, err := os.Stat(indexFile(data)); err == nil && info.Size() > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return anyBlobs(ctx, data, blobs, 0)
}

// firstUploads is how many files the first uploads of a new store can leave unnamed when they are cut off.
const firstUploads = 1000

// checkIndexed takes in the files of an index that is empty, before anybody is told that there are none: a crash in the first
// uploads leaves such a store. More than those are the files of an index that was lost.
func (a *archive) checkIndexed(ctx context.Context, data string) error {
	empty, err := a.isEmpty(ctx)
	if err != nil || !empty {
		return err
	}
	for _, err := range a.RecycleBin(ctx, store.RemovedQuery{Tombstones: true}) {
		return err // everything has been deleted
	}
	if err := anyBlobs(ctx, data, a.blobs, firstUploads); err != nil {
		return err
	}
	_, err = a.Recover(ctx)
	return err
}

// anyBlobs is an error if there are more files than most.
func anyBlobs(ctx context.Context, data string, blobs *file.Blobs, most int) error {
	n := 0
	for _, err := range blobs.List(ctx) {
		if err != nil {
			return err
		}
		if n++; n > most {
			return fmt.Errorf("data folder %s: there are stored files, and the index knows none of them: run `noctis reindex --data %s`", data, data)
		}
	}
	return nil
}

// isEmpty reports whether the index holds no study.
func (a *archive) isEmpty(ctx context.Context) (bool, error) {
	for _, err := range a.Search(ctx, match.Query{Level: match.Study, Limit: 1}) {
		return false, err
	}
	return true, nil
}

// Close closes the index and lets go of the folder.
func (a *archive) Close() error { return errors.Join(a.index.Close(), a.blobs.Close()) }
