//go:build linux

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// TestAgree holds the comparison with feed and worklist against servers that forget, repeat and invent.
func TestAgree(t *testing.T) {
	here := &promise{ref: dicom.Ref{Study: "1", Series: "1.1", Instance: "1.1.1"}, acked: true}
	gone := &promise{ref: dicom.Ref{Study: "2", Series: "2.1", Instance: "2.1.1"}}
	for name, c := range map[string]struct {
		feed  []string // instances, in pages of one
		items map[string]int
		half  int
	}{
		"as it should be":             {[]string{"1.1.1"}, map[string]int{"1": 1}, 0},
		"not in the feed":             {[]string{"9.9.9"}, map[string]int{"1": 1}, 1},
		"twice in the feed":           {[]string{"1.1.1", "9.9.9", "1.1.1"}, map[string]int{"1": 1}, 1},
		"in the feed, but not there":  {[]string{"1.1.1", "2.1.1"}, map[string]int{"1": 1}, 1},
		"without a workitem":          {[]string{"1.1.1"}, nil, 1},
		"with two workitems":          {[]string{"1.1.1"}, map[string]int{"1": 2}, 1},
		"two workitems for what gone": {[]string{"1.1.1"}, map[string]int{"1": 1, "2": 2}, 1},
	} {
		fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/changes") {
				var at int
				fmt.Sscan(r.URL.Query().Get("after"), &at) //nolint:errcheck // none is the first
				fmt.Fprintf(w, `{"changes":[{"kind":"stored","sopInstanceUID":%q}],"next":"%d","more":%v}`, c.feed[at], at+1, at+1 < len(c.feed))
				return
			}
			n := c.items[r.URL.Query().Get("StudyInstanceUID")]
			if n == 0 {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			fmt.Fprintf(w, "[%s]", strings.Join(strings.Split(strings.Repeat("{}", n), "}{"), "},{"))
		}))
		l := &lab{res: &result{}}
		l.agree(&server{url: fake.URL, http: fake.Client()}, map[*promise]bool{here: true, gone: false})
		if l.res.Half != c.half || len(l.res.Problems) != c.half {
			t.Errorf("%s: %d half, %q; want %d", name, l.res.Half, l.res.Problems, c.half)
		}
		fake.Close()
	}
}
