// Package render turns samples into pictures as PS3.4 N.2 writes it and PS3.18 8.3.5 lets a client ask for it: pure functions.
//
// The files stand in the order of the pipeline: describe.go collects what the data set says of a frame (lut.go, palette.go and
// values.go read the tables and numbers), modality.go and voi.go are the two grayscale transformations, window.go finds a window
// where there is none, presentation.go composes all three into one table over the stored values, color.go does the same for
// pictures in color, cover.go draws overlays and shutters, viewport.go crops, flips and scales, and encode.go writes the file that
// the client gets. A presentation state changes the attributes (state.go), turns the picture (spatial.go), and draws its layers over
// it (layers.go, graphics.go, text.go).
package render

import (
	"errors"
	"fmt"
	"image"
	"image/draw"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// ErrOptions is the error, wrapped, of options that cannot be fulfilled: the request is at fault, not the image.
var ErrOptions = errors.New("rendering options")

// ErrTooLarge is the error, wrapped together with ErrOptions, of a picture of more pixels than it may have.
var ErrTooLarge = errors.New("too large")

// Function is a VOI LUT Function (PS3.3 C.11.2.1.2, C.11.2.1.3).
type Function int

// The functions in the spelling of PS3.18 8.3.5.1.4: linear, linear-exact, sigmoid.
const (
	Linear Function = iota
	LinearExact
	Sigmoid
)

// Window is a VOI transformation by center and width, in units of the Modality LUT's output.
type Window struct {
	Center, Width float64
	Function      Function
}

// Viewport is PS3.18 8.3.5.1.3: the picture is the source region, scaled to fit Width x Height, aspect kept.
type Viewport struct {
	Width, Height int      // pixels, positive
	SX, SY        float64  // source region's corner; default 0, 0
	SW, SH        *float64 // source region's size, negative: flipped; nil: to the image's edge
}

// Options are what the client asked for.
type Options struct {
	Window    *Window   // nil: the VOI that is chosen, else the data set's first, else an automatic one; ignored for color
	VOI       *Choice   // one of the data set's views; Window wins over it; ignored for color
	Automatic *Range    // values that the automatic window shows, as a Survey finds them for several frames; nil: those of this frame
	Overlays  bool      // draw the overlays of the data set; no picture of the image alone has them (PS3.4 N.2)
	Deep      bool      // gray levels of 16 bits; color has 8 anyway
	Marks     []Mark    // drawn over the image, in color
	Viewport  *Viewport // nil: 1:1
	MaxPixels int       // most pixels of a picture; 0: 64 million

	Ended func() error // asked before each shape and text of a presentation state: an error ends the picture, and is returned; nil: it goes on
}

const defaultMaxPixels = 64 << 20

// Render makes the picture: *image.Gray, *image.RGBA (opaque), or *image.Gray16 if it is to be deep. It does not change f. An error wraps ErrOptions where the
// options are at fault; else it says what of the image cannot be shown.
//
// Where neither the options nor the attributes have a usable window, an automatic one is used: from the lowest to the highest
// sample of the frame, or of those that a Survey has seen, padding left out; and if the samples spread over more than 256 levels, from the half percent that is
// darkest to the half percent that is brightest, so that a few stray pixels do not make the rest gray. A frame of one value is
// black if that is zero, else middle gray; in an image of up to 8 bits it is as bright as the value is in their range. Of a 1-bit
// image 0 is black and 1 is white.
func Render(f *pixel.Frame, a Attributes, o Options) (image.Image, error) {
	crop, err := a.checked(f.Description, o)
	if err != nil {
		return nil, err
	}
	if a.plainGray(f.Description, o) {
		gray, err := grayscale(f, a, o)
		if err != nil {
			return nil, err
		}
		return renderPlaced(f, gray, crop), nil
	}
	img, err := paintFrame(f, a, o)
	if err != nil {
		return nil, err
	}
	if len(o.Marks) > 0 {
		img = marked(img, o.Marks)
	}
	a.cover(img, o.Overlays)
	if a.State == nil {
		picture := crop.place(img)
		if picture != img {
			Recycle(img)
		}
		return picture, nil
	}
	picture := crop.place(a.State.turn(img))
	return picture, a.State.draw(picture, canvas{a.State, crop, f.Columns, f.Rows}, o.Ended)
}

// checked works out the picture's place in the image, of options that can be fulfilled.
func (a Attributes) checked(d pixel.Description, o Options) (placement, error) {
	if o.Window != nil && !o.Window.valid() {
		return placement{}, fmt.Errorf("%w: window center %g, width %g", ErrOptions, o.Window.Center, o.Window.Width)
	}
	columns, rows := a.Size(d.Columns, d.Rows)
	limit := o.MaxPixels
	if limit <= 0 {
		limit = defaultMaxPixels
	}
	return a.plan(columns, rows, o.Viewport, limit)
}

// newGray and newRGBA are pictures whose pixels are all to be written.
func newGray(columns, rows int) *image.Gray {
	return &image.Gray{Pix: pixel.Buffer(columns * rows), Stride: columns, Rect: image.Rect(0, 0, columns, rows)}
}

func newRGBA(columns, rows int) *image.RGBA {
	return &image.RGBA{Pix: pixel.Buffer(4 * columns * rows), Stride: 4 * columns, Rect: image.Rect(0, 0, columns, rows)}
}

// Recycle has the memory of a picture used for another; nobody may use this one afterwards.
func Recycle(img image.Image) {
	switch img := img.(type) {
	case *image.Gray:
		pixel.Recycle(img.Pix)
	case *image.RGBA:
		pixel.Recycle(img.Pix)
	}
}

// plainGray reports whether the picture is of gray levels, and nothing comes between them and the viewport.
func (a Attributes) plainGray(d pixel.Description, o Options) bool {
	return d.Samples == 1 && d.Photometric != "PALETTE COLOR" && a.Palette == nil && a.State == nil && a.Shutter == nil &&
		!o.Deep && len(o.Marks) == 0 && (!o.Overlays || len(a.Overlays) == 0)
}

// paintFrame makes the picture of the whole image, in its own pixels: of gray levels; or of color, if it is one of color, or
// has a palette, or if a presentation state draws in color.
func paintFrame(f *pixel.Frame, a Attributes, o Options) (draw.Image, error) {
	if f.Samples != 1 || f.Photometric == "PALETTE COLOR" {
		return renderColor(f, a)
	}
	gray, err := grayscale(f, a, o)
	switch {
	case err != nil:
		return nil, err
	case a.State != nil && a.State.Pseudo != nil:
		return renderPseudo(f, a.State.Pseudo, gray), nil
	case a.Palette != nil: // whose colors no presentation state of gray levels changes (PS3.4 N.2)
		return renderSupplemented(f, a.Palette, gray), nil
	case a.State != nil && a.State.colorful(a.Overlays):
		return Colored(renderGray(f, gray)), nil
	case o.Deep && len(o.Marks) == 0:
		return renderDeep(f, gray), nil
	}
	return renderGray(f, gray), nil
}
