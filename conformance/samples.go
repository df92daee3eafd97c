package conformance

import (
	"bytes"
	"image"
	"image/jpeg"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// tinyJPEG is a gray JPEG of 8 x 8 pixels.
var tinyJPEG = func() []byte {
	var b bytes.Buffer
	picture := image.NewGray(image.Rect(0, 0, 8, 8))
	for i := range picture.Pix {
		picture.Pix[i] = byte(i * 4)
	}
	jpeg.Encode(&b, picture, nil)
	return b.Bytes()
}()

// fileWithMeta writes a Part 10 file whose File Meta Information is that of another data set.
func fileWithMeta(meta, ds *dicom.DataSet) ([]byte, error) {
	var whole bytes.Buffer
	o := part10.WriteOptions{SOPClass: meta.UID(dicom.SOPClassUID), SOPInstance: meta.UID(dicom.SOPInstanceUID)}
	if err := part10.Write(&whole, ds, o); err != nil {
		return nil, err
	}
	return whole.Bytes(), nil
}
