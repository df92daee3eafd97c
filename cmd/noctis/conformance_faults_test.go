package main

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/conformance"
)

// planted is a fault that a proxy in front of the server makes in its answers, and the case that is meant to find it.
type planted struct {
	name, finds    string
	method, target string // regular expressions of the requests whose answers are changed
	change         func(*httptest.ResponseRecorder)
}

// Kinds of faults.
func status(code int) func(*httptest.ResponseRecorder) {
	return func(r *httptest.ResponseRecorder) { r.Code = code }
}

func without(name string) func(*httptest.ResponseRecorder) {
	return func(r *httptest.ResponseRecorder) { r.Header().Del(name) }
}

func header(name, value string) func(*httptest.ResponseRecorder) {
	return func(r *httptest.ResponseRecorder) { r.Header().Set(name, value) }
}

func body(old, new string) func(*httptest.ResponseRecorder) {
	expression := regexp.MustCompile(old)
	return func(r *httptest.ResponseRecorder) {
		r.Body = bytes.NewBuffer(expression.ReplaceAll(r.Body.Bytes(), []byte(new)))
	}
}

// frameByte changes one byte behind the first header of the parts.
func frameByte(r *httptest.ResponseRecorder) {
	b := r.Body.Bytes()
	if i := bytes.Index(b, []byte("\r\n\r\n")); i > 0 && i+5 < len(b) {
		b[i+4] ^= 0x55
	}
}

// swapParts exchanges the bodies of the first two parts, which are equally long.
func swapParts(r *httptest.ResponseRecorder) {
	b := r.Body.Bytes()
	n := len("\r\n\r\n")
	i := bytes.Index(b, []byte("\r\n\r\n")) + n
	end := bytes.Index(b[i:], []byte("\r\n--")) + i
	j := bytes.Index(b[end:], []byte("\r\n\r\n")) + end + n
	length := end - i
	first := bytes.Clone(b[i:end])
	copy(b[i:end], b[j:j+length])
	copy(b[j:j+length], first)
}

// cut takes the last bytes away.
func cut(n int) func(*httptest.ResponseRecorder) {
	return func(r *httptest.ResponseRecorder) { r.Body.Truncate(max(0, r.Body.Len()-n)) }
}

// empty200 answers as servers do that know no 204.
func empty200(r *httptest.ResponseRecorder) {
	r.Code = 200
	r.Header().Set("Content-Type", "application/dicom+json")
	r.Body = bytes.NewBufferString("[]")
}

// repaint changes a PNG picture.
func repaint(change func(image.Image) image.Image) func(*httptest.ResponseRecorder) {
	return func(r *httptest.ResponseRecorder) {
		picture, err := png.Decode(bytes.NewReader(r.Body.Bytes()))
		if err != nil {
			return
		}
		r.Body = &bytes.Buffer{}
		png.Encode(r.Body, change(picture))
	}
}

func brighter(p image.Image) image.Image {
	out := image.NewGray(p.Bounds())
	for y := range p.Bounds().Dy() {
		for x := range p.Bounds().Dx() {
			out.Set(x, y, p.At(x, y))
			out.Pix[y*out.Stride+x] ^= 0x08
		}
	}
	return out
}

func smaller(p image.Image) image.Image {
	return image.NewGray(image.Rect(0, 0, p.Bounds().Dx()-1, p.Bounds().Dy()))
}

const (
	anyStudy    = `/studies(/|$)`
	searchOfOne = `/studies\?StudyInstanceUID=`
)

var plantedFaults = []planted{
	{"search answers 200 for nothing", "search.studies.none", "GET", `/studies\?StudyInstanceUID=2\.25\.3402`, empty200},
	{"search of instances answers 200 for nothing", "search.instances.none", "GET", `/instances\?SOPInstanceUID=2\.25\.3402`, empty200},
	{"limit without a warning", "search.studies.limit", "GET", `limit=1`, without("Warning")},
	{"another text of the warning", "search.series.limit", "GET", `limit=1`, header("Warning", "299 x: more results")},
	{"limit is ignored: a result twice", "search.instances.limit", "GET", `limit=1`, body(`^\[(.*)\]$`, "[$1,$1]")},
	{"search answers in another type", "search.studies", "GET", `/studies\?`, header("Content-Type", "application/json")},
	{"a charset in the type", "search.content-type.no-charset", "GET", `/studies\?`, header("Content-Type", "application/dicom+json; charset=utf-8")},
	{"lower-case tags", "search.result.empty", "GET", `/studies\?`, body(`"0020000D"`, `"0020000d"`)},
	{"empty Value arrays", "search.result.empty", "GET", `includefield=all`, body(`"00081030":\{"vr":"LO","Value":\[[^\]]*\]\}`, `"00081030":{"vr":"LO","Value":[]}`)},
	{"a name as text", "search.result.names", "GET", searchOfOne, body(`"Value":\[\{"Alphabetic":("[^"]*")[^}]*\}\]`, `"Value":[$1]`)},
	{"no ideographic group", "search.result.names", "GET", searchOfOne, body(`,"Ideographic":"[^"]*"`, ``)},
	{"names in Latin-1", "common.charset.utf8", "GET", searchOfOne, body(`山田`, `??`)},
	{"no modalities", "search.result.modalities", "GET", searchOfOne, body(`"00080061":\{"vr":"CS","Value":\[[^\]]*\]\},?`, ``)},
	{"a modality is missing", "search.result.modalities", "GET", searchOfOne, body(`"CT",`, ``)},
	{"a count is wrong", "search.result.number-of-instances", "GET", searchOfOne, body(`"00201208":\{"vr":"IS","Value":\["?5"?\]\}`, `"00201208":{"vr":"IS","Value":[3]}`)},
	{"no Retrieve URL", "search.studies.returns-00081190", "GET", `/studies\?`, body(`"00081190":\{[^}]*\},?`, ``)},
	{"a Retrieve URL of localhost", "search.result.retrieve-url-study", "GET", searchOfOne, body(`"00081190":\{"vr":"UR","Value":\["[^"]*"`, `"00081190":{"vr":"UR","Value":["http://127.0.0.1:1/studies/1"`)},
	{"a result is missing", "search.match.range.date", "GET", `StudyDate=20240310-20240415`, body(`^\[(\{.*?\}),\{"0008.*\]$`, `[$1]`)},
	{"group length in results", "search.result.empty", "GET", `includefield=all`, body(`^\[\{`, `[{"00080000":{"vr":"UL","Value":[4]},`)},
	{"unknown parameters are refused", "common.parameter.unknown", "GET", `noSuchParameter`, status(400)},
	{"a bad limit is taken", "common.parameter.invalid.limit-text", "GET", `limit=ten`, empty200},
	{"a bad date is taken", "common.parameter.invalid.date", "GET", `StudyDate=2024-02-30x`, empty200},
	{"406 for q values", "common.accept.q", "GET", `limit=1`, status(406)},
	{"405 without Allow", "common.method.studies-put", "PUT", anyStudy, without("Allow")},
	{"an error without a payload", "common.error.payload", "GET", `limit=x`, body(`(?s).*`, ``)},
	{"404 for a series that is there", "retrieve.ok.series", "GET", `/series/[0-9.]+$`, status(404)},
	{"500 for what is not there", "common.not-found.instance", "GET", `/instances/2\.25\.3402`, status(500)},
	{"200 for what is not there", "common.not-found.metadata-study", "GET", `/metadata`, empty200},
	{"a study as one part", "retrieve.study.single-part", "GET", `/studies/[0-9.]+$`, status(200)},

	{"store answers 201", "store.status.200", "POST", anyStudy, status(201)},
	{"store answers 200 for a part", "store.status.202", "POST", anyStudy, status(200)},
	{"an empty Failed SOP Sequence", "store.response.no-empty-sequences", "POST", anyStudy, body(`"00081199"`, `"00081198":{"vr":"SQ"},"00081199"`)},
	{"no Referenced SOP Sequence", "store.response.referenced", "POST", anyStudy, body(`"00081199":\{.*\}$`, `"00081199":{"vr":"SQ"}}`)},
	{"another instance is acknowledged", "store.response.referenced", "POST", anyStudy, body(`"00081155":\{"vr":"UI","Value":\["[^"]*"`, `"00081155":{"vr":"UI","Value":["1.2.3"`)},
	{"no Retrieve URL of an instance", "store.response.retrieve-url-instance", "POST", anyStudy, body(`/instances/[0-9.]*`, ``)},
	{"an array as the answer", "clients.store.answer-type", "POST", anyStudy, body(`^(\{.*\})$`, `[$1]`)},
	{"store swallows a cut body", "store.boundary.unclosed", "POST", anyStudy, status(200)},
	{"store takes what is no DICOM", "store.status.409", "POST", anyStudy, status(200)},
	{"no failure reason", "store.response.other-failures", "POST", anyStudy, body(`"00081197":\{[^}]*\}`, `"00081197":{"vr":"US"}`)},
	{"JSON where XML was asked for", "store.response.xml", "POST", anyStudy, header("Content-Type", "application/dicom+json")},
	{"415 is 400", "store.status.415", "POST", anyStudy, status(400)},

	{"an unquoted type", "retrieve.type-quoted", "GET", `/instances/`, func(r *httptest.ResponseRecorder) {
		r.Header().Set("Content-Type", strings.Replace(r.Header().Get("Content-Type"), `"application/dicom"`, `application/dicom`, 1))
	}},
	{"a cut multipart body", "retrieve.study.stored", "GET", `/studies/[0-9.]+$`, cut(40)},
	{"a byte of a file changed", "retrieve.series.stored", "GET", `/series/[0-9.]+$`, frameByte},
	{"parts without Content-Location", "retrieve.part.content-location", "GET", `/series/`, body(`Content-Location: [^\r]*\r\n`, ``)},
	{"parts without Content-Length", "retrieve.part.content-length", "GET", `/series/`, body(`Content-Length: [^\r]*\r\n`, ``)},
	{"parts of another type", "retrieve.part.content-type", "GET", `/series/`, body(`Content-Type: application/dicom[^\r]*\r\n`, "Content-Type: application/octet-stream\r\n")},
	{"another boundary in the header", "retrieve.study.stored", "GET", `/studies/[0-9.]+$`, header("Content-Type", `multipart/related; type="application/dicom"; boundary="other"`)},
	{"another entity tag each time", "retrieve.no-match.frame", "GET", `/frames/1$`, status(200)},
	{"a byte of a frame changed", "retrieve.frames.ct-2", "GET", `/frames/`, frameByte},
	{"frames swapped", "retrieve.frames.several", "GET", `/frames/1,3`, swapParts},
	{"a frame is missing", "retrieve.frames.several-encoded", "GET", `/frames/1`, body(`(?s)^(--[^\r]*\r\n.*?)\r\n--.*(\r\n--[^\r]*--\r\n)$`, `$1$2`)},
	{"a frame behind the last one", "retrieve.frames.invalid.behind", "GET", `/frames/4`, status(200)},
	{"no transfer syntax at the frame", "retrieve.frames.stored.transfer-syntax", "GET", `/frames/`, body(`; ?transfer-syntax=[0-9.]+`, ``)},
	{"bits of another frame", "retrieve.frames.bits", "GET", `/frames/2`, frameByte},
	{"an attribute is missing in metadata", "retrieve.metadata.all-attributes", "GET", `/metadata`, body(`"00281050":\{[^}]*\},?`, ``)},
	{"File Meta Information in metadata", "retrieve.metadata.no-group-2", "GET", `/metadata`, body(`^\[\{`, `[{"00020010":{"vr":"UI","Value":["1.2.840.10008.1.2"]},`)},
	{"metadata of an instance are missing", "retrieve.metadata.series.complete", "GET", `/series/[0-9.]+/metadata`, body(`^\[(\{.*?\}),\{"0008.*\]$`, `[$1]`)},
	{"numbers as text in metadata", "retrieve.metadata.model.us", "GET", `/metadata`, body(`"00280010":\{"vr":"US","Value":\[12\]\}`, `"00280010":{"vr":"US","Value":["12"]}`)},
	{"a relative BulkDataURI", "retrieve.bulk.absolute", "GET", `/metadata`, body(`"BulkDataURI":"http://[^/]*`, `"BulkDataURI":"`)},
	{"no transfer syntax in metadata", "retrieve.metadata.available-transfer-syntax", "GET", `/metadata`, body(`"00083002":\{[^}]*\},?`, ``)},
	{"rendered in another type", "rendered.type.png", "GET", `/rendered`, header("Content-Type", "image/jpeg")},
	{"a window that is off by eight levels", "rendered.window.linear", "GET", `/rendered`, repaint(brighter)},
	{"a picture that is too small", "rendered.size", "GET", `/rendered`, repaint(smaller)},
	{"a bad window is taken", "rendered.invalid.window-two", "GET", `/rendered`, status(200)},
	{"an unescaped report", "rendered.report-html", "GET", `/rendered`, body(`&amp; &lt;more&gt;`, `& <more>`)},
	{"a picture that is none", "rendered.default-type", "GET", `/rendered`, cut(400)},
	{"WADO-URI without a missing parameter's 400", "uri.missing.studyUID", "GET", `xstudyUID`, status(200)},
	{"WADO-URI gives a picture for DICOM", "uri.dicom", "GET", `contentType=application/dicom`, header("Content-Type", "image/jpeg")},
	{"a search of palettes answers 200 for nothing", "non-patient.color-palettes.none", "GET", `/color-palettes\?SOPInstanceUID=2\.25\.3402`, empty200},
	{"a hanging protocol is cut", "non-patient.hanging-protocols.retrieve.stored", "GET", `/hanging-protocols/[0-9.]+$`, cut(2)},
	{"no file but JSON of an implant", "non-patient.implant-templates.retrieve.file", "GET", `/implant-templates/[0-9.]+$`, header("Content-Type", "application/json")},
	{"a return key of protocols is missing", "non-patient.hanging-protocols.search.returned", "GET", `/hanging-protocols\?`, body(`"0072000E":\{[^}]*\},?`, ``)},
	{"an inventory is stored with 202", "non-patient.inventories.store", "POST", `/inventories$`, status(202)},
	{"an instance of another class is taken", "non-patient.color-palettes.store.other-class", "POST", `/color-palettes$`, status(200)},
	{"415 of protocols is 400", "non-patient.defined-procedure-protocols.store.415", "POST", `/defined-procedure-protocols$`, status(400)},
	{"an unacceptable inventory comes", "non-patient.inventories.retrieve.406", "GET", `/inventories/[0-9.]+$`, status(200)},
	{"capabilities without resources", "capabilities.lists.frames", "OPTIONS", ``, body(`path="frames"`, `path="pictures"`)},
	{"capabilities without a body", "capabilities.wadl", "OPTIONS", ``, func(r *httptest.ResponseRecorder) { r.Code = 204; r.Body = &bytes.Buffer{} }},
	{"no CORS at errors", "clients.cors.errors", "GET", `/metadata`, without("Access-Control-Allow-Origin")},
	{"no nosniff", "clients.nosniff", "GET", `/metadata`, without("X-Content-Type-Options")},
}

// TestConformanceFindsPlantedFaults: a suite that finds nothing wrong proves nothing.
func TestConformanceFindsPlantedFaults(t *testing.T) {
	handler := conformanceHandler(t)
	found := 0
	for _, p := range plantedFaults {
		t.Run(p.name, func(t *testing.T) {
			method, target := regexp.MustCompile("^("+p.method+")$"), regexp.MustCompile(p.target)
			proxy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(p.target, "/studies(") && isFixture(r) || !method.MatchString(r.Method) || !target.MatchString(r.URL.RequestURI()) {
					handler.ServeHTTP(w, r)
					return
				}
				recorded := httptest.NewRecorder()
				handler.ServeHTTP(recorded, r)
				p.change(recorded)
				for name, values := range recorded.Header() {
					w.Header()[name] = values
				}
				w.Header().Set("Content-Length", strconv.Itoa(recorded.Body.Len()))
				if recorded.Code == http.StatusNoContent || recorded.Code == http.StatusNotModified {
					w.Header().Del("Content-Length")
				}
				w.WriteHeader(recorded.Code)
				w.Write(recorded.Body.Bytes())
			})
			sound := runConformance(t, handler, conformance.Options{Only: []string{p.finds}}).Cases
			if len(sound) == 0 || sound[0].ID != p.finds || sound[0].Status != conformance.Pass {
				t.Fatalf("%s does not pass without the fault: %+v", p.finds, sound)
			}
			r := runConformance(t, proxy, conformance.Options{Only: []string{p.finds}}).Cases[0]
			if r.Status != conformance.Fail || r.Want == "" || r.Sent == "" || r.Got == "" {
				t.Errorf("%s: %s, want fail with what was sent, came and was expected\n%s\n%s", p.finds, r.Status, r.Sent, r.Got)
				return
			}
			found++
		})
	}
	if found < 60 {
		t.Errorf("%d planted faults were found; want 60 at least", found)
	}
}

// isFixture tells the request that stores the suite's own studies from those of its cases: it is by far the largest.
func isFixture(r *http.Request) bool { return r.ContentLength > 20_000 }
