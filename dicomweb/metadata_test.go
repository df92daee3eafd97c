package dicomweb

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// objects reads a metadata response.
func objects(t *testing.T, w *httptest.ResponseRecorder) []map[string]map[string]any {
	t.Helper()
	checkStatus(t, w, 200)
	var list []map[string]map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		t.Fatalf("%v in %.300s", err, w.Body)
	}
	return list
}

func TestMetadata(t *testing.T) {
	palette := bytes.Repeat([]byte{1, 2}, 4096)
	item := &dicom.DataSet{}
	item.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OB, Value: dicom.Bytes(palette)})
	a := newArchive(t,
		dicomtest.Image{Series: "a", Number: 1, With: []any{
			dicom.RedPaletteColorLookupTableData, palette,
			dicom.IconImageSequence, item,
			dicom.ImageComments, `a trap: "BulkDataURI":"bulkdata/00281201"`,
		}}.File(),
		dicomtest.Image{Series: "a", Number: 2}.File(),
		dicomtest.Image{Series: "b"}.File())
	ref := a.refs[0]
	base := "http://pacs.example/dicom-web"
	for _, test := range []struct {
		ref  dicom.Ref
		want int
	}{{dicom.Ref{Study: ref.Study}, 3}, {dicom.Ref{Study: ref.Study, Series: ref.Series}, 2}, {ref, 1}} {
		w := a.get(test.ref, "/metadata", "application/dicom+json")
		if v := w.Header().Get("Content-Type"); v != "application/dicom+json" {
			t.Errorf("Content-Type %s", v)
		}
		list := objects(t, w)
		if len(list) != test.want {
			t.Fatalf("%d objects, want %d", len(list), test.want)
		}
		for _, o := range list {
			uri, _ := o["7FE00010"]["BulkDataURI"].(string)
			instance := o["00080018"]["Value"].([]any)[0].(string)
			if !strings.HasPrefix(uri, base+"/studies/"+string(ref.Study)+"/series/") ||
				!strings.HasSuffix(uri, "/instances/"+instance+"/bulkdata/7FE00010") {
				t.Errorf("BulkDataURI %q", uri)
			}
			if s := o["00083002"]; s == nil || s["Value"].([]any)[0] != "1.2.840.10008.1.2.1" {
				t.Errorf("Available Transfer Syntax UID is %v", s)
			}
			for tag := range o {
				if strings.HasPrefix(tag, "0002") {
					t.Errorf("group 2 is in the metadata: %s", tag)
				}
			}
		}
	}
	// The URIs lead to the values.
	o := objects(t, a.get(ref, "/metadata", ""))[0]
	if v := o["00204000"]["Value"].([]any)[0]; v != `a trap: "BulkDataURI":"bulkdata/00281201"` {
		t.Errorf("a text was changed: %v", v)
	}
	icon := o["00880200"]["Value"].([]any)[0].(map[string]any)["7FE00010"].(map[string]any)
	for _, uri := range []any{o["00281201"]["BulkDataURI"], icon["BulkDataURI"]} {
		w := a.request("GET", strings.TrimPrefix(uri.(string), "http://pacs.example"))
		if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), palette) {
			t.Errorf("%s: %d, %d bytes", uri, w.Code, w.Body.Len())
		}
	}
}

func TestMetadataNegotiation(t *testing.T) {
	a := newArchive(t, dicomtest.Image{}.File())
	ref := a.refs[0]
	for accept, want := range map[string]string{
		"":                       "application/dicom+json",
		"*/*":                    "application/dicom+json",
		"application/json":       "application/json",
		"application/dicom+json": "application/dicom+json",
		"application/dicom+json, application/json":           "application/dicom+json",
		"text/html, application/json;q=0.9":                  "application/json",
		"application/dicom+json;transfer-syntax=*":           "application/dicom+json",
		`multipart/related; type="application/dicom+json"`:   "",
		`multipart/related; type="image/jpeg", text/html, *`: "application/dicom+json",
	} {
		w := a.get(ref, "/metadata", accept)
		if want == "" {
			checkStatus(t, w, 406, "application/dicom+json")
			continue
		}
		if got := w.Header().Get("Content-Type"); w.Code != 200 || got != want {
			t.Errorf("Accept %q: %d %s, want %s", accept, w.Code, got, want)
		}
	}
	for query, want := range map[string]string{
		"accept=application/json":   "application/json",
		"accept=application%2Fjson": "application/json",
		"accept=text/html;level=1,application/dicom+json;q=1,application/json;q=0.5": "application/dicom+json",
	} {
		w := a.request("GET", BasePath+ref.Path()+"/metadata?"+query, "Accept", "*/*, application/json")
		if got := w.Header().Get("Content-Type"); got != want {
			t.Errorf("?%s: %s, want %s", query, got, want)
		}
	}

	plain := a.get(ref, "/metadata", "")
	zipped := a.get(ref, "/metadata", "", "Accept-Encoding", "br, gzip;q=0.5")
	if zipped.Header().Get("Content-Encoding") != "gzip" || zipped.Header().Get("ETag") == plain.Header().Get("ETag") {
		t.Errorf("gzip: %v", zipped.Header())
	}
	z, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || !bytes.Equal(b, plain.Body.Bytes()) {
		t.Errorf("gunzipped it is something else: %v", err)
	}
	if w := a.get(ref, "/metadata", "", "Accept-Encoding", "gzip;q=0, *"); w.Header().Get("Content-Encoding") != "" {
		t.Error("gzip was refused, but sent")
	}
	unchanged := a.get(ref, "/metadata", "", "If-None-Match", plain.Header().Get("ETag"))
	checkStatus(t, unchanged, 304)
	says := func(w *httptest.ResponseRecorder) []string { return slices.Sorted(maps.Keys(w.Header())) }
	needed := []string{"Cache-Control", "Content-Location", "Etag", "Vary"} // RFC 9110 15.4.5
	for _, name := range needed {
		if v := unchanged.Header().Get(name); v == "" || v != plain.Header().Get(name) {
			t.Errorf("%s of a 304: %q", name, v)
		}
	}
	if got := says(unchanged); !slices.Equal(got, needed) {
		t.Errorf("a 304 says %q", got)
	}
	script := a.get(ref, "/metadata", "", "If-None-Match", plain.Header().Get("ETag"), "Origin", "https://viewer.example", "X-Request-Id", "mine")
	if got := says(script); !slices.Equal(got, append([]string{"Access-Control-Allow-Origin", "Access-Control-Expose-Headers"}, append(needed, "X-Request-Id")...)) {
		t.Errorf("to a script of another origin that sends an id a 304 says %q", got)
	}
	if vary := strings.Join(plain.Header().Values("Vary"), ","); !strings.Contains(vary, "Accept-Encoding") {
		t.Errorf("Vary %s", vary)
	}
	checkStatus(t, a.get(dicom.Ref{Study: "1.2.3"}, "/metadata", ""), 404, "1.2.3")
	checkStatus(t, a.get(ref, "/metadata", "application/dicom+xml"), 406)
}
