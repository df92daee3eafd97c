//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/web"
)

// elsewhere serves OHIF from an origin of its own, configured for the server as somebody would who has OHIF already.
func elsewhere(t *testing.T, s *server) string {
	t.Helper()
	viewer := web.Viewer(viewerFolder(t), nil)
	ours := httptest.NewRecorder()
	viewer.ServeHTTP(ours, httptest.NewRequest(http.MethodGet, "/viewer/app-config.js", nil))
	config := fmt.Sprintf("%[1]s\nObject.assign(window.config.dataSources[0].configuration, "+
		"{ qidoRoot: '%[2]s/dicom-web', wadoRoot: '%[2]s/dicom-web', wadoUriRoot: '%[2]s/wado' });\n", ours.Body, s.url)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/viewer/app-config.js" {
			viewer.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/javascript")
		io.WriteString(w, config)
	}))
	t.Cleanup(front.Close)
	return front.URL
}

// A viewer that is served from elsewhere attaches: every answer lets other origins read it, and frames need no preflight.
func TestViewerFromElsewhere(t *testing.T) {
	s := startDemo(t)
	root := elsewhere(t, s)
	b := open(t, root, s.url)
	b.visit(viewerAddress(root, demoSet()[0]))
	tryCT(ohif{b})
	b.mu.Lock()
	defer b.mu.Unlock()
	attached := 0
	for _, r := range b.requests {
		if !strings.HasPrefix(r, "GET "+s.url) && strings.Contains(r, "/frames/") {
			t.Errorf("a preflight for a frame: %s", r)
		}
		if strings.HasPrefix(r, "GET "+s.url+"/dicom-web/") {
			attached++
		}
	}
	if attached < 24 {
		t.Errorf("only %d requests to the server", attached)
	}
}

// What the server refuses, a page of another origin has to be able to read, too.
func TestErrorsReachOtherOrigins(t *testing.T) {
	s := start(t)
	root := elsewhere(t, s)
	b := open(t, root, s.url)
	b.allow(`40[04]`, "the requests are made to fail")
	b.visit(root + "/viewer/LICENSE")
	for path, status := range map[string]int{
		"/dicom-web/studies/1.2.3/metadata": 404,
		"/dicom-web/studies?limit=none":     400,
		"/dicom-web/nothing":                404,
	} {
		var got int
		b.eval(fmt.Sprintf(`fetch(%q).then(answer => answer.text().then(() => answer.status), () => 0)`, s.url+path), &got)
		if got != status {
			t.Errorf("%s: a page of another origin sees status %d, want %d", path, got, status)
		}
	}
}
