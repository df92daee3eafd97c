package store

import (
	"context"
	"iter"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// Entry is what the index knows of one instance.
type Entry struct {
	Ref            dicom.Ref
	SOPClass       dicom.UID
	TransferSyntax dicom.UID
	Blob           BlobID
	Size           int64     // bytes of the file
	Stored         time.Time // when its blob was committed
	Layout         part10.Layout

	// For Insert only; Entries leaves them nil.
	DataSet  *dicom.DataSet
	Metadata []byte     // DataSet as DICOM JSON
	Kind     ChangeKind // Stored or Restored, for the change feed
	Replace  bool       // another file under its UID goes into the recycle bin
	Record   int64      // the journal knows it already, under this number; 0: it has to be noted where it takes a blob back
	Quota    Quota      // with which it is admitted; the zero value admits everything
	memory   int64      // that it takes until it is inserted
}

// Metadata is the DICOM JSON object of one instance (PS3.18 F.2) as it was made at ingest, with the BulkDataURIs relative to the
// instance ("bulkdata/…").
type Metadata struct {
	Ref  dicom.Ref
	Blob BlobID // of which it was made
	JSON []byte
}

// Inserted is what Insert made of an entry.
type Inserted int

// New, the same bytes again, another file under a UID that is taken (nothing is changed), new in the place of another file, or not
// inserted because its Quota does not admit it.
const (
	InsertedNew Inserted = iota
	InsertedDuplicate
	InsertedConflict
	InsertedReplacing
	InsertedNot
)

// Removed is an instance that is not stored any more: in the recycle bin or, when it has been purged, a tombstone, which tells that
// it was here. A blob is stored, or removed, or neither, but never both; of one instance several blobs may be removed.
type Removed struct {
	Entry  *Entry
	Time   time.Time  // UTC, whole seconds
	Kind   ChangeKind // Deleted or Replaced
	Purged bool       // its blob has gone, or is about to go, for good
	Record int64      // its number in the journal
}

// RemovedQuery chooses what has been removed. The zero value chooses all that is in the recycle bin.
type RemovedQuery struct {
	Ref        dicom.Ref // what lies below it
	Blob       *BlobID   // nil: any
	Before     time.Time // removed before it; zero: any time
	Tombstones bool      // also what has been purged
	Whole      bool      // with Layout and Metadata
}

// Index finds entries. All methods are safe for concurrent use; readers see all of a committed Insert or none of it, and see it
// as soon as Insert has returned. Which results an iterator yields is decided when it begins; it holds no lock and no
// connection while its consumer is busy, and ends with the first error it yields. Its context ends it early.
//
// Search, Count, Entries and Metadata keep to the limits of their context (match.Within): what lies outside is not there. The others
// do not look at them.
type Index interface {
	// Insert is the commit point of instances: durable when it returns, all new entries of the call or none but those whose Quota does
	// not admit them to what is held when their turn comes. Concurrent calls
	// share a transaction. The results are in the order of entries; an error is that of the whole call, and then none of its
	// entries is there nor will be. ErrNoSpace: the disk is full. ErrPoisoned: a sync failed, now or earlier; nothing more is
	// inserted, and what became of the call shows after a restart.
	Insert(ctx context.Context, entries []*Entry) ([]Inserted, error)
	// Search yields a data set per match, at the query's level: the virtual data set of the entity (see StudyDataSet,
	// SeriesDataSet, InstanceDataSet) with the computed attributes of PS3.18 10.6.3.3 that do not depend on the request
	// (counts, ModalitiesInStudy, SOPClassesInStudy, AvailableTransferSyntaxUID, InstanceAvailability). At the instance level
	// an index may leave out attributes that are neither in the tables 10.6.3-3 to -5 nor named in Keys or Include. With Parts below the
	// level it is the virtual data set of the first part (match.Query.Searched) that matches, of each entity that has one. Offset and
	// Limit are applied. The order is stable while nothing is stored or deleted: newest study first (Study Date and Time descending,
	// then UID), series by number, instances by number, UIDs where these are equal. Of instances of no patient it is asked by a Scope
	// with their Resource, at the instance level; their order is that of their UIDs.
	Search(ctx context.Context, q match.Query) iter.Seq2[*dicom.DataSet, error]
	// Count returns how many results Search would yield without Offset and Limit: those behind After.
	Count(ctx context.Context, q match.Query) (int, error)
	// Entries yields the entries below r in the order of Search, those of instances of no patient last, by resource and UID. An instance
	// UID alone in r (WADO-URI, duplicates) is allowed. Below a study, a series or an instance it is those that there were when it began, as they were,
	// unless they have been purged since; an instance that is replaced meanwhile is never left out, here and in a Search.
	Entries(ctx context.Context, r dicom.Ref) iter.Seq2[*Entry, error]
	// Metadata yields the metadata below r in the order of Entries. It calls Admit before it takes the memory of one.
	Metadata(ctx context.Context, r dicom.Ref) iter.Seq2[Metadata, error]
	// BlobOf returns the blob of a stored instance, and whether it is stored. It is asked for every instance that comes.
	BlobOf(ctx context.Context, instance dicom.UID) (id BlobID, stored bool, err error)
	// Blobs yields every blob that an entry names or that is in the recycle bin, in ascending order. Whether one that is inserted
	// meanwhile is among them is left open.
	Blobs(ctx context.Context) iter.Seq2[BlobID, error]
	// Names reports whether an entry names the blob, or it is in the recycle bin. It fails when the index cannot be sure, as after a
	// failed commit.
	Names(ctx context.Context, id BlobID) (bool, error)

	// Remove takes instances out of what is stored and puts them into the recycle bin, all of the call or none, with the guarantees of
	// Insert. An instance that is stored with other bytes, or not at all, is passed over; but one that has a Record, and so comes
	// from the journal, is put into the recycle bin as it is, or as a tombstone, if its blob is not known as removed. Insert takes a
	// blob out of what has been removed, whichever instance it replaces.
	Remove(ctx context.Context, removed []*Removed) error
	// Removed yields what has been removed and not taken back, what was removed last first.
	Removed(ctx context.Context, q RemovedQuery) iter.Seq2[*Removed, error]
	// Purge makes tombstones of those of the blobs that are in the recycle bin, with the guarantees of Insert. Of a tombstone no
	// attribute is kept but those of Change.
	Purge(ctx context.Context, blobs []BlobID) error

	// Changes, LatestChange and TrimChanges are those of Store. Insert and Remove write the changes in their transactions.
	Changes(ctx context.Context, after Cursor) iter.Seq2[Change, error]
	LatestChange(ctx context.Context) (Cursor, error)
	TrimChanges(ctx context.Context, before time.Time, limit int) (int, error)
	// Changed is closed at the next commit that writes a change.
	Changed() <-chan struct{}
	// Settle looks at up to limit changes behind those that it has looked at before, as far as they are from before the moment, and
	// writes a StudySettled change for each that is the latest to have brought something to its study. It returns the time of the first
	// change that it has not looked at, zero if there is none.
	Settle(ctx context.Context, before time.Time, limit int) (next time.Time, err error)

	// Unrecorded returns what has been committed and belongs into the journal behind the record of which Recorded was told, in the
	// order of the commits. It costs nothing where there is nothing.
	Unrecorded(ctx context.Context) ([]Record, error)
	// Recorded tells that the journal has everything up to the number. Later records have higher numbers.
	Recorded(number int64)
	// LastRecord is the highest number that the index has given or, in an entry or removed instance, been given.
	LastRecord(ctx context.Context) (int64, error)
	// Usage is how much is held by what has been committed.
	Usage(ctx context.Context) (Usage, error)
	// Writable returns the error that every Insert would have (ErrPoisoned, wrapped), nil if there is none.
	Writable() error
	Close() error
}
