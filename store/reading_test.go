package store

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// longIndex has instances whose metadata is so long.
type longIndex struct {
	Index
	lengths []int64
}

func (x longIndex) Metadata(ctx context.Context, r dicom.Ref) iter.Seq2[Metadata, error] {
	return func(yield func(Metadata, error) bool) {
		for _, n := range x.lengths {
			if err := Admit(ctx, n); err != nil {
				yield(Metadata{}, err)
				return
			}
			if !yield(Metadata{Ref: r, JSON: make([]byte, n)}, nil) {
				return
			}
		}
	}
}

func (x longIndex) Search(ctx context.Context, _ match.Query) iter.Seq2[*dicom.DataSet, error] {
	return func(yield func(*dicom.DataSet, error) bool) {
		for m, err := range x.Metadata(ctx, dicom.Ref{}) {
			if !yield(&dicom.DataSet{}, err) || m.JSON == nil {
				return
			}
		}
	}
}

// TestAnswersOfSearchesStayTaken: the answer that is made of a search is held as long as the request, and the data sets are not.
func TestAnswersOfSearchesStayTaken(t *testing.T) {
	const mib = 1 << 20
	s := New(longIndex{lengths: []int64{2 * mib, 3 * mib, 1000}}, nil, Options{Memory: 64 * mib})
	var h Holding
	var held []int64
	for _, err := range s.Search(WithHolding(t.Context(), &h), match.Query{Limit: -1}) {
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, s.budget.held())
		h.Keep(int64(len(held)) * 2 * mib)
	}
	if want := []int64{searchedCost * 2 * mib, 2*mib + searchedCost*3*mib, 4 * mib}; !slices.Equal(held, want) {
		t.Errorf("while it is read %d is held, want %d", held, want)
	}
	h.Keep(3 * mib)
	if n := s.budget.held(); n != 4*mib {
		t.Errorf("%d is held for the answer", n)
	}
	h.Release()
	if n := s.budget.held(); n != 0 {
		t.Errorf("%d is held when the request has ended", n)
	}
	var short Holding
	short.Keep(100 * mib)
	if n := s.budget.held(); n != 0 || short.kept != 0 {
		t.Errorf("%d is held for an answer of short data sets", n)
	}
}

// held is what all shares have of the budget.
func (b *budget) held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.beyond != nil {
		return b.used + b.beyond.held
	}
	return b.used
}

// TestReadersShareTheBudget: however many read, they hold the budget and one instance at most, and all of them come to their turn.
func TestReadersShareTheBudget(t *testing.T) {
	const mib, readers, times = 1 << 20, 20, 3
	synctest.Test(t, func(t *testing.T) {
		s := New(longIndex{lengths: []int64{2 * mib, 1000, 3 * mib}}, nil, Options{Memory: 16 * mib})
		var mu sync.Mutex
		var now, most int64
		var all sync.WaitGroup
		for range readers {
			all.Go(func() {
				for m, err := range s.MetadataTaking(t.Context(), dicom.Ref{}, times) {
					if err != nil {
						t.Error(err)
						return
					}
					n := times * int64(len(m.JSON))
					mu.Lock()
					now += n
					most = max(most, now)
					if held := s.budget.held(); n > readUnasked && held < n {
						t.Errorf("%d bytes are held of the budget by somebody with %d", held, n)
					}
					mu.Unlock()
					time.Sleep(time.Second) // of the bubble: all the others take what they can
					mu.Lock()
					now -= n
					mu.Unlock()
				}
			})
		}
		all.Wait()
		const small = readers * times * 1000
		if most > (16+9)*mib+small || most < 16*mib {
			t.Errorf("%d bytes were held at once", most)
		}
		if s.budget.held() != 0 {
			t.Errorf("%d bytes are held in the end", s.budget.held())
		}
	})
}

// TestSmallMetadataDoesNotWait: what is ordinary is read though nothing is left, and who wants more is told in the end. Who stops in the
// middle gives back what he had.
func TestSmallMetadataDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := longIndex{lengths: []int64{readUnasked + 1}}
		s := New(x, nil, Options{Memory: 1})
		read := func(x longIndex) (last error) {
			beside := s.Beside()
			for _, err := range New(x, nil, beside).Metadata(t.Context(), dicom.Ref{}) {
				last = err
			}
			return last
		}
		for range s.Metadata(t.Context(), dicom.Ref{}) {
			began := time.Now()
			if err := read(longIndex{lengths: []int64{readUnasked, readUnasked}}); err != nil || time.Since(began) != 0 {
				t.Errorf("ordinary metadata: %v after %v", err, time.Since(began))
			}
			if err := read(x); !errors.Is(err, ErrBusy) || time.Since(began) != budgetWait {
				t.Errorf("more: %v after %v", err, time.Since(began))
			}
			break
		}
		if err := read(x); err != nil || s.budget.held() != 0 {
			t.Errorf("afterwards: %v, %d bytes are held", err, s.budget.held())
		}
	})
}

// TestHeldUntilTheEnd: what is kept of metadata stays taken until the request has ended, however much of it one request needs, and who is
// late takes nothing for ever.
func TestHeldUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(longIndex{lengths: []int64{readUnasked, 2 * readUnasked}}, nil, Options{Memory: readUnasked})
		read := func(h *Holding) (last error) {
			for _, err := range s.Held(t.Context(), h, dicom.Ref{}, 1) {
				last = err
			}
			return last
		}
		var first, second Holding
		for n := range int64(2) {
			if err := read(&first); err != nil || s.budget.held() != 2*(n+1)*readUnasked {
				t.Errorf("%v, %d bytes are held", err, s.budget.held())
			}
		}
		go func() {
			time.Sleep(budgetWait / 2)
			first.Release()
		}()
		began := time.Now()
		if err := read(&second); err != nil || time.Since(began) != budgetWait/2 {
			t.Errorf("another one: %v after %v", err, time.Since(began))
		}
		second.Release()
		if err := read(&first); err != nil || s.budget.held() != 0 {
			t.Errorf("one that is late: %v, %d bytes are held", err, s.budget.held())
		}
	})
}

// TestOpenInstanceHoldsItsDataSet: the memory of a data set is taken before it is read, and given back when its instance is closed.
func TestOpenInstanceHoldsItsDataSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(longIndex{lengths: []int64{readUnasked}}, nil, Options{Memory: readUnasked})
		open := func() *Instance {
			in := s.instance(&Entry{}, written{nil, 0})
			if _, err := in.DataSet(t.Context()); errors.Is(err, ErrBusy) {
				t.Error(err)
			}
			return in
		}
		first := open()
		if got := s.budget.held(); got != ParsedCost*readUnasked {
			t.Errorf("%d bytes are held", got)
		}
		go func() {
			time.Sleep(budgetWait / 2)
			first.Close()
		}()
		began := time.Now()
		second := open()
		if took := time.Since(began); took != budgetWait/2 {
			t.Errorf("the second one was read after %v", took)
		}
		second.Close()
		if got := s.budget.held(); got != 0 {
			t.Errorf("%d bytes are held when all are closed", got)
		}
	})
}
