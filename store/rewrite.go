package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// coerce writes an instance anew whose attributes are to be coerced; one that needs none comes back as it is. There is none, and no
// error, where that fails for reasons of the instance, which are its outcome then (docs/adr/0010-coercion.md).
func (b *Batch) coerce(ctx context.Context, a *arrival) (*arrival, error) {
	rules := b.store.options.Rules.Coercions
	if len(rules) == 0 {
		return a, nil
	}
	if _, originals := coerce(rules, a.entry.DataSet, a.file.Meta, ""); originals == nil {
		return a, nil
	}
	defer a.writer.Cancel()
	stored, err := b.store.dataSetOf(ctx, a.entry.Ref.Instance)
	if err != nil {
		return nil, err
	}
	ds, originals := coerce(rules, a.entry.DataSet, a.file.Meta, coercedAt(stored, b.begun))
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := b.store.rewrite(w, a, ds)
		w.CloseWithError(err)
		written <- err
	}()
	again, err := b.take(ctx, r)
	r.Close()
	if failed := <-written; failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
		if again != nil {
			again.writer.Cancel()
		}
		b.fail(a.entry.failure(ReasonProcessingFailure, fmt.Errorf("its attributes cannot be coerced: %w", failed)))
		return nil, nil
	}
	if again != nil {
		again.file.Warnings, again.originals = a.file.Warnings, originals
	}
	return again, err
}

// dataSetOf is the data set of a stored instance, nil if there is none.
func (s *Store) dataSetOf(ctx context.Context, uid dicom.UID) (*dicom.DataSet, error) {
	for e, err := range s.index.Entries(ctx, dicom.Ref{Instance: uid}) {
		if err != nil {
			return nil, err
		}
		in := Instance{Entry: e, store: s}
		defer in.held.Release()
		return in.DataSet(ctx)
	}
	return nil, nil
}

// rewrite writes a file with another data set. Values that lie in the old file are copied: encapsulated pixel data as it is, fragment
// by fragment, with its transfer syntax; everything else in Explicit VR Little Endian.
func (s *Store) rewrite(w io.Writer, a *arrival, ds *dicom.DataSet) error {
	in := s.instance(a.entry, written{a.writer, a.entry.Size})
	ds = ds.Clone()
	ds.Delete(dicom.AvailableTransferSyntaxUID) // the index's own
	o := part10.WriteOptions{TransferSyntax: dicom.ExplicitVRLittleEndian}
	p := in.Entry.Layout.Pixel
	ts, _ := dicom.TransferSyntaxOf(a.entry.TransferSyntax)
	encapsulated := ts.Encapsulated && (p == nil || p.Encapsulated)
	if encapsulated {
		o.TransferSyntax = a.entry.TransferSyntax
	}
	o.Bulk = func(bulk dicom.Bulk) (part10.Source, error) {
		path := strings.TrimPrefix(bulk.URI, "bulkdata/")
		if p != nil && p.Encapsulated && path == p.Tag.String() {
			return verbatim(io.NewSectionReader(in.data, p.Value.Offset, p.Value.Length))
		}
		value, _, err := in.Bulk(path)
		if err == nil && encapsulated && strings.HasSuffix(path, "."+dicom.PixelData.String()) && begins(value, item) {
			return verbatim(value) // of an icon
		}
		return value, err
	}
	return part10.Write(w, ds, o)
}

// The headers of an item and of the end of items (PS3.5 7.5), as far as they are the same everywhere.
var (
	item      = []byte{0xFE, 0xFF, 0x00, 0xE0}
	delimiter = []byte{0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0}
)

func begins(r io.ReaderAt, with []byte) bool {
	b := make([]byte, len(with))
	_, err := r.ReadAt(b, 0)
	return err == nil && bytes.Equal(b, with)
}

// verbatim is encapsulated data that is copied. Its delimiter may be missing, where its length was defined.
func verbatim(items *io.SectionReader) (part10.Source, error) {
	end := io.NewSectionReader(items, max(0, items.Size()-int64(len(delimiter))), int64(len(delimiter)))
	if begins(end, delimiter) {
		return part10.Encapsulated{Source: items}, nil
	}
	all := io.MultiReader(items, bytes.NewReader(delimiter))
	return part10.Encapsulated{Source: sized{all, items.Size() + int64(len(delimiter))}}, nil
}

// sized is a reader whose length is known.
type sized struct {
	io.Reader
	size int64
}

func (s sized) Size() int64 { return s.size }

// written is a blob that is not committed yet.
type written struct {
	BlobWriter
	size int64
}

func (w written) Size() int64     { return w.size }
func (written) Stored() time.Time { return time.Time{} }

func (written) State() uint64 { return 1 }
func (written) Close() error  { return nil }
