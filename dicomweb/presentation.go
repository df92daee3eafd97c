package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/store"
)

// renderState renders the images that a presentation state is for, as it has them (PS3.18 8.3.5.1.6). Images that are not here, or
// cannot be decoded, have no part: the answer is 206 then, and says how many they are.
func (s *Server) renderState(w http.ResponseWriter, r *http.Request, e *store.Entry, query url.Values) error {
	// Request
	if err := refuseForState(query); err != nil {
		return err
	}
	// Behavior
	targets, missing, err := s.presentedBy(r.Context(), e)
	if err != nil {
		return err
	}
	chosen, err := acceptOf(r).choose(slices.Concat(pictureTypes, multiparts(pictureTypes))...)
	if err != nil {
		return err
	}
	o, err := parseRendering(query, chosen.mediaType)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if missing > 0 {
		status = http.StatusPartialContent
		o.Warnings = append(o.Warnings, fmt.Sprintf("%d of the referenced images are not here or cannot be decoded, and left out", missing))
	}
	// Response
	switch {
	case chosen.multipart:
		return s.sendPictures(w, r, status, targets, chosen, o)
	case sequences(targets, chosen):
		return s.sendAnimation(w, r, status, targets, o)
	}
	return s.sendPicture(w, r, targets[0], chosen, o)
}

// refuseForState refuses parameters that would change what the presentation state says (PS3.18 8.3.5.1.3, 8.3.5.1.4); some of
// them are extensions.
func refuseForState(query url.Values) error {
	for _, name := range []string{"window", "voi", "segmentation", "contours", "dose", "doserange"} {
		if query.Has(name) {
			return badRequest("%s is not for presentation states, which say themselves what is shown (PS3.18 8.3.5.1.4)", name)
		}
	}
	if v := query.Get("viewport"); strings.Count(v, ",") > 1 {
		return badRequest("viewport=%.40q: a presentation state takes width and height only (PS3.18 8.3.5.1.3)", v)
	}
	return nil
}

// presentedBy are the frames that a presentation state is for, in the order of PS3.18 8.3.5.1.6. missing counts the images that are
// not here or cannot be rendered; 404 if that is all of them.
func (s *Server) presentedBy(ctx context.Context, state *store.Entry) (targets []target, missing int, err error) {
	ds, err := s.dataSet(ctx, state)
	if err != nil {
		return nil, 0, err
	}
	over, missing, err := s.superimposed(ctx, state, ds)
	if err != nil {
		return nil, 0, err
	}
	references := render.References(ds)
	for _, ref := range references {
		frames, err := s.presentedFrames(ctx, state, over, ref)
		var known *problem
		switch {
		case errors.Is(err, store.ErrNotFound) || errors.As(err, &known):
			missing++
		case err != nil:
			return nil, 0, err
		default:
			targets = append(targets, frames...)
		}
	}
	if len(targets) == 0 {
		return nil, 0, notFound("none of the %d images that presentation state %s refers to can be rendered here",
			len(references), state.Ref.Instance)
	}
	targets, err = s.arrange(ctx, targets)
	return targets, missing, err
}

// presentedFrames are the frames of one image.
func (s *Server) presentedFrames(ctx context.Context, state *store.Entry, over *superimposed, ref render.Reference) ([]target, error) {
	r := dicom.Ref{Study: state.Ref.Study, Series: ref.Series, Instance: ref.Instance}
	if !r.Series.Valid() || !r.Instance.Valid() {
		return nil, store.ErrNotFound
	}
	e, err := s.entry(ctx, r)
	if err != nil {
		return nil, err
	}
	targets, err := targetsOf(e, ref.Frames)
	for i := range targets {
		targets[i].state, targets[i].over = state, over
	}
	return targets, err
}

// statesBelow are the frames that the presentation states below ref are for. They are asked for where there is nothing else to
// render: with its images beside them a study would have each picture twice.
func (s *Server) statesBelow(ctx context.Context, ref dicom.Ref) ([]target, error) {
	var states []*store.Entry
	for e, err := range s.store.Entries(ctx, ref) {
		if err != nil {
			return nil, err
		}
		if render.IsState(e.SOPClass) {
			states = append(states, e)
		}
	}
	var targets []target
	for _, e := range states {
		frames, _, err := s.presentedBy(ctx, e)
		var known *problem
		if err != nil && !errors.As(err, &known) {
			return nil, err
		}
		targets = append(targets, frames...)
	}
	return targets, nil
}

// arrange puts frames into the order of their places.
func (s *Server) arrange(ctx context.Context, targets []target) ([]target, error) {
	places := make([]render.Place, len(targets))
	for i, t := range targets {
		ds, err := s.dataSet(ctx, t.entry)
		if err != nil {
			return nil, err
		}
		places[i] = render.PlaceOf(ds, t.frame)
	}
	arranged := make([]target, len(targets))
	for i, k := range render.Arrange(places) {
		arranged[i] = targets[k]
	}
	return arranged, nil
}

// present applies a presentation state to the attributes of a frame, and returns its ICC profile, nil if it has none. A state that
// cannot be applied is at fault, not the image.
func (s *Server) present(ctx context.Context, a render.Attributes, state *store.Entry, image dicom.UID, frame int) (render.Attributes, []byte, error) {
	in, err := s.open(ctx, state)
	if err != nil {
		return a, nil, err
	}
	defer in.Close()
	ds, err := s.dataSet(ctx, in.Entry)
	if err != nil {
		return a, nil, err
	}
	if a, err = a.Present(ds, image, frame, lookupTables(in)); err != nil {
		return a, nil, damaged(state, 0, err)
	}
	profile, err := stateProfile(in, ds)
	return a, profile, err
}

// stateNamed is the presentation state of a request of the URI service, and the frame of the image that it is shown with, the first
// (PS3.18 9.5.1.2.7). One that is not here, or is none of the image, is a 400 (8.3.5.1.6).
func (s *Server) stateNamed(ctx context.Context, state dicom.Ref, image *store.Entry) (target, error) {
	e, err := s.entry(ctx, state)
	var known *problem
	switch {
	case errors.As(err, &known) && known.status == http.StatusNotFound || err == nil && !render.IsState(e.SOPClass):
		return target{}, badRequest("presentationSeriesUID, presentationUID: no such presentation state is here (PS3.18 8.3.5.1.6)")
	case err != nil:
		return target{}, err
	}
	ds, err := s.dataSet(ctx, e)
	if err != nil {
		return target{}, err
	}
	for _, ref := range render.References(ds) {
		if ref.Instance == image.Ref.Instance {
			targets, err := targetsOf(image, ref.Frames)
			if err != nil {
				return target{}, err
			}
			targets[0].state = e
			targets[0].over, _, err = s.superimposed(ctx, e, ds)
			return targets[0], err
		}
	}
	return target{}, badRequest("presentation state %s does not refer to instance %s (PS3.18 9.5.1.2.7)", state.Instance, image.Ref.Instance)
}
