package dicomweb

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noctis-dicom/noctis/dicom"
)

const (
	explicit = string(dicom.ExplicitVRLittleEndian)
	lossless = string(dicom.JPEGLSLossless)
	jp2      = string(dicom.JPEG2000Lossless)
)

// What real clients send; where each comes from is in its name.
func TestParseAccept(t *testing.T) {
	for name, test := range map[string]struct {
		header string
		want   []mediaRange
	}{
		"OHIF, frames": {`multipart/related; type="application/octet-stream"; transfer-syntax="*"`,
			[]mediaRange{{true, "application/octet-stream", "*", 1, ""}}},
		"OHIF, omitQuotationForMultipartRequest": {`multipart/related; type=application/octet-stream; transfer-syntax=*`,
			[]mediaRange{{true, "application/octet-stream", "*", 1, ""}}},
		"OHIF, microscopy": {`multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80, ` +
			`multipart/related; type="application/octet-stream"; transfer-syntax=*`,
			[]mediaRange{{true, "image/jls", lossless, 1, ""}, {true, "application/octet-stream", "*", 1, ""}}},
		"OHIF, mixed list": {`application/dicom+json, multipart/related; type=application/octet-stream; transfer-syntax=*`,
			[]mediaRange{{false, "application/dicom+json", "", 1, ""}, {true, "application/octet-stream", "*", 1, ""}}},
		"dicomweb-client": {`multipart/related; type="*/*"`, []mediaRange{{true, "*/*", "", 1, ""}}},
		"Google":          {`application/dicom; transfer-syntax=*`, []mediaRange{{false, "application/dicom", "*", 1, ""}}},
		"no blanks":       {`multipart/related;type=application/dicom;transfer-syntax=*`, []mediaRange{{true, "application/dicom", "*", 1, ""}}},
		"blanks around =": {`multipart/related ; type = "application/dicom" ; q = .2`, []mediaRange{{true, "application/dicom", "", .2, ""}}},
		"Java": {`text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2`,
			[]mediaRange{{false, "text/html", "", 1, ""}, {false, "image/gif", "", 1, ""}, {false, "image/jpeg", "", 1, ""}, {false, "*/*", "", .2, ""}, {false, "*/*", "", .2, ""}}},
		"syntax in the quoted type": {`multipart/related; type="image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"`,
			[]mediaRange{{true, "image/jpeg", "1.2.840.10008.1.2.4.50", 1, ""}}},
		"no type":          {`multipart/related`, []mediaRange{{true, "*/*", "", 1, ""}}},
		"any case":         {`Multipart/Related; TYPE="Application/DICOM"; Transfer-Syntax=*`, []mediaRange{{true, "application/dicom", "*", 1, ""}}},
		"old name":         {`multipart/related; type="image/x-dicom-rle"`, []mediaRange{{true, "image/dicom-rle", "", 1, ""}}},
		"not valid":        {`nonsense, , ;;, image, */jpeg, multipart/mixed, image/png`, []mediaRange{{false, "image/png", "", 1, ""}}},
		"unknown params":   {`image/png; level=1; charset=utf-8; q=x`, []mediaRange{{false, "image/png", "", 1, "utf-8"}}},
		"q out of bounds":  {`image/png; q=7, image/gif;q=-1, a/b;q=NaN`, []mediaRange{{false, "image/png", "", 1, ""}, {false, "image/gif", "", 0, ""}, {false, "a/b", "", 1, ""}}},
		"open quote":       {`multipart/related; type="application/dicom`, []mediaRange{{true, "application/dicom", "", 1, ""}}},
		"comma in a quote": {`image/png; x="a,b;c"; q=0.5, image/gif`, []mediaRange{{false, "image/png", "", .5, ""}, {false, "image/gif", "", 1, ""}}},
		"empty":            {``, nil},
	} {
		got := parseAccept([]string{test.header}, nil)
		if diff := cmp.Diff(test.want, got.header, cmp.AllowUnexported(mediaRange{})); diff != "" {
			t.Errorf("%s: %s\n%s", name, test.header, diff)
		}
	}
}

func TestChoose(t *testing.T) {
	dicomFile := []offer{ // an instance that is stored in JPEG-LS
		{multipart: true, mediaType: "application/dicom", transferSyntax: dicom.JPEGLSLossless},
		{multipart: true, mediaType: "application/dicom", transferSyntax: dicom.ExplicitVRLittleEndian, preset: true},
		{mediaType: "application/dicom", transferSyntax: dicom.JPEGLSLossless},
		{mediaType: "application/dicom", transferSyntax: dicom.ExplicitVRLittleEndian, preset: true},
	}
	frame := []offer{
		{multipart: true, mediaType: "image/jls", transferSyntax: dicom.JPEGLSLossless, preset: true},
		{multipart: true, mediaType: "application/octet-stream", transferSyntax: dicom.ExplicitVRLittleEndian, preset: true},
		{mediaType: "application/octet-stream", transferSyntax: dicom.ExplicitVRLittleEndian, preset: true},
	}
	picture := []offer{{mediaType: "image/jpeg"}, {mediaType: "image/png"}, {mediaType: "image/gif"}}
	for _, test := range []struct {
		offers        []offer
		header, query string
		want          string // "" for 406
	}{
		{dicomFile, ``, ``, `multipart/related; type="application/dicom"; transfer-syntax=` + explicit},
		{dicomFile, `*/*`, ``, `multipart/related; type="application/dicom"; transfer-syntax=` + explicit},
		{dicomFile, `application/dicom`, ``, `application/dicom; transfer-syntax=` + explicit},
		{dicomFile, `application/*`, ``, `application/dicom; transfer-syntax=` + explicit},
		{dicomFile, `application/dicom; transfer-syntax=*`, ``, `application/dicom; transfer-syntax=` + lossless},
		{dicomFile, `application/dicom; transfer-syntax=` + lossless, ``, `application/dicom; transfer-syntax=` + lossless},
		{dicomFile, `application/dicom; transfer-syntax=` + jp2, ``, ``},
		{dicomFile, `multipart/related; type="*/*"`, ``, `multipart/related; type="application/dicom"; transfer-syntax=` + explicit},
		{dicomFile, `multipart/related; type="application/dicom"; transfer-syntax=` + jp2 + `, multipart/related; type="application/dicom"; transfer-syntax=` + lossless + `; q=0.1`, ``,
			`multipart/related; type="application/dicom"; transfer-syntax=` + lossless},
		{dicomFile, `*/*`, `application/dicom;transfer-syntax=*`, `application/dicom; transfer-syntax=` + lossless},
		{dicomFile, `*/*`, `image/png`, `multipart/related; type="application/dicom"; transfer-syntax=` + explicit},
		{dicomFile, `image/png`, ``, ``},
		{dicomFile, `nonsense`, ``, ``},
		{dicomFile, `application/dicom; q=0`, ``, ``},
		{dicomFile, `*/*, multipart/related; type="application/dicom"; q=0`, ``, `application/dicom; transfer-syntax=` + explicit},

		{frame, `multipart/related; type="image/*"`, ``, `multipart/related; type="image/jls"; transfer-syntax=` + lossless},
		{frame, `multipart/related; type="application/octet-stream"`, ``, `multipart/related; type="application/octet-stream"; transfer-syntax=` + explicit},
		{frame, `application/octet-stream`, ``, `application/octet-stream; transfer-syntax=` + explicit},
		{frame, `multipart/related; type="image/jp2", multipart/related; type="image/jls", multipart/related; type="application/octet-stream"`, ``,
			`multipart/related; type="image/jls"; transfer-syntax=` + lossless},

		{picture, `image/png, image/jpeg;q=0.9`, ``, `image/png`},
		{picture, `image/*;q=0.5, image/gif`, ``, `image/gif`},
		{picture, `image/*, image/jpeg;q=0`, ``, `image/png`},
		{picture, `text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8`, ``, `image/jpeg`},
		{picture, `image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8`, ``, `image/jpeg`},
		{picture, `multipart/related; type="image/jpeg"`, ``, ``},
		{picture, `*/*`, `image/png`, `image/png`},
		{picture, `image/png; transfer-syntax=1.2.3`, ``, `image/png`},
	} {
		got, err := parseAccept([]string{test.header}, []string{test.query}).choose(test.offers...)
		if test.want == "" {
			var p *problem
			if !errors.As(err, &p) || p.status != http.StatusNotAcceptable || !strings.Contains(p.detail, test.offers[0].String()) {
				t.Errorf("%q %q: got %v, %v, want 406 with the list", test.header, test.query, got, err)
			}
			continue
		}
		if err != nil || got.String() != test.want {
			t.Errorf("%q %q: got %v, %v, want %v", test.header, test.query, got, err, test.want)
		}
	}
}

func FuzzAccept(f *testing.F) {
	for _, s := range []string{
		`multipart/related; type="application/octet-stream"; transfer-syntax="*"`, `*/*; q=.2`, `a/b;c="d\`, `;;,=,"`,
		`multipart/related; type="image/jpeg; transfer-syntax=1"; boundary=a/b=c`,
	} {
		f.Add(s, s)
	}
	offers := []offer{{mediaType: "image/jpeg"}, {multipart: true, mediaType: "application/dicom", transferSyntax: dicom.ExplicitVRLittleEndian, preset: true}}
	f.Fuzz(func(t *testing.T, header, query string) {
		a := parseAccept([]string{header}, []string{query})
		for _, r := range append(a.header, a.query...) {
			if r.q < 0 || r.q > 1 || strings.Count(r.mediaType, "/") < 1 {
				t.Fatalf("%q: range %+v", header, r)
			}
		}
		o, err := a.choose(offers...)
		if err == nil && o != offers[0] && o != offers[1] {
			t.Fatalf("%q: chose %v, which was not offered", header, o)
		}
		// An offer's own spelling must be taken, whatever else was sent.
		if o, err := parseAccept([]string{offers[1].String()}, nil).choose(offers...); err != nil || o != offers[1] {
			t.Fatalf("%v: %v", o, err)
		}
	})
}
