package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// Instance is an open instance, safe for concurrent reads. Close it.
type Instance struct {
	Entry *Entry
	store *Store
	held  Holding // the memory of its data sets, until it is closed
	blob  Blob
	data  io.ReaderAt // what the offsets of the layout count in: the file, or the inflated data set
}

// Open opens the instance of an entry. The error is ErrBlobMissing and ErrNotFound, wrapped, if its file is missing, and
// ErrBlobDamaged if it is not what was stored, as far as that is known or Options.Trust wants it to be.
func (s *Store) Open(ctx context.Context, e *Entry) (*Instance, error) {
	file, err := s.openBlob(ctx, e)
	if err != nil {
		return nil, err
	}
	blob, err := s.proven(ctx, e.Blob, file)
	if err != nil {
		file.Close()
		if errors.Is(err, ErrNotFound) { // removed meanwhile
			err = errors.Join(ErrBlobMissing, err)
		}
		return nil, fmt.Errorf("instance %s: %w", e.Ref.Instance, err)
	}
	return s.instance(e, blob), nil
}

// Openable is nil if the file of an entry is there, has the length that was stored, and is not known to be damaged. Its bytes are not read.
func (s *Store) Openable(ctx context.Context, e *Entry) error {
	blob, err := s.openBlob(ctx, e)
	if err != nil {
		return err
	}
	defer blob.Close()
	if s.damaged.is(e.Blob, blob.State(), s.options.Trust > 0) {
		return fmt.Errorf("instance %s: %w", e.Ref.Instance, errRotten(e.Blob))
	}
	return nil
}

// openBlob opens the file of an entry, which is there and has its length.
func (s *Store) openBlob(ctx context.Context, e *Entry) (Blob, error) {
	blob, err := s.blobs.Open(ctx, e.Blob)
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("instance %s: %w: %w", e.Ref.Instance, ErrBlobMissing, err)
	}
	if err != nil {
		return nil, fmt.Errorf("instance %s: %w", e.Ref.Instance, err)
	}
	if blob.Size() != e.Size {
		blob.Close()
		err = fmt.Errorf("instance %s: %w: it has %d bytes, %d were stored", e.Ref.Instance, ErrBlobDamaged, blob.Size(), e.Size)
		s.found(e.Blob, blob.State(), err)
		return nil, err
	}
	return blob, nil
}

func (s *Store) instance(e *Entry, blob Blob) *Instance {
	in := &Instance{Entry: e, store: s, blob: blob, data: blob}
	if e.Layout.Encoding.Deflated {
		in.data = newInflated(io.NewSectionReader(blob, e.Layout.DataSet, e.Size-e.Layout.DataSet), layoutEnd(&e.Layout))
	}
	return in
}

// Close releases the file, and the memory of data sets.
func (in *Instance) Close() error {
	in.held.Release()
	return in.blob.Close()
}

// File is the stored file, byte for byte.
func (in *Instance) File() *io.SectionReader { return io.NewSectionReader(in.blob, 0, in.blob.Size()) }

// Frame is one frame, counted from 1: native samples in little endian (those of a big endian file swapped, 1-bit frames shifted
// to a byte boundary), or the joined fragments. ErrNotFound, wrapped, if there is no such frame.
func (in *Instance) Frame(n int) (*io.SectionReader, error) {
	p := in.Entry.Layout.Pixel
	if p == nil {
		return nil, fmt.Errorf("instance %s has no pixel data: %w", in.Entry.Ref.Instance, ErrNotFound)
	}
	f, ok := p.Frame(n)
	if !ok {
		return nil, fmt.Errorf("frame %d of instance %s, which has %d: %w", n, in.Entry.Ref.Instance, p.NumberOfFrames, ErrNotFound)
	}
	switch {
	case p.Encapsulated:
		return joined(in.data, f.Spans), nil
	case f.Shift == 0 && f.Bits%8 == 0:
		return in.native(p.Value, p.Word, f.Spans[0]), nil
	}
	return shifted(in.native(p.Value, p.Word, f.Spans[0]), f.Shift, f.Bits), nil
}

// native reads the part of a native value that lies at span in the file.
func (in *Instance) native(value part10.Span, word int, span part10.Span) *io.SectionReader {
	if word <= 1 {
		return io.NewSectionReader(in.data, span.Offset, span.Length)
	}
	swapped := &swapReader{r: io.NewSectionReader(in.data, value.Offset, value.Length), size: value.Length, word: int64(word)}
	return io.NewSectionReader(swapped, span.Offset-value.Offset, span.Length)
}

// Bulk is a value by its BulkPath, in little endian. ErrNotFound, wrapped, if there is none. Pixel Data is there too: native
// samples; for encapsulated pixel data use Frame.
func (in *Instance) Bulk(path string) (*io.SectionReader, part10.BulkValue, error) {
	v, ok := in.Entry.Layout.Value(path)
	if !ok {
		return nil, part10.BulkValue{}, fmt.Errorf("such a bulk value of instance %s: %w", in.Entry.Ref.Instance, ErrNotFound) // a path can hold anything, and this is logged
	}
	return in.native(v.Span, v.Word, v.Span), v, nil
}

// DataSet is the data set as the metadata has it, until the instance is closed. That of a long text waits for memory: ErrBusy where none comes.
func (in *Instance) DataSet(ctx context.Context) (*dicom.DataSet, error) {
	m, err := in.store.HeldVersion(ctx, &in.held, in.Entry, ParsedCost)
	if err != nil {
		return nil, fmt.Errorf("metadata of instance %s: %w", in.Entry.Ref.Instance, err)
	}
	ds, err := dicom.ReadJSON(m.JSON)
	if err != nil {
		return nil, fmt.Errorf("metadata of instance %s: %w", in.Entry.Ref.Instance, err)
	}
	return ds, nil
}

// layoutEnd is the first offset after all values of the layout.
func layoutEnd(l *part10.Layout) int64 {
	end := int64(0)
	for _, v := range l.Bulk {
		end = max(end, v.Offset+v.Length)
	}
	if l.Pixel != nil {
		end = max(end, l.Pixel.Value.Offset+l.Pixel.Value.Length)
	}
	return end
}
