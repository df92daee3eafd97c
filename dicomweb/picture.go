package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/internal/giveway"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/store"
)

// dataSetCache is the most memory of data sets that are kept for the next frame.
const dataSetCache = 4 * store.ParsedCost << 20

// What can go wrong with a picture, and what the client is told (PS3.18 8.5):
//
//	406  the instance has no pixel data, or in a transfer syntax for which there is no decoder, or its pixels are not what its
//	     attributes say: there is no representation in any of the rendered media types, while the file is there as it was stored.
//	     The server has not failed, and asking again would not help, so it is no 5xx
//	404  there is no such frame
//	400  the source region lies outside of the image, or the picture would be too large
//	413  the image has more pixels than are decoded here, or than a picture may have
//	500  the file is missing or cannot be read: the operator has to know
//
// The detail names instance, frame, transfer syntax and cause.

// picture is one frame as an encoded picture, kept for the next who asks.
func (s *Server) picture(ctx context.Context, t target, mediaType string, o rendering) ([]byte, error) {
	o.State = t.state
	frame := frameKey(t.entry, t.frame)
	key := frame + "/" + o.canonical(mediaType)
	if t.over != nil {
		key += "/" + t.over.tag
	}
	if t.sample != nil {
		key += "/" + t.sample.tag
	}
	picture, err := s.pictures.picture(ctx, frame, key, func(ctx context.Context) ([]byte, error) {
		return s.draw(ctx, t, mediaType, o)
	})
	if err == nil {
		s.readAhead(t.entry, t.frame)
	}
	return picture, err
}

// draw reads, decodes, renders and encodes one frame.
func (s *Server) draw(ctx context.Context, t target, mediaType string, o rendering) ([]byte, error) {
	e, frame := t.entry, t.frame
	in, err := s.open(ctx, e)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	ds, err := s.dataSet(ctx, in.Entry)
	if err != nil {
		return nil, err
	}
	d, err := s.describe(in, ds, frame)
	if err != nil {
		return nil, err
	}
	attributes, profile, err := s.attributes(ctx, in, ds, d, frame, &o)
	if err != nil {
		return nil, err
	}
	marks, err := s.marks(ctx, o, ds, frame, d)
	if err != nil {
		return nil, err
	}
	if t.over != nil {
		if marks, err = s.blend(ctx, t, ds); err != nil {
			return nil, err
		}
	}
	automatic, err := s.automatic(ctx, t)
	if err != nil {
		return nil, err
	}
	viewport := o.viewport(attributes.Size(d.Columns, d.Rows))
	img, err := s.render(ctx, in, ds, frame, d, attributes, render.Options{
		Window: o.Window, VOI: o.VOI, Automatic: automatic, Overlays: o.Overlays, Deep: o.Deep, Marks: marks, Viewport: viewport,
		Ended: ctx.Err})
	if err != nil {
		return nil, err
	}
	if o.Patient || o.Technique {
		text := render.Annotate(ds, frame, o.Patient, o.Technique)
		if o.Technique {
			text.Technique = append(text.Technique, render.Legends(marks)...)
		}
		if err := text.Draw(img); err != nil {
			return nil, err
		}
	}
	picture, err := o.encodePicture(ctx, img, profile, mediaType)
	render.Recycle(img)
	return picture, err
}

// attributes collects what rendering needs to know of a frame, by the presentation state if there is one, and the ICC
// profile of its colors. A state's profile is in the picture without being asked for (PS3.18 8.3.5.1.6).
func (s *Server) attributes(ctx context.Context, in *store.Instance, ds *dicom.DataSet, d pixel.Description, frame int, o *rendering) (
	a render.Attributes, profile []byte, err error) {
	if a, err = render.DescribeWithBulk(ds, frame, lookupTables(in)); err != nil {
		return a, nil, damaged(in.Entry, frame, err)
	}
	if (o.Overlays || o.State != nil) && a.HasEmbedded() {
		whole, err := s.wholeSamples(ctx, in, d, frame)
		if err != nil {
			return a, nil, err
		}
		a = a.Embed(whole)
	}
	if o.State != nil {
		if a, profile, err = s.present(ctx, a, o.State, in.Entry.Ref.Instance, frame); err != nil {
			return a, nil, err
		}
		if len(profile) > 0 && o.Profile == "" && !o.NoProfile {
			o.Profile = "yes"
		}
	}
	if o.Profile != "" && len(profile) == 0 && (d.Samples == 3 || a.Palette != nil) {
		if profile, err = profileOf(in, ds, frame); err != nil {
			return a, nil, damaged(in.Entry, frame, err)
		}
	}
	return a, profile, nil
}

// maxLookupTable is longer than any lookup table or plane of an overlay can sensibly be: 65536 entries of 16 bits take 128 KiB of
// it, a plane of 8192 x 8192 pixels half of it.
const maxLookupTable = 16 << 20

// lookupTables reads those lookup tables of an instance that its data set only names.
func lookupTables(in *store.Instance) render.Bulk {
	return func(uri string) ([]byte, error) {
		r, _, err := in.Bulk(strings.TrimPrefix(uri, "bulkdata/"))
		if err != nil {
			return nil, err
		}
		if r.Size() > maxLookupTable {
			return nil, fmt.Errorf("a lookup table or overlay of %d bytes", r.Size())
		}
		b := make([]byte, r.Size())
		_, err = io.ReadFull(r, b)
		return b, err
	}
}

// decoded is a decoded frame, and what the data set says of the stored one.
type decoded struct {
	frame  *pixel.Frame
	stored pixel.Description
}

// render makes the picture of a frame. One that is hardly more work to decode than to read is read in strips, or into memory that the next
// picture uses again; others come by way of the cache. The caller holds a token of pictures.decode.
func (s *Server) render(ctx context.Context, in *store.Instance, ds *dicom.DataSet, n int, d pixel.Description, a render.Attributes,
	o render.Options) (image.Image, error) {
	if codec.IsPlain(in.Entry.TransferSyntax) && render.ByStrips(d, a, o) {
		samples, err := in.Frame(n)
		if err != nil {
			return nil, err
		}
		if length := d.Values() * d.BitsAllocated / 8; samples.Size() >= int64(length) {
			buffer := pixel.Buffer(min(length, max(stripBytes, length/d.Rows*stripRows)))
			defer pixel.Recycle(buffer)
			img, err := render.RenderStrips(d, stripsOf(ctx, samples, in.Entry.TransferSyntax, d, buffer), a, o)
			return img, unshown(ctx, in.Entry, n, o, err)
		}
	}
	if a.State != nil && a.State.Mask != nil {
		f, a, err := a.State.Mask.Subtract(a, n, d.Frames, func(n int) (*pixel.Frame, error) {
			f, err := s.decodedOnce(ctx, in, ds, n)
			return f.frame, err
		})
		if err != nil {
			return nil, unshown(ctx, in.Entry, n, o, err)
		}
		img, err := render.Render(f, a, o)
		return img, unshown(ctx, in.Entry, n, o, err)
	}
	f, release, err := s.frameToDraw(ctx, in, ds, n)
	if err != nil {
		return nil, err
	}
	defer release()
	img, err := render.Render(f.frame, a, o)
	return img, unshown(ctx, in.Entry, n, o, err)
}

// unshown is what a client is told of an error of rendering.
func unshown(ctx context.Context, e *store.Entry, frame int, o render.Options, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, render.ErrTooLarge) && o.Viewport == nil:
		return exceeds("picture", "frame %d of instance %s: %v; a viewport makes it smaller", frame, e.Ref.Instance, err)
	case errors.Is(err, render.ErrOptions):
		return badRequest("frame %d of instance %s: %v (PS3.18 8.3.5.1)", frame, e.Ref.Instance, err)
	}
	return damaged(e, frame, err)
}

// frameToDraw is a frame for one picture, which calls release when it is made.
func (s *Server) frameToDraw(ctx context.Context, in *store.Instance, ds *dicom.DataSet, n int) (f decoded, release func(), err error) {
	if codec.IsPlain(in.Entry.TransferSyntax) {
		f, data, err := s.decodeBy(ctx, codec.DecodeInPlace, in, ds, n)
		return f, func() { pixel.Recycle(data) }, err
	}
	f, err = s.decodedOnce(ctx, in, ds, n)
	return f, func() {}, err
}

// What of a frame is read at a time: little enough for the cache of a processor, and as many rows as are looked at together.
const (
	stripBytes = 512 << 10
	stripRows  = 4
)

// stripsOf reads native samples, as many rows as there is room for in the buffer.
func stripsOf(ctx context.Context, samples io.ReaderAt, ts dicom.UID, d pixel.Description, buffer []byte) render.Strips {
	row := d.Columns * d.BitsAllocated / 8
	if d.HighBit == d.BitsStored-1 { // so that nobody looks into the bits above, as RenderStrips allows
		d.BitsStored, d.HighBit = d.BitsAllocated, d.BitsAllocated-1
	}
	return func(y, _ int) (*pixel.Frame, error) {
		part := d
		part.Rows = min(len(buffer)/row, d.Rows-y)
		data := buffer[:part.Rows*row]
		if n, err := samples.ReadAt(data, int64(y)*int64(row)); n < len(data) {
			return nil, &fs.PathError{Op: "read", Path: "samples", Err: err} // which damaged knows: it is not the file's contents
		}
		return codec.DecodeInPlace(ctx, ts, part, data)
	}
}

// decodeFrame reads and decodes a frame. The caller holds a token of pictures.decode.
func (s *Server) decodeFrame(ctx context.Context, in *store.Instance, ds *dicom.DataSet, n int) (decoded, error) {
	f, data, err := s.decodeBy(ctx, codec.Decode, in, ds, n)
	pixel.Recycle(data)
	return f, err
}

// describe says what the samples of a frame are, if it is not too large.
func (s *Server) describe(in *store.Instance, ds *dicom.DataSet, n int) (pixel.Description, error) {
	d, err := pixel.Describe(ds)
	if err != nil {
		return d, damaged(in.Entry, n, err)
	}
	if int64(d.Rows)*int64(d.Columns)*int64(d.Samples) > s.options.MaxFramePixels {
		return d, exceeds("frame", "frame %d of instance %s has %d x %d pixels of %d samples, more than the %d that are decoded here",
			n, in.Entry.Ref.Instance, d.Columns, d.Rows, d.Samples, s.options.MaxFramePixels)
	}
	return d, nil
}

// decodeFunc is codec.Decode, or codec.DecodeInPlace.
type decodeFunc func(ctx context.Context, ts dicom.UID, d pixel.Description, data []byte) (*pixel.Frame, error)

// decodeBy reads a frame and has it decoded. data is what was read, in a buffer of pixel.Buffer; nil after an error.
func (s *Server) decodeBy(ctx context.Context, decode decodeFunc, in *store.Instance, ds *dicom.DataSet, n int) (f decoded, data []byte, err error) {
	d, err := s.describe(in, ds, n)
	if err != nil {
		return decoded{}, nil, err
	}
	encoded, err := in.Frame(n)
	if err != nil {
		return decoded{}, nil, err
	}
	if most := encodedLimit(d); encoded.Size() > most {
		return decoded{}, nil, damaged(in.Entry, n, fmt.Errorf("%d bytes of encoded pixels where at most %d are believable", encoded.Size(), most))
	}
	data = pixel.Buffer(int(encoded.Size()))
	if _, err := io.ReadFull(encoded, data); err != nil {
		return decoded{}, nil, err
	}
	limited, cancel := context.WithTimeout(ctx, s.options.MaxDecodeTime)
	defer cancel()
	frame, err := decode(giveway.Context(limited), in.Entry.TransferSyntax, d, data)
	switch {
	case errors.Is(err, codec.ErrUnsupported):
		return decoded{}, nil, &problem{status: http.StatusNotAcceptable, err: err, detail: fmt.Sprintf(
			"frame %d of instance %s, %s, cannot be decoded here: %v",
			n, in.Entry.Ref.Instance, syntaxName(in.Entry.TransferSyntax), err)}
	case err != nil && ctx.Err() != nil:
		return decoded{}, nil, ctx.Err()
	case err != nil && limited.Err() != nil:
		return decoded{}, nil, &problem{status: http.StatusServiceUnavailable, err: err, limit: "decode-time", retryAfter: time.Minute, detail: fmt.Sprintf(
			"frame %d of instance %s, %s, could not be decoded within %v", n, in.Entry.Ref.Instance, syntaxName(in.Entry.TransferSyntax), s.options.MaxDecodeTime)}
	case err != nil:
		return decoded{}, nil, damaged(in.Entry, n, err)
	}
	return decoded{frame, d}, data, nil
}

// wholeSamples decodes a frame with all its allocated bits, those above the stored ones too. Only native and RLE samples have such
// bits; of others the frame is one without any.
func (s *Server) wholeSamples(ctx context.Context, in *store.Instance, d pixel.Description, n int) (*pixel.Frame, error) {
	if in.Entry.Layout.Pixel.Encapsulated && in.Entry.TransferSyntax != dicom.RLELossless {
		return &pixel.Frame{Description: d}, nil
	}
	d.BitsStored, d.HighBit, d.Signed = d.BitsAllocated, d.BitsAllocated-1, false
	encoded, err := in.Frame(n)
	if err != nil {
		return nil, err
	}
	data := make([]byte, min(encoded.Size(), encodedLimit(d)))
	if _, err := io.ReadFull(encoded, data); err != nil {
		return nil, err
	}
	whole, err := codec.Decode(ctx, in.Entry.TransferSyntax, d, data)
	if err != nil {
		return nil, damaged(in.Entry, n, err)
	}
	return whole, nil
}

// encodedLimit is the most bytes that an encoded frame can sensibly have: twice its samples, and room for headers. It bounds the
// memory of frames whose fragments are longer than what they encode.
func encodedLimit(d pixel.Description) int64 {
	bits := int64(d.Rows) * int64(d.Columns) * int64(d.Samples) * int64(max(d.BitsAllocated, 8))
	return bits/8*2 + 1<<20
}

// damaged is the problem of a frame whose bytes or attributes make no picture; or, without a frame, of a presentation state. That
// the file cannot be read is not the file's fault, and stays an error of the server.
func damaged(e *store.Entry, frame int, err error) error {
	var known *problem
	var unread *fs.PathError
	if errors.As(err, &known) || errors.As(err, &unread) {
		return err
	}
	what := fmt.Sprintf("frame %d of instance %s (%s) makes no picture", frame, e.Ref.Instance, e.TransferSyntax)
	if frame == 0 {
		what = fmt.Sprintf("presentation state %s cannot be applied", e.Ref.Instance)
	}
	return &problem{status: http.StatusNotAcceptable, detail: fmt.Sprintf("%s: %v", what, err)}
}

// viewport is what is asked of an image of this size: the viewport as it is, or the one that a normalized region means.
func (o rendering) viewport(columns, rows int) *render.Viewport {
	if o.Region == nil {
		return o.Viewport
	}
	left, width := span(o.Region.xmin, o.Region.xmax, columns)
	top, height := span(o.Region.ymin, o.Region.ymax, rows)
	v := render.Viewport{Width: int(width), Height: int(height), SX: left, SY: top, SW: &width, SH: &height}
	if o.Viewport != nil {
		v.Width, v.Height = o.Viewport.Width, o.Viewport.Height
	}
	return &v
}

// span turns a normalized interval into whole pixels, at least one.
func span(low, high float64, size int) (from, length float64) {
	from = math.Min(math.Round(low*float64(size)), float64(size-1))
	return from, math.Max(1, math.Round(high*float64(size))-from)
}
