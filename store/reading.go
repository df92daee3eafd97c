package store

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"math"
	"sync"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// Metadata takes memory when it is read, too: that of an instance with 900,000 elements is 33 MB for each reader, and several times as
// much where a data set is made of it. What is long is taken from the budget of the uploads before it is unpacked, so that all of
// them together stay within one sum (docs/adr/0023-memory-of-uploads.md).

// readUnasked is what the metadata of one instance may take without being asked for: nearly all of it.
const readUnasked = 1 << 20

// Metadata yields the metadata below r, in the order of Index.Entries, for a consumer who lets go of one before the next.
func (s *Store) Metadata(ctx context.Context, r dicom.Ref) iter.Seq2[Metadata, error] {
	return s.MetadataTaking(ctx, r, 1)
}

// MetadataTaking is Metadata for a consumer who makes something of it that takes memory as well: with the JSON so many times the length of that.
// Who waits too long for it gets ErrBusy.
func (s *Store) MetadataTaking(ctx context.Context, r dicom.Ref, times int64) iter.Seq2[Metadata, error] {
	return func(yield func(Metadata, error) bool) {
		ctx, done := s.admitting(ctx, times)
		defer done()
		for m, err := range s.index.Metadata(ctx, r) {
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// admitting has an index take so many times the length of each metadata that it reads in the context, in the place of that of the one before.
func (s *Store) admitting(ctx context.Context, times int64) (_ context.Context, done func()) {
	held, ok := ctx.Value(holdingKey{}).(*Holding)
	if !ok {
		held = &Holding{}
	}
	admit := func(n int64) error { return held.exchange(ctx, s.budget, n*times) }
	return WithAdmission(ctx, admit), func() { _ = held.exchange(ctx, s.budget, 0) } // who takes nothing does not wait
}

// patient takes memory for a blob that is read again, as long as it may take to get it: nobody waits for an answer.
func (s *Store) patient(ctx context.Context) (admit func(n int64) error, done func()) {
	taken := &share{budget: s.budget}
	admit = func(n int64) error {
		for {
			if err := taken.take(ctx, n); !errors.Is(err, ErrBusy) {
				return err
			}
		}
	}
	return admit, func() { taken.shrink(0) }
}

// Holding is the memory of data sets that are used until a request has ended. Its zero value holds nothing. It is safe for concurrent use.
type Holding struct {
	mu    sync.Mutex
	share *share
	kept  int64 // of what was read for a search, see Keep
	ended bool
}

type holdingKey struct{}

// WithHolding has searches in the context use the share of h, one search at a time.
func WithHolding(ctx context.Context, h *Holding) context.Context {
	return context.WithValue(ctx, holdingKey{}, h)
}

// Keep says how long the answer is that has been made of a search with this holding: so much stays taken when the next result is read, and after
// the last. Answers of which no part had to be asked for are not counted.
func (h *Holding) Keep(length int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.share != nil {
		h.kept = length
	}
}

// exchange gives back what is not kept, and takes n bytes.
func (h *Holding) exchange(ctx context.Context, b *budget, n int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.share != nil && !h.ended {
		h.share.shrink(min(h.kept, h.share.held))
	}
	if n <= readUnasked || h.ended {
		return nil
	}
	if h.share == nil {
		h.share = &share{budget: b}
	}
	return h.share.take(ctx, n)
}

// Release gives back what is held. Who is late takes nothing any more.
func (h *Holding) Release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended = true; h.share != nil {
		h.share.shrink(0)
	}
}

// Held is MetadataTaking for a consumer who keeps what he makes of it, until the holding is released.
func (s *Store) Held(ctx context.Context, h *Holding, r dicom.Ref, times int64) iter.Seq2[Metadata, error] {
	admit := func(n int64) error {
		if n *= times; n <= readUnasked {
			return nil
		}
		return h.take(ctx, s.budget, n, math.MaxInt64)
	}
	return s.index.Metadata(WithAdmission(ctx, admit), r)
}

// ErrTooLong is the error of what would take more memory than the data set of one instance may (Options.Limits.Header).
var ErrTooLong = errors.New("it would take more memory than one data set may")

// Hold takes n bytes for what somebody sends that is no instance, until the holding is released: ErrBusy where none come, and ErrTooLong.
func (s *Store) Hold(ctx context.Context, h *Holding, n int64) error {
	return h.take(ctx, s.budget, n, cmp.Or(s.options.Limits.Header, part10.DefaultHeader))
}

func (h *Holding) take(ctx context.Context, b *budget, n, most int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return nil
	}
	if h.share == nil {
		h.share = &share{budget: b}
	}
	if h.share.held+n > most {
		return ErrTooLong
	}
	return h.share.take(ctx, n)
}

// HeldVersion is Held for the version of an instance that e is, which may lie in the recycle bin by now. The error is ErrNotFound, wrapped,
// if that has been purged.
func (s *Store) HeldVersion(ctx context.Context, h *Holding, e *Entry, times int64) (Metadata, error) {
	for m, err := range s.Held(ctx, h, e.Ref, times) {
		if err != nil || m.Blob == e.Blob {
			return m, err
		}
	}
	old, err := s.recycled(ctx, e)
	if err != nil {
		return Metadata{}, err
	}
	return Metadata{Ref: e.Ref, Blob: e.Blob, JSON: old.Metadata}, nil
}

// Whole is the entry e with its layout, also if the instance has been removed or replaced since e was found. The error is ErrNotFound,
// wrapped, if it has been purged.
func (s *Store) Whole(ctx context.Context, e *Entry) (*Entry, error) {
	for now, err := range s.index.Entries(ctx, e.Ref) {
		if err != nil || now.Blob == e.Blob {
			return now, err
		}
	}
	return s.recycled(ctx, e)
}

// recycled is the entry e as it lies in the recycle bin. Whoever has e was allowed to see it.
func (s *Store) recycled(ctx context.Context, e *Entry) (*Entry, error) {
	for r, err := range s.index.Removed(ctx, RemovedQuery{Ref: e.Ref, Blob: &e.Blob, Whole: true}) {
		if err != nil {
			return nil, err
		}
		return r.Entry, nil
	}
	return nil, s.Missing(ctx, e.Ref)
}

// ParsedCost is what a data set takes at most that keeps the text it is read of (dicom.ReadJSON), in lengths of that: where it is short, or where
// all of it is one sequence that was asked for. Measured with 300,000 elements that are short, are texts, or have items.
const ParsedCost = 4

// searchedCost is what a search takes for the data set of an instance, in lengths of its DICOM JSON, and for the answer to be made of it.
const searchedCost = 5

// searchIndex is a search of the index, whose data sets are admitted like other metadata: the consumer lets go of one before the next.
func (s *Store) searchIndex(ctx context.Context, q match.Query) iter.Seq2[*dicom.DataSet, error] {
	return func(yield func(*dicom.DataSet, error) bool) {
		ctx, done := s.admitting(ctx, searchedCost)
		defer done()
		s.index.Search(ctx, q)(yield)
	}
}

type admissionKey struct{}

// WithAdmission has an index that reads metadata in the context call admit before it unpacks that of an instance, with its length.
func WithAdmission(ctx context.Context, admit func(length int64) error) context.Context {
	return context.WithValue(ctx, admissionKey{}, admit)
}

// Admit asks what WithAdmission has put into the context.
func Admit(ctx context.Context, length int64) error {
	if admit, ok := ctx.Value(admissionKey{}).(func(int64) error); ok {
		return admit(length)
	}
	return nil
}
