package dicomweb

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/internal/limit"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// limitedServer is a server with limits; refused counts what they have refused.
func limitedServer(t *testing.T, l *limit.Limits, authenticator access.Authenticator) (s *Server, refused func(name string) float64) {
	t.Helper()
	registry := prometheus.NewRegistry()
	if err := l.Observe(registry); err != nil {
		t.Fatal(err)
	}
	s, err := New(memstore.New(store.Options{}), Options{Log: slog.New(slog.DiscardHandler), Limits: l, MaxHeader: 4096, Authenticator: authenticator})
	if err != nil {
		t.Fatal(err)
	}
	return s, func(name string) float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == "noctis_refused_requests_total" && m.GetLabel()[0].GetValue() == name {
					return m.GetCounter().GetValue()
				}
			}
		}
		return 0
	}
}

// asking sends a request of somebody from somewhere.
func asking(s *Server, method, path, who, from string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.RemoteAddr = from
	if body != nil {
		r.Header.Set("Content-Type", "application/dicom")
	}
	if who != "" {
		r.Header.Set("Authorization", who)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestRateIsOfPrincipals(t *testing.T) {
	reader := func(name string) access.Principal {
		return access.Principal{Name: name, Kind: access.Key, Roles: access.RolesOf(access.Read)}
	}
	s, refused := limitedServer(t, &limit.Limits{Rate: limit.NewRate(0.01, 2), Unknown: limit.NewRate(0.01, 3)},
		byName{"A": reader("A"), "B": reader("B")})
	for i, c := range []struct {
		who, from string
		want      int
	}{
		{"A", "192.0.2.1:1", 204},
		{"A", "192.0.2.2:1", 204},
		{"A", "192.0.2.3:1", 429}, // wherever he comes from
		{"B", "192.0.2.3:1", 204}, // another one has his own
		{"", "192.0.2.1:1", 401},
		{"wrong", "192.0.2.1:2", 401},
		{"", "192.0.2.1:3", 401},
		{"wrong", "192.0.2.1:4", 429}, // guesses are counted with all that nobody in particular asks
		{"", "192.0.2.1:5", 429},
		{"wrong", "192.0.2.9:1", 401},
		{"wrong", "[2001:db8::1]:1", 401},
		{"wrong", "[2001:db8::2]:1", 401},
		{"wrong", "[2001:db8::3]:1", 401},
		{"wrong", "[2001:db8::4]:1", 429}, // of the same network
		{"B", "[2001:db8::4]:1", 204},     // who proves who he is has his own, wherever others guess
	} {
		w := asking(s, "GET", "/dicom-web/studies", c.who, c.from, nil)
		if w.Code != c.want {
			t.Errorf("request %d, of %q from %s: %d, want %d", i, c.who, c.from, w.Code, c.want)
		}
		if after := w.Header().Get("Retry-After"); (after == "100" || after == "99") != (w.Code == 429) {
			t.Errorf("request %d: Retry-After %q with %d", i, after, w.Code)
		}
	}
	if rate, unknown := refused("rate"), refused("unknown"); rate != 1 || unknown != 3 {
		t.Errorf("counted %v of principals and %v of others, want 1 and 3", rate, unknown)
	}
}

// Where nobody has to prove who he is, addresses have a rate of their own, or none: all may come through one proxy.
func TestRateWhereNobodyIsKnown(t *testing.T) {
	for open, want := range map[*limit.Rate]int{nil: 0, limit.NewRate(0.01, 2): 3} {
		s, refused := limitedServer(t, &limit.Limits{Rate: limit.NewRate(0.01, 1), Open: open}, nil)
		for range 5 {
			asking(s, "GET", "/dicom-web/studies", "", "192.0.2.1:1", nil)
		}
		if n := refused("rate"); int(n) != want {
			t.Errorf("%v of 5 are refused, want %d", n, want)
		}
	}
}

func TestUploadsWaitInVain(t *testing.T) {
	l := &limit.Limits{Uploads: limit.NewGate(1, 0, 0)}
	s, refused := limitedServer(t, l, nil)
	file := dicomtest.Image{Rows: 2, Columns: 2}.File()
	l.Uploads.TryEnter("another")
	w := asking(s, "POST", "/dicom-web/studies", "", "192.0.2.1:1", file)
	if w.Code != 503 || w.Header().Get("Retry-After") != "5" || refused("uploads") != 1 {
		t.Errorf("one too many: %d, Retry-After %q, counted %v", w.Code, w.Header().Get("Retry-After"), refused("uploads"))
	}
	l.Uploads.Leave("another")
	for range 2 {
		if w := asking(s, "POST", "/dicom-web/studies", "", "192.0.2.1:1", file); w.Code != 200 {
			t.Errorf("afterwards: %d", w.Code)
		}
	}
}

// TestDecodesHaveADeadline: a frame that is not decoded in time is an error that names it.
// TestListenersAreLimited: who would stay is told to come again where too many stay already; who only looks is answered, and a place is free
// again when somebody leaves.
func TestListenersAreLimited(t *testing.T) {
	s, refused := limitedServer(t, &limit.Limits{Listeners: limit.NewGate(1, 0, 0)}, nil)
	web := httptest.NewServer(s)
	defer web.Close()
	next := followChanges(t, web.URL, "", "")
	next()
	stream := httptest.NewRequest("GET", BasePath+"/changes", nil)
	stream.Header.Set("Accept", "text/event-stream")
	for _, r := range []*http.Request{stream, httptest.NewRequest("GET", BasePath+"/changes?wait=60", nil)} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("one too many: %d %v", w.Code, w.Header())
		}
	}
	if n := refused("listeners"); n != 2 {
		t.Errorf("%v were counted", n)
	}
	if w := ask(s, "GET", BasePath+"/changes"); w.Code != 200 {
		t.Errorf("who only looks: %d", w.Code)
	}
	s.EndStreams()
	next() // it has ended
	if w := ask(s, "GET", BasePath+"/changes?wait=60"); w.Code != 200 {
		t.Errorf("after the first has left: %d", w.Code)
	}
}

func TestDecodesHaveADeadline(t *testing.T) {
	in := dicomtest.Image{Rows: 2, Columns: 2, BitsAllocated: 8, TransferSyntax: dicom.RLELossless}.Instance()
	frame := append(append([]byte{1, 0, 0, 0, 64}, make([]byte, 59)...), 3, 10, 20, 30, 40, 0x80) // one segment: a literal run of four (PS3.5 G)
	in.Frames = [][]byte{frame}
	file, err := in.File()
	if err != nil {
		t.Fatal(err)
	}
	for _, resource := range []string{"/rendered", "/frames/1?accept=application/octet-stream"} {
		s, refused := limitedServer(t, &limit.Limits{}, nil)
		if w := asking(s, "POST", "/dicom-web/studies", "", "192.0.2.1:1", file); w.Code != 200 {
			t.Fatal(w.Code)
		}
		ask := func() *httptest.ResponseRecorder {
			return asking(s, "GET", "/dicom-web"+in.DataSet.Ref().Path()+resource, "", "192.0.2.1:1", nil)
		}
		s.options.MaxDecodeTime = -1
		w := ask()
		if w.Code != 503 || w.Header().Get("Retry-After") != "60" || refused("decode-time") != 1 || !strings.Contains(w.Body.String(), "frame 1 of instance ") ||
			!strings.Contains(w.Body.String(), "RLE") {
			t.Errorf("%s: %d %v %s", resource, w.Code, w.Header(), w.Body)
		}
		s.options.MaxDecodeTime = time.Minute
		if w := ask(); w.Code != 200 {
			t.Errorf("%s in time: %d %s", resource, w.Code, w.Body)
		}
	}
}

func TestDecodesWaitInVain(t *testing.T) {
	l := &limit.Limits{Decodes: limit.NewGate(1, 0, 0)}
	s, refused := limitedServer(t, l, nil)
	image := dicomtest.Image{Rows: 2, Columns: 2}
	if w := asking(s, "POST", "/dicom-web/studies", "", "192.0.2.1:1", image.File()); w.Code != 200 {
		t.Fatal(w.Code)
	}
	rendered := "/dicom-web" + image.Instance().DataSet.Ref().Path() + "/rendered"
	l.Decodes.TryEnter("another")
	if w := asking(s, "GET", rendered, "", "192.0.2.1:1", nil); w.Code != 503 || w.Header().Get("Retry-After") == "" || refused("decodes") != 1 {
		t.Errorf("one too many: %d, counted %v", w.Code, refused("decodes"))
	}
	l.Decodes.Leave("another")
	if w := asking(s, "GET", rendered, "", "192.0.2.1:1", nil); w.Code != 200 {
		t.Errorf("afterwards: %d", w.Code)
	}
}

// Each size has its limit, and each refusal is counted under its name.
func TestSizesAreCounted(t *testing.T) {
	s, refused := limitedServer(t, &limit.Limits{}, nil)
	s.options.MaxBody, s.options.MaxPart = 1000, 500
	for name, c := range map[string]struct {
		path string
		body []byte
		want int
	}{
		"header": {"/dicom-web/studies?PatientID=" + strings.Repeat("1", 4096), nil, 431},
		"body":   {"/dicom-web/studies", make([]byte, 2000), 413},
		"part":   {"/dicom-web/studies", dicomtest.Image{Rows: 4, Columns: 4}.File()[:900], 413},
	} {
		method := http.MethodPost
		if c.body == nil {
			method = http.MethodGet
		}
		if w := asking(s, method, c.path, "", "192.0.2.1:1", c.body); w.Code != c.want || refused(name) != 1 {
			t.Errorf("%s: %d, want %d; counted %v", name, w.Code, c.want, refused(name))
		}
	}
}

func TestClientAddress(t *testing.T) {
	for _, c := range []struct {
		name, peer string
		trust      bool
		header     http.Header
		want       string
	}{
		{"direct", "192.0.2.7:1", false, http.Header{"X-Forwarded-For": {"10.0.0.1"}}, "192.0.2.7"},
		{"behind a proxy", "127.0.0.1:1", false, http.Header{"X-Forwarded-For": {"10.0.0.1"}}, "10.0.0.1"},
		{"what a client says of itself", "127.0.0.1:1", false, http.Header{"X-Forwarded-For": {"1.1.1.1, 10.0.0.1"}}, "10.0.0.1"},
		{"in two lines", "127.0.0.1:1", false, http.Header{"X-Forwarded-For": {"1.1.1.1", "10.0.0.1"}}, "10.0.0.1"},
		{"a trusted proxy", "192.0.2.7:1", true, http.Header{"X-Forwarded-For": {"10.0.0.1"}}, "10.0.0.1"},
		{"RFC 7239", "127.0.0.1:1", false, http.Header{"Forwarded": {`for=1.1.1.1, for="[2001:db8::1]:4711";proto=https`}}, "2001:db8::/64"},
		{"no address", "127.0.0.1:1", false, http.Header{"X-Forwarded-For": {"unknown"}}, "127.0.0.1"},
		{"mapped", "[::ffff:192.0.2.7]:1", false, nil, "192.0.2.7"},
		{"a proxy that says nothing", "127.0.0.1:1", false, nil, "127.0.0.1"},
	} {
		s, err := New(memstore.New(store.Options{}), Options{TrustProxy: c.trust})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Header = c.peer, c.header
		if got := limit.Network(s.ClientOf(r)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
