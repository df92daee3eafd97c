package dicomweb

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// syncBuffer is a log that the server writes while the test reads.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// handling returns a server that answers everything with h, behind all of the middleware.
func handling(t *testing.T, h handler) (*Server, *syncBuffer) {
	t.Helper()
	log := &syncBuffer{}
	s, err := New(memstore.New(store.Options{}), Options{Log: slog.New(slog.NewTextHandler(log, nil)), Registry: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	s.handler = s.exchange(newCORS([]string{"*"}).wrap(s.guard(s.answer(h))))
	return s, log
}

func TestErrorsBecomeStatuses(t *testing.T) {
	for _, test := range []struct {
		err    error
		status int
		log    string
	}{
		{badRequest("DOE^JANE is wrong"), 400, ""},
		{fmt.Errorf("instance 1.2.3: %w", store.ErrNotFound), 404, "instance 1.2.3"},
		{&http.MaxBytesError{Limit: 7}, 413, ""},
		{errors.New("the disk said DISK-ERROR"), 500, "DISK-ERROR"},
		{fmt.Errorf("sync: %w", syscall.EIO), 500, "sync"},
		{storeError(fmt.Errorf("blob: %w", store.ErrNoSpace)), 503, "blob"},
		{storeError(store.ErrPoisoned), 503, "until a restart"},
		{context.DeadlineExceeded, 503, "deadline"},
	} {
		s, log := handling(t, func(http.ResponseWriter, *http.Request) error { return test.err })
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/dicom-web/studies?PatientName=SECRET", nil))
		if w.Code != test.status || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%v: %d %v", test.err, w.Code, w.Header())
		}
		if (w.Header().Get("Retry-After") != "") != (test.status == 503) {
			t.Errorf("%v: Retry-After %q", test.err, w.Header().Get("Retry-After"))
		}
		if test.status == 500 && strings.Contains(w.Body.String(), "DISK-ERROR") {
			t.Errorf("the client is told of the inside: %s", w.Body)
		}
		if !strings.Contains(log.String(), test.log) || strings.Contains(log.String(), "DOE") || strings.Contains(log.String(), "SECRET") {
			t.Errorf("%v: log %s", test.err, log)
		}
		if n := strings.Count(log.String(), "\n"); n != 1 {
			t.Errorf("%v: %d lines in the log", test.err, n)
		}
	}
}

func TestPanicBecomes500(t *testing.T) {
	s, log := handling(t, func(http.ResponseWriter, *http.Request) error { panic("index out of range") })
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/dicom-web/studies", nil))
	if w.Code != 500 || !strings.Contains(w.Body.String(), w.Header().Get("X-Request-Id")) || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if !strings.Contains(log.String(), "index out of range") || !strings.Contains(log.String(), "TestPanicBecomes500") {
		t.Errorf("no stack in the log: %s", log)
	}
	if n := gathered(t, s)["noctis_http_requests_in_flight"]; n != 0 {
		t.Errorf("%v requests in flight", n)
	}
}

// After the first byte there is no status any more: the client must see that the answer is cut.
func TestLateErrorAborts(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("late") },
		"panic": func() error { panic("late") },
	} {
		s, log := handling(t, func(w http.ResponseWriter, r *http.Request) error {
			io.WriteString(w, "[1,2,")
			http.NewResponseController(w).Flush()
			return fail()
		})
		ts := httptest.NewServer(s)
		resp, err := http.Get(ts.URL + "/x")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("%s: the client takes the cut answer for a whole one", name)
		}
		resp.Body.Close()
		ts.Close()
		if !strings.Contains(log.String(), "late") || !strings.Contains(log.String(), "status=500") {
			t.Errorf("%s: log %s", name, log)
		}
	}
}

// gathered returns the counters and gauges of a server by name and labels: `name{label values}`.
func gathered(t *testing.T, s *Server) map[string]float64 {
	t.Helper()
	families, err := s.options.Registry.(*prometheus.Registry).Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			name := family.GetName()
			if labels != nil {
				name += "{" + strings.Join(labels, " ") + "}"
			}
			values[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return values
}

// stowServer is a server on a real connection.
func stowServer(t *testing.T) (*Server, *httptest.Server, *syncBuffer) {
	t.Helper()
	log := &syncBuffer{}
	s, err := New(memstore.New(store.Options{}), Options{Log: slog.New(slog.NewTextHandler(log, nil)), Registry: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	return s, ts, log
}

func dial(t *testing.T, ts *httptest.Server, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", ts.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, text)
	return c, bufio.NewReader(c)
}

const stowHead = "POST /dicom-web/studies HTTP/1.1\r\nHost: pacs\r\nContent-Type: multipart/related; type=\"application/dicom\"; boundary=b\r\n"

// A body whose chunks are none is the client's fault, wherever it is noticed (RFC 9112 7.1).
func TestMalformedChunks(t *testing.T) {
	_, ts, _ := stowServer(t)
	for _, text := range []string{
		stowHead + "Transfer-Encoding: chunked\r\n\r\n9\r\n--b\r\n\r\nDI\r\nzz\r\n",
		"POST /dicom-web/studies HTTP/1.1\r\nHost: pacs\r\nContent-Type: application/dicom\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
	} {
		_, r := dial(t, ts, text)
		if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != 400 {
			t.Errorf("%v %v", resp, err)
		}
	}
}

// Expect: 100-continue: the body is asked for where it is wanted, and only there.
func TestExpectContinue(t *testing.T) {
	_, ts, _ := stowServer(t)
	body := appendBody(t, appendBody(t, nil, "part ct1"), "end")
	c, r := dial(t, ts, stowHead+fmt.Sprintf("Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body)))
	if line, _ := r.ReadString('\n'); !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("got %q", line)
	}
	r.ReadString('\n')
	c.Write(body)
	if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("%v %v", resp, err)
	}
	_, r = dial(t, ts, "POST /dicom-web/studies HTTP/1.1\r\nHost: pacs\r\nContent-Type: text/plain\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n")
	if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != 415 {
		t.Errorf("%v %v", resp, err)
	}
	_, r = dial(t, ts, stowHead+"Content-Length: 999999999999\r\nExpect: 100-continue\r\n\r\n")
	if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != 413 {
		t.Errorf("%v %v", resp, err)
	}
}

// A client that half-closes in the middle of an instance gets its answer; what came whole is stored, what did not is not.
func TestUploadBreaksOff(t *testing.T) {
	s, ts, _ := stowServer(t)
	body := appendBody(t, nil, "part ct1")
	whole := len(body)
	body = appendBody(t, appendBody(t, body, "part ct2"), "end")
	for cut := whole; cut < len(body)-8; cut += 97 {
		c, r := dial(t, ts, stowHead+fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)))
		c.Write(body[:cut])
		c.(*net.TCPConn).CloseWrite()
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			continue // the server may as well drop a connection that broke
		}
		if resp.StatusCode != 400 {
			t.Errorf("cut at %d: %d", cut, resp.StatusCode)
		}
	}
	n := 0
	for ds, err := range s.store.Search(context.Background(), instanceQuery()) {
		if n++; err != nil || ds.Ref().Instance != "1.2.1.1.1" {
			t.Errorf("stored %v, %v", ds.Ref(), err)
		}
	}
	if n > 1 {
		t.Errorf("%d instances", n)
	}
}

// Memory is bounded by what arrives, never by what is announced.
func TestAnnouncedLengthCostsNothing(t *testing.T) {
	_, ts, _ := stowServer(t)
	for range 50 {
		dial(t, ts, stowHead+"Content-Length: 60000000000\r\n\r\n--b\r\nContent-Length: 50000000000\r\n\r\n")
	}
	resp, err := http.Get(ts.URL + "/dicom-web/studies")
	if err != nil || resp.StatusCode != 204 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
}

func TestMetricsAndLog(t *testing.T) {
	s, ts, log := stowServer(t)
	post := func(parts ...string) {
		var body []byte
		for _, p := range parts {
			body = appendBody(t, body, "part "+p)
		}
		resp, err := http.Post(ts.URL+"/dicom-web/studies", `multipart/related; boundary=b`, bytes.NewReader(appendBody(t, body, "end")))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	post("ct1", "ct2")
	post("ct1", "bad-uid")
	post("changed")
	resp, err := http.Get(ts.URL + "/dicom-web/studies/1.2.1/series?PatientName=DOE*")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	ts.Close()
	got := gathered(t, s)
	for name, want := range map[string]float64{
		"noctis_stored_instances_total":                       2,
		"noctis_duplicate_instances_total":                    1,
		"noctis_store_failures_total{C001}":                   1,
		"noctis_store_failures_total{0111}":                   1,
		"noctis_http_requests_total{2xx store}":               2,
		"noctis_http_requests_total{4xx store}":               1,
		"noctis_http_requests_total{2xx search-study-series}": 1,
	} {
		if got[name] != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
	if got["noctis_http_request_bytes_total{store}"] < 1000 {
		t.Error("request bytes are not counted")
	}
	if !strings.Contains(log.String(), "route=search-study-series status=200") || strings.ContainsAny(log.String(), "*^") {
		t.Errorf("log %s", log)
	}
}

func TestMetricsAreRegisteredOnce(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := New(memstore.New(store.Options{}), Options{Registry: registry}); err != nil {
		t.Fatal(err)
	}
	if _, err := New(memstore.New(store.Options{}), Options{Registry: registry}); err == nil {
		t.Error("two servers share one registry without an error")
	}
}

// Every route has its clause and can be reached at its template.
func TestRoutes(t *testing.T) {
	s, err := New(memstore.New(store.Options{}), Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	path := strings.NewReplacer("{study}", "1.2", "{series}", "1.3", "{instance}", "1.4", "{frames}", "1,2", "{path:.+}", "54000100.1.54001010",
		"{version}", strings.Repeat("ab", 32))
	for _, rt := range s.routes() {
		if names[rt.name] {
			t.Errorf("two routes named %s", rt.name)
		}
		names[rt.name] = true
		if !strings.HasPrefix(rt.clause, "PS3.18 ") && rt.clause != extension {
			t.Errorf("%s: clause %q", rt.name, rt.clause)
		}
		r := httptest.NewRequest(rt.method, path.Replace(rt.template), nil)
		x := &exchange{ResponseWriter: httptest.NewRecorder()}
		r = r.WithContext(access.With(context.WithValue(r.Context(), exchangeKey{}, x), access.Everyone()))
		s.router().ServeHTTP(x, r)
		if x.route != rt.name {
			t.Errorf("%s %s went to %q, want %s", rt.method, rt.template, x.route, rt.name)
		}
	}
}
