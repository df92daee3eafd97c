package dicomweb

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/noctis-dicom/noctis/commitment"
	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/store"
)

// commitmentRoutes are the resource of PS3.18 Table 13.1.1-1.
func (s *Server) commitmentRoutes() []route {
	if s.options.Commitment == nil {
		return nil
	}
	const request = BasePath + "/commitment-requests/{transaction}"
	return []route{
		{"commitment-request", "POST", request, "PS3.18 13.4", access.Store, s.requestCommitment},
		{"commitment-result", "GET", request, "PS3.18 13.5", access.Store, s.checkCommitment},
	}
}

// requestCommitment is the Request transaction (PS3.18 13.4).
func (s *Server) requestCommitment(w http.ResponseWriter, r *http.Request) error {
	// Request
	uid, err := uidInPath(r, "transaction")
	if err != nil {
		return err
	}
	chosen, err := acceptOf(r).choose(dataSetFormats...)
	if err != nil {
		return err
	}
	given, err := s.readDataSet(r)
	if err != nil {
		return err
	}
	request, err := commitment.Parse(given)
	if err != nil {
		return badRequest("%v (PS3.18 J.1)", err)
	}

	// Behavior
	result, err := s.options.Commitment.Commit(r.Context(), uid, given, request)
	if err != nil {
		return refusedCommitment(err)
	}

	// Response
	return respondCommitment(w, r, chosen, result)
}

// checkCommitment is the Result Check transaction (PS3.18 13.5).
func (s *Server) checkCommitment(w http.ResponseWriter, r *http.Request) error {
	// Request
	uid, err := uidInPath(r, "transaction")
	if err != nil {
		return err
	}
	chosen, err := acceptOf(r).choose(dataSetFormats...)
	if err != nil {
		return err
	}

	// Behavior
	result, err := s.options.Commitment.Result(r.Context(), uid)
	if err != nil {
		return refusedCommitment(err)
	}

	// Response
	return respondCommitment(w, r, chosen, result)
}

// commitmentPause is after how many seconds a client should ask again.
const commitmentPause = 5

// respondCommitment sends a result, or says that there is none yet.
func respondCommitment(w http.ResponseWriter, r *http.Request, chosen offer, result *dicom.DataSet) error {
	if result == nil {
		w.Header().Set("Retry-After", strconv.Itoa(commitmentPause))
		return done(w, http.StatusAccepted)
	}
	w.Header().Set("Cache-Control", "no-store")
	return respondModule(w, r, http.StatusOK, chosen, result)
}

func refusedCommitment(err error) error {
	p := &problem{detail: err.Error()}
	switch {
	case errors.Is(err, commitment.ErrDuplicate):
		p.status, p.detail = http.StatusConflict, commitment.ErrDuplicate.Error()
	case errors.Is(err, commitment.ErrUnknown):
		p.status = http.StatusNotFound
	case errors.Is(err, commitment.ErrGone):
		p.status = http.StatusGone
	case errors.Is(err, commitment.ErrBusy):
		p.status, p.retryAfter = http.StatusServiceUnavailable, time.Minute
	default:
		return err
	}
	return p
}

// Vouching is a store that commits to what it has. It implements commitment.Store.
type Vouching struct{ *store.Store }

// find returns the entry of an instance, where it was said to be; nil if it is not there.
func (v Vouching) find(ctx context.Context, r commitment.Reference) (*store.Entry, error) {
	for e, err := range v.Entries(ctx, dicom.Ref{Instance: r.Ref.Instance}) {
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		if err == nil && r.Ref.Study != "" && e.Ref != r.Ref {
			continue
		}
		return e, err
	}
	return nil, nil
}

// Size implements commitment.Store.
func (v Vouching) Size(ctx context.Context, r commitment.Reference) (int64, error) {
	e, err := v.find(ctx, r)
	if e == nil {
		return 0, err
	}
	return e.Size, nil
}

// Verify implements commitment.Store.
func (v Vouching) Verify(ctx context.Context, r commitment.Reference) (commitment.Reason, error) {
	e, err := v.find(ctx, r)
	switch {
	case err != nil:
		return 0, err
	case e == nil:
		return commitment.NoSuchInstance, nil
	case e.SOPClass != r.Class:
		return commitment.ClassConflict, nil
	}
	err = v.Store.Verify(ctx, e)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) { // of this moment, and not of the instance
		return 0, err
	}
	if err != nil {
		return commitment.ProcessingFailure, nil
	}
	return 0, nil
}
