package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/store"
)

// animated is how several pictures are one: a GIF that plays them (PS3.18 Table 8.7.4-1).
var animated = offer{mediaType: "image/gif"}

// What an animation may have. It is made and sent picture by picture, so these bound work and length, not memory.
const (
	maxAnimationFrames = 5000
	maxAnimationPixels = 1 << 30
)

// sendAnimation sends pictures as one GIF that plays them for ever, frames of an image as long as its cine attributes say. The first
// picture that can be made decides the size, into which images of other sizes are fitted. One that cannot be made is left out, and a
// comment in the file names it.
func (s *Server) sendAnimation(w http.ResponseWriter, r *http.Request, status int, targets []target, o rendering) error {
	noteOver(r, targets...)
	if len(targets) > maxAnimationFrames {
		return overlong(fmt.Sprintf("%d pictures, more than %d", len(targets), maxAnimationFrames))
	}
	if err := s.findSamples(r.Context(), targets, o); err != nil {
		return err
	}
	base := s.baseURL(r)
	described := []string{"animation", o.canonical(animated.mediaType), base}
	for _, t := range targets {
		described = append(described, t.described())
	}
	etag := entityTag(described...)
	for _, text := range o.Warnings {
		warn(w.Header(), base, text)
	}
	if done, err := answered(w, r, etag, modified(targets), byAccept); done {
		return err
	}
	p := player{server: s, targets: targets, rendering: o, size: map[*store.Entry]bool{targets[0].entry: true}}
	if err := p.begin(r.Context()); err != nil {
		return err
	}
	w.Header().Set("Content-Type", animated.mediaType)
	w.Header().Set("Content-Location", base+targets[0].entry.Ref.Path())
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	return p.play(r.Context(), w)
}

func overlong(what string) error {
	return exceeds("animation", "an animation of %s; fewer frames or a smaller viewport can be asked for, or multipart/related", what)
}

// player makes the pictures of an animation, in order.
type player struct {
	server    *Server
	targets   []target
	rendering rendering
	size      map[*store.Entry]bool // images whose pictures are made in the size that was asked for
	first     []byte                // the picture of the first target that can be made, kept until it is played
	left      []string              // what of those before it cannot be made
	fitted    rendering             // for images other than the first
}

// begin makes the first picture, so that its error is still a status.
func (p *player) begin(ctx context.Context) (err error) {
	for {
		t := p.targets[0]
		p.first, err = p.server.picture(ctx, t, animated.mediaType, p.rendering)
		if err == nil || len(p.targets) == 1 || !isOfFrame(err) {
			break
		}
		p.left = append(p.left, t.unplayable(err))
		p.targets = p.targets[1:]
		p.size = map[*store.Entry]bool{p.targets[0].entry: true}
	}
	if err != nil {
		return err
	}
	width, height, err := render.GIFSize(p.first)
	if err != nil {
		return err
	}
	if len(p.targets)*width*height > maxAnimationPixels {
		return overlong(fmt.Sprintf("%d pictures of %d x %d", len(p.targets), width, height))
	}
	p.fitted = p.rendering
	fitted := render.Viewport{Width: width, Height: height}
	if v := p.rendering.Viewport; v != nil {
		fitted.SX, fitted.SY, fitted.SW, fitted.SH = v.SX, v.SY, v.SW, v.SH
	}
	p.fitted.Viewport = &fitted
	return nil
}

// play writes the animation.
func (p *player) play(ctx context.Context, w io.Writer) error {
	a := render.NewAnimation(w)
	if err := p.add(ctx, a, 0, p.first); err != nil {
		return err
	}
	p.first = nil
	for _, text := range p.left {
		if err := a.Comment(text); err != nil {
			return err
		}
	}
	for i := 1; i < len(p.targets); i++ {
		if err := p.next(ctx, a, i, true); err != nil {
			return err
		}
	}
	cine, err := p.cine(ctx, p.targets[0])
	if err != nil {
		return err
	}
	for i := len(p.targets) - 2; cine.Sweep && i > 0; i-- {
		if err := p.next(ctx, a, i, false); err != nil {
			return err
		}
	}
	return a.Close()
}

// next makes and adds a picture, or says in a comment why there is none.
func (p *player) next(ctx context.Context, a *render.Animation, i int, comments bool) error {
	t := p.targets[i]
	o := p.fitted
	if p.size[t.entry] {
		o = p.rendering
	}
	picture, err := p.server.picture(ctx, t, animated.mediaType, o)
	switch {
	case err == nil:
		return p.add(ctx, a, i, picture)
	case !isOfFrame(err):
		return err
	case comments:
		return a.Comment(t.unplayable(err))
	}
	return nil
}

func (p *player) add(ctx context.Context, a *render.Animation, i int, picture []byte) error {
	cine, err := p.cine(ctx, p.targets[i])
	if err != nil {
		return err
	}
	return a.Add(picture, cine.Shown(p.targets[i].frame))
}

// cine is how the image of a target is played.
func (p *player) cine(ctx context.Context, t target) (render.Cine, error) {
	ds, err := p.server.dataSet(ctx, t.entry)
	if err != nil {
		return render.Cine{}, err
	}
	return render.DescribeCine(ds), nil
}

// isOfFrame tells an error of one frame, which is a problem with a detail, from one that ends the request.
func isOfFrame(err error) bool {
	var known *problem
	return errors.As(err, &known)
}

// unplayable says which picture is not there.
func (t target) unplayable(err error) string {
	return fmt.Sprintf("left out: %s", problemOf(err).detail)
}

// sequences reports whether the pictures of the targets are asked for as one.
func sequences(targets []target, chosen offer) bool {
	return len(targets) > 1 && chosen == animated
}
