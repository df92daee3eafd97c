package dicomweb

import (
	"bytes"
	"fmt"
	"image"
	"net/http"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/store"
)

// sourceProfile is the ICC Profile (0028,2000) of a colored frame, nil if it has none.
func sourceProfile(in *store.Instance, ds *dicom.DataSet, img image.Image) ([]byte, error) {
	if _, colored := img.(*image.RGBA); !colored {
		return nil, nil
	}
	e, _ := ds.Get(dicom.ICCProfile)
	switch v := e.Value.(type) {
	case dicom.Bytes:
		return v, nil
	case dicom.Bulk:
		return lookupTables(in)(v.URI)
	}
	return nil, nil
}

// encodePicture writes the picture, with the ICC profile that was asked for: that of the source, else sRGB, which is what pictures
// without one are taken for (PS3.18 8.3.5.1.5). Colors of another space are not converted: a source with another profile has no
// representation in sRGB here.
func (o rendering) encodePicture(in *store.Instance, ds *dicom.DataSet, img image.Image, frame int, mediaType string) ([]byte, error) {
	var b bytes.Buffer
	if o.Profile == "" {
		err := render.Encode(&b, img, mediaType, o.Quality)
		return b.Bytes(), err
	}
	profile, err := sourceProfile(in, ds, img)
	if err != nil {
		return nil, damaged(in.Entry, frame, err)
	}
	switch {
	case len(profile) == 0:
		profile = render.SRGB()
	case o.Profile == "srgb" && !bytes.Contains(profile, []byte("sRGB")):
		return nil, &problem{status: http.StatusNotAcceptable, detail: fmt.Sprintf(
			"frame %d of instance %s has an ICC profile of its own, and is not converted to sRGB here; iccprofile=yes gives it as it is",
			frame, in.Entry.Ref.Instance)}
	}
	if err := render.Encode(&b, render.Colored(img), mediaType, o.Quality); err != nil {
		return nil, err
	}
	return render.WithProfile(b.Bytes(), profile)
}
