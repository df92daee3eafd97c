package store

import (
	"context"
	"errors"
	"io"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// Instance is an open instance, safe for concurrent reads. Close it.
type Instance struct{ Entry *Entry }

// Open opens the instance of an entry; ErrNotFound, wrapped, if its blob is missing.
func (s *Store) Open(ctx context.Context, e *Entry) (*Instance, error) {
	return nil, errors.New("not built yet")
}

// Close releases the file.
func (in *Instance) Close() error { return nil }

// File is the stored file, byte for byte.
func (in *Instance) File() *io.SectionReader { return nil }

// Frame is one frame, counted from 1: native samples in little endian (those of a big endian file swapped, 1-bit frames shifted
// to a byte boundary), or the joined fragments. ErrNotFound, wrapped, if there is no such frame.
func (in *Instance) Frame(n int) (*io.SectionReader, error) { return nil, errors.New("not built yet") }

// Bulk is a value by its BulkPath, in little endian. ErrNotFound, wrapped, if there is none. Pixel Data is there too: native
// samples; for encapsulated pixel data use Frame.
func (in *Instance) Bulk(path string) (*io.SectionReader, part10.BulkValue, error) {
	return nil, part10.BulkValue{}, errors.New("not built yet")
}

// DataSet is the data set as the metadata has it.
func (in *Instance) DataSet(ctx context.Context) (*dicom.DataSet, error) {
	return nil, errors.New("not built yet")
}
