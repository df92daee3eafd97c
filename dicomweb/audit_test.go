package dicomweb

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/commitment"
	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/audit"
	"github.com/noctis-dicom/noctis/store"
)

// audited is a server with everything, and its record.
type audited struct {
	*Server
	t    *testing.T
	data string
	seen uint64 // number of the last event that was looked at
}

func newAudited(t *testing.T, gather time.Duration, who access.Authenticator) *audited {
	t.Helper()
	data := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	trail, err := audit.Begin(data, "test", audit.Options{Gather: gather, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { trail.Close() })
	st, x := withIndex(t, store.Options{})
	s, err := New(st, Options{Log: log, Audit: trail, Authenticator: who, Worklist: x.Worklist(), Procedures: x.Procedures(),
		Commitment: commitment.New(x.Commitments(), Vouching{st}, commitment.DefaultRetention)})
	if err != nil {
		t.Fatal(err)
	}
	return &audited{Server: s, t: t, data: data, seen: 1}
}

// events are those that have come since.
func (a *audited) events() (found []audit.Record) {
	a.t.Helper()
	for r, err := range audit.Search(a.data, audit.Filter{After: a.seen}) {
		if err != nil {
			a.t.Fatal(err)
		}
		found = append(found, r)
		a.seen = r.N
	}
	return found
}

func (a *audited) ask(method, target, who string, body []byte) *httptest.ResponseRecorder {
	ctx, cancel := context.WithCancel(a.t.Context())
	r := httptest.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	r.RemoteAddr = "10.1.2.3:4567"
	if who != "" {
		r.Header.Set("Authorization", who)
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/dicom")
	}
	if strings.HasSuffix(target, "/events") || strings.Contains(target, "/changes") {
		cancel() // a stream goes on for as long as it is listened to
	}
	defer cancel()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

func TestEventsSayWhoseAndWhat(t *testing.T) {
	a := newAudited(t, 0, nil)
	const study, series, instance = BasePath + "/studies/1.2.1", "/series/1.2.1.1", "/instances/1.2.1.1.1"
	a.ask("POST", BasePath+"/studies", "", fileNamed(t, "ct1"))
	patient := a.events()[0].Patient
	if patient == "" {
		t.Fatal("the event of storing names no patient")
	}
	for _, c := range []struct {
		method, path string
		kind         audit.Kind
		want         string // patient, study, series, instances
	}{
		{"GET", study, audit.Retrieve, patient + " 1.2.1  "},
		{"GET", study + series + "/metadata", audit.Retrieve, patient + " 1.2.1 1.2.1.1 "},
		{"GET", study + series + instance + "/frames/1", audit.Retrieve, patient + " 1.2.1 1.2.1.1 1.2.1.1.1"},
		{"HEAD", study + series + instance + "/rendered", audit.View, patient + " 1.2.1 1.2.1.1 1.2.1.1.1"},
		{"GET", "/wado?requestType=WADO&studyUID=1.2.1&seriesUID=1.2.1.1&objectUID=1.2.1.1.1", audit.View, patient + " 1.2.1 1.2.1.1 1.2.1.1.1"},
		{"GET", "/wado?requestType=WADO&studyUID=1.2.1&seriesUID=1.2.1.1&objectUID=1.2.1.1.1&contentType=application/dicom", audit.Retrieve,
			patient + " 1.2.1 1.2.1.1 1.2.1.1.1"},
		{"GET", BasePath + "/studies?PatientID=" + patient, audit.Query, patient + "   "},
		{"GET", BasePath + "/studies?00100020=A*", audit.Query, "   "},
		{"GET", study + "/series", audit.Query, patient + " 1.2.1  "},
		{"DELETE", study + series + instance, audit.Delete, patient + " 1.2.1 1.2.1.1 1.2.1.1.1"},
		{"GET", study, audit.Retrieve, " 1.2.1  "}, // 410
		{"POST", BasePath + "/recycle-bin/studies/1.2.1/restore", audit.Restore, patient + " 1.2.1  "},
		{"DELETE", study, audit.Delete, patient + " 1.2.1  "},
		{"DELETE", BasePath + "/recycle-bin/studies/1.2.1", audit.Purge, patient + " 1.2.1  "},
	} {
		status := a.ask(c.method, c.path, "", nil).Code
		found := a.events()
		if len(found) != 1 {
			t.Fatalf("%s %s: %d, and %d events", c.method, c.path, status, len(found))
		}
		e := found[0]
		got := fmt.Sprintf("%s %s %s %s", e.Patient, e.Study, strings.Join(e.Series, " "), strings.Join(e.Instances, " "))
		if e.Kind != c.kind || got != c.want {
			t.Errorf("%s %s: %d is %s of %q, want %s of %q", c.method, c.path, status, e.Kind, got, c.kind, c.want)
		}
		if e.Kind == audit.Query && e.Query != c.method+" "+c.path {
			t.Errorf("the query is %q", e.Query)
		}
	}
}

// What somebody with limits asks for is about the patient whom he may see, and never tells of another: neither whose a study is, nor that it is there.
func TestEventsOfTheLimited(t *testing.T) {
	read := access.RolesOf(access.Read, access.Store)
	a := newAudited(t, 0, byName{"all": {Name: "all", Kind: access.Key, Roles: read},
		"one": {Name: "one", Kind: access.Key, Roles: read, Scope: access.Scope{Patients: []string{"P9"}}}})
	a.ask("POST", BasePath+"/studies", "all", fileNamed(t, "ct1"))
	if a.events()[0].Patient == "" {
		t.Fatal("the event of storing names no patient")
	}
	for path, want := range map[string]string{"/studies": "P9", "/studies/1.2.1/series": "P9", "/studies?PatientID=P2": "P2", "/studies/1.2.1": ""} {
		a.ask("GET", BasePath+path, "one", nil)
		if found := a.events(); len(found) != 1 || found[0].Patient != want {
			t.Errorf("%s: %+v, want one of %q", path, found, want)
		}
	}
}

func TestWorkitemEventsNameTheirPatient(t *testing.T) {
	a := newAudited(t, 0, nil)
	a.ask("POST", BasePath+"/studies", "", fileNamed(t, "ct1"))
	patient := a.events()[0].Patient
	var uid dicom.UID
	items := a.ask("GET", BasePath+"/workitems", "", nil).Body.Bytes()
	var list []*dicom.DataSet
	if err := json.Unmarshal(items, &list); err != nil || len(list) != 1 {
		t.Fatalf("%v in %s", err, items)
	}
	uid = list[0].UID(dicom.SOPInstanceUID)
	a.events()
	a.ask("GET", BasePath+"/workitems/"+string(uid), "", nil)
	if e := a.events()[0]; e.Kind != audit.ReadProcedure || e.Patient != patient || e.Object != string(uid) {
		t.Errorf("%+v", e)
	}
}

func TestStoringMixesNoSuccessWithFailure(t *testing.T) {
	a := newAudited(t, 0, nil)
	var body bytes.Buffer
	for _, part := range [][]byte{fileNamed(t, "ct1"), fileNamed(t, "ct2"), []byte("no instance")} {
		fmt.Fprintf(&body, "--b\r\nContent-Type: application/dicom\r\n\r\n%s\r\n", part)
	}
	body.WriteString("--b--\r\n")
	r := httptest.NewRequest("POST", BasePath+"/studies", &body)
	r.Header.Set("Content-Type", `multipart/related; type="application/dicom"; boundary=b`)
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if w.Code != 202 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	found := a.events()
	if len(found) != 2 || found[0].Outcome != audit.Success || found[0].Number != 2 || len(found[0].Instances) != 2 ||
		found[1].Outcome != audit.Minor || found[1].Number != 1 {
		t.Errorf("%+v", found)
	}
}

func TestFramesOfAStackAreOneEvent(t *testing.T) {
	a := newAudited(t, time.Hour, nil)
	a.ask("POST", BasePath+"/studies", "", fileNamed(t, "ct1"))
	a.events()
	for range 50 {
		if w := a.ask("GET", BasePath+"/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1/frames/1", "", nil); w.Code != 200 {
			t.Fatal(w.Code)
		}
	}
	if found := a.events(); len(found) != 1 {
		t.Errorf("%d events at once", len(found))
	}
	if err := a.options.Audit.Close(); err != nil {
		t.Fatal(err)
	}
	if found := a.events(); len(found) != 2 || !slices.ContainsFunc(found, func(r audit.Record) bool { return r.Count == 49 && r.Routes["frames"] == 49 }) {
		t.Errorf("%+v", found)
	}
}

// TestNothingIsAnsweredThatCannotBeRecorded fills the disk, as far as the log can tell: its folder has gone.
func TestNothingIsAnsweredThatCannotBeRecorded(t *testing.T) {
	a := newAudited(t, 0, nil)
	a.ask("POST", BasePath+"/studies", "", fileNamed(t, "ct1"))
	folder := filepath.Join(a.data, "audit")
	segments, err := filepath.Glob(folder + "/log-*")
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	if err := os.Remove(segments[0]); err != nil { // a new one has to be made
		t.Fatal(err)
	}
	if err := os.Rename(folder, folder+".away"); err != nil {
		t.Fatal(err)
	}
	const study = BasePath + "/studies/1.2.1"
	for _, path := range []string{study + "/metadata", BasePath + "/studies", study + "/series/1.2.1.1/instances/1.2.1.1.1"} {
		w := a.ask("GET", path, "", nil)
		if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "00100020") || w.Header().Get("ETag") != "" {
			t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
	}
	if w := a.ask("DELETE", study, "", nil); w.Code != http.StatusServiceUnavailable {
		t.Errorf("deleted with %d", w.Code)
	}
	if err := os.Rename(folder+".away", folder); err != nil {
		t.Fatal(err)
	}
	if w := a.ask("GET", study+"/metadata", "", nil); w.Code != 200 {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
}

func TestPanicIsRecorded(t *testing.T) {
	a := newAudited(t, 0, nil)
	for _, began := range []bool{false, true} {
		h := a.exchange(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			exchangeOf(r).kind = audit.Retrieve
			if began {
				w.WriteHeader(200)
			}
			panic("all wrong")
		}))
		func() {
			defer func() { _ = recover() }()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		}()
		found := a.events()
		if last := found[len(found)-1]; last.Outcome != audit.Serious || began != (len(found) == 2) {
			t.Errorf("began %v: %+v", began, found)
		}
	}
}

func TestAdministratorsReadTheAudit(t *testing.T) {
	a := newAudited(t, 0, byName{
		"boss":   {Name: "boss", Kind: access.Key, Roles: access.RolesOf(access.Admin)},
		"north":  {Name: "north", Kind: access.Key, Roles: access.RolesOf(access.Admin), Tenant: "north"},
		"reader": {Name: "reader", Kind: access.Key, Roles: access.RolesOf(access.Read)},
	})
	a.ask("POST", BasePath+"/studies", "boss", fileNamed(t, "ct1"))
	a.ask("GET", BasePath+"/studies/1.2.1/metadata", "reader", nil)
	a.ask("GET", BasePath+"/studies/1.2.999", "reader", nil)
	a.ask("GET", BasePath+"/studies", "north", nil)
	for _, c := range []struct {
		who, query string
		status     int
		want       []uint64
	}{
		{"boss", "?who=reader", 200, []uint64{4, 3}},
		{"boss", "?study=1.2.1&kind=store,query", 200, []uint64{2}},
		{"boss", "?who=reader&failed=true", 200, []uint64{4}},
		{"boss", "?outcome=minor&until=2020-01-01", 200, nil},
		{"boss", "?limit=2&before=4", 200, []uint64{3, 2}},
		{"north", "", 200, []uint64{5}},
		{"reader", "", 403, nil},
		{"", "", 401, nil},
		{"boss", "?limit=0", 400, nil},
		{"boss", "?before=x", 400, nil},
		{"boss", "?kind=stroll", 400, nil},
		{"boss", "?since=yesterday", 400, nil},
	} {
		w := a.ask("GET", BasePath+"/audit"+c.query, c.who, nil)
		var found []audit.Record
		if w.Code == 200 {
			if err := json.Unmarshal(w.Body.Bytes(), &found); err != nil {
				t.Fatal(err)
			}
		}
		var got []uint64
		for _, r := range found {
			got = append(got, r.N)
		}
		if w.Code != c.status || !slices.Equal(got, c.want) {
			t.Errorf("%s by %q: %d %v, want %d %v", c.query, c.who, w.Code, got, c.status, c.want)
		}
	}
	if e := a.events(); e[len(e)-1].Kind != audit.ReadAudit {
		t.Errorf("reading is recorded as %s", e[len(e)-1].Kind)
	}
	r := httptest.NewRequest("GET", BasePath+"/audit?kind=store", nil)
	r.Header.Set("Authorization", "boss")
	r.Header.Set("Accept", "application/fhir+json")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	var bundle struct {
		ResourceType string
		Entry        []struct {
			Resource struct{ ResourceType, ID, Outcome string }
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &bundle); err != nil || bundle.ResourceType != "Bundle" || len(bundle.Entry) != 1 ||
		bundle.Entry[0].Resource.ResourceType != "AuditEvent" || bundle.Entry[0].Resource.ID != "2" {
		t.Errorf("%v in %s", err, w.Body)
	}
}

// The log is verified for administrators of the server, one at a time; those of a tenant, and those who see only a part, are not told of others.
func TestAdministratorsVerifyTheAudit(t *testing.T) {
	admin := access.RolesOf(access.Admin)
	a := newAudited(t, 0, byName{"boss": {Name: "boss", Kind: access.Key, Roles: admin}, "house": {Name: "house", Kind: access.Key, Roles: admin, Tenant: "north"},
		"one": {Name: "one", Kind: access.Key, Roles: admin, Scope: access.Scope{Patients: []string{"P1"}}}})
	verify := func(who string) (int, audit.Verification) {
		var v audit.Verification
		w := a.ask("GET", BasePath+"/audit/verification", who, nil)
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
			t.Error(err)
		}
		return w.Code, v
	}
	for _, who := range []string{"house", "one"} {
		if code, _ := verify(who); code != 403 {
			t.Errorf("%s: %d", who, code)
		}
	}
	if w := a.ask("GET", BasePath+"/audit", "one", nil); w.Code != 403 {
		t.Errorf("who sees one patient reads the audit of all: %d", w.Code)
	}
	if code, v := verify("boss"); code != 200 || v.Lines != 4 || len(v.Damages) != 0 {
		t.Errorf("%d %+v", code, v)
	}
	a.verifying.Lock()
	if code, _ := verify("boss"); code != 503 {
		t.Errorf("beside another: %d", code)
	}
	a.verifying.Unlock()
	path := filepath.Join(a.data, "audit", "log-000000000001.jsonl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(text, []byte(`"who":"house"`), []byte(`"who":"horse"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, v := verify("boss"); code != 200 || len(v.Damages) != 1 || v.Damages[0].What != "changed" {
		t.Errorf("of a line that was changed: %d %+v", code, v)
	}
}

func TestWhatIsCreatedNamesItsPatient(t *testing.T) {
	a := newAudited(t, 0, nil)
	post := func(path, body string) {
		t.Helper()
		r := httptest.NewRequest("POST", BasePath+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/dicom+json")
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		if w.Code != 201 {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	post("/modality-scheduled-procedure-steps", `{"00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B"}]},"00100020":{"vr":"LO","Value":["P7"]},
		"00400100":{"vr":"SQ","Value":[{"00080060":{"vr":"CS","Value":["CT"]},"00400001":{"vr":"AE","Value":["CT1"]},"00400002":{"vr":"DA","Value":["20260101"]},
		"00400003":{"vr":"TM","Value":["1200"]}}]}}`)
	if e := a.events(); len(e) != 1 || e[0].Kind != audit.CreateProcedure || e[0].Patient != "P7" {
		t.Errorf("%+v", e)
	}
}

func TestTrialRunStoresNothing(t *testing.T) {
	a := newAudited(t, 0, nil)
	a.ask("POST", BasePath+"/studies?dry-run", "", fileNamed(t, "ct1"))
	if e := a.events(); len(e) != 1 || e[0].Kind != audit.Other {
		t.Errorf("%+v", e)
	}
}
