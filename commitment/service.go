package commitment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Errors of the repository; each comes wrapped.
var (
	// ErrDuplicate: the Transaction UID is or was in use.
	ErrDuplicate = errors.New("the transaction UID is in use already")
	// ErrUnknown: nobody made a request with the Transaction UID.
	ErrUnknown = errors.New("there is no storage commitment request with this transaction UID")
	// ErrGone: its result has been dropped.
	ErrGone = errors.New("the result of this storage commitment request is not kept any more")
	// ErrBusy: too many requests wait for their results.
	ErrBusy = errors.New("too many storage commitment requests wait for their results")
	// ErrDamaged: a request that waits cannot be read any more.
	ErrDamaged = errors.New("a storage commitment request is damaged")
)

// Repository keeps requests and their results. What a method changes is durable when it returns. All methods are safe for concurrent use.
type Repository interface {
	// Add keeps a request, and its result, unless that is nil and it has to wait. ErrDuplicate if the UID is or was taken, ErrBusy if
	// MaxWaiting wait already.
	Add(ctx context.Context, uid dicom.UID, request, result *dicom.DataSet, now time.Time) error
	// Result returns the result, nil while there is none; ErrUnknown, ErrGone.
	Result(ctx context.Context, uid dicom.UID) (*dicom.DataSet, error)
	// Waiting returns the UIDs of the requests without a result, the oldest first.
	Waiting(ctx context.Context) ([]dicom.UID, error)
	// Request returns a request that waits; ErrUnknown if there is none of that UID, ErrDamaged.
	Request(ctx context.Context, uid dicom.UID) (*dicom.DataSet, error)
	// Finish keeps the result of a request that waits. With nil there is none to come: it is as if it had been dropped (ErrGone).
	Finish(ctx context.Context, uid dicom.UID, result *dicom.DataSet, now time.Time) error
	// Expire drops the results that were there before the moment. Their UIDs stay known.
	Expire(ctx context.Context, before time.Time) error
}

// DefaultRetention is how long results are kept, unless the settings say otherwise.
const DefaultRetention = 30 * 24 * time.Hour

// MaxWaiting is how many requests may wait for their results.
const MaxWaiting = 1000

// Store is what vouches.
type Store interface {
	// Size is how many bytes are to be read to verify an instance; 0 if it is not stored.
	Size(ctx context.Context, r Reference) (int64, error)
	// Verify reads what is stored of an instance again. The error is not of the instance: nothing can be said of it now.
	Verify(ctx context.Context, r Reference) (Reason, error)
}

// Service answers requests.
type Service struct {
	Repository
	Store Store
	// Retention is how long results are kept.
	Retention time.Duration
	// Now is the clock.
	Now  func() time.Time
	wake chan struct{}
}

// New joins a repository and a store to a service.
func New(r Repository, s Store, retention time.Duration) *Service {
	return &Service{Repository: r, Store: s, Retention: retention, Now: time.Now, wake: make(chan struct{}, 1)}
}

// What is answered at once, so that no client has to ask again for a few images: it takes well below a second.
const (
	atOnceInstances = 200
	atOnceBytes     = 64 << 20
)

// Commit takes a request (PS3.18 13.4). The result is nil if it has to be asked for later.
func (s *Service) Commit(ctx context.Context, uid dicom.UID, ds *dicom.DataSet, q *Request) (*dicom.DataSet, error) {
	if _, err := s.Repository.Result(ctx, uid); !errors.Is(err, ErrUnknown) {
		return nil, errors.Join(err, ErrDuplicate)
	}
	small, err := s.small(ctx, q)
	if err != nil {
		return nil, err
	}
	var result *dicom.DataSet
	if small {
		if result, err = s.verify(ctx, q); err != nil {
			return nil, err
		}
	}
	kept := result
	if kept != nil {
		kept = bearing(ctx, kept)
	}
	if err := s.Add(ctx, uid, bearing(ctx, ds), kept, s.Now()); err != nil {
		return nil, err
	}
	if result == nil {
		select {
		case s.wake <- struct{}{}:
		default: // Run will look anyway
		}
	}
	return result, nil
}

func (s *Service) small(ctx context.Context, q *Request) (bool, error) {
	if len(q.References) > atOnceInstances {
		return false, nil
	}
	total := int64(0)
	for _, r := range q.References {
		n, err := s.Store.Size(ctx, r)
		if total += n; err != nil || total > atOnceBytes {
			return false, err
		}
	}
	return true, nil
}

func (s *Service) verify(ctx context.Context, q *Request) (*dicom.DataSet, error) {
	reasons := make([]Reason, len(q.References))
	for i, r := range q.References {
		var err error
		if reasons[i], err = s.Store.Verify(ctx, r); err != nil {
			return nil, err
		}
	}
	return q.Result(reasons), nil
}

// again is how long Run rests after a failure, and at most between two looks at what is too old.
const again = time.Minute

// Run works on the requests that wait, one at a time and those of an earlier process first, and drops results that are too old, until ctx
// ends. A request that it was working on then waits for the next Run.
func (s *Service) Run(ctx context.Context, log *slog.Logger) {
	for ctx.Err() == nil {
		err := errors.Join(s.Work(ctx), s.Expire(ctx, s.Now().Add(-s.Retention)))
		if err != nil && ctx.Err() == nil {
			log.Error("storage commitment requests have to wait", "error", err)
		}
		select {
		case <-s.wake:
		case <-time.After(again):
		case <-ctx.Done():
		}
	}
}

// Work works on the requests that wait, the oldest first. None holds up those behind it: of one that is damaged no result will come, and it
// goes; one of which nothing can be said now waits on. The error is of all of those.
func (s *Service) Work(ctx context.Context) error {
	waiting, err := s.Waiting(ctx)
	for _, uid := range waiting {
		failed := s.workOn(ctx, uid)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("transaction %s: %w", uid, failed))
		}
	}
	return err
}

// workOn gives a request its result.
func (s *Service) workOn(ctx context.Context, uid dicom.UID) error {
	q, within, err := s.read(ctx, uid)
	if errors.Is(err, ErrDamaged) {
		return errors.Join(err, s.Finish(ctx, uid, nil, s.Now()))
	}
	if err != nil {
		return err
	}
	result, err := s.verify(within, q)
	if err != nil {
		return err
	}
	return s.Finish(ctx, uid, bearing(within, result), s.Now())
}

// read reads a request, and within what limits it was made.
func (s *Service) read(ctx context.Context, uid dicom.UID) (*Request, context.Context, error) {
	ds, err := s.Request(ctx, uid)
	if err != nil {
		return nil, nil, err
	}
	q, err := Parse(ds)
	if err != nil { // it was read before it was kept
		return nil, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	l, err := borne(ds)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return q, match.Within(ctx, l), nil
}
