package dicomweb

import (
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// TestHeadAndUnchanged asks for each resource three times: HEAD has the header of GET but for lengths that nobody knows before (RFC 9110
// 9.3.2), and a 304 has of it what RFC 9110 15.4.5 names.
func TestHeadAndUnchanged(t *testing.T) {
	palette := make([]byte, 2000)
	a := newArchive(t, dicomtest.Image{Series: "a", Number: 1, With: []any{dicom.RedPaletteColorLookupTableData, palette}}.File())
	one := a.refs[0]
	related := func(of string) string { return `multipart/related; type="` + of + `"` }
	type asked struct{ path, accept string }
	var all []asked
	for _, ref := range []dicom.Ref{{Study: one.Study}, {Study: one.Study, Series: one.Series}, one} {
		for _, r := range []asked{
			{"", related("application/dicom")}, {"", related("image/jls")}, {"", "application/zip"}, {"/metadata", "application/dicom+json"},
			{"/metadata", related("application/dicom+xml")}, {"/bulkdata", related("application/octet-stream")},
			{"/pixeldata", related("application/octet-stream")}, {"/rendered", related("image/png")}, {"/thumbnail", "image/jpeg"},
		} {
			all = append(all, asked{BasePath + ref.Path() + r.path, r.accept})
		}
	}
	for _, r := range []asked{
		{"", "application/dicom"}, {"", "application/dicom; transfer-syntax=1.2.840.10008.1.2.5"}, {"/rendered", "image/jpeg"},
		{"/frames/1", "application/octet-stream"}, {"/frames/1", "image/jls"}, {"/frames/1", related("application/octet-stream")},
		{"/frames/1/rendered", "image/png"}, {"/frames/1/thumbnail", "image/png"},
		{"/bulkdata/00281201", "application/octet-stream"}, {"/bulkdata/00281201", related("application/octet-stream")},
	} {
		all = append(all, asked{BasePath + one.Path() + r.path, r.accept})
	}
	wado := "/wado?requestType=WADO&studyUID=" + string(one.Study) + "&seriesUID=" + string(one.Series) + "&objectUID=" + string(one.Instance)
	all = append(all, asked{wado, "image/jpeg"}, asked{wado + "&contentType=application/dicom", "*/*"},
		asked{wado + "&contentType=application/dicom&anonymize=yes", "*/*"})
	for _, r := range all {
		whole := a.request("GET", r.path, "Accept", r.accept)
		checkStatus(t, whole, 200)
		h := whole.Header()
		head := a.request("HEAD", r.path, "Accept", r.accept)
		for name, values := range h {
			if name != "Content-Length" && name != "X-Request-Id" && !slices.Equal(values, head.Header()[name]) {
				t.Errorf("%s, Accept %s: %s is %q, and %q of HEAD", r.path, r.accept, name, values, head.Header()[name])
			}
		}
		unchanged := a.request("GET", r.path, "Accept", r.accept, "If-None-Match", `W/"other", `+h.Get("ETag"))
		checkStatus(t, unchanged, 304)
		for _, name := range []string{"Cache-Control", "Content-Location", "Etag", "Vary"} {
			if !slices.Equal(h[name], unchanged.Header()[name]) {
				t.Errorf("%s, Accept %s: %s is %q, and %q of a 304", r.path, r.accept, name, h[name], unchanged.Header()[name])
			}
		}
		if strings.Contains(r.accept, mediaOctets) {
			checkOctets(t, r.path, partsOf(t, whole))
		}
	}
}

// checkOctets checks that bytes say in which order they are (PS3.18 8.7.3.3.1).
func checkOctets(t *testing.T, path string, parts []aPart) {
	for _, p := range parts {
		if p.contentType != octetsInOrder {
			t.Errorf("%s: bytes as %q", path, p.contentType)
		}
	}
}
