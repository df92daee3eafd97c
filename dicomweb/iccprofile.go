package dicomweb

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"image"
	"io"
	"net/http"
	"sync"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/render/icc"
	"github.com/noctis-dicom/noctis/store"
)

// profileSpaces are the color spaces that can be asked for by name (PS3.18 8.3.5.1.5).
var profileSpaces = map[string]*icc.Space{"srgb": icc.SRGB, "adobergb": icc.AdobeRGB, "rommrgb": icc.ROMMRGB}

// profileOf is the ICC profile of a frame's colors: that of its data set, or the one that its own compressed samples have in them; nil
// if there is neither (PS3.18 8.3.5.1.5).
func profileOf(in *store.Instance, ds *dicom.DataSet, frame int) ([]byte, error) {
	profile, err := render.ProfileOf(ds, frame, lookupTables(in))
	if err != nil || len(profile) > 0 || !in.Entry.Layout.Pixel.Encapsulated {
		return profile, err
	}
	encoded, err := in.Frame(frame)
	if err != nil {
		return nil, err
	}
	return render.ProfileIn(bufio.NewReader(io.NewSectionReader(encoded, 0, encoded.Size()))), nil
}

// stateProfile is the ICC profile of a presentation state, nil if it has none.
func stateProfile(in *store.Instance, ds *dicom.DataSet) ([]byte, error) {
	return render.ProfileOf(ds, 1, lookupTables(in))
}

// encodeBuffers are what pictures are encoded into, so that the one that is kept is as long as it must be.
var encodeBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// encodePicture writes the picture, with an ICC profile if one is to be in it. source is that of its colors; pictures without one are
// taken for sRGB.
func (o rendering) encodePicture(ctx context.Context, img image.Image, source []byte, mediaType string) ([]byte, error) {
	b := encodeBuffers.Get().(*bytes.Buffer)
	defer encodeBuffers.Put(b)
	b.Reset()
	if o.Profile == "" || mediaType == "image/gif" {
		err := encodeAs(ctx, b, img, mediaType, o.Quality, nil)
		return bytes.Clone(b.Bytes()), err
	}
	rgb := render.Colored(img)
	profile, err := o.inSpace(rgb, source, mediaType)
	if err != nil {
		return nil, err
	}
	if mediaType == mediaJP2 || mediaType == mediaJPH {
		err := encodeAs(ctx, b, rgb, mediaType, o.Quality, profile)
		return bytes.Clone(b.Bytes()), err
	}
	if err := encodeAs(ctx, b, rgb, mediaType, o.Quality, nil); err != nil {
		return nil, err
	}
	return render.WithProfile(b.Bytes(), profile)
}

// inSpace has the colors of the picture in the space that was asked for by name, and returns the profile that says what they are.
func (o rendering) inSpace(rgb *image.RGBA, source []byte, mediaType string) ([]byte, error) {
	colors := icc.Colors(icc.SRGB)
	if to := profileSpaces[o.Profile]; to != nil {
		if len(source) > 0 {
			var err error
			if colors, err = icc.Parse(source); err != nil {
				return nil, &problem{status: http.StatusNotAcceptable, detail: fmt.Sprintf(
					"the source has an ICC profile that cannot be converted from: %v; iccprofile=yes gives it as it is", err)}
			}
		}
		if colors != icc.Colors(to) {
			icc.Convert(rgb, colors, to)
		}
		return to.Profile(), nil
	}
	if len(source) == 0 {
		return icc.SRGB.Profile(), nil
	}
	if mediaType != "image/jpeg" && mediaType != "image/png" && !icc.Primaries(source) {
		return nil, &problem{status: http.StatusNotAcceptable, detail: fmt.Sprintf(
			"the ICC profile of the source is not of three primaries, as %s has to have it; image/png and image/jpeg take it, and iccprofile=srgb converts", mediaType)}
	}
	return source, nil
}
