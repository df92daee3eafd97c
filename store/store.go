// Package store keeps instances: it takes them in, finds them, opens them, and can rebuild its index from the files alone.
//
// A stored instance is immutable bytes (a blob, addressed by its SHA-256); the index says what lies where. The blob is durable
// first, then the index commits, and only then is the instance acknowledged; a crash at any point leaves at most a blob that no
// entry names, which Recover takes in. index.go and blobs.go are the two seams; memstore implements both as the reference,
// and storetest is the suite that every implementation passes.
//
// ingest.go and commit.go store (PS3.18 10.5), search.go searches (10.6), reading.go reads metadata, instance.go opens (10.4), with spans.go and
// inflate.go reading the bytes of a value out of a file. merge.go and virtual.go say what a study and a series are, made of
// their instances. delete.go has the recycle bin, limits.go is what who may see only a part may do, journal.go makes deletions survive the index, changes.go is the change feed.
// recover.go takes in what a crash left, reindex.go rebuilds the index, dump.go writes an index as text.
package store

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/dicom/valid"
)

// Errors that a caller tells apart; each comes wrapped.
var (
	// ErrNotFound: a study, series, instance, frame or bulk value is not there.
	ErrNotFound = errors.New("not found")
	// ErrBlobMissing: the index names an instance whose file is gone. It comes together with ErrNotFound.
	ErrBlobMissing = errors.New("the stored file is missing")
	// ErrBlobDamaged: the stored file is not what was stored.
	ErrBlobDamaged = errors.New("the stored file is damaged")
	// ErrNoSpace: the disk of the blobs or of the index is full. Nothing is wrong with what is stored.
	ErrNoSpace = errors.New("no space left")
	// ErrUnwritable: the disk did not take what was written (an error of the device, a file system that is read-only, too many open
	// files). Nothing was acknowledged, and nothing is wrong with what is stored; the next try may succeed.
	ErrUnwritable = errors.New("the disk does not take what is written")
	// ErrBusy: too many instances with large headers are being stored, or their metadata read; the next try may succeed.
	ErrBusy = errors.New("too many large instances at once")
	// ErrPoisoned: a sync failed earlier, or the database contradicts itself, so that the disk cannot be trusted with new instances until a restart.
	// Reads go on.
	ErrPoisoned = errors.New("the disk cannot be trusted after an error; nothing is stored until a restart")
)

// Store is safe for concurrent use.
type Store struct {
	index   Index
	blobs   Blobs
	options Options
	locks   *locks
	budget  *budget
	commits underway
	noting  sync.Mutex // one writes into the journal
	damaged damaged
	proofs  *proofs
	quota   atomic.Pointer[Quota]

	generations generations
	totals      struct{ deleted, replaced, restored, purged atomic.Int64 }
}

// Totals counts instances since the Store began.
type Totals struct{ Deleted, Replaced, Restored, Purged int64 }

// Totals returns how many instances have been deleted, replaced, restored and purged.
func (s *Store) Totals() Totals {
	t := &s.totals
	return Totals{t.deleted.Load(), t.replaced.Load(), t.restored.Load(), t.purged.Load()}
}

// Writable returns nil when an instance could be stored now, and else the reason (ErrPoisoned, ErrNoSpace, ErrUnwritable, wrapped).
func (s *Store) Writable(ctx context.Context) error {
	if err := errors.Join(s.commits.hung(), s.index.Writable()); err != nil {
		return err
	}
	w, err := s.blobs.Create(ctx)
	if err != nil {
		return err
	}
	w.Cancel()
	return nil
}

// Options of a Store; the zero value is ready for use.
type Options struct {
	Limits part10.Limits
	Rules  Rules
	// Memory is what the data sets that are being stored may take together, and one more within Limits.Header; default 32 MiB.
	Memory int64
	beside *Store // has the same Memory together with this one; nil: it has its own
	// Trust is for how long a file that was compared with its SHA-256 is opened without being compared again; 0: none is compared.
	Trust time.Duration
	// Conflict is what is done with an instance whose UID is stored with other bytes.
	Conflict Conflict
	// PurgeAtOnce has what is deleted or replaced go for good, without a recycle bin.
	PurgeAtOnce bool
	// Quota is how much the store may hold at first; SetQuota changes it.
	Quota Quota
}

// New joins an index and blobs to a store. Neither is closed by the store. Only one Store may write to them.
func New(index Index, blobs Blobs, o Options) *Store {
	s := &Store{index: index, blobs: blobs, options: o, locks: newLocks(), budget: newBudget(o.Memory), proofs: newProofs(o.Trust)}
	s.generations.seed = maphash.MakeSeed()
	if o.beside != nil {
		s.budget = o.beside.budget
	}
	s.SetQuota(o.Quota)
	return s
}

// Beside are the options of a store that goes by the same rules as this one, and has its Memory together with it.
func (s *Store) Beside() Options {
	o := s.options
	o.beside, o.Quota = s, Quota{}
	return o
}

// Receipt acknowledges a stored instance.
type Receipt struct {
	Ref            dicom.Ref
	SOPClass       dicom.UID
	TransferSyntax dicom.UID
	Digest         BlobID
	Size           int64
	Memory         int64           // what the data set took
	Duplicate      bool            // the very bytes were stored before; nothing was written
	Kept           bool            // other bytes were stored before under the UID, and stay (Keep)
	Elsewhere      bool            // those that stay lie in another series or study than Ref says
	Replaced       bool            // other bytes were stored before under the UID (Replace)
	Warnings       []string        // leniencies applied in reading
	Findings       []valid.Finding // what breaks the standard, where Rules ask for it
	// Originals is the item of Original Attributes Sequence (0400,0561) that was added because attributes were coerced; nil: none were.
	Originals *dicom.DataSet
}

// Failure is why an instance was not stored; Reason is what PS3.18 Annex I puts into Failure Reason (0008,1197).
type Failure struct {
	Reason   uint16
	SOPClass dicom.UID       // as far as known
	Instance dicom.UID       // as far as known
	Err      error           // says what was wrong, without patient data
	Findings []valid.Finding // what breaks the standard, of ReasonInvalid
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// Failure reasons (PS3.18 10.5.3.2, I.2.2; PS3.7 Annex C where PS3.18 leaves the choice).
const (
	ReasonProcessingFailure   uint16 = 0x0110
	ReasonDuplicateInstance   uint16 = 0x0111 // same SOP Instance UID, other bytes
	ReasonOutOfResources      uint16 = 0xA700
	ReasonDataSetMismatch     uint16 = 0xA900 // bulk data does not go with the metadata
	ReasonStudyMismatch       uint16 = 0xA901 // data set does not match the addressed study
	ReasonInvalid             uint16 = 0xA902 // attributes break the standard, and strict validation is on
	ReasonCannotUnderstand    uint16 = 0xC000
	ReasonInvalidUID          uint16 = 0xC001 // a UID is missing or breaks PS3.5 9.1
	ReasonLimitExceeded       uint16 = 0xC002 // the file breaks a configured bound
	ReasonUnsupportedSyntax   uint16 = 0xC122
	ReasonSOPClassUnsupported uint16 = 0x0122
)
