package dicomweb

import (
	"net/http"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/worklist"
)

// changeWorkitemState is the Change Workitem State transaction (PS3.18 11.7): to claim, complete and cancel.
func (s *Server) changeWorkitemState(w http.ResponseWriter, r *http.Request) error {
	// Request
	uid, err := workitemOf(r)
	if err != nil {
		return err
	}
	lock, err := uidInQuery(r, transactionNames...)
	if err != nil {
		return err
	}
	action, err := s.readDataSet(r)
	if err != nil {
		return err
	}
	if given := action.UID(dicom.TransactionUID); given != "" {
		lock = given
	}
	to := worklist.State(action.String(dicom.ProcedureStepState))

	// Behavior
	code, err := s.worklist.ChangeState(r.Context(), uid, to, lock)
	if err != nil {
		return refusedState(err)
	}

	// Response
	h, base := w.Header(), s.baseURL(r)
	h.Set("Content-Location", base+"/workitems/"+string(uid))
	if code.Warning() {
		warn(h, base, "The UPS is already in the requested state of "+string(to)+".")
	}
	return done(w, http.StatusOK)
}

// What PS3.18 11.7.3.2 says about the lock; 11.6.3.2 has other texts, which come with them.
const (
	transactionMissing   = "The Transaction UID is missing."
	transactionIncorrect = "The Transaction UID is incorrect."
)

// refusedState is PS3.18 Table 11.7.3-1: what is wrong with the request is 400, what is wrong with its moment is 409.
func refusedState(err error) error {
	const inconsistent = "The submitted request is inconsistent with the state of the UPS Instance."
	r, ok := refusalIn(err)
	switch {
	case !ok:
		return err
	case r.Code == worklist.NoSuchWorkitem:
		return r.missing(inconsistent)
	case r.Code == worklist.WrongTransaction && r.Untransacted:
		return r.problem(http.StatusBadRequest, transactionMissing)
	case r.Code == worklist.WrongTransaction:
		return r.problem(http.StatusBadRequest, transactionIncorrect)
	case r.Code == worklist.InvalidValue || r.Code == worklist.OnlyCreatedScheduled:
		return r.problem(http.StatusBadRequest, inconsistent)
	}
	return r.problem(http.StatusConflict, inconsistent)
}

// requestCancellation is the Request Cancellation transaction (PS3.18 11.8).
func (s *Server) requestCancellation(w http.ResponseWriter, r *http.Request) error {
	// Request
	uid, err := workitemOf(r)
	if err != nil {
		return err
	}
	reason, err := s.readOptionalDataSet(r)
	if err != nil {
		return err
	}

	// Behavior
	code, err := s.worklist.RequestCancel(r.Context(), uid, reason)
	if refused, ok := refusalIn(err); ok {
		if refused.Code == worklist.NoSuchWorkitem {
			return refused.missing()
		}
		return refused.problem(http.StatusConflict)
	}
	if err != nil {
		return err
	}

	// Response
	h, base := w.Header(), s.baseURL(r)
	h.Set("Content-Location", base+"/workitems/"+string(uid))
	if code == worklist.AlreadyCanceled {
		warn(h, base, "The UPS is already in the requested state of CANCELED.")
	}
	return done(w, http.StatusAccepted)
}

// releaseWorkitem gives a claimed workitem back. It is an extension: see worklist.List.Release. The answer has the address of the workitem
// that is SCHEDULED in its place.
func (s *Server) releaseWorkitem(w http.ResponseWriter, r *http.Request) error {
	// Request
	uid, err := workitemOf(r)
	if err != nil {
		return err
	}
	lock, err := uidInQuery(r, transactionNames...)
	if err != nil {
		return err
	}

	// Behavior
	next, err := s.worklist.Release(r.Context(), uid, lock)
	if err != nil {
		return refusedState(err)
	}

	// Response
	return s.created(w, r, next)
}
