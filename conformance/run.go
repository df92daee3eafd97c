package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options of a run.
type Options struct {
	// BaseURL is the DICOMweb base: "http://127.0.0.1:8080/dicom-web".
	BaseURL string
	// URIService is the address of WADO-URI; "" looks for it at the usual places beside the base.
	URIService string
	// Header is added to every request: authentication.
	Header http.Header
	// Client sends the requests; nil: one that follows no redirect and asks for no compression.
	Client *http.Client
	// ReadOnly stores and changes nothing. Studies are then those to retrieve; the first study found where none is given.
	ReadOnly bool
	Studies  []string
	// Only are the cases to run, by ID or the beginning of one ("search.", "store.status.400"); none: all.
	Only []string
	// Timeout of one request; 0: 30 seconds.
	Timeout time.Duration
	// Progress, where not nil, is called after each case.
	Progress func(done, total int, r Result)
}

// Report is the result of a run.
type Report struct {
	Server   string             `json:"server"` // the base URL
	Started  time.Time          `json:"started"`
	Seconds  float64            `json:"seconds"`
	ReadOnly bool               `json:"readOnly"`
	Services map[Service]string `json:"services"` // "yes", or why not
	Notes    []string           `json:"notes"`    // what could not be prepared or cleaned up
	Cases    []Result           `json:"cases"`
}

// Count returns how many cases have the status.
func (report *Report) Count(s Status) int {
	n := 0
	for _, c := range report.Cases {
		if c.Status == s {
			n++
		}
	}
	return n
}

// Failed reports whether a case failed that the standard makes binding.
func (report *Report) Failed() bool {
	return slices.ContainsFunc(report.Cases, func(c Result) bool { return c.Status == Fail && c.Level == Shall })
}

// server is the one under test.
type server struct {
	base, uri       string
	header          http.Header
	client          *http.Client
	created, others studySet // studies; addresses of what belongs to none
}

// studySet remembers what to clean up: studies, or addresses.
type studySet struct {
	mu  sync.Mutex
	set []string
}

func (s *studySet) add(study string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.set, study) {
		s.set = append(s.set, study)
	}
}

func (s *server) roundTrip(r *http.Request) (*http.Response, error) {
	for name, values := range s.header {
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
	return s.client.Do(r)
}

// Run tries the server. Its error is that the server cannot be reached at all, or that ctx ended; faults are in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	s, err := newServer(o)
	if err != nil {
		return nil, err
	}
	report := &Report{Server: s.base, Started: time.Now().UTC(), ReadOnly: o.ReadOnly, Services: map[Service]string{}}
	x := &T{ctx: ctx, server: s, data: &fixture{run: newRun()}}
	if err := x.reach(); err != nil {
		return nil, err
	}
	selected := selection(o.Only)
	report.discover(x, selected)
	report.prepare(x, o)
	for i, c := range selected {
		if ctx.Err() != nil {
			break
		}
		r := report.try(x, c, o.ReadOnly)
		report.Cases = append(report.Cases, r)
		if o.Progress != nil {
			o.Progress(i+1, len(selected), r)
		}
	}
	report.cleanUp(x)
	report.Seconds = time.Since(report.Started).Seconds()
	return report, ctx.Err()
}

func newServer(o Options) (*server, error) {
	base := strings.TrimRight(o.BaseURL, "/")
	if !strings.HasPrefix(base, "http://") && !strings.HasPrefix(base, "https://") {
		return nil, fmt.Errorf("%q is no DICOMweb base URL like http://127.0.0.1:8080/dicom-web", o.BaseURL)
	}
	client := o.Client
	if client == nil {
		timeout := o.Timeout
		if timeout == 0 {
			timeout = 30 * time.Second
		}
		client = &http.Client{
			Timeout:       timeout,
			Transport:     &http.Transport{DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &server{base: base, uri: o.URIService, header: o.Header, client: client}, nil
}

// selection returns the cases to run.
func selection(only []string) []Case {
	all := Cases()
	if len(only) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(c Case) bool {
		return !slices.ContainsFunc(only, func(o string) bool { return c.ID == o || strings.HasPrefix(c.ID, o) })
	})
}

// attempt runs f as a case would; it reports the result.
func (t *T) attempt(f func(*T)) (r Result) {
	x := &T{ctx: t.ctx, server: t.server, data: t.data}
	defer func() {
		if e := recover(); e != nil && e != (stop{}) {
			panic(e)
		}
		r = x.result
	}()
	x.result.Status = Pass
	f(x)
	return x.result
}

// reach fails when nobody answers.
func (t *T) reach() error {
	r := t.attempt(func(t *T) { t.get("/studies?limit=1", "Accept: application/dicom+json") })
	if r.Status != Pass {
		return errors.New(t.server.base + ": " + r.Got)
	}
	return nil
}

// try runs one case.
func (report *Report) try(x *T, c Case, readOnly bool) Result {
	var r Result
	switch reason := report.Services[c.Service]; {
	case reason != "" && reason != "yes":
		r = Result{Status: Unsupported, Reason: reason}
	case c.Writes && readOnly:
		r = Result{Status: Skipped, Reason: "stores or changes something, and the run is read-only"}
	default:
		r = x.attempt(c.run)
	}
	r.ID, r.Service, r.Clause, r.Level, r.Gist = c.ID, c.Service, c.Clause, c.Level, c.Gist
	return r
}

// probes are requests that tell whether a service is there.
var probes = []struct {
	service Service
	target  string
}{
	{Worklist, "/workitems?limit=1"},
	{Procedures, "/modality-scheduled-procedure-steps?limit=1"},
	{Commitment, "/commitment-requests/2.25.1"},
	{NonPatient, "/hanging-protocols?limit=1"},
}

// discover finds out which services there are, among those that the cases are about.
func (report *Report) discover(x *T, selected []Case) {
	for _, s := range Services {
		report.Services[s] = "yes"
	}
	for _, p := range probes {
		if !slices.ContainsFunc(selected, func(c Case) bool { return c.Service == p.service }) {
			report.Services[p.service] = "not asked for"
			continue
		}
		var code int
		var problem bool
		x.attempt(func(t *T) {
			a := t.get(p.target, "Accept: application/dicom+json")
			code, problem = a.code, strings.Contains(a.header.Get("Content-Type"), "json")
		})
		// A commitment request that nobody made is 404 as well; so is a resource that is not there. Only the latter takes no POST.
		if p.service == Commitment && code == http.StatusNotFound {
			x.attempt(func(t *T) {
				code = t.send(http.MethodPost, p.target, []byte("{"), "Content-Type: application/dicom+json").code
			})
			problem = false
		}
		if slices.Contains([]int{0, 404, 405, 501}, code) || code == 500 && !problem {
			report.Services[p.service] = fmt.Sprintf("%s answers %d", strings.SplitN(p.target, "?", 2)[0], code)
		}
	}
	report.findURIService(x)
}

// findURIService looks for WADO-URI at the usual places.
func (report *Report) findURIService(x *T) {
	if x.server.uri != "" {
		return
	}
	root := x.server.base[:strings.LastIndex(x.server.base, "/")]
	for _, candidate := range []string{root + "/wado", x.server.base + "/wado", x.server.base, root + "/wado-uri"} {
		var code int
		x.attempt(func(t *T) {
			code = t.get(candidate+"?requestType=WADO&studyUID=2.25.1&seriesUID=2.25.1", "Accept: */*").code
		})
		if code == http.StatusBadRequest {
			x.server.uri = candidate
			return
		}
	}
	report.Services[URI] = "no WADO-URI service at /wado beside the base; give its address"
}

// prepare stores the suite's studies, or looks for one that is there.
func (report *Report) prepare(x *T, o Options) {
	if !o.ReadOnly {
		if err := x.data.build(); err != nil {
			report.Notes = append(report.Notes, "the suite cannot make its data: "+err.Error())
			return
		}
		r := x.attempt(func(t *T) {
			var parts []part
			for _, in := range x.data.all() {
				parts = append(parts, dicomPart(in.file))
				t.server.created.add(in.study)
			}
			body, contentType := form("application/dicom", parts...)
			t.send(http.MethodPost, "/studies", body, "Content-Type: "+contentType, "Accept: application/dicom+json").status(200, 202)
		})
		if x.data.own = r.Status == Pass; x.data.own {
			return
		}
		report.Notes = append(report.Notes, "the suite's studies could not be stored: "+r.Got)
		x.data.ct = [3]*instance{}
	}
	x.data.ct[0] = x.existing(o.Studies)
	if x.data.ct[0] == nil {
		report.Notes = append(report.Notes, "no study to retrieve was found; most cases are skipped")
	}
}

// existing finds an image that is there already: among all instances, or, where the server does not search those, in one of a few studies.
func (t *T) existing(studies []string) (found *instance) {
	if len(studies) > 0 {
		return t.existingBelow("/studies/"+studies[0], studies[0])
	}
	if found = t.existingBelow("", ""); found != nil {
		return found
	}
	t.attempt(func(t *T) {
		for _, o := range t.get("/studies?limit=5", acceptJSON).status(200).objects() {
			if uid := o.text("0020000D"); found == nil && uid != "" {
				found = t.existingBelow("/studies/"+uid, uid)
			}
		}
	})
	return found
}

// existingBelow finds one by a search of instances, in a study if it is named.
func (t *T) existingBelow(path, study string) *instance {
	var found *instance
	t.attempt(func(t *T) {
		for _, o := range t.get(path+"/instances?limit=20", acceptJSON).status(200).objects() {
			in := &instance{study: o.text("0020000D"), series: o.text("0020000E"), uid: o.text("00080018"), class: o.text("00080016")}
			if in.study == "" {
				in.study = study
			}
			if found == nil || o.has("00280010") && found.rows == 0 {
				fmt.Sscan(o.text("00280010"), &in.rows)
				fmt.Sscan(o.text("00280011"), &in.columns)
				found = in
			}
		}
	})
	return found
}

// cleanUp deletes what the suite stored, where the server can.
func (report *Report) cleanUp(x *T) {
	var left []string
	for _, study := range x.server.created.set {
		r := x.attempt(func(t *T) { t.send(http.MethodDelete, "/studies/"+study, nil).status(200, 202, 204, 404, 410) })
		if r.Status != Pass {
			left = append(left, study)
		}
	}
	for _, path := range x.server.others.set {
		if r := x.attempt(func(t *T) { t.send(http.MethodDelete, path, nil).status(200, 202, 204, 404, 410) }); r.Status != Pass {
			report.Notes = append(report.Notes, path+" stays on the server, which deletes none")
		}
	}
	if len(left) > 0 {
		report.Notes = append(report.Notes, fmt.Sprintf("%d studies of the suite stay on the server, which deletes none: patients CF-%s-*",
			len(left), x.data.run))
	}
}
