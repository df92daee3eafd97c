package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/dicom/valid"
)

// A batch commits by itself when it holds so many instances, each of which costs an open file, or much of the memory that all share.
const (
	batchInstances = 64
	batchMemory    = 32 << 20 // of a batch of Reindex
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
//
// Where the store fails, the instances that were staged then have a Failure of their own, so that Commit, which may still be
// called, tells which ones are durable.
type Batch struct {
	store    *Store
	target   dicom.Ref
	outcomes []Outcome
	refused  int // of them, before they were staged
	staged   []*staged
	share    share      // the memory of the data sets in staged, and of the one that is being read
	dry      *rehearsal // nil: what is committed stays
	begun    time.Time  // when it was
}

// Batch begins a batch. study is the addressed study, "" if none was.
func (s *Store) Batch(study dicom.UID) *Batch {
	return &Batch{store: s, target: dicom.Ref{Study: study}, share: share{budget: s.budget}, begun: time.Now()}
}

// Only has the batch refuse instances that lie in another resource than the named one, which is dicom.Studies or one of instances of no
// patient, and where an instance is named all others of that (PS3.18 12.5.1.1).
func (b *Batch) Only(resource string, instance dicom.UID) *Batch {
	b.target.Resource, b.target.Instance = resource, instance
	return b
}

// Add stages one instance.
func (b *Batch) Add(ctx context.Context, r io.Reader) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(b.staged) > 0 && b.store.budget.isTight() {
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	before := b.share.held
	b.share.reads()
	a, err := b.take(ctx, r)
	if a != nil {
		a, err = b.comply(ctx, a)
	}
	if a == nil {
		b.share.shrink(before)
		return err
	}
	a.entry.Blob = a.writer.ID()
	b.staged = append(b.staged, &staged{outcome: len(b.outcomes), writer: a.writer, entry: a.entry})
	b.outcomes = append(b.outcomes, Outcome{Receipt: a.receipt()})
	if len(b.staged) >= batchInstances || b.share.isLarge() || b.share.long {
		return b.flush(ctx)
	}
	return nil
}

// arrival is an instance that has been read and written, and is not staged yet.
type arrival struct {
	writer    BlobWriter
	file      *part10.File
	entry     *Entry
	findings  []valid.Finding
	originals *dicom.DataSet
}

func (a *arrival) receipt() Receipt {
	e := a.entry
	return Receipt{
		Ref: e.Ref, SOPClass: e.SOPClass, TransferSyntax: e.TransferSyntax, Digest: e.Blob, Size: e.Size, Memory: e.memory,
		Warnings: a.file.Warnings, Findings: a.findings, Originals: a.originals,
	}
}

// take reads and writes one instance. There is none, and no error, where it is at fault: that is its outcome then.
func (b *Batch) take(ctx context.Context, r io.Reader) (a *arrival, err error) {
	w := &late{create: func() (BlobWriter, error) { return b.create(ctx) }}
	defer func() {
		if a == nil {
			w.cancel()
		}
	}()
	in := &intake{ctx: ctx, r: r, w: w}
	limits := b.store.options.Limits
	limits.Admit = func(n int64) error { return b.share.take(ctx, n) }
	file, err := part10.Scan(in, limits)
	switch {
	case in.err != nil:
		return nil, in.err
	case errors.Is(err, ErrBusy) || ctx.Err() != nil:
		return nil, err
	case err != nil:
		b.fail(formatFailure(err))
		return nil, in.drain()
	}
	entry, failure := newEntry(file, b.target)
	if failure != nil {
		b.fail(failure)
		return nil, nil
	}
	if err := w.begin(); err != nil {
		return nil, err
	}
	return &arrival{writer: w.blob, file: file, entry: entry}, nil
}

// late is a blob that begins when it is worth it: what is refused within its first bytes costs no file. A request may have a hundred
// thousand parts of a byte.
type late struct {
	create func() (BlobWriter, error)
	blob   BlobWriter // nil: it has not begun
	first  []byte     // what has been written until then
}

// lateFrom is more than what is no DICOM file has before that is noticed.
const lateFrom = 1 << 10

func (l *late) Write(p []byte) (int, error) {
	if l.blob == nil && len(l.first)+len(p) < lateFrom {
		l.first = append(l.first, p...)
		return len(p), nil
	}
	if err := l.begin(); err != nil {
		return 0, err
	}
	return l.blob.Write(p)
}

// begin begins it if it has not.
func (l *late) begin() (err error) {
	if l.blob != nil {
		return nil
	}
	if l.blob, err = l.create(); err == nil {
		_, err = l.blob.Write(l.first)
	}
	return err
}

func (l *late) cancel() {
	if l.blob != nil {
		l.blob.Cancel()
	}
}

// comply asks the Rules. What comes back is what is to be stored; nothing, and no error, where that is the outcome.
func (b *Batch) comply(ctx context.Context, a *arrival) (*arrival, error) {
	rules := &b.store.options.Rules
	failure := rules.check(a.file, a.entry)
	if failure == nil {
		var err error
		if a, err = b.coerce(ctx, a); a == nil {
			return nil, err
		}
		a.findings, failure = rules.validate(a.entry)
	}
	if failure != nil {
		a.writer.Cancel()
		b.fail(failure)
		return nil, nil
	}
	return a, nil
}

func (b *Batch) fail(f *Failure) {
	b.outcomes = append(b.outcomes, Outcome{Failure: f})
	b.refused++
}

// Hopeless reports whether at least so many instances have been refused for what they are, and none has been good so far.
func (b *Batch) Hopeless(most int) bool { return b.refused >= most && b.refused == len(b.outcomes) }

// Commit makes the staged instances durable and visible. With an error the outcomes are complete all the same.
func (b *Batch) Commit(ctx context.Context) ([]Outcome, error) {
	err := b.flush(ctx)
	return b.outcomes, err
}

// Cancel discards what is not committed. It may be called after Commit.
func (b *Batch) Cancel() {
	for _, st := range b.staged {
		st.writer.Cancel()
	}
	b.staged = nil
	b.share.shrink(0)
}

// Ingest stores one instance: a batch of one. The error is a *Failure where the instance is at fault.
func (s *Store) Ingest(ctx context.Context, r io.Reader, study dicom.UID) (Receipt, error) {
	b := s.Batch(study)
	defer b.Cancel()
	if err := b.Add(ctx, r); err != nil {
		return Receipt{}, err
	}
	outcomes, err := b.Commit(ctx)
	if err != nil {
		return Receipt{}, err
	}
	if f := outcomes[0].Failure; f != nil {
		return Receipt{}, f
	}
	return outcomes[0].Receipt, nil
}

// intake is the one pass over an uploaded file: what the scanner reads goes to the blob too. It remembers the error of the
// upload or of the blob, which is no fault of the file.
type intake struct {
	ctx context.Context
	r   io.Reader
	w   io.Writer
	err error
}

func (in *intake) Read(p []byte) (int, error) {
	if in.err == nil {
		in.err = in.ctx.Err()
	}
	if in.err != nil {
		return 0, in.err
	}
	n, err := fill(in.r, p)
	if n > 0 {
		if _, werr := in.w.Write(p[:n]); werr != nil {
			in.err = werr
			return 0, werr
		}
	}
	if err != nil && err != io.EOF {
		in.err = err
	}
	return n, err
}

// fill reads until p is full, so that the scanner's buffer is written to the blob at once.
func fill(r io.Reader, p []byte) (n int, err error) {
	for idle := 0; n < len(p) && err == nil && idle < 100; idle++ {
		var k int
		if k, err = r.Read(p[n:]); k > 0 {
			n, idle = n+k, 0
		}
	}
	return n, err
}

// drain reads the rest of a part that is refused, so that the next part can be read.
func (in *intake) drain() error {
	in.w = io.Discard
	_, err := io.Copy(io.Discard, in)
	return err
}

// identifier is a UID that says which instance it is, or what.
type identifier struct {
	name string
	tag  dicom.Tag
}

var identifiers = []identifier{
	{"SOP Instance UID (0008,0018)", dicom.SOPInstanceUID},
	{"SOP Class UID (0008,0016)", dicom.SOPClassUID},
	{"Study Instance UID (0020,000D)", dicom.StudyInstanceUID},
	{"Series Instance UID (0020,000E)", dicom.SeriesInstanceUID},
}

// identifiers are those that the instance has to have: one of no patient lies in no study.
func (e *Entry) identifiers() []identifier {
	if e.Ref.Resource != "" {
		return identifiers[:2]
	}
	return identifiers
}

// newEntry checks that the file is an instance that can be kept: its UIDs are there and legal (PS3.5 9.1), and it belongs to the target, of
// which the Resource of studies is dicom.Studies (PS3.18 10.5.2, 12.5.1.1). The zero target takes all.
func newEntry(f *part10.File, target dicom.Ref) (*Entry, *Failure) {
	ds := f.DataSet
	// The metadata has no other place for it, and viewers need it (PS3.18 10.4.1.1.2, note 3).
	ds.SetStrings(dicom.AvailableTransferSyntaxUID, dicom.UI, string(f.TransferSyntax))
	e := &Entry{
		Ref:            ds.Ref(),
		SOPClass:       ds.UID(dicom.SOPClassUID),
		TransferSyntax: f.TransferSyntax,
		Size:           f.Size,
		Layout:         f.Layout,
		DataSet:        ds,
		memory:         f.Memory,
	}
	refuse := func(reason uint16, format string, a ...any) (*Entry, *Failure) {
		failure := &Failure{Reason: reason, Err: fmt.Errorf(format, a...)}
		// Only a legal UID may be echoed in an answer.
		if e.SOPClass.Valid() {
			failure.SOPClass = e.SOPClass
		}
		if e.Ref.Instance.Valid() {
			failure.Instance = e.Ref.Instance
		}
		return nil, failure
	}
	class := e.SOPClass
	if resource := cmp.Or(e.Ref.Resource, dicom.Studies); class.Valid() && target.Resource != "" && target.Resource != resource {
		return refuse(ReasonSOPClassUnsupported, "instances of SOP Class %s lie in /%s, not in /%s", class, resource, target.Resource)
	}
	for _, u := range e.identifiers() {
		switch {
		case ds.UID(u.tag) == "":
			return refuse(ReasonInvalidUID, "%s is missing", u.name)
		case len(ds.Strings(u.tag)) > 1:
			return refuse(ReasonInvalidUID, "%s has more than one value", u.name)
		case !ds.UID(u.tag).Valid():
			return refuse(ReasonInvalidUID, "%s is not a UID (PS3.5 9.1)", u.name)
		}
	}
	switch {
	case target.Study != "" && e.Ref.Study != target.Study:
		return refuse(ReasonStudyMismatch, "the instance belongs to study %s, not to the addressed study %s", e.Ref.Study, target.Study)
	case target.Instance != "" && e.Ref.Instance != target.Instance:
		return refuse(ReasonStudyMismatch, "the instance is %s, not the addressed %s", e.Ref.Instance, target.Instance)
	}
	var err error
	// Of what the data set was counted with, a third is a guess at its DICOM JSON: one that grows is there twice for a while.
	if e.Metadata, err = ds.AppendJSON(make([]byte, 0, f.Memory/3)); err != nil {
		return refuse(ReasonCannotUnderstand, "%w", err)
	}
	return e, nil
}

// formatFailure tells why a file could not be read.
func formatFailure(err error) *Failure {
	reason := ReasonCannotUnderstand
	var fault *part10.FormatError
	if errors.As(err, &fault) && fault.Reason == part10.LimitExceeded {
		reason = ReasonLimitExceeded
	}
	return &Failure{Reason: reason, Err: err}
}

// storeFailure is the outcome of a sound instance that the store could not keep.
func storeFailure(e *Entry, err error) *Failure {
	reason := ReasonProcessingFailure
	if errors.Is(err, ErrNoSpace) || errors.Is(err, ErrPoisoned) || errors.Is(err, ErrUnwritable) {
		reason = ReasonOutOfResources
	}
	return e.failure(reason, err)
}
