//go:build linux

package main

import (
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestVerify holds the checker against servers that lose, change and half keep an instance: a checker that sees nothing would call
// every fault survived.
func TestVerify(t *testing.T) {
	in := newSample("verify", "", "", 1, 4)
	path := "/dicom-web" + in.ref.Path()
	whole := map[string]string{
		path: string(in.bytes), path + "/metadata": string(in.ref.Instance), path + "/frames/1": "pixels",
		"/dicom-web/instances": string(in.ref.Instance), "/dicom-web/studies/" + string(in.ref.Study) + "/instances": string(in.ref.Instance),
	}
	for name, c := range map[string]struct {
		change     func(map[string]string)
		acked      bool
		lost, half bool
	}{
		"whole, acknowledged":        {func(map[string]string) {}, true, false, false},
		"whole, not acknowledged":    {func(map[string]string) {}, false, false, false},
		"gone, acknowledged":         {func(m map[string]string) { clear(m) }, true, true, false},
		"gone, not acknowledged":     {func(m map[string]string) { clear(m) }, false, false, false},
		"other bytes, acknowledged":  {func(m map[string]string) { m[path] = "other" }, true, true, false},
		"other bytes":                {func(m map[string]string) { m[path] = "other" }, false, false, true},
		"no metadata":                {func(m map[string]string) { delete(m, path+"/metadata") }, true, false, true},
		"no frames":                  {func(m map[string]string) { delete(m, path+"/frames/1") }, false, false, true},
		"not found by search":        {func(m map[string]string) { m["/dicom-web/instances"] = "[]" }, false, false, true},
		"found by search, but gone":  {func(m map[string]string) { delete(m, path) }, false, false, true},
		"server error, acknowledged": {func(m map[string]string) { m[path] = "500" }, true, true, false},
	} {
		answers := map[string]string{}
		for k, v := range whole {
			answers[k] = v
		}
		c.change(answers)
		fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, ok := answers[r.URL.Path]
			switch {
			case body == "500":
				w.WriteHeader(http.StatusInternalServerError)
			case ok:
				w.Write([]byte(body)) //nolint:errcheck // a test's server
			case strings.HasSuffix(r.URL.Path, "/instances"):
				w.Write([]byte("[]")) //nolint:errcheck // as above
			default:
				w.WriteHeader(http.StatusNotFound)
			}
		}))
		s := &server{url: fake.URL, http: fake.Client()}
		_, lost, half := s.verify(&promise{ref: in.ref, sum: sha256.Sum256(in.bytes), acked: c.acked})
		if (lost != "") != c.lost || (half != "") != c.half {
			t.Errorf("%s: lost %q, half %q; want %v, %v", name, lost, half, c.lost, c.half)
		}
		fake.Close()
	}
}
