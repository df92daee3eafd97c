package dicomweb

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/dicom/deidentify"
	"github.com/noctis-dicom/noctis/store"
)

// retrieveThumbnail retrieves one small picture that stands for a study, series, instance or frame (PS3.18 10.4.1.1.4): of a study
// the first series with images, of a series the instance in the middle, of an instance the frame in the middle. What has no
// picture, or one that may say who the patient is (10.4.3.3.4), gets an icon with the letters of its modality: by the rule of
// deidentify.BurnedIn, so that a thumbnail shows no pixels that anonymize=yes refuses. So does what is damaged, with a Warning that
// says why; a damaged frame that was asked for by its number is an error. Nothing is burned in.
func (s *Server) retrieveThumbnail(w http.ResponseWriter, r *http.Request) error {
	// Request
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	query, err := queryOf(r)
	if err != nil {
		return err
	}
	o, err := parseThumbnail(query)
	if err != nil {
		return err
	}
	var numbers []int
	if exchangeOf(r).vars.of("frames") != "" {
		if numbers, err = framesOf(r); err != nil {
			return err
		}
	}
	chosen, err := acceptOf(r).choose(pictureTypes...)
	if err != nil {
		return err
	}
	// Behavior
	e, err := s.representative(r.Context(), ref)
	if err != nil {
		return err
	}
	if numbers != nil {
		if err := checkFrames(e, numbers[:1]); err != nil {
			return err
		}
	}
	t := target{entry: e}
	switch p := e.Layout.Pixel; {
	case numbers != nil:
		t.frame = numbers[0] // only a single image shall be returned
	case p != nil:
		t.frame = (p.NumberOfFrames + 1) / 2
	}
	// Response
	ds, err := s.dataSet(r.Context(), e)
	if err != nil {
		return err
	}
	if t.frame > 0 && codec.Supported(e.TransferSyntax) && deidentify.BurnedIn(ds) == "" {
		err := s.sendPicture(w, r, t, chosen, o)
		var none *problem
		switch {
		case errors.Is(err, codec.ErrUnsupported):
		case numbers == nil && errors.As(err, &none) && none.status == http.StatusNotAcceptable:
			warn(w.Header(), s.baseURL(r), none.detail) // a list of studies shows a damaged one all the same
		default:
			return err
		}
	}
	return s.sendIcon(w, r, e, chosen, o)
}

// representative chooses the instance that stands for what lies below ref: the one in the middle of the first series of the best
// kind.
func (s *Server) representative(ctx context.Context, ref dicom.Ref) (*store.Entry, error) {
	var series []dicom.Ref
	best := 0
	for e, err := range s.store.Entries(ctx, ref) {
		if err != nil {
			return nil, err
		}
		rank := thumbnailRank(e)
		switch {
		case len(series) == 0 || rank < best:
			series, best = []dicom.Ref{e.Ref}, rank
		case e.Ref.Series == series[0].Series && rank == best:
			series = append(series, e.Ref)
		}
		if best == 0 && e.Ref.Series != series[0].Series {
			break // the series come one after the other
		}
	}
	if len(series) == 0 {
		return nil, s.missing(ctx, ref)
	}
	return s.entry(ctx, series[len(series)/2])
}

// derivedClasses are images that say little when seen alone: Segmentation, Label Map Segmentation, RT Dose, Parametric Map.
var derivedClasses = map[dicom.UID]bool{
	"1.2.840.10008.5.1.4.1.1.66.4":  true,
	"1.2.840.10008.5.1.4.1.1.66.7":  true,
	"1.2.840.10008.5.1.4.1.1.481.2": true,
	"1.2.840.10008.5.1.4.1.1.30":    true,
}

// thumbnailRank orders instances by how well they stand for a study: images before derived images before those that cannot be
// decoded before all else.
func thumbnailRank(e *store.Entry) int {
	switch {
	case e.Layout.Pixel == nil || e.Layout.Pixel.NumberOfFrames == 0:
		return 3
	case !codec.Supported(e.TransferSyntax):
		return 2
	case derivedClasses[e.SOPClass]:
		return 1
	}
	return 0
}

// sendIcon sends the icon of an instance.
func (s *Server) sendIcon(w http.ResponseWriter, r *http.Request, e *store.Entry, chosen offer, o rendering) error {
	label, err := s.iconLabel(r.Context(), e)
	if err != nil {
		return err
	}
	size := min(o.Viewport.Width, o.Viewport.Height, maxIcon)
	etag := entityTag("icon", chosen.mediaType, label, strconv.Itoa(size))
	if done, err := answered(w, r, etag, e.Stored, byAccept); done {
		return err
	}
	icon, err := drawIcon(label, size)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := encodeAs(r.Context(), &b, icon, chosen.mediaType, o.Quality, nil); err != nil {
		return err
	}
	w.Header().Set("Content-Type", chosen.contentType())
	w.Header().Set("Content-Location", s.baseURL(r)+e.Ref.Path())
	return serveContent(w, r, e.Stored, bytes.NewReader(b.Bytes()))
}

// classLabels name groups of SOP classes, by the beginning of their UID, whose Modality does not.
var classLabels = []struct{ prefix, label string }{
	{"1.2.840.10008.5.1.4.1.1.104.1", "PDF"},
	{"1.2.840.10008.5.1.4.1.1.104.2", "CDA"},
	{"1.2.840.10008.5.1.4.1.1.104.", "3D"},
	{"1.2.840.10008.5.1.4.1.1.11.", "PR"},
	{"1.2.840.10008.5.1.4.1.1.88.59", "KO"},
	{"1.2.840.10008.5.1.4.1.1.88.", "SR"},
	{"1.2.840.10008.5.1.4.1.1.9.1.", "ECG"},
	{"1.2.840.10008.5.1.4.1.1.66.", "REG"},
}

// iconLabel is what an icon says: the kind of video or document, else Modality (0008,0060), which is no patient data.
func (s *Server) iconLabel(ctx context.Context, e *store.Entry) (string, error) {
	if isVideo(e.TransferSyntax) {
		return "VIDEO", nil
	}
	for _, c := range classLabels {
		if e.Layout.Pixel == nil && strings.HasPrefix(string(e.SOPClass), c.prefix) {
			return c.label, nil
		}
	}
	ds, err := s.dataSet(ctx, e)
	if err != nil {
		return "", err
	}
	modality := strings.ToUpper(strings.TrimSpace(ds.String(dicom.Modality)))
	plain := strings.Trim(modality, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
	if modality == "" || len(modality) > maxLabel || !plain {
		return "DICOM", nil
	}
	return modality, nil
}
