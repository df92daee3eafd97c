package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// TestDoctorOfBrokenServers puts a proxy before a good server that spoils every answer in one way: doctor lets none of them pass, and says why with a
// clause, or that nobody answers.
func TestDoctorOfBrokenServers(t *testing.T) {
	handler := conformanceHandler(t)
	good := httptest.NewServer(handler)
	defer good.Close()
	var out bytes.Buffer
	if code := run(t.Context(), []string{"demo", "--server", good.URL + "/dicom-web"}, &out, &out); code != 0 {
		t.Fatalf("demo: %s", &out)
	}
	boundary := regexp.MustCompile(`;\s*boundary="?([^";]+)"?`)
	spoil := map[string]func(answer *httptest.ResponseRecorder) (status int, body []byte){
		"another type": func(a *httptest.ResponseRecorder) (int, []byte) {
			a.Header().Set("Content-Type", "text/plain")
			return a.Code, a.Body.Bytes()
		},
		"no boundary": func(a *httptest.ResponseRecorder) (int, []byte) {
			a.Header().Set("Content-Type", boundary.ReplaceAllString(a.Header().Get("Content-Type"), ""))
			return a.Code, a.Body.Bytes()
		},
		"no closing boundary": func(a *httptest.ResponseRecorder) (int, []byte) {
			if m := boundary.FindStringSubmatch(a.Header().Get("Content-Type")); m != nil {
				return a.Code, bytes.ReplaceAll(a.Body.Bytes(), []byte("--"+m[1]+"--"), nil)
			}
			return a.Code, a.Body.Bytes()
		},
		"half":    func(a *httptest.ResponseRecorder) (int, []byte) { return a.Code, a.Body.Bytes()[:a.Body.Len()/2] },
		"nothing": func(a *httptest.ResponseRecorder) (int, []byte) { return a.Code, nil },
		"no JSON": func(a *httptest.ResponseRecorder) (int, []byte) {
			return a.Code, bytes.ReplaceAll(a.Body.Bytes(), []byte(`"vr"`), []byte(`"VR"`))
		},
		"an error": func(*httptest.ResponseRecorder) (int, []byte) { return http.StatusInternalServerError, []byte("oops") },
		"a login": func(a *httptest.ResponseRecorder) (int, []byte) {
			a.Header().Set("Content-Type", "text/html")
			return 200, []byte("<form>")
		},
		"a redirect": func(a *httptest.ResponseRecorder) (int, []byte) {
			a.Header().Set("Location", "http://127.0.0.1:1/login")
			return 302, nil
		},
		"its inner address": func(a *httptest.ResponseRecorder) (int, []byte) {
			return a.Code, regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).ReplaceAll(a.Body.Bytes(), []byte("http://127.0.0.1:1/"))
		},
	}
	for name, change := range spoil {
		t.Run(name, func(t *testing.T) {
			bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Header.Del("Accept-Encoding")
				a := httptest.NewRecorder()
				handler.ServeHTTP(a, r)
				status, body := change(a)
				for name, values := range a.Header() {
					if name != "Content-Length" {
						w.Header()[name] = values
					}
				}
				w.WriteHeader(status)
				w.Write(body) //nolint:errcheck // the client looks at it
			}))
			defer bad.Close()
			var out, errs bytes.Buffer
			code := run(t.Context(), []string{"doctor", "--url", bad.URL + "/dicom-web", "--json"}, &out, &errs)
			var r outsideReport
			if err := json.Unmarshal(out.Bytes(), &r); err != nil || code != 1 || r.Healthy {
				t.Fatalf("exit code %d, healthy %t, %v %s", code, r.Healthy, err, errs.Bytes())
			}
			complaints := 0
			for _, c := range r.Complaints {
				if c.Case != "retrieve.metadata.gzip" && strings.HasPrefix(c.Clause, "PS3.18 ") && c.Remedy != "" && c.Got != "" && c.Want != "" {
					complaints++
				}
			}
			if complaints == 0 {
				t.Errorf("it says nothing of it: %+v", r.Complaints)
			}
		})
	}
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotFound) }))
	defer empty.Close()
	if code := run(t.Context(), []string{"doctor", "--url", empty.URL}, &out, &out); code != 1 {
		t.Errorf("of a server that has nothing: exit code %d", code)
	}
}
