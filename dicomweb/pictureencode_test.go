package dicomweb

import (
	"bytes"
	"context"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeg2000"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// JP2 and JPH have the pixels of the PNG, JP2 at a quality of 100 and JPH always (PS3.18 8.7.4).
func TestRenderedJPEG2000(t *testing.T) {
	for name, im := range map[string]dicomtest.Image{
		"gray":  {Rows: 40, Columns: 60, BitsAllocated: 8},
		"color": {Rows: 40, Columns: 60, BitsAllocated: 8, Samples: 3, Photometric: "RGB"},
	} {
		a := newArchive(t, im.File())
		want := pictureIn(t, a.get(a.refs[0], "/rendered", "image/png"))
		for mediaType, brand := range map[string]string{mediaJP2: "jp2 ", mediaJPH: "jph "} {
			w := a.get(a.refs[0], "/rendered?quality=100", mediaType)
			b := w.Body.Bytes()
			if w.Code != 200 || w.Header().Get("Content-Type") != mediaType || !bytes.HasPrefix(b[4:], []byte("jP  ")) ||
				!bytes.Equal(b[20:24], []byte(brand)) {
				t.Fatalf("%s: %d %v % X", mediaType, w.Code, w.Header(), b[:min(len(b), 40)])
			}
			got, err := jpeg2000.Decode(context.Background(), b, jpeg2000.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 40 * 60 {
				r, _, blue, _ := want.At(i%60, i/60).RGBA()
				last := len(got.Planes) - 1
				if got.Planes[0][i] != int32(r>>8) || got.Planes[last][i] != int32(blue>>8) {
					t.Fatalf("%s as %s: pixel %d differs", name, mediaType, i)
				}
			}
		}
		good, poor := a.get(a.refs[0], "/rendered?quality=100", mediaJP2), a.get(a.refs[0], "/rendered?quality=20", mediaJP2)
		if poor.Code != 200 || poor.Body.Len() >= good.Body.Len() || poor.Header().Get("ETag") == good.Header().Get("ETag") {
			t.Errorf("%s: quality 20 has %d bytes, 100 has %d", name, poor.Body.Len(), good.Body.Len())
		}
		w := a.get(a.refs[0], "/rendered?iccprofile=yes", mediaJP2)
		checkStatus(t, w, 200)
		if b := w.Body.Bytes(); !bytes.Contains(b, []byte("colr\x02\x00\x00")) || !bytes.Contains(b, []byte("scnrRGB XYZ ")) {
			t.Errorf("%s: no profile of an input device in % X", name, b[:200])
		}
	}
}
