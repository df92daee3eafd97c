package dicomweb

import (
	"bytes"
	"context"
	"image"
	"net/http"
	"sync"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/store"
)

// profileOf is the ICC Profile (0028,2000) of a data set, nil if it has none.
func profileOf(in *store.Instance, ds *dicom.DataSet) ([]byte, error) {
	e, _ := ds.Get(dicom.ICCProfile)
	switch v := e.Value.(type) {
	case dicom.Bytes:
		return v, nil
	case dicom.Bulk:
		return lookupTables(in)(v.URI)
	}
	return nil, nil
}

// encodeBuffers are what pictures are encoded into, so that the one that is kept is as long as it must be.
var encodeBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// encodePicture writes the picture, with an ICC profile if one is to be in it: that of its source, else sRGB, which is what pictures
// without one are taken for (PS3.18 8.3.5.1.5). Colors of another space are not converted: a source with another profile has no
// representation in sRGB here.
func (o rendering) encodePicture(ctx context.Context, img image.Image, profile []byte, mediaType string) ([]byte, error) {
	b := encodeBuffers.Get().(*bytes.Buffer)
	defer encodeBuffers.Put(b)
	b.Reset()
	if o.Profile == "" || mediaType != "image/jpeg" && mediaType != "image/png" {
		err := encodeAs(ctx, b, img, mediaType, o.Quality)
		return bytes.Clone(b.Bytes()), err
	}
	switch {
	case len(profile) == 0:
		profile = render.SRGB()
	case o.Profile == "srgb" && !bytes.Contains(profile, []byte("sRGB")):
		return nil, &problem{status: http.StatusNotAcceptable, detail: "the source has an ICC profile of its own, and is not converted to sRGB here; iccprofile=yes gives it as it is"}
	}
	if err := encodeAs(ctx, b, render.Colored(img), mediaType, o.Quality); err != nil {
		return nil, err
	}
	return render.WithProfile(b.Bytes(), profile)
}
