package dicomweb

import (
	"context"
	"errors"
	"net/http"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// deleteInstances deletes a study, series or instance, an extension that the field has agreed on: 204, and from then on every retrieval
// of what was below it is 410 (PS3.18 8.5). The instances lie in the recycle bin until their time is over.
func (s *Server) deleteInstances(w http.ResponseWriter, r *http.Request) error {
	// Request
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	// Behavior: once begun it is brought to its end, though the client goes away.
	_, err = s.store.Delete(context.WithoutCancel(r.Context()), ref)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return missingError(ref, err)
	case err != nil:
		return storeError(err)
	}
	// Response
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// missing is the error of a request for something of which nothing is stored.
func (s *Server) missing(ctx context.Context, ref dicom.Ref) error {
	return missingError(ref, s.store.Missing(ctx, ref))
}

// missingError is 410 for what was deleted, and 404 for what nobody has heard of (PS3.18 8.5).
func missingError(ref dicom.Ref, err error) error {
	switch {
	case errors.Is(err, store.ErrGone):
		return &problem{status: http.StatusGone, detail: "what was stored under " + ref.Path() + " has been deleted", err: err}
	case errors.Is(err, store.ErrNotFound):
		return notFound("nothing is stored under %s", ref.Path())
	}
	return err
}
