package dicomweb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/store"
)

// sendPictures sends pictures as the parts of a multipart response. Frames that make no picture have no part: the answer is 206
// then, and a warning names each and says why (PS3.18 Table 10.4.3-1).
func (s *Server) sendPictures(w http.ResponseWriter, r *http.Request, status int, targets []target, chosen offer, o rendering) error {
	noteOver(r, targets...)
	base := s.baseURL(r)
	if err := s.findSamples(r.Context(), targets, o); err != nil {
		return err
	}
	entries := make([]*store.Entry, 0, len(targets))
	described := []string{"pictures", o.canonical(chosen.mediaType), base}
	for i, t := range targets {
		if i == 0 || t.entry != targets[i-1].entry {
			entries = append(entries, t.entry)
		}
		described = append(described, t.described())
	}
	etag := entityTag(described...)
	for _, text := range o.Warnings {
		warn(w.Header(), base, text)
	}
	if done, err := answered(w, r, etag, modified(targets), byCharset); done {
		return err
	}
	if err := s.checkOpenable(r.Context(), entries); err != nil {
		return err
	}
	parts, failed, err := s.pictureParts(r.Context(), targets, chosen, o, base)
	if err != nil {
		return err
	}
	for i, text := range failed {
		status = http.StatusPartialContent
		if i == maxFailures {
			warn(w.Header(), base, fmt.Sprintf("%d more frames make no picture", len(failed)-i))
			break
		}
		warn(w.Header(), base, text)
	}
	rootType, _, _ := strings.Cut(parts[0].contentType, ";")
	return sendParts(w, r, status, rootType, etag, parts)
}

// lookAhead is how many bytes of pictures are made before the status is sent, which says whether all of them are there. Of what
// comes later, a frame that makes no picture has a part that says so instead.
const lookAhead = 8 << 20

// maxFailures is how many frames are named in warnings, so that a header does not grow beyond what clients take.
const maxFailures = 10

// pictureParts are the parts of the frames, and what is wrong with those that make no picture. If that is all of them, the first
// one's is the error.
func (s *Server) pictureParts(ctx context.Context, targets []target, chosen offer, o rendering, base string) (parts []part, failed []string, err error) {
	var first error
	room := lookAhead
	for _, t := range targets {
		if t.other != nil {
			parts = append(parts, t.other.part(base, t.entry, t.other.chosen))
			continue
		}
		made := content{}
		length := int64(-1)
		if room > 0 {
			picture, err := s.picture(ctx, t, chosen.mediaType, o)
			var known *problem
			if errors.As(err, &known) && known.status < http.StatusInternalServerError {
				if failed = append(failed, known.detail); first == nil {
					first = err
				}
				continue
			}
			if err != nil {
				return nil, nil, err
			}
			room -= len(picture)
			made, length = contentOf(picture), int64(len(picture))
		}
		parts = append(parts, part{
			partHeader: partHeader{contentType: chosen.contentType(), location: t.location(base), length: length},
			open: func(ctx context.Context) (content, error) {
				if made.SectionReader != nil {
					return made, nil
				}
				return s.latePicture(ctx, t, chosen, o)
			},
		})
	}
	if len(parts) == 0 {
		return nil, nil, first
	}
	return slices.Clip(parts), failed, nil
}

// latePicture is the body of a part whose turn comes after the status was sent: the picture, or a problem document.
func (s *Server) latePicture(ctx context.Context, t target, chosen offer, o rendering) (content, error) {
	picture, err := s.picture(ctx, t, chosen.mediaType, o)
	var known *problem
	if !errors.As(err, &known) || known.status >= http.StatusInternalServerError {
		return contentOf(picture), err
	}
	document, err := json.Marshal(map[string]any{
		"title": http.StatusText(known.status), "status": known.status, "detail": known.detail})
	c := contentOf(document)
	c.contentType = "application/problem+json"
	return c, err
}
