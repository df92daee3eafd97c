package dicomweb

import (
	"bytes"
	"image"
	"image/color"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/render/icc"
)

// The profile of the source is passed through, and its colors are converted where a space is asked for by name; without a profile they are
// those of sRGB. A profile that cannot be read is passed through, but not converted from.
func TestRenderedICCProfile(t *testing.T) {
	broken, adobe := []byte("a profile of its own"), icc.AdobeRGB.Profile()
	name := map[string][]byte{"srgb": []byte("sRGB IEC61966-2.1"), "adobergb": []byte("Adobe RGB (1998)"), "rommrgb": []byte("ROMM RGB: ISO 22028-2")}
	red := dicomtest.Image{Samples: 3, Photometric: "RGB", BitsAllocated: 8, BitsStored: 8, Rows: 8, Columns: 8}
	for _, test := range []struct {
		query   string
		profile []byte
		status  int
		want    []byte
		color   [3]uint8 // by transicc
	}{
		{"?iccprofile=yes", nil, 200, name["srgb"], [3]uint8{200, 40, 40}},
		{"?iccprofile=srgb", nil, 200, name["srgb"], [3]uint8{200, 40, 40}},
		{"?iccprofile=adobergb", nil, 200, name["adobergb"], [3]uint8{172, 44, 44}},
		{"?iccprofile=rommrgb", nil, 200, name["rommrgb"], [3]uint8{134, 61, 37}},
		{"?iccprofile=yes", adobe, 200, name["adobergb"], [3]uint8{200, 40, 40}},
		{"?iccprofile=srgb", adobe, 200, name["srgb"], [3]uint8{233, 35, 35}},
		{"?iccprofile=no", adobe, 200, nil, [3]uint8{200, 40, 40}},
		{"?iccprofile=yes", broken, 200, broken, [3]uint8{200, 40, 40}},
		{"?iccprofile=srgb", broken, 406, nil, [3]uint8{}},
		{"?iccprofile=rommrgb", broken, 406, nil, [3]uint8{}},
	} {
		if red.With = nil; test.profile != nil {
			red.With = []any{dicom.ICCProfile, test.profile}
		}
		in := red.Instance()
		in.DataSet.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OB, Value: dicom.Bytes(bytes.Repeat([]byte{200, 40, 40}, 64))})
		a := newArchive(t, filesOf(t, in)...)
		w := a.get(a.refs[0], "/rendered"+test.query, "image/jpeg")
		if w.Code != test.status || !bytes.Contains(w.Body.Bytes(), test.want) {
			t.Errorf("%s with %d bytes: %d, no %q", test.query, len(test.profile), w.Code, test.want)
		}
		if test.status != 200 {
			continue
		}
		img := pictureIn(t, a.get(a.refs[0], "/rendered"+test.query, "image/png"))
		c := color.RGBAModel.Convert(img.At(3, 3)).(color.RGBA)
		if got := [3]uint8{c.R, c.G, c.B}; got != test.color {
			t.Errorf("%s with %d bytes: %v, want %v", test.query, len(test.profile), got, test.color)
		}
	}
}

// A JPEG whose data set has no profile may have one in itself (PS3.18 8.3.5.1.5).
func TestRenderedEmbeddedProfile(t *testing.T) {
	var b bytes.Buffer
	if err := render.Encode(&b, image.NewRGBA(image.Rect(0, 0, 16, 16)), "image/jpeg", 90); err != nil {
		t.Fatal(err)
	}
	jpeg, err := render.WithProfile(b.Bytes(), icc.AdobeRGB.Profile())
	if err != nil {
		t.Fatal(err)
	}
	in := dicomtest.Image{Samples: 3, Photometric: "YBR_FULL_422", BitsAllocated: 8, TransferSyntax: dicom.JPEGBaseline8Bit}.Instance()
	in.Frames = [][]byte{jpeg}
	a := newArchive(t, filesOf(t, in)...)
	w := a.get(a.refs[0], "/rendered?iccprofile=yes", "image/jpeg")
	if w.Code != 200 || !bytes.Contains(w.Body.Bytes(), []byte("Adobe RGB (1998)")) {
		t.Errorf("%d, without its own profile", w.Code)
	}
}
