package dicomweb

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/store"
)

// pictureTypes are the rendered media types of a frame, the default first (PS3.18 Table 8.7.4-1).
var pictureTypes = []offer{{mediaType: "image/jpeg"}, {mediaType: "image/png"}, {mediaType: "image/gif"}, {mediaType: mediaJP2}, {mediaType: mediaJPH}}

// target is a frame to be rendered.
type target struct {
	entry  *store.Entry
	frame  int
	state  *store.Entry  // the presentation state that it is shown by, nil: none
	over   *superimposed // what that lays over the frame, nil: nothing
	sample *sample       // of the series, that its automatic window is found by; nil: it needs none
	other  *otherPart    // what is no image, nil: a picture
}

// retrieveRendered retrieves pictures of the frames of a study, series or instance, or of some frames (PS3.18 10.4.1.1.3), as
// parts of multipart/related. One frame is a single part by default. So is an instance of several frames to a client that takes
// only single parts, as browsers do: it gets the first frame, where the standard would have 406. image/gif plays several frames. What
// is no image has a rendition.
func (s *Server) retrieveRendered(w http.ResponseWriter, r *http.Request) error {
	// Request
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	query, err := queryOf(r)
	if err != nil {
		return err
	}
	var numbers []int // none: all frames
	if exchangeOf(r).vars.of("frames") != "" {
		if numbers, err = framesOf(r); err != nil {
			return err
		}
	}
	// Behavior
	if ref.Instance == "" {
		return s.renderAll(w, r, ref, query)
	}
	e, err := s.entry(r.Context(), ref)
	if err != nil {
		return err
	}
	if numbers == nil && e.SOPClass == render.StructureSet {
		return s.renderStructures(w, r, e, query)
	}
	if render.IsState(e.SOPClass) {
		if numbers != nil {
			return badRequest("a presentation state has no frames to choose from (PS3.18 8.3.5.1.6)")
		}
		return s.renderState(w, r, e, query)
	}
	if numbers == nil {
		own, err := s.renditionOf(r.Context(), e)
		if err != nil {
			return err
		}
		if own != nil {
			return s.sendRendition(w, r, e, own, query)
		}
	}
	targets, err := targetsOf(e, numbers)
	if err != nil {
		return err
	}
	offers := multiparts(pictureTypes)
	if len(targets) == 1 || numbers == nil {
		offers = append(slices.Clone(pictureTypes), offers...)
	} else {
		offers = append(offers, animated)
	}
	chosen, err := acceptOf(r).choose(offers...)
	if err != nil {
		return err
	}
	o, err := parseRendering(query, chosen.mediaType)
	if err != nil {
		return err
	}
	if err := s.findMarks(r.Context(), ref.Study, &o); err != nil {
		return err
	}
	// Response
	switch {
	case chosen.multipart:
		return s.sendPictures(w, r, http.StatusOK, targets, chosen, o)
	case sequences(targets, chosen):
		return s.sendAnimation(w, r, http.StatusOK, targets, o)
	}
	return s.sendPicture(w, r, targets[0], chosen, o)
}

// renderAll renders all images below a study or series, and what is no image under the media type that its category has and the
// client accepts (PS3.18 8.7.8.1): each part has its own. Instances without one have no part. If there are images that cannot be
// decoded, the answer is 206 and says so (PS3.18 Table 10.4.3-1).
func (s *Server) renderAll(w http.ResponseWriter, r *http.Request, ref dicom.Ref, query url.Values) error {
	accepted := acceptOf(r)
	chosen, noPictures := accepted.choose(append(multiparts(pictureTypes), animated)...)
	o, err := parseRendering(query, chosen.mediaType)
	if err != nil {
		return err
	}
	if err := s.findMarks(r.Context(), ref.Study, &o); err != nil {
		return err
	}
	c := collector{server: s, accepted: accepted, rendering: o, base: s.baseURL(r), pictures: noPictures == nil, others: chosen != animated}
	err = c.collect(r.Context(), ref)
	found, left, targets := c.found, c.left, c.targets
	if err == nil && noPictures == nil && left == 0 && len(targets) == 0 {
		if targets, err = s.statesBelow(r.Context(), ref); len(targets) > 0 && err == nil {
			err = refuseForState(query)
		}
	}
	send := func(status int) error {
		if chosen == animated {
			return s.sendAnimation(w, r, status, targets, o)
		}
		return s.sendPictures(w, r, status, targets, chosen, o)
	}
	switch {
	case err != nil:
		return err
	case found == 0:
		return s.missing(r.Context(), ref)
	case len(targets) == 0 && noPictures != nil:
		return noPictures
	case len(targets) == 0:
		return &problem{status: http.StatusNotAcceptable, detail: fmt.Sprintf("there is no image that can be rendered under %s", ref.Path())}
	case left > 0:
		o.Warnings = append(o.Warnings, fmt.Sprintf("%d instances are in a transfer syntax that cannot be decoded, and left out", left))
		return send(http.StatusPartialContent)
	}
	return send(http.StatusOK)
}

// targetsOf are the frames of an instance that are to be rendered, all if numbers is nil; 406 if the instance is no image or
// cannot be decoded, 404 if a frame is not there.
func targetsOf(e *store.Entry, numbers []int) ([]target, error) {
	p := e.Layout.Pixel
	switch {
	case p == nil:
		return nil, &problem{status: http.StatusNotAcceptable, detail: fmt.Sprintf(
			"instance %s of SOP class %s has no pixel data: there is no rendering of it", e.Ref.Instance, e.SOPClass)}
	case !codec.Supported(e.TransferSyntax):
		return nil, &problem{status: http.StatusNotAcceptable, err: codec.ErrUnsupported, detail: fmt.Sprintf(
			"the pixel data of instance %s is in %s, which cannot be decoded here", e.Ref.Instance, syntaxName(e.TransferSyntax))}
	case p.NumberOfFrames == 0:
		return nil, notFound("instance %s has no complete frame", e.Ref.Instance)
	}
	if numbers == nil {
		for n := range p.NumberOfFrames {
			numbers = append(numbers, n+1)
		}
	} else if err := checkFrames(e, numbers); err != nil {
		return nil, err
	}
	targets := make([]target, len(numbers))
	for i, n := range numbers {
		targets[i] = target{entry: e, frame: n}
	}
	return targets, nil
}

// sendPicture sends the picture of one frame as the whole body. Its entity tag says all that it depends on, so that a client that
// has it is answered before any pixel is read.
func (s *Server) sendPicture(w http.ResponseWriter, r *http.Request, t target, chosen offer, o rendering) error {
	noteOver(r, t)
	base := s.baseURL(r)
	one := []target{t}
	if err := s.findSamples(r.Context(), one, o); err != nil {
		return err
	}
	t = one[0]
	etag := entityTag("picture", o.canonical(chosen.mediaType), t.described())
	stored := modified(one)
	for _, text := range o.Warnings {
		warn(w.Header(), base, text)
	}
	w.Header().Set("Content-Location", t.location(base))
	if done, err := answered(w, r, etag, stored, byAccept); done {
		return err
	}
	picture, err := s.picture(r.Context(), t, chosen.mediaType, o)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", chosen.contentType())
	return serveContent(w, r, stored, bytes.NewReader(picture))
}

// described says what a picture is made of: two of other frames, files or presentation states differ in it.
func (t target) described() string {
	d := digest(t.entry) + "/" + strconv.Itoa(t.frame)
	if t.state != nil {
		d += "/" + digest(t.state)
	}
	if t.over != nil {
		d += "/" + t.over.tag
	}
	if t.sample != nil {
		d += "/" + t.sample.tag
	}
	if t.other != nil {
		d += "/" + t.other.chosen.mediaType + t.other.tag + t.other.chosen.charsetTag()
	}
	return d
}

// modified is when the last of the images was stored, zero where that is not all that the pictures depend on: a series that loses an
// image may have another window, and its entity tag alone says so.
func modified(targets []target) time.Time {
	var latest time.Time
	for _, t := range targets {
		if t.sample != nil {
			return time.Time{}
		}
		if t.entry.Stored.After(latest) {
			latest = t.entry.Stored
		}
	}
	return latest
}

// location is the resource that a picture is a rendering of (PS3.18 8.6.1.2, note).
func (t target) location(base string) string {
	return base + t.entry.Ref.Path() + "/frames/" + strconv.Itoa(t.frame)
}
