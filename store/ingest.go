package store

import (
	"context"
	"errors"
	"io"

	"github.com/noctis-dicom/noctis/dicom"
)

// Outcome is what became of one instance of a batch: a Receipt, or the Failure.
type Outcome struct {
	Receipt
	Failure *Failure // nil: stored
}

// Batch stores several instances with shared syncs and one commit. It is used by one goroutine.
//
//	b := s.Batch(study)
//	defer b.Cancel()
//	for each part { err := b.Add(ctx, part) }
//	outcomes, err := b.Commit(ctx)
//
// Add reads the part to its end; what is wrong with the part becomes its Outcome and is no error. The error of Add is that of
// the reader (the upload broke off) or of the store (disk full): the part leaves nothing behind, and what was added before may
// still be committed. Add commits by itself when the batch holds much, so that memory stays bounded. Commit returns the
// outcomes in the order of Add; those without a Failure are durable. Cancel gives up what is not committed.
type Batch struct{}

// Batch begins a batch. study is the addressed study, "" if none was.
func (s *Store) Batch(study dicom.UID) *Batch { return &Batch{} }

// Add stages one instance.
func (b *Batch) Add(ctx context.Context, r io.Reader) error { return errors.New("not built yet") }

// Commit makes the staged instances durable and visible.
func (b *Batch) Commit(ctx context.Context) ([]Outcome, error) {
	return nil, errors.New("not built yet")
}

// Cancel discards what is not committed. It may be called after Commit.
func (b *Batch) Cancel() {}

// Ingest stores one instance: a batch of one. The error is a *Failure where the instance is at fault.
func (s *Store) Ingest(ctx context.Context, r io.Reader, study dicom.UID) (Receipt, error) {
	return Receipt{}, errors.New("not built yet")
}
