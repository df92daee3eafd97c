package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// DefectKind is what Examine can find.
type DefectKind string

// The defects of a store. What the index says can be made again from the files; the bytes of a file cannot.
const (
	BlobMissing  DefectKind = "file missing"          // an entry names it
	BlobDamaged  DefectKind = "file damaged"          // its SHA-256 is not its name
	Orphan       DefectKind = "file without an entry" // whole, and can be taken in
	Unadoptable  DefectKind = "file of no instance"   // whole or not, and can not
	EntryDiffers DefectKind = "entry differs"         // from what the file says
	EntryBroken  DefectKind = "index cannot be read"  // the rest of that was not looked at
	FileBroken   DefectKind = "file cannot be read"   // the disk refuses
)

// Defect is one finding of Examine. It holds no patient data.
type Defect struct {
	Kind   DefectKind
	Ref    dicom.Ref // zero where no instance is known
	Blob   BlobID
	Actual BlobID // of a damaged file: the SHA-256 of its bytes
	Detail string
	// Unnamed: no entry names a damaged file. Its Ref is what it says of itself, true or not.
	Unnamed bool
}

// Examine compares the index with the files, in both directions: each entry, and what lies in the recycle bin, has its file in its length, each
// file its entry. Of the blobs that read selects, all bytes are read: their SHA-256 is their name, and what the entry says is what they say.
// progress may be nil. Nothing is changed. The error is that of the context or of the list of files; what is broken in the index is a Defect.
func (s *Store) Examine(ctx context.Context, read func(BlobID) bool, progress func(done int)) iter.Seq2[Defect, error] {
	return func(yield func(Defect, error) bool) {
		if s.examineEntries(ctx, read, progress, yield) && s.examineBin(ctx, read, yield) {
			s.examineOrphans(ctx, yield)
		}
	}
}

// examineEntries reports whether to go on. Where the metadata cannot be read, the files of the entries still are.
func (s *Store) examineEntries(ctx context.Context, read func(BlobID) bool, progress func(done int), yield func(Defect, error) bool) bool {
	metadata, stop := iter.Pull2(s.index.Metadata(ctx, dicom.Ref{}))
	defer stop()
	done, unreadable := 0, false
	for e, err := range s.index.Entries(ctx, dicom.Ref{}) {
		var m Metadata
		if err == nil && !unreadable {
			m, err = metadataOf(e, metadata)
			if unreadable = err != nil; unreadable && ctx.Err() == nil {
				if !yield(Defect{Kind: EntryBroken, Detail: err.Error()}, nil) {
					return false
				}
				err = nil
			}
		}
		if ctx.Err() != nil {
			yield(Defect{}, ctx.Err())
			return false
		}
		if err != nil {
			return yield(Defect{Kind: EntryBroken, Detail: err.Error()}, nil)
		}
		examine := func(read bool) (Defect, bool) { return s.examineEntry(ctx, e, m, read) }
		if unreadable {
			examine = func(read bool) (Defect, bool) { return s.examineFile(ctx, e, read) }
		}
		if d, bad := examine(read(e.Blob)); bad && !yield(d, nil) {
			return false
		}
		if done++; progress != nil {
			progress(done)
		}
	}
	return true
}

// metadataOf takes the next metadata, which are those of the entry.
func metadataOf(e *Entry, next func() (Metadata, error, bool)) (Metadata, error) {
	m, err, there := next()
	if err == nil && (!there || m.Ref != e.Ref) {
		err = fmt.Errorf("instance %s has no metadata", e.Ref.Instance)
	}
	return m, err
}

// examineBin looks at the files of what lies in the recycle bin, and reports whether to go on.
func (s *Store) examineBin(ctx context.Context, read func(BlobID) bool, yield func(Defect, error) bool) bool {
	for r, err := range s.index.Removed(ctx, RemovedQuery{Whole: true}) {
		if ctx.Err() != nil {
			yield(Defect{}, ctx.Err())
			return false
		}
		if err != nil {
			return yield(Defect{Kind: EntryBroken, Detail: err.Error()}, nil)
		}
		m := Metadata{Ref: r.Entry.Ref, JSON: r.Entry.Metadata}
		r.Entry.Metadata = nil
		d, bad := s.examineEntry(ctx, r.Entry, m, read(r.Entry.Blob))
		if d.Detail += ": it lies in the recycle bin"; bad && !yield(d, nil) {
			return false
		}
	}
	return true
}

// examineFile looks whether the file of an entry is there in its length, and, if all of it is to be read, is what was stored.
func (s *Store) examineFile(ctx context.Context, e *Entry, read bool) (d Defect, bad bool) {
	d = Defect{Ref: e.Ref, Blob: e.Blob}
	blob, err := s.openBlob(ctx, e)
	switch {
	case errors.Is(err, ErrBlobMissing):
		d.Kind, d.Detail = BlobMissing, "no such file"
		return d, true
	case errors.Is(err, ErrBlobDamaged):
		read = true // which SHA-256 it has is of use
	case err != nil:
		d.Kind, d.Detail = FileBroken, err.Error()
		return d, true
	default:
		defer blob.Close()
	}
	if !read {
		return d, false
	}
	if d.Actual, err = s.digest(ctx, e.Blob); err != nil {
		d.Kind, d.Detail = FileBroken, err.Error()
		return d, true
	}
	if d.Actual != e.Blob {
		d.Kind, d.Detail = BlobDamaged, "its SHA-256 is not its name"
		return d, true
	}
	return d, false
}

// examineEntry looks at the file of an entry, and whether the index says what the file says.
func (s *Store) examineEntry(ctx context.Context, e *Entry, m Metadata, read bool) (d Defect, bad bool) {
	d, bad = s.examineFile(ctx, e, read)
	if bad || !read {
		return d, bad
	}
	sc := s.scanBlob(ctx, e.Blob, nil)
	if sc.err != nil {
		d.Kind, d.Detail = EntryDiffers, sc.err.Error()
		return d, true
	}
	fresh := *sc.entry
	fresh.DataSet, fresh.Metadata = nil, nil
	// How it came, and what it took then, is in no file.
	fresh.Kind, fresh.Replace, fresh.Record, fresh.memory = e.Kind, e.Replace, e.Record, e.memory
	if !reflect.DeepEqual(&fresh, e) || string(sc.entry.Metadata) != string(m.JSON) {
		d.Kind, d.Detail = EntryDiffers, "the index does not say what the file says"
		return d, true
	}
	return d, false
}

// Readable returns why a file could not be stored as an instance, nil if it could.
func Readable(ctx context.Context, r io.Reader) error {
	file, err := part10.Scan(&intake{ctx: ctx, r: r, w: io.Discard}, part10.Limits{})
	if err != nil {
		return err
	}
	if _, failure := newEntry(file, dicom.Ref{}); failure != nil {
		return failure
	}
	return nil
}

// digest reads a blob and returns the SHA-256 of its bytes.
func (s *Store) digest(ctx context.Context, id BlobID) (sum BlobID, err error) {
	blob, err := s.blobs.Open(ctx, id)
	if err != nil {
		return sum, err
	}
	defer blob.Close()
	hash := sha256.New()
	in := &intake{ctx: ctx, r: io.NewSectionReader(blob, 0, blob.Size()), w: io.Discard}
	if _, err := io.Copy(hash, in); err != nil {
		return sum, err
	}
	return BlobID(hash.Sum(nil)), nil
}

func (s *Store) examineOrphans(ctx context.Context, yield func(Defect, error) bool) {
	for orphan, err := range s.orphans(ctx) {
		switch {
		case ctx.Err() != nil:
			yield(Defect{}, ctx.Err())
			return
		case err != nil:
			yield(Defect{Kind: EntryBroken, Detail: err.Error()}, nil)
			return
		}
		if !yield(s.examineOrphan(ctx, orphan), nil) {
			return
		}
	}
}

func (s *Store) examineOrphan(ctx context.Context, orphan BlobInfo) Defect {
	d := Defect{Kind: Orphan, Blob: orphan.ID, Detail: "no entry names it"}
	sc := s.scanBlob(ctx, orphan.ID, nil)
	switch {
	case errors.Is(sc.err, ErrBlobDamaged):
		d.Kind, d.Detail, d.Ref, d.Unnamed = BlobDamaged, "its SHA-256 is not its name, and no entry names it", sc.claim, true
		d.Actual, _ = s.digest(ctx, orphan.ID)
		return d
	case sc.err != nil:
		d.Kind, d.Detail = Unadoptable, sc.err.Error()
		if sum, err := s.digest(ctx, orphan.ID); err == nil && sum != orphan.ID {
			d.Kind, d.Actual = BlobDamaged, sum
		}
		return d
	}
	d.Ref = sc.entry.Ref
	if blob, there, err := s.index.BlobOf(ctx, d.Ref.Instance); err == nil && there && blob != orphan.ID {
		d.Kind, d.Detail = Unadoptable, "its instance is stored already, with other bytes"
		if other, err := s.blobs.Open(ctx, blob); err == nil {
			other.Close()
		} else if errors.Is(err, ErrNotFound) {
			d.Kind, d.Detail = EntryDiffers, "the entry of its instance names another file, which is missing: this one may be the right one"
		}
	}
	return d
}
