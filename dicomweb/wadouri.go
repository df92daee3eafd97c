package dicomweb

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/store"
)

// uriRequest is a request of the URI service (PS3.18 9).
type uriRequest struct {
	ref            dicom.Ref
	transferSyntax string // "", "*" or a list of UIDs
	frame          int    // 0: none is named
	rendering      rendering
	windowed       bool      // windowCenter and windowWidth are there
	state          dicom.Ref // the presentation state; its instance is "" if none is named
	anonymize      bool
	accepted       acceptance
}

// retrieveURI is the URI service, WADO-URI (PS3.18 9): one instance, named by query parameters, as a file or as a picture. The
// parameter contentType decides, before the Accept header; without either it is a picture (PS3.18 9.3).
func (s *Server) retrieveURI(w http.ResponseWriter, r *http.Request) error {
	// Request
	query, err := queryOf(r)
	if err != nil {
		return err
	}
	u, err := parseURIRequest(query, r.Header.Values("Accept"))
	if err != nil {
		return err
	}
	u.accepted.charsets = charsetsOf(r)
	aboutRef(r, u.ref)
	// Behavior
	e, err := s.entry(r.Context(), u.ref)
	if err != nil {
		return err
	}
	own, err := s.renditionOf(r.Context(), e)
	if err != nil {
		return err
	}
	rendered, file := pictureTypes, offer{mediaType: mediaDICOM}
	if own != nil && u.frame == 0 {
		rendered = own.offers
	}
	chosen, err := u.accepted.choose(append(slices.Clone(rendered), file)...)
	if err != nil {
		return err
	}
	// Response
	if chosen.mediaType == mediaDICOM {
		switch {
		case u.state.Instance != "":
			return badRequest("presentationUID has no meaning for application/dicom (PS3.18 9.5.1.2)")
		case u.windowed:
			return badRequest("windowCenter and windowWidth have no meaning for application/dicom (PS3.18 9.5.1.2.6)")
		case u.anonymize:
			return s.sendAnonymized(w, r, e, u)
		}
		syntax, err := s.chooseURISyntax(r.Context(), u, e, fileOffers(e))
		if err != nil {
			return err
		}
		if syntax, err = s.settleCharset(r.Context(), e, syntax); err != nil {
			return err
		}
		return s.sendFile(w, r, e, syntax)
	}
	if u.anonymize {
		if err := s.checkAnonymousPicture(r, e, u); err != nil {
			return err
		}
	}
	if err := s.findMarks(r.Context(), u.ref.Study, &u.rendering); err != nil {
		return err
	}
	if own != nil && u.frame == 0 {
		return s.sendChosenRendition(w, r, e, own, chosen, u.rendering)
	}
	return s.sendURIPicture(w, r, e, u, chosen)
}

// sendURIPicture renders the instance's frame.
func (s *Server) sendURIPicture(w http.ResponseWriter, r *http.Request, e *store.Entry, u uriRequest, chosen offer) error {
	switch {
	case u.state.Instance != "":
		t, err := s.stateNamed(r.Context(), u.state, e)
		if err != nil {
			return err
		}
		return s.sendPicture(w, r, t, chosen, u.rendering)
	case render.IsState(e.SOPClass): // of the images that it is for, the first
		if u.windowed || u.frame > 0 {
			return badRequest("windowCenter, windowWidth and frameNumber are not for presentation states (PS3.18 8.3.5.1.6)")
		}
		targets, _, err := s.presentedBy(r.Context(), e)
		if err != nil {
			return err
		}
		return s.sendPicture(w, r, targets[0], chosen, u.rendering)
	}
	targets, err := targetsOf(e, nil)
	if err != nil {
		return err
	}
	if u.frame > 0 {
		multiframe, err := s.isMultiframe(r, e)
		switch {
		case err != nil:
			return err
		case !multiframe:
			return badRequest("frameNumber: the instance is not a multi-frame image (PS3.18 9.5.2.1)")
		case u.frame > len(targets):
			return badRequest("frameNumber=%d: the instance has %d frames (PS3.18 9.5.2.1)", u.frame, len(targets))
		}
	}
	if u.frame == 0 && sequences(targets, chosen) {
		return s.sendAnimation(w, r, http.StatusOK, targets, u.rendering)
	}
	return s.sendPicture(w, r, targets[max(u.frame-1, 0)], chosen, u.rendering)
}

// isMultiframe reports whether the instance is of a multi-frame SOP class: it may have only one frame all the same.
func (s *Server) isMultiframe(r *http.Request, e *store.Entry) (bool, error) {
	if e.Layout.Pixel.NumberOfFrames > 1 {
		return true, nil
	}
	ds, err := s.dataSet(r.Context(), e)
	return err == nil && ds.Has(dicom.NumberOfFrames), err
}

// parseURIRequest reads the query (PS3.18 9.1.2, 9.4.1.2, 9.5.1.2). An error is a 400.
func parseURIRequest(q url.Values, accept []string) (uriRequest, error) {
	u := uriRequest{rendering: rendering{Quality: defaultQuality}}
	for _, parse := range []func(url.Values) error{u.parseTarget, u.parseType, u.parseAnonymize, u.parseState, u.parseFrame, u.parseWindow, u.parseView} {
		if err := parse(q); err != nil {
			return uriRequest{}, err
		}
	}
	for _, p := range []struct {
		name  string
		parse func(*rendering, string) error
	}{
		{"annotation", (*rendering).parseAnnotation},
		{"imageAnnotation", (*rendering).parseAnnotation},
		{"imageQuality", (*rendering).parseQuality},
		{"dose", func(o *rendering, v string) error { return o.parseMarks("dose", v) }},
		{"segmentation", func(o *rendering, v string) error { return o.parseMarks("segmentation", v) }},
		{"contours", func(o *rendering, v string) error { return o.parseMarks("contours", v) }},
		{"doserange", (*rendering).parseDoses},
	} {
		if err := u.rendering.parameter(q, p.name, p.parse); err != nil {
			return uriRequest{}, err
		}
	}
	if err := u.rendering.parsePaper(q); err != nil {
		return uriRequest{}, err
	}
	u.accepted = parseAccept(accept, q["contentType"])
	return u, nil
}

// parseTarget reads the mandatory parameters (PS3.18 9.1.2.1).
func (u *uriRequest) parseTarget(q url.Values) error {
	if t, err := once(q, "requestType"); err != nil {
		return err
	} else if t != "WADO" {
		return badRequest("requestType=%s: want WADO (PS3.18 9.4.2.1)", excerpt(t))
	}
	for _, p := range []struct {
		name string
		uid  *dicom.UID
	}{{"studyUID", &u.ref.Study}, {"seriesUID", &u.ref.Series}, {"objectUID", &u.ref.Instance}} {
		v, err := once(q, p.name)
		if err != nil {
			return err
		}
		if v == "" {
			return badRequest("%s is missing (PS3.18 9.4.2.2)", p.name)
		}
		if *p.uid = dicom.UID(v); !p.uid.Valid() {
			return badRequest("%s is not a UID (PS3.5 9.1): %s", p.name, excerpt(v))
		}
	}
	return nil
}

// parseType reads contentType and transferSyntax. The former may not have what the latter and charset are for (PS3.18 9.1.2.2.1),
// nor name both a file and pictures (PS3.18 8.3.3.1).
func (u *uriRequest) parseType(q url.Values) error {
	file, other := false, false
	for list := strings.Join(q["contentType"], ","); list != ""; {
		var m mediaType
		m, list = nextMediaType(list, ";,")
		list = strings.TrimPrefix(list, ",")
		for _, name := range []string{"transfer-syntax", "charset"} {
			if _, there := m.params[name]; there {
				return badRequest("contentType may not have the parameter %s (PS3.18 9.1.2.2.1)", name)
			}
		}
		file = file || m.name == mediaDICOM
		other = other || m.name != mediaDICOM
	}
	if file && other {
		return badRequest("contentType names application/dicom together with other media types (PS3.18 8.3.3.1)")
	}
	var err error
	if u.transferSyntax, err = once(q, "transferSyntax"); err != nil || u.transferSyntax == "" || u.transferSyntax == "*" {
		return err
	}
	for _, uid := range splitList(u.transferSyntax) {
		if !dicom.UID(uid).Valid() {
			return badRequest("transferSyntax=%s: want a UID or * (PS3.18 9.4.2.4)", excerpt(u.transferSyntax))
		}
	}
	return nil
}

// parseState reads presentationSeriesUID and presentationUID: both or none, and beside them no parameter that would change what the
// state says (PS3.18 9.5.1.2.7, 8.3.5.1.6).
func (u *uriRequest) parseState(q url.Values) error {
	if !q.Has("presentationUID") && !q.Has("presentationSeriesUID") {
		return nil
	}
	u.state.Study = u.ref.Study
	for name, uid := range map[string]*dicom.UID{"presentationSeriesUID": &u.state.Series, "presentationUID": &u.state.Instance} {
		v, err := once(q, name)
		if err != nil {
			return err
		}
		if *uid = dicom.UID(v); !uid.Valid() {
			return badRequest("%s=%s: want presentationSeriesUID and presentationUID, both as UIDs (PS3.18 9.5.1.2.7)", name, excerpt(v))
		}
	}
	for _, name := range []string{"windowCenter", "windowWidth", "frameNumber", "transferSyntax", "anonymize"} {
		if q.Has(name) {
			return badRequest("%s may not be given together with a presentation state (PS3.18 9.5.1.2.7)", name)
		}
	}
	return nil
}

// parseFrame reads frameNumber (PS3.18 9.5.1.2.1).
func (u *uriRequest) parseFrame(q url.Values) error {
	v, err := once(q, "frameNumber")
	if err != nil || !q.Has("frameNumber") {
		return err
	}
	n, ok := parseUint(v)
	if !ok || n == 0 {
		return badRequest("frameNumber=%s: want a positive integer (PS3.18 9.5.1.2.1)", excerpt(v))
	}
	u.frame = n
	return nil
}

// parseWindow reads windowCenter and windowWidth: both or none (PS3.18 9.5.1.2.6).
func (u *uriRequest) parseWindow(q url.Values) error {
	center, err := once(q, "windowCenter")
	if err != nil {
		return err
	}
	width, err := once(q, "windowWidth")
	if err != nil {
		return err
	}
	if !q.Has("windowCenter") && !q.Has("windowWidth") {
		return nil
	}
	u.windowed = true
	c, ok1 := parseDecimal(center)
	w, ok2 := parseDecimal(width)
	if !ok1 || !ok2 || w < 1 {
		return badRequest("windowCenter and windowWidth: want both, as decimal numbers, the width at least 1 (PS3.18 9.5.2.2, PS3.3 C.11.2.1.2)")
	}
	u.rendering.Window = &render.Window{Center: c, Width: w}
	return nil
}

// parseView reads rows, columns and region (PS3.18 9.5.1.2.4, 9.5.1.2.5). With one of rows and columns the other follows from the
// aspect ratio (PS3.18 9.5.2.5).
func (u *uriRequest) parseView(q url.Values) error {
	v := render.Viewport{Width: maxViewport, Height: maxViewport}
	for _, p := range []struct {
		name string
		side *int
	}{{"rows", &v.Height}, {"columns", &v.Width}} {
		text, err := once(q, p.name)
		if err != nil {
			return err
		}
		if !q.Has(p.name) {
			continue
		}
		n, ok := parseUint(text)
		if !ok || n == 0 || n > maxViewport {
			return badRequest("%s=%s: want a positive integer up to %d (PS3.18 9.5.1.2.4)", p.name, excerpt(text), maxViewport)
		}
		*p.side = n
		u.rendering.Viewport = &v
	}
	text, err := once(q, "region")
	if err != nil || !q.Has("region") {
		return err
	}
	u.rendering.Region, err = parseRegion(text)
	return err
}

// parseRegion reads xmin,ymin,xmax,ymax with 0 <= min < max <= 1 (PS3.18 9.5.1.2.5).
func parseRegion(text string) (*region, error) {
	bad := badRequest("region=%s: want xmin,ymin,xmax,ymax with 0 <= min < max <= 1 (PS3.18 9.5.1.2.5)", excerpt(text))
	fields := splitList(text)
	if len(fields) != 4 {
		return nil, bad
	}
	var n [4]float64
	for i, field := range fields {
		var ok bool
		if n[i], ok = parseDecimal(field); !ok || n[i] < 0 || n[i] > 1 {
			return nil, bad
		}
	}
	if n[0] >= n[2] || n[1] >= n[3] {
		return nil, bad
	}
	return &region{n[0], n[1], n[2], n[3]}, nil
}

// chooseURISyntax selects the transfer syntax of the file among offers (PS3.18 9.4.2.4): the first of those asked for that there is,
// the default of 8.7.3.4 where none is; 406 with what there is. It says it as an Accept header would.
func (s *Server) chooseURISyntax(ctx context.Context, u uriRequest, e *store.Entry, offers []offer) (offer, error) {
	a := acceptance{silent: u.transferSyntax == "", charsets: u.accepted.charsets}
	for i, uid := range splitList(u.transferSyntax) {
		a.header = append(a.header, mediaRange{mediaType: mediaDICOM, transferSyntax: uid, q: 1 / float64(i+1)})
	}
	return s.chooseEncodable(ctx, a, e, offers)
}

// once returns the value of a parameter that may be given once, "" if it is not there.
func once(q url.Values, name string) (string, error) {
	values := q[name]
	if len(values) > 1 {
		return "", badRequest("%s is given %d times", name, len(values))
	}
	return q.Get(name), nil
}
