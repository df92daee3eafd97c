package dicomweb

import (
	"context"
	"strconv"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/store"
)

// How much of a series its automatic window is found by: frames, and pixels in all of them, but always two frames.
const (
	sampleFrames = 16
	samplePixels = 32 << 20
)

// sample is a few frames of a series: all its images without a window are shown by the one that is found in these. What is chosen depends
// on nothing but the series, so that two pictures of it agree; docs/adr/0019 says why it is a sample.
type sample struct {
	tag    string // another one for other frames
	most   int    // frames
	frames []sampledFrame
}

type sampledFrame struct {
	entry *store.Entry // without the layout
	frame int
}

// findSamples gives those targets that are shown by an automatic window the sample that it is found by. It reads no pixels.
func (s *Server) findSamples(ctx context.Context, targets []target, o rendering) error {
	if o.Window != nil || o.VOI != nil {
		return nil
	}
	var entry *store.Entry // the one of ds
	var ds *dicom.DataSet
	for i := range targets {
		t := &targets[i]
		if t.state != nil || t.other != nil {
			continue
		}
		if t.entry != entry {
			var err error
			if ds, err = s.dataSet(ctx, t.entry); err != nil {
				return err
			}
			entry = t.entry
		}
		if !render.Windowless(ds, t.frame) {
			continue
		}
		if i > 0 && targets[i-1].sample != nil && sameKind(targets[i-1].entry, entry) {
			t.sample = targets[i-1].sample
			continue
		}
		var err error
		if t.sample, err = s.sampleOf(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}

// sameKind reports whether two images are of one series and SOP class: a captured screen among the images of a series is none of them.
func sameKind(a, b *store.Entry) bool {
	return a.Ref.Study == b.Ref.Study && a.Ref.Series == b.Ref.Series && a.SOPClass == b.SOPClass
}

// sampleOf chooses the sample of the series of an image.
func (s *Server) sampleOf(ctx context.Context, e *store.Entry) (*sample, error) {
	series := e.Ref
	series.Instance = ""
	key := s.generationKey(ctx, series) + " " + string(e.SOPClass)
	if known, found := s.samples.get(key); found {
		return known, nil
	}
	stack, err := s.stack(ctx, e.Ref)
	if err != nil {
		return nil, err
	}
	var images []*store.Entry
	for _, other := range stack {
		if p := other.Layout.Pixel; p != nil && p.NumberOfFrames > 0 && sameKind(other, e) && codec.Supported(other.TransferSyntax) {
			images = append(images, other)
		}
	}
	if len(images) == 0 { // it is being deleted
		images = []*store.Entry{e}
	}
	ds, err := s.dataSet(ctx, images[0])
	if err != nil {
		return nil, err
	}
	chosen := choose(images, sampleSize(ds))
	s.samples.add(key, chosen, 200*int64(len(chosen.frames)))
	return chosen, nil
}

// sampleSize is how many frames as large as those of an image are looked at.
func sampleSize(ds *dicom.DataSet) int {
	d, err := pixel.Describe(ds)
	if err != nil {
		return sampleFrames
	}
	return min(max(samplePixels/max(d.Rows*d.Columns, 1), 2), sampleFrames)
}

// choose takes up to most frames of images, evenly spread over all of them: the first, the last, and between.
func choose(images []*store.Entry, most int) *sample {
	total := 0
	for _, e := range images {
		total += e.Layout.Pixel.NumberOfFrames
	}
	chosen := &sample{most: most}
	determinants := []string{"sample"}
	before, image := 0, 0 // frames of the images before this one
	for i := range min(most, total) {
		at := 0
		if i > 0 {
			at = i * (total - 1) / (min(most, total) - 1)
		}
		for at-before >= images[image].Layout.Pixel.NumberOfFrames {
			before += images[image].Layout.Pixel.NumberOfFrames
			image++
		}
		e := images[image]
		chosen.frames = append(chosen.frames, sampledFrame{e, at - before + 1})
		determinants = append(determinants, digest(e), strconv.Itoa(at-before+1))
	}
	chosen.tag = entityTag(determinants...)
	return chosen
}

// automatic is the range of the automatic window that the target is shown by, nil if it has one of its own. The caller holds a token of
// pictures.decode.
func (s *Server) automatic(ctx context.Context, t target) (*render.Range, error) {
	if t.sample == nil {
		return nil, nil
	}
	r, err := s.surveyed(ctx, t.sample)
	if r != nil || err != nil {
		return r, err
	}
	// All frames of the sample have windows of their own, or make no picture.
	return s.surveyed(ctx, choose([]*store.Entry{t.entry}, t.sample.most))
}

// surveyed is the range of the values of a sample, found once for all who want it; nil if there is none.
func (s *Server) surveyed(ctx context.Context, of *sample) (*render.Range, error) {
	r, _, err := s.windows.get(ctx, of.tag, func() (*render.Range, int64, error) {
		survey := render.Survey{Frames: len(of.frames)}
		for _, f := range of.frames {
			if err := s.survey(ctx, &survey, f); err != nil && ctx.Err() != nil {
				return nil, 0, ctx.Err()
			} // Any other error is told to who asks for that frame.
		}
		return survey.Range(), 16, nil
	})
	return r, err
}

// survey decodes a frame and adds it to those that have been looked at, unless it has a window of its own.
func (s *Server) survey(ctx context.Context, survey *render.Survey, of sampledFrame) error {
	ds, err := s.dataSet(ctx, of.entry)
	if err != nil || !render.Windowless(ds, of.frame) {
		return err
	}
	e, err := s.whole(ctx, of.entry)
	if err != nil {
		return err
	}
	in, err := s.open(ctx, e)
	if err != nil {
		return err
	}
	defer in.Close()
	f, err := s.decodedOnce(ctx, in, ds, of.frame)
	if err != nil {
		return err
	}
	a, err := render.DescribeWithBulk(ds, of.frame, lookupTables(in))
	if err == nil {
		survey.Add(f.frame, a)
	}
	return err
}
