//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// quadrants are the colors of a picture, from the top left to the bottom right.
var quadrants = [4][3]byte{{220, 40, 40}, {40, 200, 60}, {50, 70, 210}, {230, 210, 40}}

// quadrantSide is how many pixels the picture has on a side.
const quadrantSide = 256

// quadrantOf is the index of the color of a pixel.
func quadrantOf(i int) int {
	return i/(quadrantSide*quadrantSide/2)*2 + i%quadrantSide/(quadrantSide/2)
}

// toYBR is the conversion of PS3.3 C.7.6.3.1.2.
func toYBR(c [3]byte) [3]byte {
	r, g, b := float64(c[0]), float64(c[1]), float64(c[2])
	return [3]byte{byte(0.299*r + 0.587*g + 0.114*b + 0.5), byte(128.5 - 0.1687*r - 0.3313*g + 0.5*b), byte(128.5 + 0.5*r - 0.4187*g - 0.0813*b)}
}

// colored is an instance of the quadrants: native, or encoded in the transfer syntax.
func colored(t *testing.T, photometric string, planar bool, ts dicom.UID) dicomtest.Instance {
	t.Helper()
	im := dicomtest.Image{Study: fmt.Sprint(photometric, planar, ts), Rows: quadrantSide, Columns: quadrantSide, BitsAllocated: 8, Photometric: photometric, Planar: planar}
	if photometric != "PALETTE COLOR" {
		im.Samples = 3
	}
	in := im.Instance()
	d, err := pixel.Describe(in.DataSet)
	if err != nil {
		t.Fatal(err)
	}
	f := &pixel.Frame{Description: d}
	for i := range quadrantSide * quadrantSide {
		switch n := quadrantOf(i); photometric {
		case "PALETTE COLOR":
			f.U8 = append(f.U8, byte(n))
		case "RGB":
			f.U8 = append(f.U8, quadrants[n][:]...)
		default:
			ybr := toYBR(quadrants[n])
			f.U8 = append(f.U8, ybr[:]...)
		}
	}
	f.Planar = false
	if photometric == "PALETTE COLOR" {
		for sample, tags := range [3][2]dicom.Tag{
			{dicom.RedPaletteColorLookupTableDescriptor, dicom.RedPaletteColorLookupTableData},
			{dicom.GreenPaletteColorLookupTableDescriptor, dicom.GreenPaletteColorLookupTableData},
			{dicom.BluePaletteColorLookupTableDescriptor, dicom.BluePaletteColorLookupTableData},
		} {
			table := make(dicom.Bytes, 2*256)
			for n, c := range quadrants {
				table[2*n], table[2*n+1] = c[sample], c[sample]
			}
			in.DataSet.SetInts(tags[0], dicom.US, 256, 0, 16)
			in.DataSet.Set(dicom.Element{Tag: tags[1], VR: dicom.OW, Value: table})
		}
	}
	if ts == dicom.ExplicitVRLittleEndian {
		in.DataSet.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OB, Value: dicom.Bytes(codec.Native(f, d))})
		return in
	}
	encoding, err := codec.Encoded(ts, d)
	if err != nil {
		t.Fatal(err)
	}
	frame, err := codec.Encode(context.Background(), ts, f, codec.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	encoding.Apply(in.DataSet, float64(len(f.U8))/float64(len(frame)))
	in.DataSet.Delete(dicom.PixelData)
	in.TransferSyntax, in.Frames = ts, [][]byte{frame}
	return in
}

// OHIF decodes frames by itself, and shows colors by what the metadata says of them (docs/adr/0005).
func TestViewerShowsColors(t *testing.T) {
	s := start(t)
	o := ohif{open(t, s.url)}
	for i, c := range []struct {
		photometric string
		planar      bool
		ts          dicom.UID
	}{
		{"RGB", false, dicom.ExplicitVRLittleEndian}, {"RGB", true, dicom.ExplicitVRLittleEndian},
		{"YBR_FULL", false, dicom.ExplicitVRLittleEndian}, {"YBR_FULL", true, dicom.ExplicitVRLittleEndian},
		{"PALETTE COLOR", false, dicom.ExplicitVRLittleEndian}, {"PALETTE COLOR", false, dicom.RLELossless},
		{"PALETTE COLOR", false, dicom.JPEGLSLossless},
		{"RGB", false, dicom.RLELossless}, {"YBR_FULL", true, dicom.RLELossless},
		{"RGB", false, dicom.JPEGBaseline8Bit}, {"YBR_FULL", false, dicom.JPEGBaseline8Bit},
		{"RGB", false, dicom.JPEGLosslessSV1}, {"RGB", false, dicom.JPEGLSLossless}, {"YBR_FULL", false, dicom.JPEGLSNearLossless},
		{"RGB", false, dicom.JPEG2000Lossless}, {"RGB", false, dicom.JPEG2000},
		{"RGB", false, dicom.HTJ2KLossless}, {"RGB", false, dicom.HTJ2KLosslessRPCL},
	} {
		in := colored(t, c.photometric, c.planar, c.ts)
		what := fmt.Sprintf("%s, planar %v, %s", c.photometric, c.planar, c.ts)
		file, err := in.File()
		if err != nil {
			t.Fatal(what, err)
		}
		if response, err := http.Post(s.url+"/dicom-web/studies", "application/dicom", bytes.NewReader(file)); err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(what, response, err)
		}
		o.visit(viewerAddress(s.url, in))
		if i == 0 {
			o.opened()
		}
		if !o.showsQuadrants() {
			t.Errorf("%s: the colors are %v, want %v", what, o.quadrants(), quadrants)
		}
	}
}

// showsQuadrants waits until the viewport shows the colors, about.
func (o ohif) showsQuadrants() bool {
	o.t.Helper()
	for range 100 {
		if got := o.quadrants(); len(got) == 12 {
			right := true
			for i, v := range got {
				d := v - float64(quadrants[i/3][i%3])
				right = right && -6 < d && d < 6
			}
			if right {
				return true
			}
		}
		o.run(chromedp.Sleep(pause))
	}
	return false
}

// quadrants are the colors in the middles of the quadrants of the viewport, or nothing before it is there.
func (o ohif) quadrants() []float64 {
	o.t.Helper()
	var colors []float64
	o.eval(`(canvas => {
		if (!canvas) return [];
		const side = Math.min(canvas.width, canvas.height), data = `+pixels+`, colors = [];
		for (const [x, y] of [[-1, -1], [1, -1], [-1, 1], [1, 1]]) {
			const at = 4 * (Math.floor(canvas.height / 2 + y * side / 4) * canvas.width + Math.floor(canvas.width / 2 + x * side / 4));
			colors.push(data[at], data[at + 1], data[at + 2]);
		}
		return colors;
	})(`+canvas+`)`, &colors)
	return colors
}
