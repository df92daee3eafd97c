package dicomweb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/store"
)

// superimposed are the frames that a blending presentation state lays over others, and which of them the state shows to whoever asks: they
// are found before any picture is, so that nobody gets one with images that he may not see.
type superimposed struct {
	frames []target
	tag    string // differs where the frames do
}

// mostSuperimposed is how many frames are looked at for the one that lies over an image.
const mostSuperimposed = 4000

// superimposed finds the frames that a presentation state lays over others, nil if it is none of blending (PS3.3 A.33.4). missing counts the
// images that are not here or cannot be decoded; 404 if that is all of them.
func (s *Server) superimposed(ctx context.Context, state *store.Entry, ds *dicom.DataSet) (over *superimposed, missing int, err error) {
	b, err := s.blending(ctx, state, ds)
	if b == nil || err != nil {
		return nil, 0, err
	}
	over = &superimposed{}
	digests := sha256.New()
	for _, ref := range b.Images {
		e, err := s.entry(ctx, dicom.Ref{Study: b.Study, Series: ref.Series, Instance: ref.Instance})
		var frames []target
		if err == nil {
			frames, err = targetsOf(e, ref.Frames)
		}
		var known *problem
		switch {
		case errors.Is(err, store.ErrNotFound) || errors.As(err, &known):
			missing++
			continue
		case err != nil:
			return nil, 0, err
		}
		if over.frames = append(over.frames, frames...); len(over.frames) > mostSuperimposed {
			return nil, 0, exceeds("presentation state", "presentation state %s superimposes more than %d frames", state.Ref.Instance, mostSuperimposed)
		}
		for _, t := range frames {
			io.WriteString(digests, t.described()+"\n")
		}
	}
	if len(over.frames) == 0 {
		return nil, 0, notFound("none of the %d images that presentation state %s superimposes can be rendered here", len(b.Images), state.Ref.Instance)
	}
	over.tag = hex.EncodeToString(digests.Sum(nil)[:16])
	return over, missing, nil
}

// noteOver notes, for the audit, the studies that are shown over the images of another one.
func noteOver(r *http.Request, targets ...target) {
	var looked *superimposed
	var others []dicom.UID
	for _, t := range targets {
		if t.over == nil || t.over == looked {
			continue
		}
		looked = t.over
		for _, o := range t.over.frames {
			if study := o.entry.Ref.Study; study != t.entry.Ref.Study && !slices.Contains(others, study) {
				others = append(others, study)
			}
		}
	}
	if x := exchangeOf(r); len(others) > 0 && len(x.subjects) == 0 {
		about(r, noted{Subject: pathSubject(x)})
	}
	for _, study := range others {
		aboutRef(r, dicom.Ref{Study: study})
	}
}

// blending is that of a presentation state, nil if it is of another kind.
func (s *Server) blending(ctx context.Context, state *store.Entry, ds *dicom.DataSet) (*render.Blending, error) {
	in, err := s.open(ctx, state)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b, err := render.ReadBlending(ds, lookupTables(in))
	if err != nil {
		return nil, damaged(state, 0, err)
	}
	return b, nil
}

// blend decodes the frame that a target has over it: the nearest of those that reach it, nil if there is none. The
// caller holds a token of pictures.decode.
func (s *Server) blend(ctx context.Context, t target, ds *dicom.DataSet) ([]render.Mark, error) {
	var nearest target
	var described *dicom.DataSet
	least, placed := math.Inf(1), false
	for _, o := range t.over.frames {
		other, err := s.dataSet(ctx, o.entry)
		if err != nil {
			return nil, err
		}
		distance, ok := render.Distance(ds, t.frame, other, o.frame)
		placed = placed || ok
		if ok && distance < least && distance <= max(render.Reach(ds, t.frame), render.Reach(other, o.frame)) {
			nearest, described, least = o, other, distance
		}
	}
	if !placed {
		return nil, damaged(t.state, 0, errors.New("none of what it superimposes lies parallel to the image in the same Frame of Reference"))
	}
	if described == nil {
		return nil, nil
	}
	state, err := s.dataSet(ctx, t.state)
	if err != nil {
		return nil, err
	}
	b, err := s.blending(ctx, t.state, state)
	if err != nil {
		return nil, err
	}
	in, err := s.open(ctx, nearest.entry)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	f, err := s.decodedOnce(ctx, in, described, nearest.frame)
	if err != nil {
		return nil, err
	}
	mark, err := b.Over(f.frame, described, nearest.frame, ds, t.frame)
	if err != nil {
		return nil, damaged(t.state, 0, err)
	}
	return []render.Mark{mark}, nil
}
