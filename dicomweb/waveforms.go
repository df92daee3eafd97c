package dicomweb

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/render/waveform"
	"github.com/noctis-dicom/noctis/store"
)

// mediaSVG is the media type of drawings.
const mediaSVG = "image/svg+xml"

// waveformTypes are the rendered media types of a waveform, the default first. PS3.18 Table 8.7.4-1 has none of them, and 8.7.4 allows
// others.
var waveformTypes = []offer{{mediaType: mediaSVG}, {mediaType: "image/png"}, {mediaType: "image/jpeg"}}

// waveformRendition is a waveform drawn on paper; nil if the instance is none.
func (s *Server) waveformRendition(e *store.Entry, ds *dicom.DataSet) *rendition {
	if len(ds.Items(dicom.WaveformSequence)) == 0 {
		return nil
	}
	return &rendition{offers: waveformTypes, guard: guardReport, make: func(o rendering, _, mediaType string) (made, error) {
		if v := o.Viewport; v != nil && (v.SX != 0 || v.SY != 0 || v.SW != nil || v.SH != nil) || o.Region != nil {
			return made{}, badRequest("a waveform is drawn as a whole: no part of the picture can be asked for; start and duration choose a part of the time")
		}
		tag := fmt.Sprintf("%s;%v", o.canonical(mediaType), o.Paper)
		return made{tag: tag, open: func(ctx context.Context) (content, error) {
			key := fmt.Sprintf("%s/waveform/%s", hex.EncodeToString(e.Blob[:]), tag)
			picture, err := s.pictures.picture(ctx, "", key, func(ctx context.Context) ([]byte, error) {
				return s.drawWaveform(ctx, e, ds, mediaType, o)
			})
			return contentOf(picture), err
		}}, nil
	}}
}

// drawWaveform draws and encodes the waveform. Who the patient is stands above it only if that is asked for (PS3.18 8.3.5.1.1).
func (s *Server) drawWaveform(ctx context.Context, e *store.Entry, ds *dicom.DataSet, mediaType string, o rendering) ([]byte, error) {
	in, err := s.open(ctx, e)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	recording, ok := waveform.Read(ds, func(path string) (io.ReaderAt, int64, error) {
		value, _, err := in.Bulk(path)
		if err != nil {
			return nil, 0, err
		}
		return value, value.Size(), nil
	})
	if !ok {
		return nil, notFound("instance %s has no waveform", e.Ref.Instance)
	}
	written := render.Annotate(ds, 1, o.Patient, o.Technique)
	o.Paper.Header = slices.Concat(written.Patient, written.Technique)
	drawing, err := waveform.Draw(recording, o.Paper)
	if err != nil {
		return nil, undrawn(e, err)
	}
	var b bytes.Buffer
	if mediaType == mediaSVG {
		err := drawing.SVG(&b)
		return b.Bytes(), err
	}
	scale := float64(waveform.DefaultScale)
	if v := o.Viewport; v != nil {
		scale = min(float64(v.Width)/drawing.Width, float64(v.Height)/drawing.Height)
	}
	img, err := drawing.Image(scale)
	if err != nil {
		return nil, undrawn(e, err)
	}
	err = encodeAs(ctx, &b, img, mediaType, o.Quality, nil)
	return b.Bytes(), err
}

// undrawn is the problem of a waveform that cannot be drawn: the request's, or the file's, of which there is no such representation then.
func undrawn(e *store.Entry, err error) error {
	status := http.StatusNotAcceptable
	if errors.Is(err, waveform.ErrOptions) {
		status = http.StatusBadRequest
	}
	return &problem{status: status, detail: fmt.Sprintf("the waveform of instance %s cannot be drawn: %v", e.Ref.Instance, err)}
}
