package render

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	_ "image/jpeg"
	"io"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/render/icc"
)

func TestWithProfile(t *testing.T) {
	long := bytes.Repeat([]byte("profile."), 20000) // three segments
	for mediaType, found := range map[string]func([]byte) []byte{"image/jpeg": jpegProfile, "image/png": pngProfile} {
		for _, profile := range [][]byte{icc.SRGB.Profile(), long} {
			var b bytes.Buffer
			if err := Encode(&b, Colored(image.NewGray(image.Rect(0, 0, 9, 9))), mediaType, 0); err != nil {
				t.Fatal(err)
			}
			got, err := WithProfile(b.Bytes(), profile)
			if err != nil || !bytes.Equal(found(got), profile) {
				t.Errorf("%s: %v, another profile", mediaType, err)
			}
			if _, _, err := image.Decode(bytes.NewReader(got)); err != nil {
				t.Errorf("%s: %v", mediaType, err)
			}
		}
	}
	if _, err := WithProfile([]byte("GIF89a"), long); err == nil {
		t.Error("a GIF has no profile")
	}
}

func jpegProfile(b []byte) (profile []byte) {
	for b = b[2+18:]; b[1] == 0xE2; { // after SOI and JFIF
		n := int(binary.BigEndian.Uint16(b[2:]))
		profile = append(profile, b[18:2+n]...)
		b = b[2+n:]
	}
	return profile
}

func pngProfile(b []byte) []byte {
	n := int(binary.BigEndian.Uint32(b[33:]))
	z, err := zlib.NewReader(bytes.NewReader(b[41+len("ICC profile")+2:][:n-len("ICC profile")-2]))
	if err != nil {
		return nil
	}
	profile, _ := io.ReadAll(z)
	return profile
}

// The profile of a microscope's image is that of the optical path of the frame; of one path it is that of the image.
func TestProfileOf(t *testing.T) {
	path := func(id, profile string) *dicom.DataSet {
		return dicomtest.Item(dicom.OpticalPathIdentifier, id, dicom.ICCProfile, []byte(profile))
	}
	frame := func(id string) *dicom.DataSet {
		return dicomtest.Item(dicom.OpticalPathIdentificationSequence, dicomtest.Item(dicom.OpticalPathIdentifier, id))
	}
	paths := []*dicom.DataSet{path("A", "first"), path("B", "second")}
	for name, test := range map[string]struct {
		ds    *dicom.DataSet
		frame int
		want  string
	}{
		"none":       {dicomtest.Item(dicom.Rows, 1), 1, ""},
		"its own":    {dicomtest.Item(dicom.ICCProfile, []byte("top"), dicom.OpticalPathSequence, paths), 1, "top"},
		"per frame":  {dicomtest.Item(dicom.OpticalPathSequence, paths, dicom.PerFrameFunctionalGroupsSequence, []*dicom.DataSet{frame("A"), frame("B")}), 2, "second"},
		"shared":     {dicomtest.Item(dicom.OpticalPathSequence, paths, dicom.SharedFunctionalGroupsSequence, []*dicom.DataSet{frame("B")}), 9, "second"},
		"of no path": {dicomtest.Item(dicom.OpticalPathSequence, paths), 1, "first"},
		"padded":     {dicomtest.Item(dicom.ICCProfile, []byte("\x00\x00\x00\x07odd\x00")), 1, "\x00\x00\x00\x07odd"},
	} {
		if got, err := ProfileOf(test.ds, test.frame, nil); err != nil || string(got) != test.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
