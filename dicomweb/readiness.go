package dicomweb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/readiness"
	"github.com/noctis-dicom/noctis/store"
)

// retrieveReadiness says whether viewers can show a study, and why not, as JSON: an extension.
func (s *Server) retrieveReadiness(w http.ResponseWriter, r *http.Request) error {
	// Request
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	if _, err := acceptOf(r).choose(offer{mediaType: mediaJSON}); err != nil {
		return err
	}
	// Behavior
	report, err := readiness.Of(r.Context(), s.store, ref.Study, readiness.Options{
		Decode: s.decodedForReadiness})
	if errors.Is(err, store.ErrNotFound) {
		return s.missing(r.Context(), ref)
	}
	if err != nil {
		return err
	}
	// Response
	body, err := json.Marshal(report)
	if err != nil {
		return err
	}
	return respond(w, r, http.StatusOK, mediaJSON, body)
}

// decodedForReadiness decodes a frame within the bounds of all decodes, and of the pixels of a frame. It is not kept: nobody has asked for it.
func (s *Server) decodedForReadiness(ctx context.Context, in *store.Instance, ds *dicom.DataSet, n int) (f *pixel.Frame, err error) {
	if d, err := pixel.Describe(ds); err == nil && int64(d.Rows)*int64(d.Columns)*int64(d.Samples) > s.options.MaxFramePixels {
		return nil, fmt.Errorf("%d x %d pixels are more than are decoded here", d.Columns, d.Rows)
	}
	err = s.pictures.decode(ctx, func(ctx context.Context) error {
		f, err = readiness.DecodeFrame(ctx, in, ds, n)
		return err
	})
	return f, err
}
