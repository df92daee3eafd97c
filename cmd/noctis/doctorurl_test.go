package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// TestDoctorFromOutside: Noctis lets no client down, and nothing is changed on a server that is only looked at; a server that refuses
// quoted media types is told what OHIF makes of it.
func TestDoctorFromOutside(t *testing.T) {
	handler := conformanceHandler(t)
	refuse := false
	var methods []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		methods = append(methods, r.Method)
		if refuse && strings.Contains(r.Header.Get("Accept"), `type="application/octet-stream"`) {
			http.Error(w, "no such type", http.StatusNotAcceptable)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	var out bytes.Buffer
	if code := run(t.Context(), []string{"demo", "--server", server.URL + "/dicom-web"}, &out, &out); code != 0 {
		t.Fatalf("demo: %s", &out)
	}
	doctor := func(args ...string) (outsideReport, int) {
		methods = nil
		var out, errs bytes.Buffer
		code := run(t.Context(), append([]string{"doctor", "--url", server.URL + "/dicom-web/", "--json"}, args...), &out, &errs)
		var r outsideReport
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatalf("exit code %d: %v\n%s%s", code, err, &out, &errs)
		}
		return r, code
	}
	r, code := doctor()
	if code != 0 || !r.Healthy || r.Passed < 40 || len(r.Complaints) > 0 {
		t.Errorf("exit code %d, %+v", code, r)
	}
	for _, m := range methods {
		if !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, m) {
			t.Errorf("%s was sent to a server that is only looked at", m)
		}
	}
	if r, code := doctor("--write"); code != 0 || r.Skipped > 0 || !slices.Contains(methods, "POST") {
		t.Errorf("with --write: exit code %d, %+v", code, r)
	}

	refuse = true
	r, code = doctor()
	i := slices.IndexFunc(r.Complaints, func(c complaint) bool { return c.Case == "clients.ohif.frames" })
	if code != 1 || r.Healthy || i < 0 {
		t.Fatalf("exit code %d, %+v", code, r)
	}
	c := r.Complaints[i]
	if !strings.HasPrefix(c.Clause, "PS3.18 ") || !strings.Contains(c.Clients, "OHIF") || !strings.Contains(c.Remedy, "omitQuotation") ||
		!strings.Contains(c.Got, "406") || !strings.Contains(c.Sent, "/frames/1") {
		t.Errorf("%+v", c)
	}
	out.Reset()
	if code := run(t.Context(), []string{"doctor", "--url", server.URL + "/dicom-web"}, &out, &out); code != 1 ||
		!strings.Contains(out.String(), "what helps: omitQuotation") || !strings.Contains(out.String(), "let clients down") {
		t.Errorf("exit code %d:\n%s", code, &out)
	}
	if code := run(t.Context(), []string{"doctor", "--url", "pacs.example"}, &out, &out); code != 1 {
		t.Errorf("an address that is none: exit code %d", code)
	}
}

// TestDoctorAtWrongAddress: where the address or the login is wrong this is said, with what helps, and nothing else.
func TestDoctorAtWrongAddress(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/dicom-web/", conformanceHandler(t))
	mux.HandleFunc("/locked/", func(w http.ResponseWriter, r *http.Request) {
		if w.Header().Set("WWW-Authenticate", `Bearer realm="x"`); r.Header.Get("Authorization") == "Bearer weak" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	})
	mux.Handle("/moved/", http.RedirectHandler("/login?next=/moved", http.StatusFound))
	mux.HandleFunc("/another/", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "since is missing", http.StatusBadRequest) })
	mux.HandleFunc("/page/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, c := range []struct{ path, token, says, helps string }{
		{"/locked", "", "none was sent", "--token"},
		{"/locked", "wrong", "the login is refused", "has not ended"},
		{"/locked", "weak", "may not read", "right to read"},
		{"/moved/", "", "sent elsewhere", "/login?next=/moved"},
		{"/page", "", "a page for people answers", server.URL + "/dicom-web"},
		{"/another", "", "the address is wrong", server.URL + "/dicom-web"},
		{"/nothing/here", "", "the address is wrong", server.URL + "/dicom-web"},
	} {
		var out, errs bytes.Buffer
		args := []string{"doctor", "--url", server.URL + c.path}
		if c.token != "" {
			args = append(args, "--token", c.token)
		}
		code := run(t.Context(), args, &out, &errs)
		if said := out.String(); code != 1 || !strings.Contains(said, c.says) || !strings.Contains(said, c.helps) || strings.Count(said, "clause:") != 1 {
			t.Errorf("%s %s: exit code %d\n%s%s", c.path, c.token, code, said, errs.Bytes())
		}
	}
	for base, says := range map[string]string{strings.Replace(server.URL, "http:", "https:", 1): "speaks no TLS", "http://127.0.0.1:1": "nobody answers"} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"doctor", "--url", base}, &out, &errs); code != 1 || !strings.Contains(errs.String(), says) {
			t.Errorf("%s: exit code %d\n%s%s", base, code, out.Bytes(), errs.Bytes())
		}
	}
}
