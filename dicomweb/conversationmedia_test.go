package dicomweb

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// appendMetadata appends the metadata of an instance as a part: NAME, json or xml, the location of its pixel data, and "without".
func appendMetadata(t *testing.T, body []byte, fields []string) []byte {
	t.Helper()
	ds := dataSetNamed(t, fields[0])
	ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bulk{URI: fields[2]}})
	if len(fields) > 3 {
		for _, tag := range []dicom.Tag{dicom.SamplesPerPixel, dicom.PhotometricInterpretation, dicom.Rows, dicom.Columns,
			dicom.BitsAllocated, dicom.BitsStored, dicom.HighBit, dicom.PixelRepresentation} {
			ds.Delete(tag)
		}
	}
	text, err := ds.AppendJSON(nil)
	if fields[1] == "xml" {
		text, err = ds.AppendXML(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return append(append(body, "\r\n--b\r\nContent-Type: application/dicom+"+fields[1]+"\r\n\r\n"...), text...)
}

// appendMedia appends a gray picture as a part.
func appendMedia(t *testing.T, body []byte, location, mediaType string) []byte {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 2, 2))
	picture.SetGray(1, 1, color.Gray{Y: 77})
	var b bytes.Buffer
	var err error
	switch mediaType {
	case "image/png":
		err = png.Encode(&b, picture)
	case "image/jpeg":
		err = jpeg.Encode(&b, picture, nil)
	case "image/gif":
		err = gif.Encode(&b, picture, nil)
	case "application/octet-stream":
		b.Write(picture.Pix)
	default:
		t.Fatalf("no picture of %s", mediaType)
	}
	if err != nil {
		t.Fatal(err)
	}
	return append(append(body, "\r\n--b\r\nContent-Type: "+mediaType+"\r\nContent-Location: "+location+"\r\n\r\n"...), b.Bytes()...)
}
