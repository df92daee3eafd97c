package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// marks are what patients are known by in this test. Whatever they are part of, nothing that is written down may contain one, but for the
// audit log, whose purpose it is (PS3.15 A.5.3).
const (
	mark      = "ZQXMARK"
	markBirth = "19230717"
)

// markedImage is an instance all of whose texts are marked.
func markedImage(name string, with ...any) dicomtest.Image {
	return dicomtest.Image{Study: "leak", Series: "s", Name: name, BitsAllocated: 8, With: append([]any{
		dicom.PatientName, mark + "NAME^" + mark + "GIVEN", dicom.PatientID, mark + "ID", dicom.PatientBirthDate, markBirth,
		dicom.IssuerOfPatientID, mark + "ISSUER", dicom.AccessionNumber, mark + "ACC", dicom.StudyID, mark + "SID",
		dicom.ReferringPhysicianName, mark + "REF^A", dicom.StudyDescription, mark + " study", dicom.SeriesDescription, mark + " series",
		dicom.PatientAddress, mark + " street", dicom.PatientComments, mark + " comment", dicom.OtherPatientIDs, mark + "OTHER",
		dicom.RequestingPhysician, mark + "REQ^B", dicom.ImageComments, mark + " image", dicom.StationName, mark + "ST"}, with...)}
}

// leakHouse is a server with a log at the level of DEBUG, in this process.
type leakHouse struct {
	t    *testing.T
	data string
	log  *lockedBuffer
	url  string
	end  func()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newLeakHouse(t *testing.T, args ...string) *leakHouse {
	t.Helper()
	h := &leakHouse{t: t, data: filepath.Join(t.TempDir(), "data"), log: &lockedBuffer{}}
	h.open(args...)
	return h
}

func (h *leakHouse) open(args ...string) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	out, in := io.Pipe()
	done := make(chan int, 1)
	go func() {
		code := run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", h.data, "--log-level", "DEBUG", "--log-format", "json",
			"--memory", "0"}, args...), io.MultiWriter(in, h.log), h.log)
		in.CloseWithError(fmt.Errorf("exit code %d", code))
		done <- code
	}()
	text := make([]byte, 4096)
	n, err := io.ReadAtLeast(out, text, 100) // the announcement comes in one piece
	m := regexp.MustCompile(`page +(https?://[^/]+)/`).FindSubmatch(text[:n])
	if err != nil || m == nil {
		h.t.Fatalf("%v: %s%s", err, text[:n], h.log)
	}
	go io.Copy(io.Discard, out) //nolint:errcheck // the rest of it
	h.url = string(m[1])
	h.end = func() {
		cancel()
		if code := <-done; code != 0 {
			h.t.Errorf("the server ended with %d: %s", code, h.log)
		}
	}
}

// ask sends a request. What it is told may hold marks if it sent some.
func (h *leakHouse) ask(method, path string, header http.Header, body []byte) (int, string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, h.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, ""
	}
	for name, values := range header {
		r.Header[name] = values
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "" // the server cut it off, as it does after the first byte
	}
	defer answer.Body.Close()
	limit := int64(1 << 20)
	if strings.Contains(answer.Header.Get("Content-Type"), "event-stream") {
		limit = 1
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, limit))
	sent := path + fmt.Sprint(header) + string(body)
	if answer.StatusCode >= 400 && !marked(sent) && marked(string(text)+fmt.Sprint(answer.Header)) {
		h.t.Errorf("%s %s: %d tells of a patient: %s", method, path, answer.StatusCode, text)
	}
	return answer.StatusCode, string(text)
}

func marked(text string) bool {
	return strings.Contains(strings.ToUpper(text), mark) || strings.Contains(text, markBirth)
}

// clean reports what of a text holds marks.
func clean(t *testing.T, where, text string) {
	t.Helper()
	told := 0
	for line := range strings.Lines(text) {
		if marked(line) {
			if told++; told > 20 {
				return
			}
			t.Errorf("%s tells of a patient: %.500s", where, strings.TrimSpace(line))
		}
	}
}

func typed(mediaType string) http.Header { return http.Header{"Content-Type": {mediaType}} }

// TestNothingIsWrittenDownAboutPatients stores, searches, fails, renders and deletes marked patient data, through every route and every
// kind of error that is known, and looks for it in the log, the metrics, the traces, the errors, and the report of doctor.
func TestNothingIsWrittenDownAboutPatients(t *testing.T) {
	traces := &lockedBuffer{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(traces, r.Body) //nolint:errcheck // it is looked for below
	}))
	defer collector.Close()
	h := newLeakHouse(t, "--validation", "warn", "--otlp-endpoint", collector.URL)
	h.store()
	h.askEverything()
	h.worklist()
	h.remove()
	_, metrics := h.ask("GET", "/metrics", nil, nil)
	if !strings.Contains(metrics, "noctis_audit_events_total") {
		t.Fatal("there are no metrics")
	}
	clean(t, "/metrics", metrics)
	h.end()
	clean(t, "the log", h.log.String())
	if clean(t, "a trace", traces.String()); !strings.Contains(traces.String(), "GET rendered-instance") {
		t.Error("there are no traces")
	}
	if n := strings.Count(h.log.String(), `"msg":"request"`); n < 500 {
		t.Errorf("only %d requests were made", n)
	}
	h.damage()
	clean(t, "the log after damage", h.log.String())
}

// store sends files that are right, wrong, cut, changed, and of all other forms.
func (h *leakHouse) store() {
	const studies = "/dicom-web/studies"
	good := markedImage("1").File()
	if status, text := h.ask("POST", studies, typed("application/dicom"), good); status != 200 {
		h.t.Fatalf("%d %s", status, text)
	}
	other := markedImage("1", dicom.ImageComments, mark+" another image").File() // a conflict
	h.ask("POST", studies, typed("application/dicom"), other)
	h.ask("POST", studies+"/1.2.3", typed("application/dicom"), good) // another study
	for n := 100; n < len(good); n += max(1, len(good)/80) {
		h.ask("POST", studies, typed("application/dicom"), good[:n])
		broken := bytes.Clone(good)
		broken[n] ^= 0xff
		h.ask("POST", studies+"?dry-run", typed("application/dicom"), broken)
	}
	for _, with := range [][]any{
		{dicom.SOPInstanceUID, mark + "UID"}, {dicom.StudyInstanceUID, mark}, {dicom.SOPClassUID, mark}, {dicom.PatientBirthDate, mark},
		{dicom.Rows, 0}, {dicom.SpecificCharacterSet, mark}, {dicom.StudyDate, mark}, {dicom.PatientSex, mark}, {dicom.SeriesInstanceUID, ""},
	} {
		h.ask("POST", studies, typed("application/dicom"), markedImage("bad", with...).File())
	}
	h.ask("POST", studies, typed("multipart/related; type="+mark), good)
	h.ask("POST", studies, typed(mark+"/"+mark), good)
	h.storeMetadata(studies)
}

// storeMetadata sends data sets as JSON and XML, whole and broken at many places.
func (h *leakHouse) storeMetadata(studies string) {
	ds := markedImage("json").Instance().DataSet
	ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bulk{URI: "pixels"}})
	asJSON, err := ds.AppendJSON(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	asXML, err := ds.AppendXML(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for mediaType, text := range map[string][]byte{"application/dicom+json": append(append([]byte("["), asJSON...), ']'), "application/dicom+xml": asXML} {
		send := func(text []byte) {
			body := fmt.Appendf(nil, "--b\r\nContent-Type: %s\r\n\r\n%s\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Location: pixels\r\n\r\n%s\r\n--b--\r\n",
				mediaType, text, make([]byte, 256))
			h.ask("POST", studies, typed(`multipart/related; type="`+mediaType+`"; boundary=b`), body)
		}
		send(text)
		for n := 1; n < len(text); n += max(1, len(text)/60) {
			send(text[:n])
			broken := bytes.Clone(text)
			broken[n] = '"'
			send(broken)
		}
	}
}

// askEverything asks every route, with values that are there, with marks in their place, and with parameters and headers that are marks.
func (h *leakHouse) askEverything() {
	image := markedImage("1").Instance().DataSet
	there := strings.NewReplacer("{study}", image.String(dicom.StudyInstanceUID), "{series}", image.String(dicom.SeriesInstanceUID),
		"{instance}", image.String(dicom.SOPInstanceUID), "{frames}", "1", "{path:.+}", "7FE00010")
	variable := regexp.MustCompile(`\{[^}]*\}`)
	for _, claim := range statementOf(h.t).Transactions {
		if claim.Method == http.MethodDelete || strings.Contains(claim.Name, "stream") {
			continue // remove does that
		}
		base := "/dicom-web" + claim.Resource
		if claim.Name == "wado-uri" {
			base = "/wado"
		}
		for _, path := range []string{
			variable.ReplaceAllString(there.Replace(base), "1.2.3"), variable.ReplaceAllString(base, mark), variable.ReplaceAllString(base, "1.2."+markBirth),
		} {
			h.ask(claim.Method, path, nil, nil)
			h.ask(claim.Method, path, http.Header{"Accept": {mark + "/x"}}, nil)
			for _, query := range append(claim.Query, "PatientName", "PatientID", "00100030", "StudyDate", "includefield", "orderby", mark) {
				h.ask(claim.Method, path+"?"+query+"="+mark+"%00^"+markBirth, nil, nil)
			}
			if claim.Method != http.MethodGet {
				h.ask(claim.Method, path, typed("application/dicom+json"), []byte(`{"00100010":{"vr":"PN","Value":[{"Alphabetic":"`+mark+`"}]}}`))
				h.ask(claim.Method, path, typed("application/json"), []byte(`{"`+mark+`":"`+markBirth+`"`))
			}
		}
		for _, one := range variable.FindAllString(base, -1) { // one after the other, with what is there
			h.ask(claim.Method, variable.ReplaceAllString(there.Replace(strings.Replace(base, one, mark, 1)), "1.2.3"), nil, nil)
		}
		for _, accept := range claim.Accept {
			h.ask(claim.Method, variable.ReplaceAllString(there.Replace(base), "1.2.3"), http.Header{"Accept": {accept}}, nil)
		}
	}
	for _, search := range []string{"PatientName=" + mark, "PatientName=" + mark + "*", "PatientID=" + mark + "ID", "00100030=" + markBirth, "fuzzymatching=true&PatientName=" + mark,
		"limit=" + mark, "StudyDate=" + markBirth + "-" + mark, "offset=" + markBirth + markBirth + markBirth, "%zz=" + mark} {
		for _, of := range []string{"studies", "series", "instances", "workitems", "modality-scheduled-procedure-steps"} {
			h.ask("GET", "/dicom-web/"+of+"?"+search, nil, nil)
		}
	}
	for _, page := range []string{"/" + mark, "/viewer/" + mark, "/doctor?" + mark, "/session/" + mark, "/healthz?" + mark, "/wado?requestType=WADO&studyUID=" + mark} {
		h.ask("GET", page, http.Header{"Referer": {mark}, "User-Agent": {mark}, "Cookie": {"noctis=" + mark}}, nil)
		h.ask("GET", page, http.Header{"Authorization": {"Basic " + url.QueryEscape(mark)}}, nil)
	}
	h.ask(mark, "/dicom-web/studies", http.Header{"Tracestate": {"x=" + mark}, "Baggage": {"patient=" + mark}}, nil)
	h.ask("POST", "/session", typed("application/json"), []byte(`{"name":"`+mark+`","password":"`+mark+`"}`))
}

// worklist makes and changes workitems, scheduled and performed steps, right and wrong.
func (h *leakHouse) worklist() {
	status, text := h.ask("GET", "/dicom-web/workitems", nil, nil)
	var items []*dicom.DataSet
	if err := json.Unmarshal([]byte(text), &items); status != 200 || err != nil || len(items) == 0 {
		h.t.Fatalf("%d %v", status, err)
	}
	item := items[0]
	full, err := item.AppendJSON(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	js := typed("application/dicom+json")
	path := "/dicom-web/workitems/" + item.String(dicom.SOPInstanceUID)
	h.ask("POST", "/dicom-web/workitems?1.2.77", js, full)
	h.ask("POST", "/dicom-web/workitems?"+mark, js, full)
	h.ask("POST", path, js, full)
	h.ask("PUT", path+"/state", js, []byte(`{"00081195":{"vr":"UI","Value":["1.2.78"]},"00741000":{"vr":"CS","Value":["IN PROGRESS"]}}`))
	h.ask("PUT", path+"/state", js, []byte(`{"00081195":{"vr":"UI","Value":["`+mark+`"]},"00741000":{"vr":"CS","Value":["`+mark+`"]}}`))
	h.ask("POST", path+"?1.2.78", js, []byte(`{"00100010":{"vr":"PN","Value":[{"Alphabetic":"`+mark+`"}]},"00404005":{"vr":"DT","Value":["`+mark+`"]}}`))
	h.ask("POST", path+"/cancelrequest", js, []byte(`{"00741238":{"vr":"LT","Value":["`+mark+`"]}}`))
	h.ask("POST", path+"/subscribers/"+mark, nil, nil)
	step := []byte(`{"00100010":{"vr":"PN","Value":[{"Alphabetic":"` + mark + `"}]},"00100020":{"vr":"LO","Value":["` + mark + `"]},"00400100":{"vr":"SQ","Value":[{
		"00080060":{"vr":"CS","Value":["CT"]},"00400001":{"vr":"AE","Value":["` + mark + `"]},"00400002":{"vr":"DA","Value":["` + markBirth + `"]},"00400009":{"vr":"SH","Value":["` + mark + `"]}}]}}`)
	for n := 0; n <= len(step); n += len(step) / 20 {
		h.ask("POST", "/dicom-web/modality-scheduled-procedure-steps", js, step[:n])
		h.ask("POST", "/dicom-web/modality-performed-procedure-steps/1.2.79", js, step[:n])
		h.ask("POST", "/dicom-web/commitment-requests/1.2.80", js, step[:n])
	}
	h.ask("POST", "/dicom-web/modality-scheduled-procedure-steps", js, step)
}

// remove deletes, restores and purges.
func (h *leakHouse) remove() {
	study := "/studies/" + markedImage("1").Instance().DataSet.String(dicom.StudyInstanceUID)
	for _, step := range []struct {
		method, path string
		want         int
	}{
		{"DELETE", "/dicom-web" + study, 204}, {"GET", "/dicom-web" + study, 410}, {"DELETE", "/dicom-web" + study, 410},
		{"GET", "/dicom-web/recycle-bin" + study, 200}, {"POST", "/dicom-web/recycle-bin" + study + "/restore", 200},
		{"DELETE", "/dicom-web" + study, 204}, {"DELETE", "/dicom-web/recycle-bin" + study, 200}, {"GET", "/dicom-web" + study, 410},
		{"DELETE", "/dicom-web/studies/" + mark, 400}, {"DELETE", "/dicom-web/recycle-bin?before=" + mark, 400},
	} {
		if status, text := h.ask(step.method, step.path, nil, nil); status != step.want {
			h.t.Errorf("%s %s: %d, want %d: %s", step.method, step.path, status, step.want, text)
		}
	}
}

// damage spoils what is stored, and lets doctor and the server look at it.
func (h *leakHouse) damage() {
	files := filepath.Join(h.t.TempDir(), mark)
	if err := os.MkdirAll(files, 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(files, mark+".dcm"), markedImage("2").File(), 0o600); err != nil {
		h.t.Fatal(err)
	}
	command(h.t, 0, "import", files, "--data", h.data)
	var spoilt []string
	err := filepath.WalkDir(filepath.Join(h.data, "blobs"), func(path string, entry os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".dcm") {
			spoilt = append(spoilt, path)
		}
		return err
	})
	if err != nil || len(spoilt) == 0 {
		h.t.Fatal(err, spoilt)
	}
	for _, path := range spoilt {
		text, err := os.ReadFile(path)
		if err != nil {
			h.t.Fatal(err)
		}
		text[len(text)/2] ^= 0xff
		os.Chmod(path, 0o600) //nolint:errcheck // the next line tells
		if err := os.WriteFile(path, text, 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"doctor"}, {"doctor", "--deep", "--json"}, {"doctor", "--fix"}, {"reindex", "--check"}, {"readiness", "--all"}, {"audit", "verify"}} {
		var out bytes.Buffer
		run(h.t.Context(), append(args, "--data", h.data), &out, &out)
		clean(h.t, "noctis "+strings.Join(args, " "), out.String())
	}
	if report, err := os.ReadFile(diagnosisFile(h.data)); err == nil {
		clean(h.t, "doctor.json", string(report))
	}
	h.open()
	h.askEverything()
	h.end()
}
