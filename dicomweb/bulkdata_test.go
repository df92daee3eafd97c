package dicomweb

import (
	"bytes"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// TestBulkdataOf asks for the bulk data and the pixel data of a study, a series and an instance.
func TestBulkdataOf(t *testing.T) {
	palette := bytes.Repeat([]byte{1, 2}, 4096)
	a := newArchive(t,
		dicomtest.Image{Series: "a", Number: 1, With: []any{dicom.RedPaletteColorLookupTableData, palette}}.File(),
		dicomtest.Image{Series: "a", Number: 2}.File(),
		dicomtest.Image{Series: "b"}.File())
	one := a.refs[0]
	const octets = `multipart/related; type="application/octet-stream"`
	for _, test := range []struct {
		ref              dicom.Ref
		resource, accept string
		want             int // parts; 0 is 406
	}{
		{dicom.Ref{Study: one.Study}, "/bulkdata", octets, 4},
		{dicom.Ref{Study: one.Study}, "/pixeldata", octets, 3},
		{dicom.Ref{Study: one.Study}, "/pixeldata", "*/*", 3},
		{dicom.Ref{Study: one.Study}, "/pixeldata", "application/octet-stream", 0},
		{dicom.Ref{Study: one.Study, Series: one.Series}, "/bulkdata", octets, 3},
		{dicom.Ref{Study: one.Study, Series: one.Series}, "/pixeldata", "", 2},
		{one, "/bulkdata", octets, 2},
		{one, "/pixeldata", octets, 1},
		{one, "/pixeldata", "application/octet-stream", 1},
		{one, "/pixeldata", "image/jxl", 0},
	} {
		w := a.get(test.ref, test.resource, test.accept)
		if test.want == 0 {
			checkStatus(t, w, 406, "octet-stream")
			continue
		}
		parts := partsOf(t, w)
		if len(parts) != test.want {
			t.Errorf("%s%s: %d parts, want %d", test.ref.Path(), test.resource, len(parts), test.want)
		}
		for _, p := range parts {
			if p.location == "" || len(p.body) == 0 {
				t.Errorf("%s%s: a part at %q of %d bytes", test.ref.Path(), test.resource, p.location, len(p.body))
			}
		}
	}
	none := dicom.Ref{Study: one.Study, Series: "1.2.3"}
	checkStatus(t, a.get(none, "/bulkdata", octets), 404)
	checkStatus(t, a.get(none, "/pixeldata", octets), 404)
}
