package dicomweb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/commitment"
	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/audit"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
	"github.com/noctis-dicom/noctis/store/sqlite"
	"github.com/noctis-dicom/noctis/webhook"
)

// What TestRouteTable asks of each route: of a patient whom the principal may see, of one whom he may not, and of one who is not there.

// side is one of the three.
type side struct {
	patient string // no random text in an answer can have its dot
	study   string
	vars    map[string]string // of templates
}

// routeWorld is a server that has everything, and what lies in it.
type routeWorld struct {
	*Server
	people               *people
	mine, hidden, absent side
	reads                *atomic.Int64 // of index and blobs
	audit                string        // folder
	seen                 uint64        // number of the last event that was looked at
}

// counted counts what is asked of an index and of blobs: the time of an answer must not tell what is hidden from what is not there, and
// that is what it is made of.
type (
	countedIndex struct {
		store.Index
		reads *atomic.Int64
	}
	countedBlobs struct {
		store.Blobs
		reads *atomic.Int64
	}
)

func (c countedIndex) Search(ctx context.Context, q match.Query) iter.Seq2[*dicom.DataSet, error] {
	c.reads.Add(1)
	return c.Index.Search(ctx, q)
}

func (c countedIndex) Count(ctx context.Context, q match.Query) (int, error) {
	c.reads.Add(1)
	return c.Index.Count(ctx, q)
}

func (c countedIndex) Entries(ctx context.Context, r dicom.Ref) iter.Seq2[*store.Entry, error] {
	c.reads.Add(1)
	return c.Index.Entries(ctx, r)
}

func (c countedIndex) Metadata(ctx context.Context, r dicom.Ref) iter.Seq2[store.Metadata, error] {
	c.reads.Add(1)
	return c.Index.Metadata(ctx, r)
}

func (c countedIndex) Removed(ctx context.Context, q store.RemovedQuery) iter.Seq2[*store.Removed, error] {
	c.reads.Add(1)
	return c.Index.Removed(ctx, q)
}

func (c countedBlobs) Open(ctx context.Context, id store.BlobID) (store.Blob, error) {
	c.reads.Add(1)
	return c.Blobs.Open(ctx, id)
}

// someBytes is a digest of nothing.
var someBytes = strings.Repeat("ab", 32)

func newRouteWorld(t *testing.T, p *people) *routeWorld {
	t.Helper()
	index, err := sqlite.OpenUnsynced(t.Context(), filepath.Join(t.TempDir(), "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { index.Close() })
	w := &routeWorld{people: p, reads: &atomic.Int64{}, audit: t.TempDir()}
	log := slog.New(slog.DiscardHandler)
	trail, err := audit.Begin(w.audit, "test", audit.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { trail.Close() })
	st := store.New(countedIndex{index, w.reads}, countedBlobs{memstore.NewBlobs(), w.reads}, store.Options{})
	w.Server, err = New(st, Options{
		Log: log, Authenticator: access.Entrance{Authenticator: p}, Links: p.links, Audit: trail,
		Worklist: index.Worklist(), Procedures: index.Procedures(), Webhooks: &webhook.Sender{}, MetadataCache: -1,
		Commitment: commitment.New(index.Commitments(), Vouching{st}, time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range []*side{&w.mine, &w.hidden, &w.absent} {
		*s = w.newSide(t, i+1)
	}
	for _, name := range nonPatientNames {
		if r := w.send("boss", "POST", BasePath+"/"+dataSetNamed(t, name).Ref().Resource, "application/dicom", fileNamed(t, name)); r.Code != 200 {
			t.Fatal(name, r.Code, r.Body)
		}
	}
	w.events(t)
	return w
}

// newSide makes a side, and stores what lies on it unless it is the third.
func (w *routeWorld) newSide(t *testing.T, i int) side {
	t.Helper()
	s := side{patient: fmt.Sprint("P.", i), study: fmt.Sprint("1.2.7", i), vars: map[string]string{}}
	maps.Copy(s.vars, map[string]string{
		"study": s.study, "series": s.study + ".1", "instance": s.study + ".1.1", "frames": "1", "path:.+": "7FE00010",
		"aetitle": "HERE", "version": someBytes, "webhook": "none", "letter": "1", "workitem": "1.9.8" + fmt.Sprint(i), "link": "linklinklinklin" + fmt.Sprint(i),
		"transaction": "1.9.7" + fmt.Sprint(i), "step": "SPS" + fmt.Sprint(i), "uid": "",
	})
	if i == 3 {
		return s
	}
	must := func(who, method, path, contentType string, body []byte) *httptest.ResponseRecorder {
		t.Helper()
		r := w.send(who, method, BasePath+path, contentType, body)
		if r.Code >= 300 {
			t.Fatalf("%s %s: %d %s", method, path, r.Code, r.Body)
		}
		return r
	}
	who := map[int]string{1: "mine", 2: "boss"}[i]
	must("boss", "POST", "/studies", "application/dicom", s.file(t, ".1.1"))
	must("boss", "POST", "/studies", "application/dicom", s.file(t, ".1.2"))
	must("boss", "DELETE", "/studies/"+s.study+"/series/"+s.study+".1/instances/"+s.study+".1.2", "", nil)
	for version, err := range w.store.RecycleBin(t.Context(), store.RemovedQuery{Ref: dicom.Ref{Study: dicom.UID(s.study)}}) {
		if err != nil {
			t.Fatal(err)
		}
		s.vars["version"] = version.Entry.Blob.String()
	}
	must("boss", "POST", "/workitems?"+s.vars["workitem"], mediaJSON, s.workitem())
	must("boss", "POST", "/modality-scheduled-procedure-steps", mediaJSON, s.scheduled())
	must("boss", "POST", "/modality-performed-procedure-steps/1.5."+fmt.Sprint(i), mediaJSON, s.performed())
	must(who, "POST", "/commitment-requests/"+s.vars["transaction"], mediaJSON, s.commitment())
	link := must(who, "POST", "/studies/"+s.study+"/link", mediaJSON, nil).Body.String()
	s.vars["link"] = regexp.MustCompile(`"id":"([a-z2-7]+)"`).FindStringSubmatch(link)[1]
	return s
}

// file is an instance of the side.
func (s side) file(t *testing.T, uid string) []byte {
	t.Helper()
	ds := dataSetNamed(t, "ct1").Clone()
	ds.SetStrings(dicom.PatientID, dicom.LO, s.patient)
	ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, s.study)
	ds.SetStrings(dicom.SeriesInstanceUID, dicom.UI, s.study+".1")
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, s.study+uid)
	return fileVariant(t, ds, "")
}

const (
	workitemText = `{"00741000":{"vr":"CS","Value":["SCHEDULED"]},"00741200":{"vr":"CS","Value":["HIGH"]},"00741204":{"vr":"LO","Value":["Look"]},` +
		`"00404005":{"vr":"DT","Value":["20240102101530"]},"00404041":{"vr":"CS","Value":["READY"]},"00100020":{"vr":"LO","Value":["PATIENT"]}}`
	scheduledText = `{"00100010":{"vr":"PN","Value":[{"Alphabetic":"DOE^JANE"}]},"00100020":{"vr":"LO","Value":["PATIENT"]},"00400100":{"vr":"SQ","Value":[` +
		`{"00080060":{"vr":"CS","Value":["CT"]},"00400001":{"vr":"AE","Value":["CT1"]},"00400002":{"vr":"DA","Value":["20300102"]},` +
		`"00400003":{"vr":"TM","Value":["0930"]},"00400007":{"vr":"LO","Value":["Head"]},"00400009":{"vr":"SH","Value":["STEP"]}}]},"0020000D":{"vr":"UI","Value":["STUDY"]}}`
	performedText = `{"00080060":{"vr":"CS","Value":["CT"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"DOE^JANE"}]},"00100020":{"vr":"LO","Value":["PATIENT"]},` +
		`"00400241":{"vr":"AE","Value":["CT1"]},"00400244":{"vr":"DA","Value":["20300102"]},"00400245":{"vr":"TM","Value":["0931"]},` +
		`"00400252":{"vr":"CS","Value":["IN PROGRESS"]},"00400253":{"vr":"SH","Value":["PPS1"]},"00400270":{"vr":"SQ","Value":[` +
		`{"0020000D":{"vr":"UI","Value":["STUDY"]},"00400009":{"vr":"SH","Value":["STEP"]}}]}}`
	commitmentText = `{"00081199":{"vr":"SQ","Value":[{"00081150":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]},"00081155":{"vr":"UI","Value":["STUDY.1.1"]}}]}}`
	claimText      = `{"00741000":{"vr":"CS","Value":["IN PROGRESS"]},"00081195":{"vr":"UI","Value":["1.2.3"]}}`
)

func (s side) text(of string) []byte {
	return []byte(strings.NewReplacer("PATIENT", s.patient, "STUDY", s.study, "STEP", s.vars["step"]).Replace(of))
}

func (s side) workitem() []byte   { return s.text(workitemText) }
func (s side) scheduled() []byte  { return s.text(scheduledText) }
func (s side) performed() []byte  { return s.text(performedText) }
func (s side) commitment() []byte { return s.text(commitmentText) }

// body is the payload of a route that has one, and its media type.
func (s side) body(t *testing.T, rt route) (string, []byte) {
	switch rt.name {
	case "store", "store-study":
		return "application/dicom", s.file(t, ".1.3")
	case "workitem-create":
		return mediaJSON, s.workitem()
	case "workitem-update":
		return mediaJSON, []byte(`{"00741204":{"vr":"LO","Value":["Look again"]}}`)
	case "workitem-state":
		return mediaJSON, []byte(claimText)
	case "scheduled-create":
		s.vars = map[string]string{"step": s.vars["step"] + "B"}
		return mediaJSON, s.scheduled()
	case "scheduled-replace":
		return mediaJSON, s.scheduled()
	case "performed-create":
		return mediaJSON, s.performed()
	case "performed-update":
		return mediaJSON, []byte(`{"00400250":{"vr":"DA","Value":["20300103"]}}`)
	case "commitment-request":
		return mediaJSON, s.commitment()
	}
	if strings.HasSuffix(rt.name, "-store") || strings.HasSuffix(rt.name, "-store-instance") {
		ds := ofNoPatient(t, rt)
		ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, s.uid(t, rt))
		return "application/dicom", fileVariant(t, ds, "")
	}
	return "", nil
}

// ofNoPatient is what is stored in the non-patient resource of a route.
func ofNoPatient(t *testing.T, rt route) *dicom.DataSet {
	for _, name := range nonPatientNames {
		if ds := dataSetNamed(t, name); strings.Contains(rt.template+"/", "/"+ds.Ref().Resource+"/") {
			return ds
		}
	}
	t.Fatalf("%s: no instance for it", rt.name)
	return nil
}

// uid is the UID of an instance of no patient: on the hidden side of one that is stored.
func (s side) uid(t *testing.T, rt route) string {
	if s.patient == "P.2" {
		return string(ofNoPatient(t, rt).UID(dicom.SOPInstanceUID))
	}
	return "1.2.12.0"
}

var templateVariable = regexp.MustCompile(`\{([^}]*)\}`)

// path is the template with its variables filled in, and with a query where the resource needs one. A variable that has no sample fails:
// who adds a route with another one has to say what it is on each side.
func (s side) path(t *testing.T, rt route) string {
	p := templateVariable.ReplaceAllStringFunc(rt.template, func(v string) string {
		name := v[1 : len(v)-1]
		value, known := s.vars[name]
		if !known {
			t.Errorf("%s: no sample for %s", rt.name, v)
		}
		if name == "step" && strings.Contains(rt.template, "performed") {
			value = "1.5." + strings.TrimPrefix(s.patient, "P.")
		}
		if name == "uid" {
			value = s.uid(t, rt)
		}
		return value
	})
	switch rt.name {
	case "wado-uri":
		p += fmt.Sprintf("?requestType=WADO&studyUID=%s&seriesUID=%s.1&objectUID=%s.1.1", s.study, s.study, s.study)
	case "purge":
		p += "?before=2020-01-01T00:00:00Z"
	case "workitem-create":
		p += "?1.9.6" + s.patient[2:]
	case "performed-create":
		p += ".9"
	case "commitment-request":
		p += ".9"
	}
	return p
}

// names are what an answer may have of the side, the longest first.
func (s side) names() []string {
	names := append(slices.Collect(maps.Values(s.vars)), s.patient, "1.9.6"+s.patient[2:], "1.5."+s.patient[2:])
	names = slices.DeleteFunc(names, func(n string) bool { return n == "1" || n == "7FE00010" || n == "HERE" || n == "none" || n == "" })
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	return names
}

func (w *routeWorld) send(who, method, path, contentType string, body []byte) *httptest.ResponseRecorder {
	var payload io.Reader
	if body != nil {
		payload = bytes.NewReader(body)
	}
	r := httptest.NewRequest(method, path, payload)
	r.Header.Set("X-Request-Id", "1")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w.people.bear[who](r)
	answer := httptest.NewRecorder()
	w.people.links.Carry(w.Server).ServeHTTP(answer, r)
	return answer
}

// events are those that were recorded since.
func (w *routeWorld) events(t *testing.T) (found []audit.Record) {
	t.Helper()
	for r, err := range audit.Search(w.audit, audit.Filter{After: w.seen}) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, r)
		w.seen = r.N
	}
	return found
}
