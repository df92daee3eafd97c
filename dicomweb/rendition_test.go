package dicomweb

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

func fileOf(t *testing.T, in dicomtest.Instance) []byte {
	t.Helper()
	b, err := in.File()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func uriOf(ref dicom.Ref, more string) string {
	return "/wado?requestType=WADO&studyUID=" + string(ref.Study) + "&seriesUID=" + string(ref.Series) + "&objectUID=" + string(ref.Instance) + more
}

// A report is a page, a text or XML, for the RESTful and the URI service, and the page cannot run anything (PS3.18 Table 8.7.4-1).
func TestRenderedReport(t *testing.T) {
	a := newArchive(t, fileOf(t, dicomtest.EveryValue()), fileOf(t, dicomtest.KeyObjects()))
	ref := a.refs[0]
	for mediaType, want := range map[string]string{
		"text/html": "&lt;script&gt;", "text/plain": "12.5 mm", "text/xml": `<unit value="mm" scheme="UCUM">`,
	} {
		for where, w := range map[string]int{ref.Path() + "/rendered": 0, uriOf(ref, "&contentType="+mediaType): 1} {
			answer := a.request("GET", where, "Accept", "*/*")
			if w == 0 {
				answer = a.get(ref, "/rendered", mediaType)
			}
			if answer.Code != 200 || !strings.HasPrefix(answer.Header().Get("Content-Type"), mediaType) || !strings.Contains(answer.Body.String(), want) {
				t.Errorf("%s of %s: %d %v", mediaType, where, answer.Code, answer.Header())
			}
			if policy := answer.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
				t.Errorf("the policy of %s is %q", mediaType, policy)
			}
		}
	}
	w := a.get(ref, "/rendered", "")
	checkStatus(t, a.get(ref, "/rendered", "", "If-None-Match", w.Header().Get("ETag")), 304)
	if want := `href="http://pacs.example/dicom-web/studies/`; !strings.Contains(w.Body.String(), want) {
		t.Errorf("the page has no link %s", want)
	}
	parts := partsOf(t, a.get(ref, "/rendered", `multipart/related; type="text/plain"`))
	if len(parts) != 1 || parts[0].contentType != "text/plain; charset=utf-8" {
		t.Errorf("%d parts of %s", len(parts), parts[0].contentType)
	}
	checkStatus(t, a.get(ref, "/rendered", "image/jpeg, text/rtf"), 406, "text/html", "text/plain", "text/xml")
	checkStatus(t, a.request("GET", uriOf(ref, "&contentType=image/jpeg"), "Accept", "image/jpeg"), 406, "text/html")
	if w := a.get(a.refs[1], "/rendered", "text/html"); strings.Count(w.Body.String(), "/rendered\"") != 3 {
		t.Errorf("the selection has other links than those of its three images: %s", w.Body)
	}
}

// A document ends where it ended before it was padded, and a video has no transfer syntax when it is rendered (PS3.18 8.7.4).
func TestRenderedAsItIs(t *testing.T) {
	marked := dicomtest.Document("text/XML", []byte("<ClinicalDocument/>"))
	unmarked := dicomtest.Document("text/XML", []byte("<ClinicalDocument/>"))
	unmarked.DataSet.Delete(dicom.EncapsulatedDocumentLength)
	for _, file := range [][]byte{fileOf(t, marked), fileOf(t, unmarked)} {
		a := newArchive(t, file)
		w := a.get(a.refs[0], "/rendered", "text/xml")
		if w.Code != http.StatusOK || w.Body.String() != "<ClinicalDocument/>" || w.Header().Get("Content-Type") != "text/xml" {
			t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
		}
	}
	for syntax, want := range map[dicom.UID]string{
		"1.2.840.10008.1.2.4.100": "video/mpeg", "1.2.840.10008.1.2.4.102": "video/mp4", "1.2.840.10008.1.2.4.107": "video/h265",
	} {
		a := newArchive(t, encapsulate(t, dicomtest.Image{BitsAllocated: 8, Samples: 3, Photometric: "YBR_PARTIAL_420", Frames: 90,
			TransferSyntax: syntax}, [][][]byte{{[]byte("a stream")}}, false))
		for _, accept := range []string{"", "*/*", "video/*", want} {
			w := a.get(a.refs[0], "/rendered", accept, "Range", "bytes=2-")
			if w.Code != http.StatusPartialContent || strings.ToLower(w.Header().Get("Content-Type")) != want || w.Body.String() != "stream" {
				t.Errorf("%s, Accept %q: %d %q %v", syntax, accept, w.Code, w.Body, w.Header())
			}
		}
		w := a.get(a.refs[0], "/rendered?annotation=technique,patient", "")
		if want := `299 http://pacs.example/dicom-web: The following annotation values are not supported: patient,technique`; w.Code != 200 || w.Header().Get("Warning") != want {
			t.Errorf("%d, Warning: %s; want %s", w.Code, w.Header().Get("Warning"), want)
		}
		checkStatus(t, a.get(a.refs[0], "/rendered?iccprofile=yes", ""), 400, "iccprofile")
		checkStatus(t, a.get(a.refs[0], "/rendered?iccprofile=no", ""), 200)
	}
}

// Each part of a study has the media type that its category has and the client accepts (PS3.18 8.7.8.1).
func TestRenderedMixedStudy(t *testing.T) {
	report := dicomtest.EveryValue()
	picture := dicomtest.Image{With: []any{dicom.StudyInstanceUID, report.DataSet.Ref().Study}}.Instance()
	a := newArchive(t, fileOf(t, report), fileOf(t, picture), fileOf(t, dicomtest.Document("application/pdf", []byte("%PDF-1.4 odd"))))
	study := dicom.Ref{Study: report.DataSet.Ref().Study}
	for accept, want := range map[string]string{
		`multipart/related; type="*/*"`:        "application/pdf image/jpeg text/html; charset=utf-8",
		"*/*":                                  "application/pdf image/jpeg text/html; charset=utf-8",
		`multipart/related; type="image/png"`:  "image/png",
		`multipart/related; type="text/plain"`: "text/plain; charset=utf-8",
		`multipart/related; type="application/pdf", multipart/related; type="image/gif"`: "application/pdf image/gif",
		`multipart/related; type="text/*", multipart/related; type="image/jpeg"; q=0.1`:  "image/jpeg text/html; charset=utf-8",
	} {
		w := a.get(study, "/rendered", accept)
		if w.Code != http.StatusOK {
			t.Errorf("Accept %s: %d %s", accept, w.Code, w.Body)
			continue
		}
		var types []string
		for _, p := range partsOf(t, w) {
			types = append(types, p.contentType)
			if len(p.body) == 0 || !strings.Contains(p.location, "/instances/") {
				t.Errorf("Accept %s: a part of %d bytes of %s", accept, len(p.body), p.location)
			}
		}
		slices.Sort(types)
		if got := strings.Join(types, " "); got != want {
			t.Errorf("Accept %s: %s, want %s", accept, got, want)
		}
		checkStatus(t, a.get(study, "/rendered", accept, "If-None-Match", w.Header().Get("ETag")), 304)
	}
	checkStatus(t, a.get(study, "/rendered", `multipart/related; type="text/rtf"`), 406, "image/jpeg")
	checkStatus(t, a.get(study, "/rendered", "text/html"), 406)
}
