// Package render turns samples into pictures as PS3.4 N.2 writes it and PS3.18 8.3.5 lets a client ask for it: pure functions.
package render

import (
	"errors"
	"image"
	"io"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

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
	Window    *Window   // nil: the data set's first VOI LUT or window, else an automatic one
	Viewport  *Viewport // nil: 1:1
	MaxPixels int       // most pixels of a picture; 0: 64 million
}

// Attributes are what rendering needs to know of a frame: functional groups are resolved (PS3.3 C.7.6.16).
type Attributes struct {
	Window *Window // the frame's first window
	// the owner of this package adds: modality LUT, VOI LUT, palette, presentation LUT shape, padding, aspect …
}

// Describe collects the attributes of a frame, counted from 1.
func Describe(ds *dicom.DataSet, frame int) (Attributes, error) {
	return Attributes{}, errors.New("not built yet")
}

// Render makes the picture: *image.Gray or *image.RGBA (opaque). It does not change f.
func Render(f *pixel.Frame, a Attributes, o Options) (image.Image, error) {
	return nil, errors.New("not built yet")
}

// Encode writes the picture as "image/jpeg" (baseline, 8 bit), "image/png" or "image/gif"; quality is 1 to 100, for JPEG.
func Encode(w io.Writer, img image.Image, mediaType string, quality int) error {
	return errors.New("not built yet")
}
