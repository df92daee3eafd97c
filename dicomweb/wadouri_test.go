package dicomweb

import (
	"bytes"
	"errors"
	"image"
	"net/http"
	"net/url"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// wado is a request of the URI service for an instance.
func wado(ref dicom.Ref, more string) string {
	return "/wado?requestType=WADO&studyUID=" + string(ref.Study) + "&seriesUID=" + string(ref.Series) + "&objectUID=" +
		string(ref.Instance) + more
}

func TestWADOURI(t *testing.T) {
	file := dicomtest.Image{Rows: 16, Columns: 32}.File()
	movie := dicomtest.Image{Number: 2, Frames: 3, BitsAllocated: 8}.File()
	a := newArchive(t, file, movie)
	ref := a.refs[0]
	const ohif = `multipart/related; type="application/octet-stream"; transfer-syntax="*"`
	for _, test := range []struct{ more, accept, want string }{
		{"", "", "image/jpeg"},
		{"", "*/*", "image/jpeg"},
		{"", "image/png", "image/png"},
		{"", "text/html,image/webp,*/*;q=0.8", "image/jpeg"},
		{"&contentType=image%2Fpng", "*/*", "image/png"},
		{"&contentType=image/gif,image/png;q=0.5", "", "image/gif"},
		{"&contentType=image/bmp", "*/*", "image/jpeg"},
		{"&contentType=application%2Fdicom", ohif, "application/dicom"},
		{"&contentType=application/dicom&transferSyntax=*", ohif, "application/dicom"},
		{"&contentType=application/dicom&transferSyntax=1.2.840.10008.1.2.1", "*/*", "application/dicom"},
		{"", "application/dicom", "application/dicom"},
	} {
		w := a.request("GET", wado(ref, test.more), "Accept", test.accept)
		got, _, _ := bytes.Cut([]byte(w.Header().Get("Content-Type")), []byte(";"))
		if w.Code != http.StatusOK || string(got) != test.want {
			t.Errorf("%s, Accept %q: %d %s, want %s", test.more, test.accept, w.Code, got, test.want)
		} else if test.want == "application/dicom" && !bytes.Equal(w.Body.Bytes(), file) {
			t.Errorf("%s: not the stored file", test.more)
		}
	}
	for more, want := range map[string]image.Point{
		"":                                 {X: 32, Y: 16},
		"&rows=8&columns=100":              {X: 16, Y: 8},
		"&rows=8":                          {X: 16, Y: 8},
		"&columns=64":                      {X: 64, Y: 32},
		"&region=0.5,0,1,1":                {X: 16, Y: 16},
		"&region=0,0,0.25,0.25&columns=16": {X: 16, Y: 8},
		"&imageQuality=50&annotation=technique&windowCenter=40&windowWidth=400": {X: 32, Y: 16},
	} {
		if got := pictureIn(t, a.request("GET", wado(ref, more))).Bounds().Size(); got != want {
			t.Errorf("%s: %v, want %v", more, got, want)
		}
	}
	img := pictureIn(t, a.request("GET", wado(ref, "&contentType=image/png&windowCenter=256&windowWidth=512&region=0.5,0.5,1,1")))
	if v := grayAt(img, 15, 7); v < 254 {
		t.Errorf("the last pixel of the region is %d", v)
	}
	pictureIn(t, a.request("GET", wado(a.refs[1], "&frameNumber=3")))

	for _, target := range []string{
		"/wado", "/wado?requestType=WADO", wado(ref, "&requestType=WADO"), "/wado?requestType=GET" + wado(ref, "")[len("/wado?requestType=WADO"):],
		wado(dicom.Ref{Study: ref.Study, Series: ref.Series}, ""), wado(dicom.Ref{Study: "1.2.x", Series: "1", Instance: "1"}, ""),
		wado(ref, "&contentType=application/dicom,image/jpeg"), wado(ref, "&contentType=application/dicom;transfer-syntax=*"),
		wado(ref, "&contentType=image/jpeg;charset=utf-8"), wado(ref, "&contentType=application/dicom&transferSyntax=x"),
		wado(ref, "&contentType=application/dicom&transferSyntax=1.2.840.10008.1.2.1&transferSyntax=1.2"),
		wado(ref, "&contentType=application/dicom&windowCenter=1&windowWidth=2"),
		wado(ref, "&windowCenter=40"), wado(ref, "&windowWidth=40"), wado(ref, "&windowCenter=40&windowWidth=0"),
		wado(ref, "&windowCenter=a&windowWidth=1"), wado(ref, "&imageQuality=0"), wado(ref, "&imageQuality=101"),
		wado(ref, "&frameNumber=1"), wado(a.refs[1], "&frameNumber=0"), wado(a.refs[1], "&frameNumber=4"), wado(a.refs[1], "&frameNumber="),
		wado(a.refs[1], "&frameNumber=1&frameNumber=2"), wado(ref, "&rows=0"), wado(ref, "&rows=x"), wado(ref, "&columns=-5"),
		wado(ref, "&region=0,0,1"), wado(ref, "&region=0,0,1,1,1"), wado(ref, "&region=0.5,0,0.5,1"), wado(ref, "&region=0,0,1.1,1"),
		wado(ref, "&region=-0.1,0,1,1"), wado(ref, "&region=NaN,0,1,1"), wado(ref, "&anonymize=no"), wado(ref, "&anonymize=yes&anonymize=yes"),
		wado(ref, "&anonymize=yes&annotation=patient"),
		wado(ref, "&presentationUID=1.2"), wado(ref, "&presentationSeriesUID=1.2"), wado(ref, "&annotation=nobody"),
	} {
		if w := a.request("GET", target); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d, want 400: %.200s", target, w.Code, w.Body)
		}
	}
	checkStatus(t, a.request("GET", wado(ref, "&contentType=application/dicom&transferSyntax=1.2.840.10008.1.2.4.110")), 406, "1.2.840.10008.1.2.1")
	checkStatus(t, a.request("GET", wado(ref, ""), "Accept", "video/mp4"), 406, "image/jpeg")
	checkStatus(t, a.request("GET", wado(dicom.Ref{Study: ref.Study, Series: ref.Series, Instance: "1.2.3"}, "")), 404)
	checkStatus(t, a.request("GET", wado(dicom.Ref{Study: "1.2.3", Series: ref.Series, Instance: ref.Instance}, "")), 404)
	a.loseBlob(ref)
	checkStatus(t, a.request("GET", wado(ref, "&contentType=application/dicom")), 500, "missing")
}

func FuzzParseURIRequest(f *testing.F) {
	ref := dicom.Ref{Study: "1.2", Series: "1.2.3", Instance: "1.2.3.4"}
	for _, more := range []string{
		"", "&contentType=application/dicom&transferSyntax=*", "&rows=10&columns=20&region=0,0.5,1e-1,1&frameNumber=2",
		"&windowCenter=40&windowWidth=400&imageQuality=80&annotation=patient", "&anonymize=yes",
	} {
		f.Add(wado(ref, more)[len("/wado?"):], "image/jpeg, */*;q=0.1")
	}
	f.Fuzz(func(t *testing.T, query, accept string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		u, err := parseURIRequest(q, []string{accept})
		if err != nil {
			var p *problem
			if !errors.As(err, &p) || p.status != http.StatusBadRequest {
				t.Fatalf("error %v is no 400", err)
			}
			return
		}
		if !u.ref.Study.Valid() || !u.ref.Series.Valid() || !u.ref.Instance.Valid() || u.frame < 0 {
			t.Fatalf("%+v", u)
		}
		for _, size := range []int{1, 2, 511, 65535} {
			v := u.rendering.viewport(size, size)
			if v == nil {
				continue
			}
			if v.Width < 1 || v.Height < 1 || v.SW != nil && (v.SX+*v.SW > float64(size) || *v.SW < 1) {
				t.Fatalf("viewport %+v of an image of %d pixels", v, size)
			}
		}
	})
}
