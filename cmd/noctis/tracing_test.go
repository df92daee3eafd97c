package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
)

// Requests are traced, in the trace that they come in, with what takes its time within them, and without anything of the patient.
func TestTraces(t *testing.T) {
	var mu sync.Mutex
	var sent [][]byte
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/v1/traces" {
			sent = append(sent, body)
		}
	}))
	defer receiver.Close()
	log := slog.New(slog.DiscardHandler)
	c := serveCommand{Data: t.TempDir(), StallTimeout: time.Minute, Tracing: tracingFlags{OTLPEndpoint: receiver.URL, OTLPSample: 1}}
	a, err := openArchive(t.Context(), c.Data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var send func()
	if a.tracer, send, err = c.Tracing.open(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	handler, err := c.handler(a, c.Access.open(c.Data), &readiness{archive: a}, log, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	const marked = "MARKED4711"
	image := dicomtest.Image{Rows: 4, Columns: 4, With: []any{dicom.PatientName, marked, dicom.PatientID, marked}}
	const trace = "0af7651916cd43dd8448eb211c80319c"
	ask := func(method, path string, body []byte) {
		r := httptest.NewRequest(method, path, bytes.NewReader(body))
		r.Header.Set("Traceparent", "00-"+trace+"-b7ad6b7169203331-01")
		r.Header.Set("Tracestate", "x="+marked)
		r.Header.Set("Baggage", "patient="+marked)
		r.Header.Set("X-Request-Id", marked)
		r.Header.Set("User-Agent", marked)
		if body != nil {
			r.Header.Set("Content-Type", "application/dicom")
		}
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	path := "/dicom-web" + image.Instance().DataSet.Ref().Path()
	ask("POST", "/dicom-web/studies", image.File())
	ask("POST", "/dicom-web/studies", []byte(marked))
	ask("GET", "/dicom-web/studies?PatientName="+marked, nil)
	ask("GET", path+"/rendered", nil)
	ask("GET", "/dicom-web/"+marked, nil)
	ask(marked, path, nil)
	send()

	var names []string
	for _, body := range sent {
		if bytes.Contains(body, []byte(marked)) {
			t.Errorf("the patient is in a trace: %q", body)
		}
		request := &collector.ExportTraceServiceRequest{}
		if err := proto.Unmarshal(body, request); err != nil {
			t.Fatal(err)
		}
		for _, resource := range request.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					if got := hex.EncodeToString(span.GetTraceId()); got != trace {
						t.Errorf("%s is in the trace %s, and not in that of its sender", span.GetName(), got)
					}
					names = append(names, span.GetName())
				}
			}
		}
	}
	slices.Sort(names)
	want := "GET none, GET rendered-instance, GET search-studies, POST store, POST store, _OTHER none, decode, wait to decode"
	if got := strings.Join(names, ", "); got != want {
		t.Errorf("spans: %s, want %s", got, want)
	}
}

func TestCollectorIsAnAddress(t *testing.T) {
	for _, wrong := range []string{"127.0.0.1:4318", "grpc://x", "http://", "://"} {
		if _, _, err := (tracingFlags{OTLPEndpoint: wrong}).open(t.Context(), slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

// Profiles are for administrators of the server, not for those of a tenant, and for nobody else.
func TestProfilesAreForAdministrators(t *testing.T) {
	h := newHouse(t, serveCommand{Access: accessFlags{RequireAuthentication: true}})
	h.key("", "admin")
	h.key("", "read")
	h.key("north", "admin")
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/heap", "/debug/pprof/symbol"} {
		for who, want := range map[string]int{"": 401, "read": 403, "north-admin": 404, "admin": 200} {
			if w := h.ask("GET", path, who, nil); w.Code != want {
				t.Errorf("%s for %q: %d, want %d", path, who, w.Code, want)
			}
		}
	}
	if w := h.ask("GET", "/t/north/debug/pprof/", "north-admin", nil); w.Code != 404 {
		t.Error(fmt.Sprint("at a tenant's: ", w.Code))
	}
}
