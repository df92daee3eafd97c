package dicomweb

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/store"
)

// markOf is an instance whose segments, contours or doses are to be drawn over the picture.
type markOf struct {
	kind     string // the parameter: one of markKinds
	instance dicom.UID
	entry    *store.Entry // nil until findMarks has found it
}

// markKinds are the parameters, and the SOP classes that each takes.
var markKinds = map[string]func(dicom.UID) bool{
	"segmentation": render.IsSegmentation,
	"contours":     func(class dicom.UID) bool { return class == render.StructureSet },
	"dose":         func(class dicom.UID) bool { return class == render.DoseClass },
}

const (
	mostMarks      = 16   // instances
	mostMaskFrames = 256  // frames of a segmentation over one picture
	mostContoured  = 2000 // images that a structure set is drawn on
)

// parseMarks reads a list of instances of the study.
func (o *rendering) parseMarks(kind, value string) error {
	for _, uid := range splitList(value) {
		if !dicom.UID(uid).Valid() || len(o.Marks) == mostMarks {
			return badRequest("%s=%.80q: want up to %d SOP Instance UIDs, joined by commas", kind, value, mostMarks)
		}
		o.Marks = append(o.Marks, markOf{kind: kind, instance: dicom.UID(uid)})
	}
	return nil
}

// findMarks finds the instances. One that is not in the study is 404, of another kind 400.
func (s *Server) findMarks(ctx context.Context, study dicom.UID, o *rendering) error {
	for i := range o.Marks {
		m := &o.Marks[i]
		if m.entry != nil {
			continue
		}
		e, err := s.entry(ctx, dicom.Ref{Instance: m.instance})
		if err != nil || e.Ref.Study != study {
			return notFound("%s: there is no instance %s in the study", m.kind, m.instance)
		}
		if !markKinds[m.kind](e.SOPClass) {
			return badRequest("%s: instance %s is of SOP class %s", m.kind, m.instance, e.SOPClass)
		}
		m.entry = e
	}
	return nil
}

// marks prepares what is drawn over a frame. The caller holds a token of pictures.decode.
func (s *Server) marks(ctx context.Context, o rendering, ds *dicom.DataSet, frame int, d pixel.Description) ([]render.Mark, error) {
	var marks []render.Mark
	for _, m := range o.Marks {
		var more []render.Mark
		var err error
		switch m.kind {
		case "segmentation":
			more, err = s.masks(ctx, m.entry, ds, frame, d)
		case "contours":
			more, err = s.contours(ctx, m.entry, ds, frame)
		case "dose":
			more, err = s.wash(ctx, m.entry, ds, frame, o.Doses)
		}
		if err != nil {
			return nil, err
		}
		marks = append(marks, more...)
	}
	return marks, nil
}

// contours finds the contours of a structure set on a frame.
func (s *Server) contours(ctx context.Context, e *store.Entry, ds *dicom.DataSet, frame int) ([]render.Mark, error) {
	structures, err := s.dataSet(ctx, e)
	if err != nil {
		return nil, err
	}
	if contours := render.Contours(structures, ds, frame); contours != nil {
		return []render.Mark{contours}, nil
	}
	return nil, nil
}

// masks decodes the frames of a segmentation that lie over a frame.
func (s *Server) masks(ctx context.Context, e *store.Entry, ds *dicom.DataSet, frame int, d pixel.Description) ([]render.Mark, error) {
	in, err := s.open(ctx, e)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	described, err := s.dataSet(ctx, e)
	if err != nil {
		return nil, err
	}
	frames := 0
	if p := e.Layout.Pixel; p != nil {
		frames = p.NumberOfFrames
	}
	segmentation, ok := render.ReadSegmentation(described, frames)
	if !ok {
		return nil, damaged(e, 1, fmt.Errorf("it has no Segmentation Type (0062,0001)"))
	}
	over := segmentation.Over(ds, frame)
	if len(over) > mostMaskFrames {
		return nil, badRequest("%d frames of segmentation %s lie over frame %d, more than %d", len(over), e.Ref.Instance, frame, mostMaskFrames)
	}
	var masks []render.Mark
	for _, n := range over {
		decoded, err := s.decodeFrame(ctx, in, described, n)
		if err != nil {
			return nil, err
		}
		masks = append(masks, segmentation.Mask(decoded.frame, n, ds, frame, d.Columns, d.Rows))
	}
	return masks, nil
}

// renderStructures renders a structure set: its contours on the images that they name, as far as these are stored here, each a part. A
// single part has the image in the middle.
func (s *Server) renderStructures(w http.ResponseWriter, r *http.Request, e *store.Entry, query url.Values) error {
	offers := append(pictureTypes[:len(pictureTypes):len(pictureTypes)], multiparts(pictureTypes)...)
	chosen, err := acceptOf(r).choose(offers...)
	if err != nil {
		return err
	}
	o, err := parseRendering(query, chosen.mediaType)
	if err != nil {
		return err
	}
	o.Marks = append(o.Marks, markOf{"contours", e.Ref.Instance, e})
	if err := s.findMarks(r.Context(), e.Ref.Study, &o); err != nil {
		return err
	}
	targets, err := s.contoured(r.Context(), e)
	if err != nil {
		return err
	}
	switch {
	case chosen.multipart:
		return s.sendPictures(w, r, http.StatusOK, targets, chosen, o)
	case sequences(targets, chosen):
		return s.sendAnimation(w, r, http.StatusOK, targets, o)
	}
	return s.sendPicture(w, r, targets[len(targets)/2], chosen, o)
}

// contoured finds the images that the contours of a structure set name.
func (s *Server) contoured(ctx context.Context, e *store.Entry) ([]target, error) {
	ds, err := s.dataSet(ctx, e)
	if err != nil {
		return nil, err
	}
	var targets []target
	named := render.ContouredImages(ds, mostContoured)
	for _, uid := range named {
		image, err := s.entry(ctx, dicom.Ref{Instance: uid})
		if err != nil {
			continue // not stored here
		}
		frames, err := targetsOf(image, nil)
		if err == nil && len(targets)+len(frames) <= mostContoured {
			targets = append(targets, frames...)
		}
	}
	if len(targets) == 0 {
		return nil, &problem{status: http.StatusNotAcceptable, detail: fmt.Sprintf(
			"of the %d images that the contours of instance %s lie on none is stored here that can be decoded", len(named), e.Ref.Instance)}
	}
	return targets, nil
}
